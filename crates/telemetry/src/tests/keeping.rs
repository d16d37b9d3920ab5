use std::{path::Path, time::Duration};

use nasiko_contract::{ErrorCode, Fault};
use tempfile::TempDir;

use super::harness::{DAY, PATIENCE, now, span, store, store_with, trace_id};
use crate::{Limits, TelemetryError, TraceFilter, TraceStore};

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs_err::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "db")
        })
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_span_sent_twice_counts_once() {
    let (_dir, store) = store();
    let one = span(1, 1, None);
    store.ingest(vec![one.clone(), one.clone()]).await.unwrap();
    store.ingest(vec![one]).await.unwrap();
    let counters = store.counters();
    assert_eq!((counters.accepted, counters.duplicates), (1, 2));
    assert_eq!(
        store.traces(TraceFilter::default()).await.unwrap().items[0].spans,
        1
    );
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_crash() {
    let dir = TempDir::new().unwrap();
    let store = TraceStore::open(dir.path(), Limits::default()).unwrap();
    store.ingest(vec![span(1, 1, None)]).await.unwrap();
    // What the disk holds at this instant is what a killed process leaves: the first store is still open.
    let copy = TempDir::new().unwrap();
    for entry in fs_err::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let survivor = TraceStore::open(copy.path(), Limits::default()).unwrap();
    assert!(survivor.trace(trace_id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn retention_deletes_whole_days() {
    let dir = TempDir::new().unwrap();
    let long = TraceStore::open(dir.path(), Limits::default()).unwrap();
    let spans = (0..10_u64).map(|days| {
        let mut one = span(u128::from(days) + 1, 1, None);
        one.start_ns = now() - days * DAY;
        one.end_ns = one.start_ns;
        one
    });
    long.ingest(spans.collect()).await.unwrap();
    assert_eq!(files(dir.path()).len(), 10);
    drop(long);
    let short = TraceStore::open(
        dir.path(),
        Limits {
            retention_days: 3,
            ..Limits::default()
        },
    )
    .unwrap();
    assert_eq!(files(dir.path()).len(), 3);
    assert!(short.trace(trace_id(3)).await.unwrap().is_some());
    assert!(short.trace(trace_id(4)).await.unwrap().is_none());
}

#[tokio::test]
async fn spans_beyond_the_retention_make_no_files() {
    let (dir, store) = store_with(Limits {
        retention_days: 3,
        ..Limits::default()
    });
    let at = |start_ns: u64, trace| {
        let mut one = span(trace, 1, None);
        (one.start_ns, one.end_ns) = (start_ns, start_ns);
        one
    };
    let spans = vec![
        at(0, 1),
        at(now() - 3 * DAY, 2),
        at(now() + 3 * DAY, 3),
        at(u64::MAX, 4),
        at(now() - 2 * DAY, 5),
    ];
    store.ingest(spans).await.unwrap();
    let counters = store.counters();
    assert_eq!((counters.accepted, counters.rejected), (1, 4));
    assert_eq!(
        files(dir.path()).len(),
        2,
        "today's, and that of the day before yesterday"
    );
}

#[tokio::test]
async fn beyond_its_bytes_the_oldest_day_goes_and_then_nothing_comes_in() {
    let dir = TempDir::new().unwrap();
    let first = TraceStore::open(dir.path(), Limits::default()).unwrap();
    let mut old = span(1, 1, None);
    old.start_ns = now() - 5 * DAY;
    old.end_ns = old.start_ns;
    first.ingest(vec![old, span(2, 1, None)]).await.unwrap();
    drop(first);
    let full = TraceStore::open(
        dir.path(),
        Limits {
            max_bytes: 1,
            ..Limits::default()
        },
    )
    .unwrap();
    assert_eq!(files(dir.path()).len(), 1, "today's is never deleted");
    let refused = full.ingest(vec![span(3, 1, None)]).await.unwrap_err();
    assert!(matches!(refused, TelemetryError::Full { limit: 1 }));
    assert_eq!(Fault::from(refused).code, ErrorCode::LimitReached);
    assert_eq!(full.counters().rejected, 1);
    full.flush().await.unwrap();
    assert!(
        full.trace(trace_id(2)).await.unwrap().is_some(),
        "what is there can be read"
    );
}

#[tokio::test]
async fn a_directory_that_is_none_is_a_fault() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs_err::write(&file, "in the way").unwrap();
    let error = TraceStore::open(&file.join("telemetry"), Limits::default())
        .err()
        .unwrap();
    let fault = Fault::from(error);
    assert_eq!(fault.code, ErrorCode::StoreFailed);
    assert!(
        fault.hint.is_some() && !fault.evidence.is_empty(),
        "{fault:?}"
    );
}

#[tokio::test]
async fn files_of_a_newer_version_are_left_alone() {
    let (dir, store) = store();
    drop(store);
    let file = dir.path().join(files(dir.path()).remove(0));
    let newer = rusqlite::Connection::open(&file).unwrap();
    newer.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(newer);
    let error = TraceStore::open(dir.path(), Limits::default())
        .err()
        .unwrap();
    assert_eq!(Fault::from(error).code, ErrorCode::NewerData);
}

/// Holds today's file so that nobody else can write it.
fn hold(dir: &Path) -> rusqlite::Connection {
    let file = dir.join(files(dir).pop().unwrap());
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn a_failed_commit_is_told_and_counted_and_can_be_repeated() {
    let (dir, store) = store();
    let other = hold(dir.path());
    let error = store.ingest(vec![span(1, 1, None)]).await.unwrap_err();
    assert!(matches!(error, TelemetryError::Write(_)), "{error:?}");
    assert_eq!(store.counters().failed, 1);
    other.execute_batch("ROLLBACK").unwrap();
    store.ingest(vec![span(1, 1, None)]).await.unwrap();
    assert_eq!(store.trace(trace_id(1)).await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let (dir, store) = store_with(Limits {
        queue_items: 4,
        ..Limits::default()
    });
    let other = hold(dir.path());
    // The writer waits for the file, so nothing it was given gives its place back.
    let offered = (1..=10)
        .filter(|number| store.offer(span(1, *number, None)))
        .count();
    assert_eq!((offered, store.counters().dropped), (4, 6));
    other.execute_batch("ROLLBACK").unwrap();
    store.flush().await.unwrap();
    assert_eq!(store.counters().accepted, 4);
    assert!(store.offer(span(1, 11, None)), "there is room again");
}

#[tokio::test]
async fn a_batch_larger_than_the_queue_still_fits() {
    let (_dir, store) = store_with(Limits {
        queue_items: 4,
        ..Limits::default()
    });
    store
        .ingest((1..=100).map(|number| span(1, number, None)).collect())
        .await
        .unwrap();
    assert_eq!(store.trace(trace_id(1)).await.unwrap().unwrap().len(), 100);
}

#[tokio::test]
async fn large_attributes_are_cut() {
    let (_dir, store) = store_with(Limits {
        max_attribute_bytes: 10,
        max_attributes: 2,
        ..Limits::default()
    });
    let mut one = span(1, 1, None);
    one.attributes.insert("a".into(), "ä".repeat(100).into());
    one.attributes
        .insert("b".into(), vec!["long enough"; 3].into());
    one.attributes.insert("c".into(), 1.into());
    store.ingest(vec![one]).await.unwrap();
    let read = store.trace(trace_id(1)).await.unwrap().unwrap().remove(0);
    assert_eq!(read.attributes.len(), 2);
    assert_eq!(read.attributes["a"], "äää…");
    assert!(read.attributes["b"].as_str().unwrap().ends_with('…'));
}

#[tokio::test]
async fn subscribers_hear_of_each_commit() {
    let (_dir, store) = store();
    let mut notices = store.subscribe();
    store
        .ingest(vec![span(1, 2, Some(1)), span(1, 3, Some(1))])
        .await
        .unwrap();
    assert!(store.offer(span(1, 1, None)));
    let mut next = async || {
        tokio::time::timeout(PATIENCE, notices.recv())
            .await
            .unwrap()
            .unwrap()
    };
    let first = next().await;
    assert_eq!(
        (
            first.new_spans,
            first.summary.spans,
            first.summary.name.as_str()
        ),
        (2, 2, "step 2")
    );
    let second = next().await;
    assert_eq!(
        (
            second.new_spans,
            second.summary.spans,
            second.summary.name.as_str()
        ),
        (1, 3, "step 1")
    );
}

#[tokio::test]
async fn a_question_is_stopped_at_its_limit() {
    let (_dir, store) = store_with(Limits {
        query_timeout: Duration::from_millis(20),
        ..Limits::default()
    });
    let endless = store.question(|readers, stop| {
        let day = readers.days.newest_first()[0];
        readers.ask(day, stop, |connection| {
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
            connection.query_row(sql, [], |row| row.get::<_, i64>(0))
        })
    });
    let stopped = tokio::time::timeout(PATIENCE, endless).await.unwrap();
    assert!(matches!(stopped, Err(TelemetryError::TooSlow)));
}
