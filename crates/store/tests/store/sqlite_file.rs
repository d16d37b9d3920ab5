//! What is SQLite's own: the file, its versions, its limits.

use std::{path::Path, sync::Arc};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_store::{
    Backend, Batch, Expected, FeedItem, Query, Store, StoreError, SystemClock,
    sqlite::{Sqlite, SqliteOptions},
};
use serde_json::json;
use tempfile::TempDir;

use crate::place::{Note, clock, job, note, soon};

async fn open(options: SqliteOptions) -> Result<Store, StoreError> {
    let backend: Arc<dyn Backend> = Arc::new(Sqlite::open(options).await?);
    Ok(Store::with_backend(backend, Arc::new(SystemClock)))
}

async fn opening(file: &Path) -> StoreError {
    match Store::open(file).await {
        Ok(_) => panic!("{} should not open", file.display()),
        Err(error) => error,
    }
}

fn change(file: &Path, sql: &str) {
    rusqlite::Connection::open(file)
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

/// A store file with one record in it, closed.
async fn made(directory: &TempDir) -> std::path::PathBuf {
    let file = directory.path().join("state.db");
    let store = Store::open(&file).await.unwrap();
    let mut batch = Batch::new();
    batch
        .put(&note("a", None), Expected::New)
        .event("note.changed", "a", json!({}))
        .enqueue(job("index"));
    store.commit(batch).await.unwrap();
    store.close().await;
    file
}

#[tokio::test]
async fn what_was_stored_is_there_when_opened_again() {
    let directory = TempDir::new().unwrap();
    let file = made(&directory).await;
    let store = Store::open(&file).await.unwrap();
    assert_eq!(
        store.get::<Note>("a").await.unwrap().unwrap().value,
        note("a", None)
    );
    assert_eq!(store.last_seq(), 2);
    assert!(
        store
            .jobs()
            .claim("w", crate::place::LEASE)
            .await
            .unwrap()
            .is_some()
    );
    let mut feed = store.subscribe(None);
    let follower = tokio::spawn(async move { feed.next().await });
    store.close().await;
    assert!(matches!(
        soon(follower).await.unwrap(),
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.get::<Note>("a").await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.commit(Batch::new()).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        soon(store.jobs().wait_for_work()).await,
        Err(StoreError::Closed)
    ));
    let left: Vec<_> = fs_err::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["state.db"], "a closed store leaves no journal");
}

#[tokio::test]
async fn a_newer_file_is_refused_untouched() {
    let directory = TempDir::new().unwrap();
    let file = made(&directory).await;
    change(&file, "PRAGMA user_version = 99");
    let before = fs_err::read(&file).unwrap();
    let error = opening(&file).await;
    assert!(
        matches!(error, StoreError::NewerData { found: 99, .. }),
        "{error:?}"
    );
    assert_eq!(Fault::from(error).code, ErrorCode::NewerData);
    assert_eq!(fs_err::read(&file).unwrap(), before);
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let foreign = directory.path().join("foreign.db");
    change(
        &foreign,
        "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)",
    );
    let nonsense = directory.path().join("nonsense.db");
    fs_err::write(
        &nonsense,
        "this is not a database, and it is long enough to be looked at".repeat(20),
    )
    .unwrap();
    let altered = made(&directory).await;
    change(&altered, "UPDATE migrations SET checksum = 'another'");
    for file in [foreign, nonsense, altered] {
        let before = fs_err::read(&file).unwrap();
        let error = opening(&file).await;
        assert!(
            matches!(error, StoreError::Corrupt { .. }),
            "{}: {error:?}",
            file.display()
        );
        assert!(Fault::from(error).hint.is_some());
        assert_eq!(fs_err::read(&file).unwrap(), before, "{}", file.display());
    }
}

#[tokio::test]
async fn damage_inside_the_file_is_told_as_such() {
    let directory = TempDir::new().unwrap();
    let file = made(&directory).await;
    let mut bytes = fs_err::read(&file).unwrap();
    bytes[8_192..].fill(0x5a); // the first two pages are whole: it opens
    fs_err::write(&file, bytes).unwrap();
    let error = match Store::open(&file).await {
        Ok(store) => store.get::<Note>("a").await.unwrap_err(),
        Err(error) => error,
    };
    assert!(
        matches!(error, StoreError::Damaged(_) | StoreError::Corrupt { .. }),
        "{error:?}"
    );
    let fault = Fault::from(error);
    assert_eq!(fault.code, ErrorCode::StoreFailed);
    assert!(fault.hint.is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let directory = TempDir::new().unwrap();
    let missing = opening(&directory.path().join("none/state.db")).await;
    assert!(
        matches!(missing, StoreError::NotWritable { .. }),
        "{missing:?}"
    );
    let folder = opening(directory.path()).await;
    assert!(
        matches!(folder, StoreError::NotWritable { .. }),
        "{folder:?}"
    );

    let read_only = |mode| {
        fs_err::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    read_only(0o555);
    // The superuser may write anywhere, save into the kernel's own file systems.
    let is_barred = fs_err::write(directory.path().join("probe"), "").is_err();
    let place = if is_barred {
        directory.path()
    } else {
        Path::new("/proc")
    };
    let error = opening(&place.join("state.db")).await;
    read_only(0o755);
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error:?}");
    let fault = Fault::from(error);
    assert!(
        fault.message.contains("state.db") && fault.hint.is_some(),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let mut options = SqliteOptions::new(directory.path().join("state.db"));
    options.max_bytes = Some(400 << 10);
    let store = open(options.clone()).await.unwrap();
    let filler = |id: usize| Note {
        text: "x".repeat(8_000),
        ..note(&id.to_string(), None)
    };
    let mut kept = 0;
    let error = loop {
        let mut batch = Batch::new();
        batch
            .put(&filler(kept), Expected::New)
            .event("note.changed", kept.to_string(), json!({}));
        match store.commit(batch).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 100, "the limit does not bite");
    };
    assert!(kept > 10);
    let fault = Fault::from(error);
    assert_eq!((fault.code, fault.retryable), (ErrorCode::DiskFull, true));
    let kept_notes =
        async |store: &Store| store.list::<Note>(Query::all()).await.unwrap().items.len();
    assert_eq!(
        kept_notes(&store).await,
        kept,
        "all that was told, and not a piece of what was not"
    );
    assert_eq!(store.last_seq(), kept as u64);

    let mut batch = Batch::new();
    batch
        .delete::<Note>("0", Expected::Any)
        .delete::<Note>("1", Expected::Any);
    store.commit(batch).await.unwrap();
    let mut batch = Batch::new();
    batch
        .put(&filler(kept), Expected::New)
        .event("note.changed", "again", json!({}));
    let committed = store.commit(batch).await.unwrap();
    assert_eq!(
        committed.first_seq,
        kept as u64 + 1,
        "freed space is used again, and no seq was lost"
    );
    store.close().await;

    options.max_bytes = None;
    let store = open(options).await.unwrap();
    assert_eq!(kept_notes(&store).await, kept - 1);
}

#[tokio::test]
async fn one_bad_batch_does_not_harm_its_group() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(made(&directory).await).await.unwrap();
    let commits = (0..200).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut batch = Batch::new();
            batch.event("tried", number.to_string(), json!({}));
            // Every third one fails at its end, after its event.
            let id = if number % 3 == 0 {
                "a".to_owned()
            } else {
                format!("n{number}")
            };
            batch.put(&note(&id, None), Expected::New);
            (number, store.commit(batch).await)
        })
    });
    for commit in commits.collect::<Vec<_>>() {
        let (number, outcome) = commit.await.unwrap();
        match outcome {
            Ok(committed) => {
                let replay = store
                    .events_after(committed.first_seq - 1, 1)
                    .await
                    .unwrap();
                assert_eq!(
                    replay.events[0].subject,
                    number.to_string(),
                    "each gets its own seq"
                );
                assert_ne!(number % 3, 0);
            }
            Err(StoreError::Conflict { .. }) => assert_eq!(number % 3, 0),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(store.last_seq(), 2 + 133);
}

#[tokio::test]
async fn old_events_are_dropped_and_the_gap_is_told() {
    let directory = TempDir::new().unwrap();
    let mut options = SqliteOptions::new(directory.path().join("state.db"));
    options.kept_events = 100;
    let store = open(options.clone()).await.unwrap();
    for _ in 0..8 {
        let mut batch = Batch::new();
        for number in 0..200 {
            batch.event("tick", number.to_string(), json!({}));
        }
        store.commit(batch).await.unwrap();
    }
    store.close().await;
    let store = open(options).await.unwrap();
    assert_eq!(store.last_seq(), 1_600);
    let replay = store.events_after(10, 2_000).await.unwrap();
    let first = replay.gap.expect("what is gone is told");
    assert!(
        (1_400..=1_501).contains(&first),
        "{first}: 100 are kept, and at most so many more as fit between two trims"
    );
    assert_eq!(replay.events[0].seq, first);
    assert!(
        store
            .events_after(first - 1, 10)
            .await
            .unwrap()
            .gap
            .is_none()
    );
    let mut feed = store.subscribe(Some(10));
    assert!(
        matches!(soon(feed.next()).await.unwrap(), FeedItem::Gap { first_kept } if first_kept == first)
    );
    assert!(
        matches!(soon(feed.next()).await.unwrap(), FeedItem::Event(event) if event.seq == first)
    );
}

#[tokio::test]
async fn ended_jobs_beyond_the_limit_are_dropped_with_their_logs() {
    use nasiko_store::{JobQuery, job::limits};

    let directory = TempDir::new().unwrap();
    let mut options = SqliteOptions::new(directory.path().join("state.db"));
    options.clock = clock();
    let store = open(options).await.unwrap();
    let jobs = store.jobs();
    let first = job("first");
    let first_id = first.id.clone();
    jobs.enqueue(first).await.unwrap();
    jobs.append_log(&first_id, vec!["a line".to_owned()])
        .await
        .unwrap();
    let active = job("active").subject("kept");
    jobs.enqueue(active).await.unwrap();
    let first_claim = jobs
        .claim("w", crate::place::LEASE)
        .await
        .unwrap()
        .unwrap()
        .claim;
    jobs.succeed(&first_claim, json!(null)).await.unwrap();
    let active_claim = jobs
        .claim("w", crate::place::LEASE)
        .await
        .unwrap()
        .unwrap()
        .claim;
    for _ in 0..limits::ENDED_JOBS.div_ceil(100) + 4 {
        let mut batch = Batch::new();
        let ids: Vec<_> = (0..100)
            .map(|_| job("filler"))
            .inspect(|job| {
                batch.enqueue(job.clone());
            })
            .map(|job| job.id)
            .collect();
        store.commit(batch).await.unwrap();
        for id in ids {
            jobs.request_cancel(&id).await.unwrap();
        }
    }
    assert!(jobs.get(&first_id).await.unwrap().is_none());
    assert!(matches!(
        jobs.read_log(&first_id, 0).await,
        Err(StoreError::JobNotFound { .. })
    ));
    assert!(
        jobs.get(&active_claim.job).await.unwrap().is_some(),
        "what has not ended stays"
    );
    let (mut kept, mut after) = (0, None);
    loop {
        let page = jobs
            .list(&JobQuery {
                limit: Some(1_000),
                after,
                ..JobQuery::default()
            })
            .await
            .unwrap();
        kept += page.items.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(
        (limits::ENDED_JOBS..limits::ENDED_JOBS + 600).contains(&kept),
        "{kept}"
    );
}
