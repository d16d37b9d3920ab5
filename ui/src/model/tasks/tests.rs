use serde_json::json;

use super::*;

fn job(id: &str, state: &str, progress: f64) -> Job {
    serde_json::from_value(json!({
        "id": id, "kind": "deploy", "agent": "greeter", "state": state, "progress": progress,
        "attempt": 1, "created": 0, "ended": if state == "running" { None } else { Some(1_000) },
    }))
    .unwrap()
}

#[test]
fn what_runs_is_shown_and_what_ended_lately() {
    let mut world = World::default();
    world.put_jobs([
        job("1", "running", 0.3),
        job("2", "succeeded", 1.0),
        job("3", "dead", 0.1),
    ]);
    let ids = |now: i64| -> Vec<String> {
        shown(&world, now)
            .iter()
            .map(|job| job.id.to_string())
            .collect()
    };
    assert_eq!(
        ids(2_000),
        ["1", "2"],
        "what was given up is on its own page"
    );
    assert_eq!(ids(1_000 + KEPT_FOR), ["1"]);
    let sum = Sum::of(&shown(&world, 2_000));
    assert_eq!((sum.under_way, sum.failed), (1, 0));
    assert!((sum.progress - 0.3).abs() < 1e-9);
}

#[test]
fn no_more_than_a_few_that_ended_are_shown() {
    let mut world = World::default();
    world.put_jobs((0..20).map(|id| job(&format!("{id:02}"), "succeeded", 1.0)));
    assert_eq!(shown(&world, 2_000).len(), MOST_ENDED);
}

#[test]
fn time_left_follows_the_pace_that_was_seen() {
    let mut paces = Paces::default();
    let id = JobId::from("1");
    for (at, progress) in [(0, 0.1), (1_000, 0.2), (2_000, 0.3)] {
        paces.look([&job("1", "running", progress)], at);
        assert_eq!(paces.left(&id, at), None, "too little was seen at {at}");
    }
    paces.look([&job("1", "running", 0.4)], 3_000);
    let left = paces.left(&id, 3_000).unwrap();
    assert!((5_900..=6_100).contains(&left), "a tenth a second: {left}");
    assert!(
        paces.left(&id, 4_000).unwrap() < left,
        "it goes on while nothing is told"
    );
    assert_eq!(
        paces.left(&id, 60_000),
        None,
        "stuck, it says nothing rather than a lie"
    );
}

#[test]
fn another_try_and_an_end_begin_anew() {
    let mut paces = Paces::default();
    for (at, progress) in [(0, 0.1), (1_000, 0.2), (2_000, 0.3), (3_000, 0.4)] {
        paces.look([&job("1", "running", progress)], at);
    }
    let mut again = job("1", "running", 0.5);
    again.attempt = 2;
    paces.look([&again], 4_000);
    assert_eq!(paces.left(&JobId::from("1"), 4_000), None);
    paces.look([], 5_000);
    assert!(paces.0.is_empty(), "nothing is kept of what has ended");
}

#[test]
fn times_are_said_roughly() {
    for (milliseconds, words) in [
        (1_000, "a few seconds left"),
        (7_000, "about 10 s left"),
        (61_000, "about 1 min left"),
        (150_000, "about 3 min left"),
        (7_300_000, "about 2 h left"),
    ] {
        assert_eq!(left_words(milliseconds), words);
    }
}

#[test]
fn a_job_leads_to_where_it_belongs() {
    assert_eq!(page_of(&job("1", "running", 0.0)), "/agents/greeter");
    let mut unnamed = job("1", "running", 0.0);
    unnamed.agent = String::new().into();
    unnamed.source = "/home/me/agents/weather".to_owned();
    assert_eq!(
        (page_of(&unnamed).as_str(), subject(&unnamed).as_str()),
        ("/activity", "weather")
    );
    unnamed.kind = JobKind::StackUp;
    assert_eq!(page_of(&unnamed), "/stack");
}
