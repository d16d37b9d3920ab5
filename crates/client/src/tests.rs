use nasiko_contract::{DeployDirectory, DeployOptions, GetAgent, ListJobs, SetSecret};
use serde_json::json;

use crate::call::Call;

#[test]
fn path_fields_are_escaped_and_leave_the_body() {
    let call = Call::new(&SetSecret {
        agent: "a/b c".into(),
        name: "KEY".into(),
        value: "v".into(),
    })
    .unwrap();
    assert_eq!(call.target, "/api/v1/agents/a%2Fb%20c/secrets/KEY");
    assert_eq!(call.body, Some(json!({"value": "v"})));
}

#[test]
fn fields_of_a_read_go_into_the_query_and_absent_ones_nowhere() {
    let call = Call::new(&ListJobs {
        agent: Some("a&b".into()),
        limit: Some(5),
        ..ListJobs::default()
    })
    .unwrap();
    assert_eq!(call.target, "/api/v1/jobs?agent=a%26b&limit=5");
    assert_eq!(call.body, None);
}

#[test]
fn a_path_field_cannot_climb() {
    for name in ["", ".", ".."] {
        assert!(
            Call::new(&GetAgent { agent: name.into() }).is_err(),
            "`{name}` must be refused"
        );
    }
}

#[test]
fn deploys_are_spelled_as_scripts_spell_them() {
    let options = DeployOptions {
        agent_name: Some("x".into()),
        ..DeployOptions::default()
    };
    let call = Call::new(&DeployDirectory {
        directory_path: "/a".into(),
        options,
    })
    .unwrap();
    assert_eq!(
        call.body,
        Some(json!({"directory_path": "/a", "agent_name": "x"}))
    );
}

#[test]
fn a_resident_makes_way_for_a_newer_version_only() {
    let endpoint = |version: &str| crate::resident::Endpoint {
        pid: 1,
        api: String::new(),
        token: String::new(),
        version: version.to_owned(),
    };
    for older in ["0.0.1", "0.0.1-rc.1"] {
        assert!(endpoint(older).is_older(), "{older}");
    }
    for other in [env!("CARGO_PKG_VERSION"), "99.0.0", "", "newest"] {
        assert!(!endpoint(other).is_older(), "{other}");
    }
}
