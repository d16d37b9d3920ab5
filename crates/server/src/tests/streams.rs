use std::time::{Duration, Instant};

use futures::StreamExt;
use nasiko_contract::{ErrorCode, Event, Fault, FollowEvents};
use serde_json::{Value, json};

use super::{Scene, refused};
use crate::testing::Reply;

fn event(seq: u64) -> Value {
    json!({"seq": seq, "at": 0, "topic": "agent.changed", "subject": "a", "data": null})
}

/// Waits until something holds, and fails when it does not within five seconds.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn items_carry_their_numbers_and_come_as_they_are_made() {
    let scene = Scene::new();
    scene
        .server
        .plane
        .reply::<FollowEvents>(Reply::Open(vec![event(1), event(2)]));
    let mut items = scene
        .client()
        .stream(FollowEvents::default())
        .await
        .unwrap();
    for expected in 1..=2 {
        let item = items.next().await.unwrap().unwrap();
        assert_eq!((item.seq, item.item.seq), (Some(expected), expected));
    }
}

#[tokio::test]
async fn the_last_event_id_is_where_a_stream_is_taken_up_again() {
    let scene = Scene::new();
    let after = |index: usize| {
        scene.server.plane.calls_of::<FollowEvents>()[index].request["after"].clone()
    };
    scene.get("/api/v1/events?after=3").send().await.unwrap();
    assert_eq!(after(0), 3);
    let request = scene
        .get("/api/v1/events?after=3")
        .header("last-event-id", "41");
    request.send().await.unwrap();
    assert_eq!(
        after(1),
        41,
        "a browser that comes back repeats its first address"
    );
    let request = scene.get("/api/v1/events").header("last-event-id", "x");
    refused(request, 400, ErrorCode::InvalidRequest).await;
}

#[tokio::test]
async fn a_failure_before_the_first_byte_is_a_problem() {
    let scene = Scene::new();
    let fault = Fault::new(ErrorCode::StoreFailed, "No");
    scene
        .server
        .plane
        .reply::<FollowEvents>(Reply::Fault(fault));
    refused(scene.get("/api/v1/events"), 500, ErrorCode::StoreFailed).await;
}

#[tokio::test]
async fn a_failure_after_the_first_byte_is_the_last_event() {
    let scene = Scene::new();
    let fault = Fault::new(ErrorCode::AgentUnreachable, "It broke off").evidence(["line"]);
    scene
        .server
        .plane
        .reply::<FollowEvents>(Reply::Broken(vec![event(1)], fault.clone()));
    let items = scene
        .client()
        .stream(FollowEvents::default())
        .await
        .unwrap();
    let items: Vec<_> = items.map(|item| item.map(|item| item.item)).collect().await;
    let first: Event = serde_json::from_value(event(1)).unwrap();
    assert_eq!(items, [Ok(first), Err(fault)]);
}

#[tokio::test]
async fn dropping_the_connection_drops_the_stream() {
    let scene = Scene::new();
    scene
        .server
        .plane
        .reply::<FollowEvents>(Reply::Open(vec![event(1)]));
    let mut items = scene
        .client()
        .stream(FollowEvents::default())
        .await
        .unwrap();
    items.next().await.unwrap().unwrap();
    assert_eq!(scene.server.plane.open_streams(), 1);
    drop(items);
    eventually("the end of the stream", || {
        scene.server.plane.open_streams() == 0
    })
    .await;
}

#[tokio::test]
async fn the_end_of_the_program_is_told_to_open_streams() {
    let scene = Scene::new();
    scene
        .server
        .plane
        .reply::<FollowEvents>(Reply::Open(vec![event(1)]));
    let mut items = scene
        .client()
        .stream(FollowEvents::default())
        .await
        .unwrap();
    items.next().await.unwrap().unwrap();
    scene.server.closing.cancel();
    let fault = items.next().await.unwrap().unwrap_err();
    assert_eq!(fault.code, ErrorCode::Unreachable);
    assert!(fault.retryable);
    assert!(items.next().await.is_none());
}
