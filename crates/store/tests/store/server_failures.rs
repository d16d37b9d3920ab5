//! Servers that vanish, come back, come back empty, or do not let us in.

use std::{sync::Arc, time::Duration};

use nasiko_contract::Fault;
use nasiko_store::{
    Batch, Expected, Heartbeat, JobState, Store, StoreError, SystemClock,
    mongo::{Mongo, MongoAddress, MongoOptions},
    streams::RedisAddress,
};
use redis::AsyncCommands;
use serde_json::json;

use crate::{
    place::{LEASE, Note, job, note, soon},
    servers,
    shared::{next_event, plane, tell},
};

const PASSWORD: &str = "canary-p4ssw0rd";

/// Repeats until it is true.
async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    soon(async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn open(mongo: String, redis: Option<String>) -> Result<Store, StoreError> {
    let mut options = MongoOptions::new(MongoAddress::new(mongo));
    options.redis = redis.map(RedisAddress::new);
    let backend = Mongo::open(options).await?;
    Ok(Store::with_backend(
        Arc::new(backend),
        Arc::new(SystemClock),
    ))
}

#[tokio::test]
async fn a_job_goes_on_while_redis_is_away_and_after_it_came_back_empty() {
    let (Some(mongo), Some(mut redis)) = (servers::mongo(&[]), servers::redis(&[])) else {
        return;
    };
    let (one, other) = (
        plane(&mongo, Some(&redis)).await,
        plane(&mongo, Some(&redis)).await,
    );
    let mut feed = other.subscribe(None);
    let id = one
        .jobs()
        .enqueue(job("deploy").subject("a"))
        .await
        .unwrap()
        .id()
        .to_owned();
    let waiting = one
        .jobs()
        .enqueue(job("next").subject("a"))
        .await
        .unwrap()
        .id()
        .to_owned();
    let claim = one.jobs().claim("w", LEASE).await.unwrap().unwrap().claim;
    while next_event(&mut feed).await.0 < one.last_seq() {}

    redis.kill();
    assert_eq!(
        one.jobs().progress(&claim, 0.5, "building").await.unwrap(),
        Heartbeat::Held
    );
    let (seq, _) = next_event(&mut feed).await;
    assert_eq!(seq, one.last_seq(), "the other one looks by itself");
    eventually(async || one.health().iter().any(|health| health.trouble.is_some())).await;
    let health = one.health();
    assert!(health[0].trouble.is_none() && health[0].server.starts_with("MongoDB at 127.0.0.1"));
    assert!(
        health[1].server.starts_with("Redis at 127.0.0.1"),
        "{health:?}"
    );

    redis.start_again(); // it keeps nothing
    one.jobs().succeed(&claim, json!(1)).await.unwrap();
    next_event(&mut feed).await;
    let next = soon(async {
        loop {
            other.jobs().wait_for_work().await.unwrap();
            if let Some(claimed) = other.jobs().claim("w", LEASE).await.unwrap() {
                return claimed;
            }
        }
    })
    .await;
    assert_eq!(
        (next.job.id, next.job.attempts),
        (waiting, 1),
        "nothing is lost, nothing done twice"
    );
    assert_eq!(
        one.jobs().get(&id).await.unwrap().unwrap().state,
        JobState::Succeeded
    );
    eventually(async || {
        tell(&one, "again").await;
        one.health()
            .iter()
            .chain(&other.health())
            .all(|health| health.trouble.is_none())
    })
    .await;
}

#[tokio::test]
async fn a_listening_connection_that_is_cut_is_made_anew() {
    let (Some(mongo), Some(redis)) = (servers::mongo(&[]), servers::redis(&[])) else {
        return;
    };
    let (one, other) = (
        plane(&mongo, Some(&redis)).await,
        plane(&mongo, Some(&redis)).await,
    );
    let mut feed = other.subscribe(None);
    let client = redis::Client::open(redis.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for _ in 0..3 {
        let cut: i64 = redis::cmd("CLIENT")
            .arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"])
            .query_async(&mut connection)
            .await
            .unwrap();
        assert!(cut > 0);
        let seq = tell(&one, "after the cut").await;
        assert_eq!(next_event(&mut feed).await.0, seq);
    }
}

#[tokio::test]
async fn a_database_that_vanishes_says_which_and_is_used_again_when_it_is_back() {
    let Some(mut mongo) = servers::mongo(&[]) else {
        return;
    };
    let store = plane(&mongo, None).await;
    let seq = tell(&store, "before").await;
    let id = store
        .jobs()
        .enqueue(job("deploy"))
        .await
        .unwrap()
        .id()
        .to_owned();
    let claim = store.jobs().claim("w", LEASE).await.unwrap().unwrap().claim;

    mongo.kill();
    let mut batch = Batch::new();
    batch.put(&note("a", None), Expected::New);
    for refused in [
        soon(store.commit(batch)).await.map(|_| ()),
        soon(store.get::<Note>("a")).await.map(|_| ()),
        soon(store.jobs().list(&nasiko_store::JobQuery::default()))
            .await
            .map(|_| ()),
    ] {
        let error = refused.unwrap_err();
        assert!(
            matches!(&error, StoreError::Unavailable { .. }),
            "{error:?}"
        );
        let fault = Fault::from(error);
        let port = mongo.port.to_string();
        assert!(
            fault.retryable && fault.message.contains(&port),
            "{fault:?}"
        );
    }
    assert!(store.health()[0].trouble.is_some());

    mongo.start_again();
    eventually(async || store.get::<Note>("a").await.is_ok()).await;
    assert!(store.health()[0].trouble.is_none());
    assert_eq!(
        store.get::<Note>("a").await.unwrap(),
        None,
        "what was refused was not done"
    );
    assert_eq!(
        store.jobs().heartbeat(&claim, LEASE).await.unwrap(),
        Heartbeat::Held
    );
    store.jobs().succeed(&claim, json!(1)).await.unwrap();
    assert_eq!(
        store.jobs().get(&id).await.unwrap().unwrap().state,
        JobState::Succeeded
    );
    let replay = store.events_after(seq - 1, 100).await.unwrap();
    let seqs: Vec<u64> = replay.events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (seq..=store.last_seq()).collect::<Vec<_>>(), "no gap");
}

#[tokio::test]
async fn a_wrong_password_is_said_and_never_shown() {
    let (Some(mut mongo), Some(redis)) = (
        servers::mongo(&[]),
        servers::redis(&["--requirepass", PASSWORD]),
    ) else {
        return;
    };
    let url = mongo.mongo_url();
    let client = mongodb::Client::with_uri_str(&url).await.unwrap();
    let user =
        mongodb::bson::doc! { "createUser": "nasiko", "pwd": PASSWORD, "roles": ["readWrite"] };
    client
        .database("nasiko_test")
        .run_command(user)
        .await
        .unwrap();
    client.shutdown().await;
    mongo.stop();
    mongo.more.push("--auth".to_owned());
    mongo.start_again();

    let with = |password: &str| url.replace("mongodb://", &format!("mongodb://nasiko:{password}@"));
    let redis_with = |password: &str| {
        redis
            .redis_url()
            .replace("redis://", &format!("redis://:{password}@"))
    };
    for (mongo, redis) in [
        (url.clone(), None),
        (with("canary-wrong"), None),
        (with(PASSWORD), Some(redis.redis_url())),
        (with(PASSWORD), Some(redis_with("canary-wrong"))),
    ] {
        let error = soon(open(mongo, redis)).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
        let fault = Fault::from(error.clone());
        assert!(!fault.retryable && fault.hint.is_some());
        let shown = format!("{error:?} {error} {fault:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    let store = open(with(PASSWORD), Some(redis_with(PASSWORD)))
        .await
        .unwrap();
    tell(&store, "in").await;
    assert!(!format!("{:?}", store.health()).contains("canary"));
    let address = format!(
        "{:?} {:?}",
        MongoAddress::new(with(PASSWORD)),
        RedisAddress::new(redis_with(PASSWORD))
    );
    assert!(!address.contains("canary"), "{address}");
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_without_being_quoted() {
    for url in [
        "",
        "canary",
        "http://canary:canary@host",
        "mongodb://canary-user:canary/pw@host/db",
    ] {
        let error = open(url.to_owned(), None).await.map(|_| ()).unwrap_err();
        assert!(
            matches!(error, StoreError::BadAddress { .. }),
            "{url}: {error:?}"
        );
        let shown = format!("{error:?} {:?}", Fault::from(error.clone()));
        assert!(!shown.contains("canary"), "{shown}");
    }
    let Some(mongo) = servers::mongo(&[]) else {
        return;
    };
    for url in ["canary", "rediss://:canary@127.0.0.1:1", "http://canary"] {
        let error = open(mongo.mongo_url(), Some(url.to_owned()))
            .await
            .map(|_| ())
            .unwrap_err();
        assert!(
            matches!(error, StoreError::BadAddress { .. }),
            "{url}: {error:?}"
        );
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let Some(mongo) = servers::mongo(&[]) else {
        return;
    };
    let client = mongodb::Client::with_uri_str(mongo.mongo_url())
        .await
        .unwrap();
    let heads = client.database("nasiko_test").collection("nasiko_head");
    for (layout, is_newer) in [(None, false), (Some(99_i64), true)] {
        heads.drop().await.unwrap();
        heads
            .insert_one(mongodb::bson::doc! { "_id": "head", "layout": layout })
            .await
            .unwrap();
        let error = open(mongo.mongo_url(), None).await.map(|_| ()).unwrap_err();
        assert_eq!(
            matches!(error, StoreError::NewerData { found: 99, .. }),
            is_newer
        );
        assert_eq!(matches!(error, StoreError::Refused { .. }), !is_newer);
    }
}

#[tokio::test]
async fn nothing_but_announcements_is_kept_in_redis() {
    let (Some(mongo), Some(redis)) = (servers::mongo(&[]), servers::redis(&[])) else {
        return;
    };
    let store = plane(&mongo, Some(&redis)).await;
    for number in 0..300 {
        tell(&store, &number.to_string()).await;
    }
    let client = redis::Client::open(redis.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    eventually(async || {
        connection
            .exists("nasiko:nasiko_test:commits")
            .await
            .unwrap()
    })
    .await;
    let keys: Vec<String> = connection.keys("*").await.unwrap();
    assert_eq!(keys, ["nasiko:nasiko_test:commits"]);
    let length: usize = connection.xlen(&keys[0]).await.unwrap();
    assert!(
        length < 300,
        "{length}: old ones are dropped, bursts are told as one"
    );
}
