use std::collections::BTreeSet;

use nasiko_contract::{PatchSettings, RuntimeKind, Settings};

use super::*;

fn every_value() -> Settings {
    Settings {
        kong_admin_url: Some("http://127.0.0.1:8001".to_owned()),
        otlp_forward_url: Some("http://127.0.0.1:14318".to_owned()),
        quiet_hours: Some("22:00-07:00".to_owned()),
        ..Settings::default()
    }
}

#[test]
fn every_setting_of_the_contract_has_words_and_can_be_changed() {
    let known: BTreeSet<String> = ALL.iter().map(|spec| spec.key.to_owned()).collect();
    let of_contract: BTreeSet<String> = fields(&every_value())
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(known, of_contract);
    for spec in ALL {
        let typed = spec.shown(&every_value());
        let patch = spec.patch(&typed).unwrap();
        assert_eq!(fields(&patch).len(), 1, "{}", spec.key);
        assert!(!spec.words(&typed).is_empty());
    }
}

#[test]
fn what_is_no_number_is_told_before_anybody_is_asked() {
    for typed in ["", "ten", "-1", "1.5", "99999999999"] {
        assert_eq!(
            RETENTION.patch(typed),
            Err("Type a whole number"),
            "{typed}"
        );
    }
    assert_eq!(
        RETENTION.patch(" 30 ").unwrap().trace_retention_days,
        Some(30)
    );
}

#[test]
fn a_value_is_said_as_people_say_it() {
    let check = |spec: &Spec, shown: &str, words: &str| assert_eq!(spec.words(shown), words);
    check(&START_TIMEOUT, "60", "60 s");
    check(&RETENTION, "14", "14 days");
    check(&NOTIFICATIONS, "false", "off");
    check(&FORWARDING, "", "none");
    check(&DEFAULT_RUNTIME, "docker", "Docker");
}

#[test]
fn an_undo_brings_back_what_was_there_and_nothing_else() {
    let before = every_value();
    let patch = PatchSettings {
        trace_retention_days: Some(30),
        default_runtime: Some(RuntimeKind::Docker),
        ..PatchSettings::default()
    };
    let back = PatchSettings {
        trace_retention_days: Some(before.trace_retention_days),
        default_runtime: Some(before.default_runtime),
        ..PatchSettings::default()
    };
    assert_eq!(undo(&before, &patch), back);
    // What was not there is taken away.
    let patch = FORWARDING.patch("http://127.0.0.1:1").unwrap();
    let back = undo(&Settings::default(), &patch);
    assert_eq!(back.otlp_forward_url.as_deref(), Some(""));
}

#[test]
fn what_another_client_changes_is_told_from_what_this_one_does() {
    let before = every_value();
    let after = Settings {
        parallel_jobs: 8,
        quiet_hours: None,
        ..before.clone()
    };
    let keys = |own: &Own, after: &Settings| -> Vec<&str> {
        own.others(&before, after)
            .iter()
            .map(|spec| spec.key)
            .collect()
    };
    let mut own = Own::default();
    assert_eq!(keys(&own, &after), ["quietHours", "parallelJobs"]);
    assert!(keys(&own, &before).is_empty());
    let patch = PARALLEL_JOBS.patch("8").unwrap();
    own.begin(&patch);
    assert_eq!(
        keys(&own, &after),
        ["quietHours"],
        "its event came before its answer"
    );
    own.end(&patch, Some(&after));
    assert_eq!(keys(&own, &after), ["quietHours"]);
    let later = Settings {
        parallel_jobs: 2,
        ..after.clone()
    };
    assert_eq!(
        keys(&own, &later),
        ["quietHours", "parallelJobs"],
        "somebody changed it after us"
    );
    own.begin(&patch);
    own.end(&patch, None);
    assert_eq!(
        keys(&own, &after),
        ["quietHours", "parallelJobs"],
        "it was refused"
    );
}
