//! The event log: order, replay, following.

use nasiko_store::{Batch, EventFeed, FeedItem, Job, Store};
use serde_json::json;

use crate::place::{Place, job, soon};

async fn append(store: &Store, subject: &str, count: usize) {
    let mut batch = Batch::new();
    for number in 0..count {
        batch.event("test.happened", subject, json!({ "number": number }));
    }
    store.commit(batch).await.unwrap();
}

async fn next_seq(feed: &mut EventFeed) -> u64 {
    match soon(feed.next()).await.unwrap() {
        FeedItem::Event(event) => event.seq,
        FeedItem::Gap { first_kept } => panic!("a gap before {first_kept}"),
    }
}

pub(crate) async fn seqs_are_consecutive_over_concurrent_commits(place: &Place) {
    let writers = (0..16).map(|writer| {
        let store = place.store.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                append(&store, &writer.to_string(), 3).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        soon(writer).await.unwrap();
    }
    let mut seqs = Vec::new();
    while let Some(page) = Some(
        place
            .store
            .events_after(seqs.len() as u64, 100)
            .await
            .unwrap(),
    ) && !page.events.is_empty()
    {
        assert!(page.events.len() <= 100 && page.gap.is_none());
        seqs.extend(page.events.iter().map(|event| event.seq));
    }
    assert_eq!(seqs, (1..=480).collect::<Vec<u64>>());
    assert_eq!(place.store.last_seq(), 480);
}

pub(crate) async fn a_place_beyond_the_end_is_a_gap(place: &Place) {
    append(&place.store, "a", 3).await;
    let at_the_end = place.store.events_after(3, 10).await.unwrap();
    assert!(at_the_end.events.is_empty() && at_the_end.gap.is_none());
    let beyond = place.store.events_after(1_000, 10).await.unwrap();
    assert_eq!(
        beyond.gap,
        Some(1),
        "whoever knows seq 1000 knew another log"
    );
    assert_eq!(beyond.events.len(), 3);

    let mut feed = place.store.subscribe(Some(1_000));
    assert!(matches!(
        soon(feed.next()).await.unwrap(),
        FeedItem::Gap { first_kept: 1 }
    ));
    assert_eq!(next_seq(&mut feed).await, 1);
}

pub(crate) async fn a_feed_replays_and_then_follows_without_loss(place: &Place) {
    append(&place.store, "before", 5).await;
    let mut from_start = place.store.subscribe(Some(0));
    let mut from_now = place.store.subscribe(None);
    let store = place.store.clone();
    let writer = tokio::spawn(async move {
        for _ in 0..200 {
            append(&store, "live", 3).await;
        }
    });
    for wanted in 1..=605 {
        assert_eq!(next_seq(&mut from_start).await, wanted);
    }
    soon(writer).await.unwrap();
    for wanted in 6..=605 {
        assert_eq!(
            next_seq(&mut from_now).await,
            wanted,
            "a follower far behind re-reads the log"
        );
    }
    assert_eq!(from_now.position(), 605);

    // A wait that is given up loses nothing.
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(5), from_now.next()).await;
    assert!(given_up.is_err());
    append(&place.store, "last", 1).await;
    assert_eq!(next_seq(&mut from_now).await, 606);
}

pub(crate) async fn each_change_of_a_job_is_told_in_order(place: &Place) {
    let jobs = place.store.jobs();
    let id = place.enqueue(job("deploy").subject("greeter")).await;
    let claim = place.take("w").await;
    jobs.heartbeat(&claim, crate::place::LEASE).await.unwrap();
    jobs.progress(&claim, 0.5, "building").await.unwrap();
    jobs.succeed(&claim, json!(null)).await.unwrap();

    let replay = place.store.events_after(0, 100).await.unwrap();
    let told: Vec<_> = replay
        .events
        .iter()
        .map(|event| {
            assert_eq!(event.subject, id);
            assert_eq!(event.data["subject"], "greeter");
            (
                event.topic.as_str(),
                event.data["state"].as_str().unwrap(),
                event.data["fraction"].as_f64().unwrap(),
            )
        })
        .collect();
    let wanted = [
        (Job::CHANGED, "queued", 0.0),
        (Job::CHANGED, "running", 0.0),
        (Job::PROGRESS, "running", 0.5),
        (Job::CHANGED, "succeeded", 1.0),
    ];
    assert_eq!(told, wanted, "a heartbeat is no news");
}
