use serde_json::{Value, json};

use super::*;

fn event(seq: u64, topic: &str, subject: &str, data: Value) -> Event {
    Event {
        seq,
        at: 0,
        topic: topic.to_owned(),
        subject: subject.to_owned(),
        data,
    }
}

fn agent(name: &str, state: &str) -> Value {
    json!({
        "name": name, "description": "", "state": state, "runtime": "process", "version": "1.0.0",
        "url": "http://127.0.0.1:9100/x", "restarts": 0, "since": 0, "created": 0,
    })
}

fn job(id: &str, state: &str, progress: f64, attempt: u32) -> Value {
    json!({
        "id": id, "kind": "deploy", "agent": "greeter", "state": state, "progress": progress,
        "attempt": attempt, "created": 0,
    })
}

fn state_of(world: &World, name: &str) -> Option<nasiko_contract::AgentState> {
    world.agent(&name.into()).map(|agent| agent.state)
}

#[test]
fn events_in_order_build_the_picture() {
    let mut world = World::default();
    let started = event(7, "agent.changed", "a", agent("a", "setting-up"));
    assert_eq!(world.apply(&started), Applied::Yes);
    let running = event(8, "agent.changed", "a", agent("a", "active"));
    assert_eq!(world.apply(&running), Applied::Yes);
    assert_eq!(
        state_of(&world, "a"),
        Some(nasiko_contract::AgentState::Active)
    );
    let removed = event(9, "agent.removed", "a", Value::Null);
    assert_eq!(world.apply(&removed), Applied::Yes);
    assert_eq!(state_of(&world, "a"), None);
    assert_eq!(world.last_seq, Some(9));
}

#[test]
fn an_event_seen_before_changes_nothing() {
    let mut world = World::default();
    world.apply(&event(5, "agent.changed", "a", agent("a", "active")));
    let replayed = event(5, "agent.changed", "a", agent("a", "failed"));
    assert_eq!(world.apply(&replayed), Applied::Ignored);
    assert_eq!(
        state_of(&world, "a"),
        Some(nasiko_contract::AgentState::Active)
    );
}

#[test]
fn a_gap_asks_for_everything_anew_and_goes_on_from_its_number() {
    let mut world = World {
        last_seq: Some(5),
        ..World::default()
    };
    assert_eq!(
        world.apply(&event(40, "gap", "", Value::Null)),
        Applied::Gap
    );
    let next = event(41, "agent.changed", "a", agent("a", "active"));
    assert_eq!(world.apply(&next), Applied::Yes);
}

#[test]
fn a_hole_in_the_numbers_is_a_gap_even_when_nobody_says_so() {
    let mut world = World {
        last_seq: Some(5),
        ..World::default()
    };
    let after_hole = event(8, "agent.changed", "a", agent("a", "active"));
    assert_eq!(world.apply(&after_hole), Applied::Gap);
    assert!(
        state_of(&world, "a").is_some(),
        "what it said counts all the same"
    );
}

#[test]
fn a_deployment_touches_its_agent() {
    let mut world = World::default();
    world.apply(&event(1, "agent.changed", "a", agent("a", "active")));
    assert_eq!(
        world.apply(&event(2, "deployment.changed", "a", json!({"id": "d"}))),
        Applied::Yes
    );
    assert_eq!(world.touched.get(&AgentName::from("a")), Some(&2));
    world.apply(&event(3, "agent.removed", "a", Value::Null));
    assert!(world.touched.is_empty(), "nothing is kept of what is gone");
}

#[test]
fn unknown_topics_and_records_are_passed_over() {
    let mut world = World::default();
    assert_eq!(
        world.apply(&event(1, "weather.changed", "x", json!({}))),
        Applied::Ignored
    );
    assert_eq!(
        world.apply(&event(2, "agent.changed", "a", json!({"name": 3}))),
        Applied::Ignored
    );
    assert_eq!(world.last_seq, Some(2));
}

#[test]
fn progress_never_goes_back_within_a_try() {
    let mut world = World::default();
    let id = JobId::from("1");
    for (seq, progress) in [(1, 0.6), (2, 0.4)] {
        world.apply(&event(
            seq,
            "job.changed",
            "1",
            job("1", "running", progress, 1),
        ));
    }
    assert!((world.jobs[&id].progress - 0.6).abs() < 1e-9);
    world.apply(&event(3, "job.changed", "1", job("1", "running", 0.1, 2)));
    assert!(
        (world.jobs[&id].progress - 0.1).abs() < 1e-9,
        "the next try begins anew"
    );
}

#[test]
fn an_older_answer_does_not_revive_a_finished_job() {
    let mut world = World::default();
    world.apply(&event(1, "job.changed", "1", job("1", "succeeded", 1.0, 1)));
    let late: Job = serde_json::from_value(job("1", "queued", 0.0, 1)).unwrap();
    world.put_jobs([late]);
    assert_eq!(world.jobs[&JobId::from("1")].state, JobState::Succeeded);
}

#[test]
fn a_dead_letter_put_back_is_a_job_again() {
    let mut world = World::default();
    world.apply(&event(1, "job.changed", "1", job("1", "dead", 0.5, 5)));
    assert_eq!(world.dead_letters().len(), 1);
    world.apply(&event(2, "job.changed", "1", job("1", "queued", 0.0, 5)));
    assert!(world.dead_letters().is_empty());
    assert_eq!(world.unfinished_jobs(), 1);
}

#[test]
fn a_new_agent_has_no_part_in_the_jobs_of_a_deleted_one() {
    let mut world = World::default();
    let name = AgentName::from("greeter");
    world.put_jobs([serde_json::from_value(job("1", "succeeded", 1.0, 1)).unwrap()]);
    assert!(world.last_job_of(&name).is_some());
    let mut deleted = job("2", "succeeded", 1.0, 1);
    deleted["kind"] = json!("delete");
    world.put_jobs([serde_json::from_value(deleted).unwrap()]);
    assert_eq!(world.last_job_of(&name), None);
}

#[test]
fn finished_jobs_are_forgotten_but_never_unfinished_or_dead_ones() {
    let mut world = World::default();
    let make = |id: usize, state: &str| -> Job {
        serde_json::from_value(job(&format!("{id:05}"), state, 0.0, 1)).unwrap()
    };
    world.put_jobs([make(0, "running"), make(1, "dead")]);
    world.put_jobs((2..JOBS_KEPT + 50).map(|id| make(id, "succeeded")));
    assert_eq!(world.jobs.len(), JOBS_KEPT + 2);
    assert!(world.jobs.contains_key(&JobId::from("00000")));
    assert!(world.jobs.contains_key(&JobId::from("00001")));
    assert!(
        !world.jobs.contains_key(&JobId::from("00002")),
        "the oldest goes first"
    );
}

#[test]
fn what_is_made_of_all_agents_is_made_anew_only_when_one_of_them_changed() {
    let mut world = World::default();
    let agents: Vec<_> = (0..1_000)
        .map(|number| serde_json::from_value(agent(&format!("agent-{number}"), "active")).unwrap())
        .collect();
    world.set_agents(agents);
    let (roster, told) = (world.roster, world.agents_told);
    for number in 0..1_000 {
        let id = format!("job-{number}");
        world.apply(&event(
            number,
            "job.changed",
            &id,
            job(&id, "running", 0.5, 1),
        ));
    }
    assert_eq!(
        (world.roster, world.agents_told),
        (roster, told),
        "jobs are no agents"
    );
    for number in 1_000..1_010 {
        world.apply(&event(
            number,
            "agent.changed",
            "agent-7",
            agent("agent-7", "stopped"),
        ));
    }
    assert_eq!(
        (world.roster, world.agents_told),
        (roster, told + 10),
        "none came or went"
    );
    assert_eq!(
        world
            .standing()
            .map(|standing| (standing.total, standing.active)),
        Some((1_000, 999))
    );
    world.apply(&event(1_010, "agent.removed", "agent-7", Value::Null));
    world.apply(&event(
        1_011,
        "agent.changed",
        "new",
        agent("new", "active"),
    ));
    assert_eq!(world.roster, roster + 2);
    assert_eq!(
        world.standing().and_then(Standing::words).as_deref(),
        Some("1,000 of 1,000 answer")
    );
}
