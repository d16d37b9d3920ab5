//! The store moves under those who work with it: feeds and waits go over, writers wait, leases outlive it, nothing is lost.

use std::{path::Path, sync::Arc, time::Duration};

use nasiko_store::{
    Backend, Batch, Clock, Expected, Frozen, Heartbeat, JobState, Store, StoreError,
    mongo::{Mongo, MongoAddress, MongoOptions},
    sqlite::{Sqlite, SqliteOptions},
    streams::RedisAddress,
    transfer::{self, TransferError},
};
use proptest::{collection::vec, prelude::*};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    place::{self, LEASE, Note, Place, TestClock, job, note, soon},
    servers::{self, Server},
    shared::{next_event, tell},
};

/// Where a store may be.
#[derive(Clone, Copy)]
enum Spot<'a> {
    File(&'a Path),
    Mongo(&'a Server, Option<&'a Server>),
}

impl Spot<'_> {
    async fn open(self, clock: &Arc<TestClock>) -> Arc<dyn Backend> {
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        match self {
            Self::File(file) => {
                let mut options = SqliteOptions::new(file);
                options.clock = clock;
                Arc::new(Sqlite::open(options).await.unwrap())
            }
            Self::Mongo(mongo, redis) => {
                let mut options = MongoOptions::new(MongoAddress::new(mongo.mongo_url()));
                options.redis = redis.map(|redis| RedisAddress::new(redis.redis_url()));
                options.clock = clock;
                Arc::new(Mongo::open(options).await.unwrap())
            }
        }
    }
}

/// Copies what is frozen, and opens the copy.
async fn copy(place: &Place, spot: Spot<'_>) -> Arc<dyn Backend> {
    let clock = Arc::clone(&place.clock) as Arc<dyn Clock>;
    let target = Store::with_backend(spot.open(&place.clock).await, clock);
    let never = CancellationToken::new();
    soon(transfer::copy(&place.store, &target, &mut |_| {}, &never))
        .await
        .unwrap();
    target.close().await;
    spot.open(&place.clock).await
}

async fn move_to(place: &Place, spot: Spot<'_>) {
    let frozen = soon(place.store.freeze()).await.unwrap();
    let backend = copy(place, spot).await;
    soon(frozen.move_to(backend)).await;
}

#[tokio::test]
async fn writers_wait_while_it_is_frozen_and_readers_do_not() {
    let place = place::sqlite().await.unwrap();
    let store = place.store.clone();
    let mut batch = Batch::new();
    batch.put(&note("kept", None), Expected::New);
    store.commit(batch).await.unwrap();
    place.enqueue(job("work")).await;

    let frozen = soon(store.freeze()).await.unwrap();
    let (first, second) = (store.clone(), store.clone());
    let mut writer = tokio::spawn(async move { tell(&first, "late").await });
    let mut worker = tokio::spawn(async move { second.jobs().claim("w/0", LEASE).await });
    assert!(store.get::<Note>("kept").await.unwrap().is_some());
    assert_eq!(store.events_after(0, 10).await.unwrap().events.len(), 1);
    // Long enough for whoever would not wait.
    let writers = async { tokio::join!(&mut writer, &mut worker) };
    let waited = tokio::time::timeout(Duration::from_millis(300), writers).await;
    assert!(waited.is_err(), "they wait");
    soon(frozen.thaw()).await;
    assert!(soon(writer).await.unwrap() > 1);
    assert!(soon(worker).await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn a_write_that_nobody_waited_for_is_part_of_the_copy() {
    let place = place::sqlite().await.unwrap();
    for round in 0..50 {
        let mut given_up = Box::pin(tell(&place.store, "given up"));
        // Handed over or not: one poll is all it gets.
        let _ = poll_once(&mut given_up).await;
        drop(given_up);
        let frozen = soon(place.store.freeze()).await.unwrap();
        let before = transfer::take_stock(&place.store).await.unwrap();
        tokio::task::yield_now().await;
        let after = transfer::take_stock(&place.store).await.unwrap();
        assert_eq!(before, after, "round {round}");
        frozen.thaw().await;
    }
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_ready())
    })
    .await
}

#[tokio::test]
async fn whoever_waits_goes_over_and_is_woken_there() {
    let place = place::sqlite().await.unwrap();
    let directory = TempDir::new().unwrap();
    let jobs = place.store.jobs();
    let running = place.enqueue(job("running")).await;
    let claim = place.take("w/0").await;
    let mut feed = place.store.subscribe(None);
    let (for_work, for_end, for_log) = (jobs.clone(), jobs.clone(), jobs.clone());
    let (end_of, log_of) = (running.clone(), running.clone());
    let work = tokio::spawn(async move { for_work.wait_for_work().await });
    let end = tokio::spawn(async move { for_end.wait_for_end(&end_of).await });
    let log = tokio::spawn(async move { for_log.wait_for_log(&log_of, 0).await });
    let events = tokio::spawn(async move { (next_event(&mut feed).await, feed) });
    tokio::task::yield_now().await;

    move_to(&place, Spot::File(&directory.path().join("new.db"))).await;
    assert!(!(work.is_finished() || end.is_finished() || log.is_finished()));
    let seq = tell(&place.store, "after").await;
    let (event, mut feed) = soon(events).await.unwrap();
    assert_eq!(event, (seq, "after".to_owned()));
    jobs.append_log(&running, vec!["line".to_owned()])
        .await
        .unwrap();
    let page = soon(log).await.unwrap().unwrap();
    assert_eq!(page.lines[0].text, "line");
    jobs.succeed(&claim, json!(null)).await.unwrap();
    assert_eq!(soon(end).await.unwrap().unwrap().state, JobState::Succeeded);
    place.enqueue(job("next")).await;
    soon(work).await.unwrap().unwrap();

    place.store.close().await;
    let closed = async {
        while feed.next().await.is_ok() {}
        place.store.jobs().wait_for_work().await
    };
    assert!(matches!(soon(closed).await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_lease_that_was_held_is_held_on_however_long_the_copy_takes() {
    let Some(mongo) = servers::mongo(&[]) else {
        return;
    };
    let redis = servers::redis(&[]);
    let place = place::sqlite().await.unwrap();
    let (store, jobs) = (&place.store, place.store.jobs());
    for kind in ["one", "two"] {
        place.enqueue(job(kind)).await;
    }
    let claims = [place.take("w/0").await, place.take("w/1").await];

    let frozen = store.freeze().await.unwrap();
    place.clock.advance(20 * LEASE);
    let other = store.clone();
    let hungry = tokio::spawn(async move { other.jobs().claim("w/2", LEASE).await });
    let backend = copy(&place, Spot::Mongo(&mongo, redis.as_ref())).await;
    soon(frozen.move_to(backend)).await;
    assert!(
        soon(hungry).await.unwrap().unwrap().is_none(),
        "nothing is free"
    );
    let held = soon(jobs.heartbeat(&claims[0], LEASE)).await.unwrap();
    assert_eq!(held, Heartbeat::Held);
    for claim in &claims {
        soon(jobs.succeed(claim, json!("done"))).await.unwrap();
        let ended = jobs.get(&claim.job).await.unwrap().unwrap();
        assert_eq!((ended.state, ended.attempts), (JobState::Succeeded, 1));
    }

    // One whose worker vanished before is not held on.
    place.enqueue(job("orphan")).await;
    let lost = place.take("w/0").await;
    place.clock.advance(2 * LEASE);
    soon(soon(store.freeze()).await.unwrap().thaw()).await;
    assert_eq!(place.take("w/1").await.job, lost.job);
    let directory = TempDir::new().unwrap();
    move_to(&place, Spot::File(&directory.path().join("back.db"))).await;
    assert_eq!(store.backend_name(), "sqlite");
}

#[tokio::test]
async fn a_move_that_is_given_up_leaves_all_as_it_was() {
    let place = place::sqlite().await.unwrap();
    let mut feed = place.store.subscribe(Some(0));
    for number in 1..5 {
        let frozen: Frozen = soon(place.store.freeze()).await.unwrap();
        drop(frozen);
        assert_eq!(tell(&place.store, "on").await, number);
        assert_eq!(next_event(&mut feed).await.0, number);
    }
    let freezing = place.store.freeze();
    drop(freezing);
    tell(&place.store, "on").await;
}

#[tokio::test]
async fn a_finished_copy_that_was_never_used_is_made_anew_and_a_used_one_is_not() {
    let Some(mongo) = servers::mongo(&[]) else {
        return;
    };
    let place = place::sqlite().await.unwrap();
    tell(&place.store, "before").await;
    let spot = Spot::Mongo(&mongo, None);
    // Whoever copied died before the move.
    copy(&place, spot).await.close().await;
    tell(&place.store, "meanwhile").await;

    let other = place::sqlite().await.unwrap();
    tell(&other.store, "elsewhere").await;
    let clock = || Arc::clone(&place.clock) as Arc<dyn Clock>;
    let target = Store::with_backend(spot.open(&place.clock).await, clock());
    let never = CancellationToken::new();
    let refused = transfer::copy(&other.store, &target, &mut |_| {}, &never).await;
    assert!(matches!(refused, Err(TransferError::NotEmpty)));
    target.close().await;

    let moved = Store::with_backend(copy(&place, spot).await, clock());
    assert_eq!(moved.last_seq(), 2);
    assert_eq!(
        transfer::take_stock(&moved).await.unwrap(),
        transfer::take_stock(&place.store).await.unwrap()
    );
    tell(&moved, "used").await;
    let refused = transfer::copy(&place.store, &moved, &mut |_| {}, &never).await;
    assert!(matches!(refused, Err(TransferError::NotEmpty)));
}

/// What may happen, in any order.
#[derive(Debug, Clone)]
enum Step {
    /// So many events are told, one commit each, some of them while the store is frozen.
    Tell(u8),
    /// The store moves, while so many are told.
    Move(u8),
    /// One more follows, from so far back.
    Follow(u8),
    /// The follower of this number reads so many.
    Read(prop::sample::Index, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u8..6).prop_map(Step::Tell),
        2 => (0u8..6).prop_map(Step::Move),
        1 => any::<u8>().prop_map(Step::Follow),
        3 => (any::<prop::sample::Index>(), 1u8..20).prop_map(|(of, count)| Step::Read(of, count)),
    ]
}

async fn run(steps: Vec<Step>) {
    let place = place::sqlite().await.unwrap();
    let directory = TempDir::new().unwrap();
    let mut told = 0u64;
    let mut feeds = vec![place.store.subscribe(Some(0))];
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Tell(count) => {
                for _ in 0..count {
                    told += 1;
                    assert_eq!(tell(&place.store, "x").await, told);
                }
            }
            Step::Move(count) => {
                let frozen = place.store.freeze().await.unwrap();
                let writers: Vec<_> = (0..count)
                    .map(|_| {
                        let store = place.store.clone();
                        tokio::spawn(async move { tell(&store, "x").await })
                    })
                    .collect();
                let file = directory.path().join(format!("{number}.db"));
                let backend = copy(&place, Spot::File(&file)).await;
                frozen.move_to(backend).await;
                for writer in writers {
                    soon(writer).await.unwrap();
                }
                told += u64::from(count);
            }
            Step::Follow(back) => {
                let after = told.saturating_sub(u64::from(back));
                feeds.push(place.store.subscribe(Some(after)));
            }
            Step::Read(of, count) => {
                let feed = of.get_mut(&mut feeds);
                for _ in 0..count {
                    if feed.position() < told {
                        let expected = feed.position() + 1;
                        assert_eq!(next_event(feed).await.0, expected);
                    }
                }
            }
        }
    }
    for feed in &mut feeds {
        while feed.position() < told {
            let expected = feed.position() + 1;
            assert_eq!(next_event(feed).await.0, expected);
        }
    }
    assert_eq!(place.store.last_seq(), told);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn followers_hear_everything_once_wherever_the_store_goes(steps in vec(step(), 1..16)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}
