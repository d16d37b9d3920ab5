use std::ffi::OsString;

use nasiko_contract::{
    AgentName, DeploySample, ErrorCode, JobState, ListSamples, RuntimeKind, StopAgent,
};
use tempfile::TempDir;

use crate::{
    ControlPlane,
    api::{self, Caller},
    tests::{config, end_of, open},
};

#[tokio::test]
async fn a_sample_runs_and_keeps_what_a_person_wrote() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let owner = Caller::owner();
    let samples = api::call(&plane, &owner, ListSamples {})
        .await
        .unwrap()
        .items;
    let sample = &samples[0];
    assert_eq!(
        (sample.name.as_str(), sample.runtime),
        ("greeter", Some(RuntimeKind::Process))
    );
    let wanted = DeploySample {
        sample: sample.name.clone(),
    };
    let readme = home.path().join("samples/greeter/README.md");
    fs_err::create_dir_all(readme.parent().unwrap()).unwrap();
    fs_err::write(&readme, "mine").unwrap();

    let job = api::call(&plane, &owner, wanted).await.unwrap();
    let ended = end_of(&plane.shared, &job).await;
    assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.fault);
    assert_eq!(fs_err::read_to_string(&readme).unwrap(), "mine");
    let agent = AgentName::from("greeter");
    assert!(plane.shared.agent(&agent).await.unwrap().value.watched);

    let job = api::call(&plane, &owner, StopAgent { agent })
        .await
        .unwrap();
    end_of(&plane.shared, &job).await;
    plane.close().await;
}

#[tokio::test]
async fn without_its_language_a_sample_says_what_to_do() {
    let home = TempDir::new().unwrap();
    let mut config = config(home.path(), "unix:///no-engine-here.sock", "nasiko-test");
    for (name, value) in &mut config.environment {
        if name == "PATH" {
            *value = OsString::from("/nowhere");
        }
    }
    let plane = ControlPlane::open(config).await.unwrap();
    let owner = Caller::owner();
    for sample in api::call(&plane, &owner, ListSamples {})
        .await
        .unwrap()
        .items
    {
        assert_eq!(sample.runtime, None);
        assert!(sample.hint.unwrap().contains("Install"));
        let wanted = DeploySample {
            sample: sample.name,
        };
        let refused = api::call(&plane, &owner, wanted).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::ToolMissing);
    }
    let unknown = DeploySample {
        sample: "nothing".to_owned(),
    };
    let refused = api::call(&plane, &owner, unknown).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound);
    assert!(
        !home.path().join("samples").try_exists().unwrap(),
        "nothing was written"
    );
    plane.close().await;
}
