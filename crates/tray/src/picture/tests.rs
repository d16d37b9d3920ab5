use nasiko_contract::{Fault, NoticeKind};
use serde_json::{Value, json};

use super::*;

/// A control plane that answers, and has these agents.
pub(crate) fn with_agents(agents: &[(&str, AgentState)]) -> Picture {
    let mut picture = Picture {
        link: Link::Live,
        ..Picture::default()
    };
    for (name, state) in agents {
        picture
            .agents
            .insert(AgentName::from(*name), agent(name, *state));
    }
    picture
}

pub(crate) fn agent(name: &str, state: AgentState) -> Agent {
    Agent {
        state,
        activity: String::new(),
        url: format!("http://127.0.0.1:9100/{name}"),
        error: None,
    }
}

pub(crate) fn stack(services: &[(&str, ServiceState, ServiceHealth)]) -> Stack {
    let services = services.iter().map(|(name, state, health)| StackService {
        service: (*name).to_owned(),
        state: *state,
        health: *health,
        ..StackService::default()
    });
    Stack {
        on: true,
        services: services.collect(),
        ..Stack::default()
    }
}

pub(crate) fn job(kind: JobKind, state: JobState, progress: f64) -> Job {
    serde_json::from_value(json!({
        "id": "j-1", "kind": kind, "agent": "weather", "state": state, "progress": progress, "attempt": 1, "created": 0
    }))
    .unwrap()
}

fn event(topic: &str, subject: &str, data: Value) -> Event {
    Event {
        seq: 1,
        at: 0,
        topic: topic.to_owned(),
        subject: subject.to_owned(),
        data,
    }
}

#[test]
fn the_state_at_a_glance_is_the_worst_there_is() {
    use AgentState::{Active, Failed, SettingUp, Stopped};
    use ServiceHealth::{Healthy, Starting, Unhealthy};
    let running = |health| Some(stack(&[("redis", ServiceState::Running, health)]));
    for (agents, stack, standing, words) in [
        (vec![], None, Standing::Stopped, "Stopped: nothing runs"),
        (
            vec![("a", Stopped)],
            None,
            Standing::Stopped,
            "Stopped: nothing runs",
        ),
        (
            vec![("a", Active)],
            None,
            Standing::Healthy,
            "Healthy: 1 agent answers",
        ),
        (
            vec![("a", Active), ("b", Stopped)],
            None,
            Standing::Healthy,
            "Healthy: 1 agent answers",
        ),
        (
            vec![("a", Active), ("b", SettingUp)],
            None,
            Standing::Starting,
            "Starting: 1 agent answers",
        ),
        (
            vec![],
            running(Starting),
            Standing::Starting,
            "Starting: no agent answers",
        ),
        (
            vec![],
            running(Healthy),
            Standing::Healthy,
            "Healthy: no agent answers",
        ),
        (
            vec![("a", Active)],
            running(Unhealthy),
            Standing::Degraded,
            "Degraded: redis not well",
        ),
        (
            vec![("a", Active), ("b", Failed)],
            running(Unhealthy),
            Standing::Failing,
            "Failing: 1 agent failed, 1 agent answers",
        ),
    ] {
        let mut picture = with_agents(&agents);
        if let Some(stack) = stack {
            picture.put_stack(stack);
        }
        assert_eq!(picture.standing(), standing, "{agents:?}");
        assert_eq!(picture.words(), words);
    }
}

#[test]
fn a_control_plane_that_does_not_answer_says_why() {
    let mut picture = with_agents(&[("a", AgentState::Active)]);
    picture.link = Link::Lost("The control plane does not answer".to_owned());
    assert_eq!(picture.standing(), Standing::Stopped);
    assert_eq!(picture.words(), "The control plane does not answer");
}

#[test]
fn a_stack_that_is_on_without_an_engine_is_degraded() {
    let mut picture = with_agents(&[]);
    let mut gone = stack(&[]);
    gone.fault = Some(Fault::new(
        nasiko_contract::ErrorCode::EngineStopped,
        "No engine",
    ));
    picture.put_stack(gone.clone());
    assert_eq!(picture.standing(), Standing::Degraded);
    gone.on = false;
    picture.put_stack(gone);
    assert_eq!(picture.standing(), Standing::Stopped);
}

#[test]
fn jobs_are_there_until_they_end_and_steps_below_a_percent_change_nothing() {
    let mut picture = with_agents(&[]);
    assert!(picture.put_job(job(JobKind::Deploy, JobState::Running, 0.42)));
    assert!(!picture.put_job(job(JobKind::Deploy, JobState::Running, 0.424)));
    assert!(picture.put_job(job(JobKind::Deploy, JobState::Running, 0.43)));
    assert_eq!(picture.jobs.values().next().unwrap().percent, 43);
    assert!(picture.put_job(job(JobKind::Deploy, JobState::Succeeded, 1.0)));
    assert!(picture.jobs.is_empty());
}

#[test]
fn why_the_stack_did_not_come_up_is_kept_until_it_is_tried_again() {
    let mut picture = with_agents(&[]);
    let mut failed = job(JobKind::StackUp, JobState::Failed, 0.0);
    failed.fault = Some(Fault::new(
        nasiko_contract::ErrorCode::EngineAbsent,
        "No engine",
    ));
    assert!(picture.put_job(failed));
    picture.put_stack(stack(&[]));
    assert_eq!(picture.stack.failed.as_deref(), Some("No engine"));
    picture.put_job(job(JobKind::StackUp, JobState::Running, 0.0));
    assert_eq!(picture.stack.failed, None);
}

#[test]
fn unread_notices_are_counted_as_events_tell() {
    let mut notice = Notice {
        id: NoticeId::from("7"),
        at: 0,
        kind: NoticeKind::AgentCrashed,
        title: String::new(),
        text: String::new(),
        target: "/agents/a".to_owned(),
        agent: None,
        read: false,
        shown: true,
    };
    let mut picture = with_agents(&[]);
    let told = |picture: &mut Picture, topic, notice: &Notice| {
        picture.apply(&event(topic, "7", serde_json::to_value(notice).unwrap()))
    };
    assert!(told(&mut picture, "notice.added", &notice));
    assert_eq!(picture.unread.len(), 1);
    notice.read = true;
    assert!(told(&mut picture, "notice.changed", &notice));
    assert!(
        !told(&mut picture, "notice.changed", &notice),
        "nothing new"
    );
    assert!(picture.unread.is_empty());
    notice.read = false;
    told(&mut picture, "notice.changed", &notice);
    assert!(picture.apply(&event("notice.removed", "7", Value::Null)));
    assert!(!picture.apply(&event("of.a.newer.control.plane", "7", Value::Null)));
}
