//! The store moves under a whole control plane: to servers that are real, and back.

use std::{ffi::OsString, path::Path};

use futures::StreamExt;
use nasiko_contract::{
    ErrorCode, Fault, GetSettings, GetStore, MoveProgress, MoveReport, MoveStep, MoveStore,
    PatchSettings, StoreKind, StoreStatus,
};
use nasiko_store::{FeedItem, Store};
use tempfile::TempDir;

use super::{REDIS_URL, STORE_URL};
use crate::{
    ControlPlane,
    api::{self, Caller},
    settings,
    tests::{PATIENCE, config, servers},
};

const CANARY: &str = "canary-of-the-store";

async fn open(home: &Path) -> ControlPlane {
    open_in(home, &[]).await.unwrap()
}

/// With more in its environment, and no keyring.
async fn open_in(home: &Path, more: &[(&str, &str)]) -> Result<ControlPlane, Fault> {
    let mut config = config(home, "unix:///no-engine-here.sock", "nasiko-test");
    let more = more
        .iter()
        .copied()
        .chain([("NASIKO_VAULT_KEYRING", "none")]);
    let more = more.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    config.environment.extend(more);
    ControlPlane::open(config).await
}

fn to(place: impl Into<String>) -> MoveStore {
    MoveStore {
        to: place.into(),
        redis: None,
        join: false,
    }
}

async fn move_store(
    plane: &ControlPlane,
    request: MoveStore,
) -> Result<(Vec<MoveProgress>, MoveReport), Fault> {
    let moving = async {
        let mut items = api::stream(plane, &Caller::owner(), request).await?;
        let mut seen = Vec::new();
        while let Some(item) = items.next().await {
            seen.push(item?.item);
        }
        let report = seen.last().and_then(|last| last.report.clone());
        Ok((seen, report.expect("the last item has a report")))
    };
    tokio::time::timeout(PATIENCE, moving)
        .await
        .expect("a move ends")
}

async fn status(plane: &ControlPlane) -> StoreStatus {
    api::call(plane, &Caller::owner(), GetStore {})
        .await
        .unwrap()
}

/// Writes something that can be read again.
async fn set(plane: &ControlPlane, parallel_jobs: u32) {
    let request = PatchSettings {
        parallel_jobs: Some(parallel_jobs),
        ..PatchSettings::default()
    };
    api::call(plane, &Caller::owner(), request).await.unwrap();
}

async fn parallel_jobs(plane: &ControlPlane) -> u32 {
    let settings = api::call(plane, &Caller::owner(), GetSettings {}).await;
    settings.unwrap().parallel_jobs
}

#[tokio::test]
async fn there_and_back_under_those_who_work() {
    let (Some(mongo), Some(redis)) = (servers::mongo(&[]), servers::redis(&[])) else {
        return;
    };
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    set(&plane, 3).await;
    let mut feed = plane.shared.store.subscribe(Some(0));
    let url = format!("{}?appName={CANARY}", mongo.mongo_url());
    let request = MoveStore {
        redis: Some(redis.redis_url()),
        ..to(&url)
    };
    let (seen, report) = move_store(&plane, request).await.unwrap();
    assert_eq!(seen[0].step, MoveStep::Preparing);
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].step as u8 <= pair[1].step as u8)
    );
    assert_eq!(report.place.location, mongo.mongo_url());
    assert!(
        report.counts["event"] > 0 && report.counts.len() > 1,
        "{report:?}"
    );
    let now = status(&plane).await;
    assert_eq!((now.place.kind, now.moving), (StoreKind::Mongodb, false));
    assert_eq!(now.servers.len(), 2);
    assert!(now.servers.iter().all(|server| server.trouble.is_none()));
    let old = home.path().join("nasiko.db");
    assert_eq!(now.before.unwrap().location, old.display().to_string());
    assert!(now.last_move.is_some_and(|last| last.fault.is_none()));
    assert!(plane.shared.house.is_shared() && plane.shared.house.redis().is_some());
    set(&plane, 4).await;

    // Who follows misses nothing.
    let mut topics = Vec::new();
    while topics.last().is_none_or(|topic| topic != "plane.changed") {
        match tokio::time::timeout(PATIENCE, feed.next()).await.unwrap() {
            Ok(FeedItem::Event(event)) => topics.push(event.topic.clone()),
            other => panic!("{other:?}"),
        }
    }
    let is_there = |topic: &str| topics.iter().any(|seen| seen == topic);
    assert!(
        is_there("setting.changed") && is_there("store.moved"),
        "{topics:?}"
    );

    let file = home.path().join("store.json");
    let text = fs_err::read_to_string(&file).unwrap();
    assert!(!text.contains(CANARY) && text.contains("sealed"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs_err::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    plane.close().await;
    drop(plane);

    let plane = open(home.path()).await;
    assert_eq!(parallel_jobs(&plane).await, 4);
    assert_eq!(status(&plane).await.place.location, mongo.mongo_url());
    let again = move_store(&plane, to(&url)).await.unwrap().1;
    assert!(again.counts.is_empty(), "it is there already");
    assert_eq!(
        plane.shared.store.backend_name(),
        "mongodb",
        "without Redis now"
    );
    set(&plane, 5).await;
    let (_, report) = move_store(&plane, to("sqlite")).await.unwrap();
    assert!(report.place.location.ends_with("nasiko-2.db"), "{report:?}");
    assert_eq!(report.before.location, mongo.mongo_url());
    set(&plane, 6).await;
    let refused = move_store(&plane, to(&url)).await.unwrap_err();
    assert_eq!(
        refused.code,
        ErrorCode::WrongState,
        "it is in use: {refused:?}"
    );
    plane.close().await;
    drop(plane);

    let plane = open(home.path()).await;
    assert_eq!(parallel_jobs(&plane).await, 6);
    plane.close().await;
    drop(plane);
    let old = Store::open(&old).await.unwrap();
    let kept = settings::load(&old).await.unwrap();
    assert_eq!(kept.parallel_jobs, 3, "it stayed as it was");
    old.close().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let Some(redis) = servers::redis(&["--requirepass", CANARY]) else {
        return;
    };
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let nobody = "mongodb://me:canary-of-the-store@127.0.0.1:9/nasiko?serverSelectionTimeoutMS=200";
    let cases = [
        (to("nowhere"), ErrorCode::InvalidRequest),
        (
            to(format!("mysql://me:{CANARY}@a")),
            ErrorCode::InvalidRequest,
        ),
        (
            to(format!("mongodb://me:{CANARY}@:x:/%")),
            ErrorCode::InvalidRequest,
        ),
        (to(nobody), ErrorCode::StoreFailed),
        (to("stack"), ErrorCode::EngineAbsent),
        (
            MoveStore {
                redis: Some(format!("http://{CANARY}")),
                ..to("sqlite")
            },
            ErrorCode::InvalidRequest,
        ),
    ];
    for (request, code) in cases {
        let place = request.to.clone();
        let fault = move_store(&plane, request).await.unwrap_err();
        assert_eq!(fault.code, code, "{place}: {fault:?}");
        assert!(
            fault.hint.is_some() || code == ErrorCode::InvalidRequest,
            "{fault:?}"
        );
        assert!(!format!("{fault:?}").contains(CANARY), "{fault:?}");
    }
    let failed = status(&plane).await.last_move.unwrap();
    assert!(failed.fault.is_some() && !format!("{failed:?}").contains(CANARY));
    if let Some(mongo) = servers::mongo(&[]) {
        let request = MoveStore {
            redis: Some(redis.redis_url()),
            ..to(mongo.mongo_url())
        };
        let fault = move_store(&plane, request).await.unwrap_err();
        assert_eq!(fault.code, ErrorCode::StoreFailed, "{fault:?}");
    }
    let now = status(&plane).await;
    assert_eq!(now.place.kind, StoreKind::Sqlite);
    assert!(now.before.is_none() && !home.path().join("store.json").try_exists().unwrap());
    set(&plane, 2).await;

    // Beside a file Redis only carries a platform's commands.
    let url = format!("redis://:{CANARY}@127.0.0.1:{}/2", redis.port);
    let request = MoveStore {
        redis: Some(url),
        ..to("sqlite")
    };
    let report = move_store(&plane, request).await.unwrap().1;
    assert!(report.counts.is_empty() && report.place.redis.is_some());
    plane.close().await;
    drop(plane);

    let decided = [(STORE_URL, nobody)];
    let fault = open_in(home.path(), &decided).await.err().unwrap();
    assert_eq!(fault.code, ErrorCode::StoreFailed);
    assert!(
        fault.evidence.iter().any(|line| line.contains(STORE_URL)),
        "{fault:?}"
    );
    let plane = open_in(home.path(), &[(REDIS_URL, "redis://127.0.0.1:9")])
        .await
        .unwrap();
    let redis = status(&plane).await.place.redis;
    assert_eq!(redis.as_deref(), Some("redis://127.0.0.1:9"));
    plane.close().await;
}

#[tokio::test]
async fn a_database_that_is_away_at_the_start_is_said_and_nothing_else_is_opened() {
    let Some(mut mongo) = servers::mongo(&[]) else {
        return;
    };
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    set(&plane, 3).await;
    let url = format!(
        "{}?serverSelectionTimeoutMS=200&appName={CANARY}",
        mongo.mongo_url()
    );
    move_store(&plane, to(url)).await.unwrap();
    set(&plane, 4).await;
    plane.close().await;
    drop(plane);
    mongo.stop();

    let fault = open_in(home.path(), &[]).await.err().unwrap();
    assert_eq!(fault.code, ErrorCode::StoreFailed, "{fault:?}");
    let hint = fault.hint.clone().unwrap();
    assert!(
        hint.contains("store.json") && hint.contains("nasiko.db"),
        "{hint}"
    );
    assert!(!fault.evidence.is_empty() && !format!("{fault:?}").contains(CANARY));

    mongo.start_again();
    let plane = open(home.path()).await;
    assert_eq!(parallel_jobs(&plane).await, 4);
    plane.close().await;
    drop(plane);
    fs_err::remove_file(home.path().join("store.json")).unwrap();
    let plane = open(home.path()).await;
    assert_eq!(parallel_jobs(&plane).await, 3, "the way back");
    plane.close().await;
}

#[tokio::test]
async fn a_database_in_use_is_joined_only_on_request_and_with_its_key() {
    let Some(mongo) = servers::mongo(&[]) else {
        return;
    };
    let (first_home, home) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = open(first_home.path()).await;
    set(&first, 7).await;
    move_store(&first, to(mongo.mongo_url())).await.unwrap();
    // Something is sealed there.
    first.shared.fingerprint_key().await.unwrap();

    let plane = open(home.path()).await;
    set(&plane, 2).await;
    let refused = move_store(&plane, to(mongo.mongo_url())).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::WrongState);
    assert!(refused.hint.unwrap().contains("--join"));
    let join = MoveStore {
        join: true,
        ..to(mongo.mongo_url())
    };
    let wrong_key = move_store(&plane, join.clone()).await.unwrap_err();
    assert!(wrong_key.hint.unwrap().contains("vault.key"));
    plane.close().await;
    drop(plane);
    for name in ["vault.key", "vault.json"] {
        let file = first_home.path().join(name);
        if file.try_exists().unwrap() {
            fs_err::copy(file, home.path().join(name)).unwrap();
        }
    }
    let plane = open(home.path()).await;
    let report = move_store(&plane, join).await.unwrap().1;
    assert!(report.restart && report.counts.is_empty());
    let now = status(&plane).await;
    assert_eq!(now.place.kind, StoreKind::Sqlite, "until the next start");
    assert_eq!(now.next.unwrap().location, mongo.mongo_url());
    plane.close().await;
    drop(plane);

    let plane = open(home.path()).await;
    assert_eq!(parallel_jobs(&plane).await, 7);
    let refused = move_store(&plane, to("sqlite")).await.unwrap_err();
    assert_eq!(
        refused.code,
        ErrorCode::WrongState,
        "another one works there: {refused:?}"
    );
    first.close().await;
    plane.close().await;
}
