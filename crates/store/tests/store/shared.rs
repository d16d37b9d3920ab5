//! Two control planes on one database: the work is shared, each sees the other's events.

use std::{collections::HashSet, sync::Arc, time::Duration};

use nasiko_store::{
    Batch, EventFeed, Expected, FeedItem, Heartbeat, Store, StoreError, SystemClock,
    mongo::{Mongo, MongoAddress, MongoOptions},
    streams::RedisAddress,
};
use serde_json::json;

use crate::{
    place::{LEASE, Note, job, note, soon},
    servers::{self, Server},
};

/// A control plane's store on these servers.
pub(crate) async fn plane(mongo: &Server, redis: Option<&Server>) -> Store {
    let mut options = MongoOptions::new(MongoAddress::new(mongo.mongo_url()));
    options.redis = redis.map(|redis| RedisAddress::new(redis.redis_url()));
    let backend = Mongo::open(options).await.unwrap();
    Store::with_backend(Arc::new(backend), Arc::new(SystemClock))
}

pub(crate) async fn next_event(feed: &mut EventFeed) -> (u64, String) {
    match soon(feed.next()).await.unwrap() {
        FeedItem::Event(event) => (event.seq, event.subject.clone()),
        FeedItem::Gap { first_kept } => panic!("a gap before {first_kept}"),
    }
}

pub(crate) async fn tell(store: &Store, subject: &str) -> u64 {
    let mut batch = Batch::new();
    batch.event("test.happened", subject, json!({}));
    store.commit(batch).await.unwrap().last_seq
}

#[tokio::test]
async fn each_job_runs_once_and_each_sees_all_events() {
    const JOBS: usize = 60;
    let (Some(mongo), Some(redis)) = (servers::mongo(&[]), servers::redis(&[])) else {
        return;
    };
    let planes = [
        plane(&mongo, Some(&redis)).await,
        plane(&mongo, Some(&redis)).await,
    ];
    let mut feeds = planes.each_ref().map(|store| store.subscribe(Some(0)));
    let workers = planes.iter().enumerate().flat_map(|(number, store)| {
        (0..3).map(move |worker| {
            let jobs = store.jobs();
            tokio::spawn(async move {
                let mut run = Vec::new();
                while run.last().is_none_or(|(kind, _)| kind != "last") {
                    jobs.wait_for_work().await.unwrap();
                    let claimed = jobs
                        .claim(&format!("{number}/{worker}"), LEASE)
                        .await
                        .unwrap();
                    if let Some(claimed) = claimed {
                        jobs.succeed(&claimed.claim, json!(null)).await.unwrap();
                        run.push((claimed.job.kind, claimed.job.id));
                    }
                }
                run
            })
        })
    });
    let workers: Vec<_> = workers.collect();
    for number in 0..JOBS {
        let jobs = planes[number % 2].jobs();
        jobs.enqueue(job("work").subject(format!("agent-{}", number % 9)))
            .await
            .unwrap();
    }
    for _ in 0..workers.len() {
        planes[0]
            .jobs()
            .enqueue(job("last").subject("end"))
            .await
            .unwrap();
    }
    let mut run = Vec::new();
    for worker in workers {
        let of_worker = soon(worker).await.unwrap();
        run.extend(of_worker.into_iter().map(|(_, id)| id));
    }
    assert_eq!(run.len(), JOBS + 6);
    assert_eq!(
        run.iter().collect::<HashSet<_>>().len(),
        run.len(),
        "none ran twice"
    );

    // Accepted, started, ended: each told once, in the same order to both.
    for wanted in 1..=3 * run.len() as u64 {
        let [one, other] = &mut feeds;
        let (told, told_other) = (next_event(one).await, next_event(other).await);
        assert_eq!(told.0, wanted);
        assert_eq!(told, told_other);
    }
}

#[tokio::test]
async fn a_change_of_one_is_at_once_known_to_the_other() {
    for arguments in [&[][..], &["--standalone"]] {
        let (Some(mongo), Some(redis)) = (servers::mongo(arguments), servers::redis(&[])) else {
            return;
        };
        for redis in [Some(&redis), None] {
            let (one, other) = (plane(&mongo, redis).await, plane(&mongo, redis).await);
            let mut feed = other.subscribe(None);
            let id = uuid::Uuid::new_v4().to_string();
            let mut batch = Batch::new();
            batch
                .put(&note(&id, None), Expected::New)
                .event("note.made", &id, json!({}));
            let version = one.commit(batch).await.unwrap().versions[0];
            let (seq, subject) = next_event(&mut feed).await;
            assert_eq!(
                (seq, &subject),
                (one.last_seq(), &id),
                "without being asked"
            );
            let found = other
                .get::<Note>(&id)
                .await
                .unwrap()
                .expect("what was told of is there");
            assert_eq!(found.version, version);

            // Optimistic versions hold between them.
            let mut batch = Batch::new();
            batch.put(&note(&id, None), Expected::Exactly(version));
            other.commit(batch).await.unwrap();
            let mut batch = Batch::new();
            batch.put(&note(&id, None), Expected::Exactly(version));
            let late = one.commit(batch).await;
            assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");

            // And idempotency keys, and cancelling what the other holds.
            let first = one.jobs().enqueue(job("x").key(&id)).await.unwrap();
            let again = other.jobs().enqueue(job("x").key(&id)).await.unwrap();
            assert_eq!(first.id(), again.id());
            let claim = other.jobs().claim("w", LEASE).await.unwrap().unwrap().claim;
            one.jobs().request_cancel(first.id()).await.unwrap();
            let beat = other.jobs().heartbeat(&claim, LEASE).await.unwrap();
            assert_eq!(beat, Heartbeat::CancelRequested);
            other.jobs().cancelled(&claim).await.unwrap();
            one.close().await;
            other.close().await;
        }
    }
}

#[tokio::test]
async fn the_job_of_one_that_died_goes_to_the_other_after_its_lease() {
    let (Some(mongo), Some(redis)) = (servers::mongo(&[]), servers::redis(&[])) else {
        return;
    };
    let lease = Duration::from_millis(600);
    let (dying, other) = (
        plane(&mongo, Some(&redis)).await,
        plane(&mongo, Some(&redis)).await,
    );
    let id = dying
        .jobs()
        .enqueue(job("deploy").subject("a"))
        .await
        .unwrap()
        .id()
        .to_owned();
    let old = dying.jobs().claim("dying/0", lease).await.unwrap().unwrap();
    dying
        .jobs()
        .append_log(&id, vec!["begun".to_owned()])
        .await
        .unwrap();
    drop(dying);

    let claimed = soon(async {
        loop {
            other.jobs().wait_for_work().await.unwrap();
            if let Some(claimed) = other.jobs().claim("other/0", lease).await.unwrap() {
                return claimed;
            }
        }
    })
    .await;
    assert_eq!((&claimed.job.id, claimed.job.attempts), (&id, 2));
    assert_eq!(claimed.job.interruptions, 1);
    let log = other.jobs().read_log(&id, 0).await.unwrap();
    assert_eq!(log.lines[0].text, "begun");

    let back = plane(&mongo, Some(&redis)).await;
    let late = back.jobs().succeed(&old.claim, json!(1)).await;
    assert!(
        matches!(late, Err(StoreError::LeaseLost { .. })),
        "its claim is worth nothing"
    );
    other
        .jobs()
        .succeed(&claimed.claim, json!(2))
        .await
        .unwrap();
    assert_eq!(
        back.jobs().get(&id).await.unwrap().unwrap().result,
        Some(json!(2))
    );
}
