use serde_json::json;

use super::*;

fn kept(work: &Work, state: nasiko_store::JobState) -> nasiko_store::Job {
    let new = new_job(work, None).unwrap();
    nasiko_store::Job {
        id: new.id,
        kind: new.kind,
        key: new.key,
        subject: new.subject,
        payload: new.payload,
        state,
        attempts: 1,
        failures: 0,
        interruptions: 0,
        max_attempts: 3,
        not_before_ms: 0,
        created_ms: 1,
        started_ms: Some(2),
        ended_ms: None,
        worker: None,
        lease_until_ms: None,
        cancel_requested: true,
        fraction: 0.5,
        step: "Starting".to_owned(),
        result: None,
        fault: None,
    }
}

fn deploy(name: Option<&str>) -> Work {
    Work::Deploy {
        source: Source::Folder {
            path: "/agents/greeter".into(),
        },
        name: name.map(Into::into),
        runtime: None,
        force: false,
        replace: false,
        watch: None,
        order: None,
    }
}

#[test]
fn a_job_shows_whose_it_is_as_soon_as_that_is_known() {
    let running = nasiko_store::JobState::Running;
    let unnamed = shown(kept(&deploy(None), running));
    assert_eq!(unnamed.agent, AgentName::default());
    assert_eq!(unnamed.source, "/agents/greeter");
    assert_eq!(unnamed.kind, JobKind::Deploy);
    assert_eq!(
        shown(kept(&deploy(Some("hello")), running)).agent,
        "hello".into()
    );

    let mut ended = kept(&deploy(None), nasiko_store::JobState::Succeeded);
    ended.result = Some(json!({ "agent": "greeter" }));
    assert_eq!(shown(ended).agent, "greeter".into());
}

#[test]
fn a_job_that_ended_is_at_nothing() {
    let stop = Work::Stop {
        agent: "greeter".into(),
    };
    let running = shown(kept(&stop, nasiko_store::JobState::Running));
    assert_eq!(
        (running.step.as_str(), running.cancelling),
        ("Starting", true)
    );
    let ended = shown(kept(&stop, nasiko_store::JobState::Cancelled));
    assert_eq!((ended.step.as_str(), ended.cancelling), ("", false));
}

#[test]
fn a_payload_that_is_not_understood_is_still_a_job() {
    let mut strange = kept(&deploy(None), nasiko_store::JobState::Failed);
    strange.payload = json!({ "do": "something new" });
    let job = shown(strange);
    assert_eq!((job.state, job.source.as_str()), (JobState::Failed, ""));
}

#[test]
fn what_a_person_asks_for_waits_for_no_start_of_our_own() {
    let agent: AgentName = "greeter".into();
    let own = Work::Start {
        agent: agent.clone(),
        after: Some("d1".to_owned().into()),
    };
    let asked = Work::Start {
        agent: agent.clone(),
        after: None,
    };
    let stop = Work::Stop { agent };
    assert_ne!(own.subject(), stop.subject());
    assert_eq!(asked.subject(), stop.subject());
    let earlier: Work =
        serde_json::from_value(json!({ "do": "start", "agent": "greeter" })).unwrap();
    assert_eq!(
        earlier.subject(),
        asked.subject(),
        "a job of an earlier version"
    );
}
