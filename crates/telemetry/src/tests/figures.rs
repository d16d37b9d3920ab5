//! Figures: what is counted, and that what follows a read neither doubles nor loses anything.

use serde_json::json;

use super::harness::{PATIENCE, SECOND, attributes, now, span, store};
use crate::{
    FigureRow, Limits, RequestFigures, Resolution, Span, SpanKind, StatusCode, TraceStore,
};

/// A request to `agent` that ended at `end_ns`.
fn request(number: u64, agent: &str, end_ns: u64, millis: u64) -> Span {
    let mut span = span(u128::from(number) + 1, number, None);
    span.kind = SpanKind::Server;
    span.agent = Some(agent.into());
    span.start_ns = end_ns - millis * 1_000_000;
    span.end_ns = end_ns;
    span.attributes = attributes(&json!({ "nasiko.agent": agent }));
    span
}

fn total(rows: &[FigureRow]) -> RequestFigures {
    let mut sum = RequestFigures::default();
    for row in rows {
        sum.merge(&row.figures);
    }
    sum
}

#[tokio::test]
async fn requests_are_counted_once_by_slot_and_agent() {
    let (_dir, store) = store();
    let now = now();
    let mut failed = request(2, "echo", now, 900);
    failed.status.code = StatusCode::Error;
    let mut own = request(3, "echo", now, 5);
    own.attributes = attributes(&json!({ "http.request.method": "POST" }));
    let mut model = span(9, 4, Some(1));
    (model.start_ns, model.end_ns) = (now - SECOND, now);
    model.attributes = attributes(&json!({
        "gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 12, "gen_ai.usage.cost": 0.25,
    }));
    let first = request(1, "echo", now, 100);
    let spans = vec![first.clone(), failed, own, model];
    store.ingest(spans).await.unwrap();
    store.ingest(vec![first]).await.unwrap();
    for resolution in [
        Resolution::Quarter,
        Resolution::Minute,
        Resolution::Minutes24,
    ] {
        let rows = store.figures(resolution, 0..u64::MAX, None).await.unwrap();
        let agents: Vec<&str> = rows.iter().map(|row| row.agent.as_str()).collect();
        assert_eq!(agents, ["echo", "greeter"], "{resolution:?}");
        assert_eq!(rows[0].slot_ns, resolution.slot_of(now));
        let (echo, greeter) = (&rows[0].figures, &rows[1].figures);
        assert_eq!(
            (echo.requests, echo.errors, echo.durations.count()),
            (2, 1, 2)
        );
        let slowest = echo.durations.percentile(95).unwrap();
        assert!(slowest.abs_diff(900_000) < 18_000, "{slowest}");
        assert_eq!(
            (greeter.requests, greeter.tokens_in, greeter.tokens_out),
            (0, 30, 12)
        );
        assert_eq!(greeter.cost, Some(0.25));
    }
    let alone = store.figures(Resolution::Minute, 0..u64::MAX, Some("greeter".into()));
    assert_eq!(alone.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_plot_reads_a_row_per_slot_however_many_requests() {
    let (_dir, store) = store();
    let slot = Resolution::Minute.slot_of(now());
    let many = (0..3_000_u64).map(|number| {
        let agent = format!("agent-{}", number % 3);
        request(
            number,
            &agent,
            slot - (number % 10) * 60 * SECOND,
            number % 500 + 1,
        )
    });
    store.ingest(many.collect()).await.unwrap();
    let rows = store
        .figures(Resolution::Minute, 0..u64::MAX, None)
        .await
        .unwrap();
    assert_eq!(rows.len(), 30, "three agents, ten minutes");
    assert_eq!(total(&rows).requests, 3_000);
    let window = slot - 4 * 60 * SECOND..slot + 1;
    let newest = store
        .figures(Resolution::Minute, window, None)
        .await
        .unwrap();
    assert_eq!(newest.len(), 15, "slots outside of the window are not read");
}

#[tokio::test]
async fn what_follows_is_everything_once() {
    let (_dir, store) = store();
    let now = now();
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                store
                    .ingest(vec![request(number, "echo", now, 10)])
                    .await
                    .unwrap();
            }
        })
    };
    // Opened at some moment while it writes.
    while store.counters().accepted < 20 {
        tokio::task::yield_now().await;
    }
    let (mut rows, mut feed) = store
        .follow_figures(Resolution::Minutes24, now - SECOND, None)
        .await
        .unwrap();
    assert!(total(&rows).requests >= 20, "what was there was read");
    let all = async {
        while total(&rows).requests < 200 {
            rows.extend(feed.next().await.expect("no row was missed"));
        }
    };
    tokio::time::timeout(PATIENCE, all)
        .await
        .expect("all of them come");
    writer.await.unwrap();
    assert_eq!(total(&rows).requests, 200);
    assert!(
        rows.iter()
            .all(|row| row.slot_ns == Resolution::Minutes24.slot_of(now))
    );
}

#[tokio::test]
async fn a_feed_that_was_too_slow_says_so() {
    let limits = Limits {
        notice_backlog: 2,
        ..Limits::default()
    };
    let (_dir, store) = super::harness::store_with(limits);
    let (_, mut feed) = store
        .follow_figures(Resolution::Quarter, now(), None)
        .await
        .unwrap();
    for number in 0..4 {
        store
            .ingest(vec![request(number, "echo", now(), 1)])
            .await
            .unwrap();
    }
    assert_eq!(feed.next().await, None);
}

#[tokio::test]
async fn a_file_of_the_version_before_has_no_figures_and_gets_them() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = TraceStore::open(dir.path(), Limits::default()).unwrap();
    store
        .ingest(vec![request(1, "echo", now(), 1)])
        .await
        .unwrap();
    drop(store);
    let file = fs_err::read_dir(dir.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let today = dir
        .path()
        .join(file.file_stem().unwrap())
        .with_extension("db");
    let opened = rusqlite::Connection::open(today).unwrap();
    opened
        .execute_batch("DROP TABLE figures; DROP TABLE figure_commits; PRAGMA user_version = 1;")
        .unwrap();
    drop(opened);
    let store = TraceStore::open(dir.path(), Limits::default()).unwrap();
    let count = async || {
        let rows = store
            .figures(Resolution::Minute, 0..u64::MAX, None)
            .await
            .unwrap();
        total(&rows).requests
    };
    assert_eq!(count().await, 0);
    store
        .ingest(vec![request(2, "echo", now(), 1)])
        .await
        .unwrap();
    assert_eq!(count().await, 1);
}
