//! What is told when, with a made clock.

use jiff::civil::time;
use nasiko_contract::{
    AgentState, AgentSummary, ErrorCode, Fault, Job, JobKind, JobState, NoticeKind, ServiceHealth,
    ServiceState, Stack, StackService,
};

use super::super::{
    Told,
    pace::{APART, Pace},
    quiet::QuietHours,
    rules::{Happened, Memory},
};

fn agent(state: AgentState, fault: Option<ErrorCode>) -> Happened {
    let mut agent: AgentSummary = serde_json::from_value(serde_json::json!({
        "name": "weather", "description": "", "state": "active", "runtime": "process", "version": "1.0.0",
        "url": "http://127.0.0.1:9100/weather", "restarts": 0, "since": 0, "created": 0
    }))
    .unwrap();
    agent.state = state;
    agent.fault = fault.map(|code| Fault::new(code, "It ended with code 3"));
    Happened::Agent(Box::new(agent))
}

fn job(kind: JobKind, state: JobState, result: &serde_json::Value) -> Happened {
    let job: Job = serde_json::from_value(serde_json::json!({
        "id": "j", "kind": kind, "agent": "weather", "state": state, "progress": 1.0, "attempt": 1, "created": 0,
        "result": result,
    }))
    .unwrap();
    Happened::Job(Box::new(job))
}

fn stack(on: bool, services: &[(&str, ServiceState, ServiceHealth)]) -> Happened {
    let services = services.iter().map(|(name, state, health)| StackService {
        service: (*name).to_owned(),
        state: *state,
        health: *health,
        exit_code: (*state == ServiceState::Exited).then_some(1),
        ..StackService::default()
    });
    Happened::Stack(Box::new(Stack {
        on,
        services: services.collect(),
        ..Stack::default()
    }))
}

/// What is told of each of these, one after the other.
fn titles(happened: impl IntoIterator<Item = Happened>) -> Vec<String> {
    let mut memory = Memory::default();
    let told = (1..).zip(happened).map(|(seq, happened)| {
        let told = memory.learn(seq, 0, happened);
        told.map_or_else(String::new, |told| told.title)
    });
    told.collect()
}

#[test]
fn an_agent_that_answered_and_ended_crashed_and_one_that_answers_again_recovered() {
    use AgentState::{Active, Failed, SettingUp, Stopped};
    let crash = Some(ErrorCode::ExitedAtOnce);
    for (states, told) in [
        (
            vec![(Active, None), (Failed, crash), (Active, None)],
            vec!["", "weather crashed", "weather recovered"],
        ),
        // A first start that fails is told by its job.
        (vec![(SettingUp, None), (Failed, crash)], vec!["", ""]),
        (vec![(Active, None), (Stopped, None)], vec!["", ""]),
        // Started by hand after it was stopped: nothing recovered.
        (
            vec![
                (Active, None),
                (Failed, crash),
                (Stopped, None),
                (Active, None),
            ],
            vec!["", "weather crashed", "", ""],
        ),
        // Still the same crash.
        (
            vec![(Active, None), (Failed, crash), (Failed, crash)],
            vec!["", "weather crashed", ""],
        ),
    ] {
        let happened = states.iter().map(|(state, fault)| agent(*state, *fault));
        assert_eq!(titles(happened), told, "{states:?}");
    }
}

#[test]
fn an_engine_that_goes_is_told_once_and_not_as_crashes() {
    let gone = Some(ErrorCode::EngineStopped);
    let named = |name: &str, state, fault| {
        let Happened::Agent(mut agent) = agent(state, fault) else {
            unreachable!("it is an agent");
        };
        agent.name = name.into();
        Happened::Agent(agent)
    };
    let mut memory = Memory::default();
    let [None, None, Some(told), None, Some(back), None, Some(again)] = [
        named("one", AgentState::Active, None),
        named("two", AgentState::Active, None),
        named("one", AgentState::Failed, gone),
        named("two", AgentState::Failed, gone),
        named("one", AgentState::Active, None),
        named("two", AgentState::Active, None),
        named("two", AgentState::Failed, gone),
    ]
    .map(|happened| memory.learn(1, 0, happened)) else {
        panic!("its going is told once, and its return");
    };
    assert_eq!(told.kind, NoticeKind::StackDegraded);
    assert_eq!((told.target.as_str(), &told.agent), ("/doctor", &None));
    assert_eq!(back.title, "The container engine answered again");
    assert_eq!(again.title, told.title);
}

#[test]
fn an_engine_that_never_was_there_is_not_told_to_have_gone() {
    let without = || {
        let Happened::Stack(mut stack) = stack(true, &[]) else {
            unreachable!("it is a stack");
        };
        stack.fault = Some(Fault::new(ErrorCode::EngineAbsent, "No engine"));
        Happened::Stack(stack)
    };
    assert_eq!(titles([without(), without()]), ["", ""]);
    assert_eq!(
        titles([stack(true, &[]), without(), without(), stack(true, &[])]),
        [
            "",
            "The container engine stopped answering",
            "",
            "The container engine answered again"
        ]
    );
}

#[test]
fn a_deploy_is_told_at_its_end_unless_it_changed_nothing() {
    let done = serde_json::json!({"agent": "weather", "version": "1.0.1", "url": "http://x/weather", "unchanged": false});
    let same = serde_json::json!({"agent": "weather", "unchanged": true});
    let none = serde_json::Value::Null;
    assert_eq!(
        titles([
            job(JobKind::Deploy, JobState::Succeeded, &done),
            job(JobKind::Deploy, JobState::Succeeded, &same),
            job(JobKind::Deploy, JobState::Failed, &none),
            job(JobKind::Deploy, JobState::Cancelled, &none),
            job(JobKind::Restart, JobState::Failed, &none),
            job(JobKind::StackUp, JobState::Dead, &none),
        ]),
        [
            "weather was deployed",
            "",
            "Deploying weather failed",
            "",
            "",
            "Bringing the stack up failed"
        ]
    );
}

#[test]
fn a_stack_degrades_by_each_service_and_recovers_when_all_are_well() {
    use ServiceHealth::{Healthy, Starting, Unhealthy};
    use ServiceState::{Exited, Running};
    assert_eq!(
        titles([
            stack(
                true,
                &[("redis", Running, Starting), ("mongo", Running, Healthy)]
            ),
            stack(
                true,
                &[("redis", Running, Unhealthy), ("mongo", Running, Healthy)]
            ),
            stack(
                true,
                &[("redis", Running, Unhealthy), ("mongo", Running, Healthy)]
            ),
            stack(
                true,
                &[("redis", Running, Unhealthy), ("mongo", Exited, Healthy)]
            ),
            stack(
                true,
                &[("redis", Running, Starting), ("mongo", Running, Healthy)]
            ),
            stack(
                true,
                &[("redis", Running, Healthy), ("mongo", Running, Healthy)]
            ),
            stack(
                false,
                &[("redis", Exited, Healthy), ("mongo", Exited, Healthy)]
            ),
        ]),
        [
            "",
            "The stack degraded",
            "",
            "The stack degraded",
            "",
            "The stack recovered",
            ""
        ]
    );
}

fn told(seq: u64, at: i64, cause: &str) -> Told {
    Told {
        seq,
        at,
        cause: cause.to_owned(),
        kind: NoticeKind::AgentCrashed,
        title: format!("{cause} crashed"),
        text: String::new(),
        target: "/".to_owned(),
        agent: None,
    }
}

#[test]
fn one_a_minute_per_cause_and_the_rest_is_counted() {
    let mut pace = Pace::default();
    let title = |told: Option<Told>| told.map(|told| told.title);
    assert_eq!(
        title(pace.admit(told(1, 0, "a"))).as_deref(),
        Some("a crashed")
    );
    assert_eq!(pace.next_due(), None, "nothing waits, so nothing wakes");
    for seq in 2..6 {
        assert_eq!(pace.admit(told(seq, 1_000, "a")), None);
    }
    assert!(pace.admit(told(6, 1_000, "b")).is_some(), "another cause");
    assert_eq!(pace.next_due(), Some(APART));
    assert_eq!(pace.due(APART - 1), []);
    let due = pace.due(APART);
    assert_eq!(due.len(), 1);
    assert_eq!(
        (due[0].title.as_str(), due[0].seq),
        ("a crashed 4 times", 5)
    );
    assert_eq!(pace.next_due(), None);
    assert_eq!(
        pace.admit(told(7, APART + 1, "a")),
        None,
        "told a moment ago"
    );
    let late = pace.admit(told(8, 2 * APART + 1, "a"));
    assert_eq!(title(late).as_deref(), Some("a crashed 2 times"));
}

#[test]
fn a_start_of_the_control_plane_is_no_new_minute() {
    let mut pace = Pace::resume([("a".to_owned(), 100), ("a".to_owned(), 40)]);
    assert_eq!(pace.admit(told(9, APART + 99, "a")), None);
    assert_eq!(pace.next_due(), Some(APART + 100));
}

#[test]
fn quiet_hours_go_over_midnight() {
    for (hours, within, without) in [
        (
            "22:00-07:00",
            [(22, 0), (0, 0), (6, 59)],
            [(7, 0), (12, 0), (21, 59)],
        ),
        (
            "09:30-17:00",
            [(9, 30), (12, 0), (16, 59)],
            [(9, 29), (17, 0), (0, 0)],
        ),
    ] {
        let quiet = QuietHours::parse(hours).unwrap();
        for (hour, minute) in within {
            assert!(
                quiet.contain(time(hour, minute, 0, 0)),
                "{hours} {hour}:{minute}"
            );
        }
        for (hour, minute) in without {
            assert!(
                !quiet.contain(time(hour, minute, 0, 0)),
                "{hours} {hour}:{minute}"
            );
        }
    }
    for not_hours in ["22:00", "22-07", "24:00-07:00", "22:00-22:00", "night"] {
        assert_eq!(QuietHours::parse(not_hours), None, "{not_hours}");
    }
}
