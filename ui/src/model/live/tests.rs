use nasiko_contract::{ErrorCode, PinState, WatchMode};
use serde_json::{Value, json};

use super::*;

fn event(topic: &str, data: Value) -> Event {
    Event {
        seq: 1,
        at: 0,
        topic: topic.to_owned(),
        subject: "a".to_owned(),
        data,
    }
}

fn update(id: &str, at: i64, state: &str) -> Value {
    json!({
        "id": id, "agent": "a", "at": at, "state": state, "action": "restart", "why": "", "files": [],
        "filesTotal": 1, "contentHash": "ab",
    })
}

fn pin(id: &str, created: i64, state: &str) -> Value {
    json!({"id": id, "agent": "a", "text": format!("question {id}"), "created": created, "state": state})
}

fn lists(updates: &[Value], pins: &[Value], mode: &str) -> Lists {
    Lists {
        watch: Ok(serde_json::from_value(json!({"agent": "a", "mode": mode})).unwrap()),
        updates: Ok(serde_json::from_value(json!({"items": updates})).unwrap()),
        pins: Ok(serde_json::from_value(json!({"items": pins})).unwrap()),
    }
}

fn read(live: &mut Live, lists: Lists) {
    live.of("a".into()).begin_reading();
    live.of("a".into()).finish_reading(lists);
}

fn ids(live: &Live) -> Vec<&str> {
    let updates = &live.agent(&"a".into()).unwrap().updates;
    updates.iter().map(|update| update.id.as_str()).collect()
}

fn pins(live: &Live) -> Vec<(&str, PinState)> {
    let pins = &live.agent(&"a".into()).unwrap().pins;
    pins.iter()
        .map(|pin| (pin.id.as_str(), pin.state))
        .collect()
}

#[test]
fn the_newest_update_is_first_and_each_is_there_once() {
    let mut live = Live::default();
    read(
        &mut live,
        lists(
            &[update("2", 20, "live"), update("1", 10, "live")],
            &[],
            "native",
        ),
    );
    assert!(live.apply(&event("update.changed", update("3", 30, "applying"))));
    assert!(live.apply(&event("update.changed", update("3", 30, "live"))));
    assert_eq!(ids(&live), ["3", "2", "1"]);
    assert_eq!(
        live.last_update(&"a".into()).map(|update| update.state),
        Some(UpdateState::Live)
    );
}

#[test]
fn what_has_ended_does_not_begin_again() {
    let mut live = Live::default();
    live.apply(&event("update.changed", update("1", 10, "failed")));
    live.apply(&event("update.changed", update("1", 10, "applying")));
    let last = live.last_update(&"a".into()).unwrap();
    assert_eq!(last.state, UpdateState::Failed);
}

#[test]
fn of_an_agent_nobody_looks_at_only_the_newest_update_is_kept() {
    let mut live = Live::default();
    for at in 0..50 {
        live.apply(&event(
            "update.changed",
            update(&at.to_string(), at, "live"),
        ));
    }
    assert_eq!(ids(&live), ["49"]);
}

#[test]
fn an_event_during_the_reading_is_newer_than_the_lists() {
    let mut live = Live::default();
    live.of("a".into()).begin_reading();
    live.apply(&event("update.changed", update("1", 10, "live")));
    live.apply(&event("update.changed", update("2", 20, "applying")));
    live.apply(&event("pin.changed", pin("p", 1, "pass")));
    live.apply(&event("pin.removed", json!({"id": "gone"})));
    let watch = json!({"agent": "a", "mode": "polling", "why": "a network drive"});
    live.apply(&event("watch.changed", watch));
    live.of("a".into()).finish_reading(lists(
        &[update("1", 10, "applying"), update("0", 5, "live")],
        &[
            pin("p", 1, "asking"),
            pin("gone", 2, "pass"),
            pin("q", 3, "pass"),
        ],
        "off",
    ));
    assert_eq!(ids(&live), ["2", "1", "0"]);
    let agent = live.agent(&"a".into()).unwrap();
    assert_eq!(agent.updates[1].state, UpdateState::Live);
    assert_eq!(pins(&live), [("p", PinState::Pass), ("q", PinState::Pass)]);
    assert_eq!(agent.watch.as_ref().unwrap().mode, WatchMode::Polling);
}

#[test]
fn reading_again_forgets_what_is_no_longer_there() {
    let mut live = Live::default();
    read(
        &mut live,
        lists(&[update("1", 10, "live")], &[pin("p", 1, "pass")], "native"),
    );
    read(&mut live, lists(&[update("9", 90, "live")], &[], "native"));
    assert_eq!(ids(&live), ["9"]);
    assert!(pins(&live).is_empty());
}

#[test]
fn older_updates_follow_the_newer_ones_up_to_a_bound() {
    let mut live = Live::default();
    read(&mut live, lists(&[update("9", 90, "live")], &[], "native"));
    let page = |from: i64, rows: i64| -> Page<Update> {
        let items: Vec<Value> = (0..rows)
            .map(|row| update(&format!("{:06}", from - row), from - row, "live"))
            .collect();
        serde_json::from_value(json!({"items": items, "nextCursor": "c"})).unwrap()
    };
    live.of("a".into()).put_older(page(80, 2));
    assert_eq!(ids(&live), ["9", "000080", "000079"]);
    let agent = live.of("a".into());
    assert_eq!(agent.older.as_deref(), Some("c"));
    agent.put_older(page(0, 5_000));
    assert_eq!(agent.updates.len(), UPDATES_KEPT);
    assert_eq!(agent.older, None, "no more is asked for than is kept");
}

#[test]
fn pins_stand_in_the_order_they_were_made_and_go() {
    let mut live = Live::default();
    live.apply(&event("pin.changed", pin("b", 2, "waiting")));
    live.apply(&event("pin.changed", pin("a", 1, "waiting")));
    live.apply(&event("pin.changed", pin("b", 2, "changed")));
    assert_eq!(
        pins(&live),
        [("a", PinState::Waiting), ("b", PinState::Changed)]
    );
    live.apply(&event("pin.removed", json!({"id": "a"})));
    assert_eq!(pins(&live), [("b", PinState::Changed)]);
}

#[test]
fn a_refused_list_says_why_and_leaves_what_was_known() {
    let mut live = Live::default();
    live.apply(&event("update.changed", update("1", 10, "live")));
    let fault = Fault::new(ErrorCode::WrongState, "Not there yet");
    let mut refused = lists(&[], &[], "off");
    refused.updates = Err(fault.clone());
    read(&mut live, refused);
    let agent = live.agent(&"a".into()).unwrap();
    assert_eq!((agent.loaded, agent.fault.as_ref()), (false, Some(&fault)));
    assert_eq!(ids(&live), ["1"]);
}

#[test]
fn unknown_records_change_nothing_and_a_removed_agent_is_forgotten() {
    let mut live = Live::default();
    assert!(!live.apply(&event("update.changed", json!({"id": 3}))));
    assert!(!live.apply(&event("weather.changed", json!({}))));
    live.apply(&event("pin.changed", pin("a", 1, "waiting")));
    assert!(live.apply(&event("agent.removed", Value::Null)));
    assert!(live.agent(&"a".into()).is_none());
}
