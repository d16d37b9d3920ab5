use futures::StreamExt;
use nasiko_contract::{
    AgentName, ErrorCode, Figures, FiguresWindow, FollowFigures, GetFigures, Update, UpdateState,
};
use nasiko_gateway::{Caller as GatewayCaller, RequestRecord, RequestSink};
use nasiko_telemetry::{FigureRow, Histogram, RequestFigures};
use serde_json::json;
use tempfile::TempDir;

use super::board::Board;
use crate::{
    api::{self, Caller},
    tests::{PATIENCE, open},
    time,
};

const MINUTE: i64 = 60_000;
/// A moment in the middle of a minute.
const NOW: i64 = 1_000_000 * MINUTE + 20_000;

fn row(at: i64, agent: &str, requests: u64, millis: u64) -> FigureRow {
    let mut durations = Histogram::default();
    for _ in 0..requests {
        durations.add(millis * 1_000);
    }
    let length = 60_000_000_000;
    FigureRow {
        slot_ns: u64::try_from(at).unwrap() * 1_000_000 / length * length,
        agent: agent.to_owned(),
        figures: RequestFigures {
            requests,
            durations,
            ..RequestFigures::default()
        },
    }
}

fn save(id: &str, at: i64, seconds: f64) -> Update {
    serde_json::from_value(json!({
        "id": id, "agent": "echo", "at": at, "state": "live", "action": "restart", "why": "", "files": [],
        "filesTotal": 1, "contentHash": "", "seconds": {"seen": 0.0, "decided": 0.0, "applied": 0.0, "answered": seconds},
    }))
    .unwrap()
}

fn agents(figures: &Figures) -> Vec<(&str, u64)> {
    let rows = figures.agents.iter();
    rows.map(|agent| (agent.agent.as_str(), agent.sums.requests))
        .collect()
}

#[test]
fn a_window_has_all_its_buckets_and_sums_them() {
    let mut board = Board::new(FiguresWindow::Hour, NOW);
    board.put_rows(vec![
        row(NOW, "echo", 3, 10),
        row(NOW - 59 * MINUTE, "weather", 1, 900),
    ]);
    board.put_rows(vec![row(NOW - 60 * MINUTE, "echo", 7, 1)]);
    let whole = board.whole();
    assert_eq!(
        (whole.buckets.len(), whole.whole),
        (FiguresWindow::BUCKETS, true)
    );
    assert_eq!(whole.buckets[0].sums.requests, 1);
    assert_eq!(whole.buckets[59].sums.requests, 3);
    assert_eq!(whole.total.requests, 4, "what is too old does not count");
    assert_eq!(agents(&whole), [("echo", 3), ("weather", 1)]);
    let slowest = whole.total.p95_ms.unwrap();
    assert!((slowest - 900.0).abs() < 18.0, "{slowest}");
    assert!(!board.has_news());
}

#[test]
fn only_what_changed_is_told() {
    let mut board = Board::new(FiguresWindow::Hour, NOW);
    board.put_rows(vec![row(NOW - 59 * MINUTE, "old", 5, 1)]);
    board.whole();
    board.put_rows(vec![row(NOW, "echo", 1, 10)]);
    board.put_rows(vec![row(NOW, "echo", 1, 10)]);
    let news = board.news();
    assert_eq!(news.buckets.len(), 1);
    assert_eq!(news.buckets[0].sums.requests, 2);
    assert_eq!((agents(&news), news.total.requests), (vec![("echo", 2)], 7));
    assert!(!board.has_news());

    assert_eq!(board.left_of_slot(NOW), 40_000);
    board.advance(NOW + 40_000);
    let news = board.news();
    assert_eq!(news.buckets.len(), 1, "one bucket opens");
    assert_eq!(news.buckets[0].at, NOW + 40_000);
    assert_eq!(
        (agents(&news), news.total.requests),
        (vec![("old", 0)], 2),
        "one falls out"
    );
    board.advance(NOW + 1_000 * MINUTE);
    let news = board.news();
    assert_eq!(
        news.buckets.len(),
        FiguresWindow::BUCKETS,
        "after a sleep all are new"
    );
    assert_eq!(news.total.requests, 0);
}

#[test]
fn a_clock_that_is_ahead_counts_as_now() {
    let mut board = Board::new(FiguresWindow::Hour, NOW);
    board.put_rows(vec![row(NOW + 5 * MINUTE, "echo", 1, 1)]);
    assert_eq!(board.whole().buckets[59].sums.requests, 1);
}

#[test]
fn a_save_counts_once_when_it_is_live() {
    let mut board = Board::new(FiguresWindow::Hour, NOW);
    let mut failed = save("3", NOW, 0.2);
    failed.state = UpdateState::Failed;
    let saves = [
        save("1", NOW, 0.096),
        save("1", NOW, 0.096),
        save("2", NOW - MINUTE, 0.3),
        failed,
    ];
    board.put_saves(saves);
    let whole = board.whole();
    assert_eq!(whole.total.saves, 2);
    let newest = whole.buckets[59].sums.save_ms.unwrap();
    assert!((newest - 96.0).abs() < 2.0, "{newest}");
    assert_eq!(whole.buckets[58].sums.saves, 1);
}

#[tokio::test]
async fn whoever_looks_sees_a_request_come() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let owner = Caller::owner();
    let sink = crate::spans::GatewaySpans::new(plane.shared.traces.clone());
    sink.record(record("echo", 1, 200));
    plane.shared.traces.flush().await.unwrap();
    let told = api::call(&plane, &owner, GetFigures::default())
        .await
        .unwrap();
    assert_eq!((told.total.requests, told.total.errors), (1, 0));

    let mut stream = api::stream(&plane, &owner, FollowFigures::default())
        .await
        .unwrap();
    let whole = stream.next().await.unwrap().unwrap().item;
    assert!(whole.whole);
    assert_eq!(agents(&whole), [("echo", 1)]);
    sink.record(record("echo", 2, 500));
    let seen = async {
        loop {
            let item = stream.next().await.unwrap().unwrap().item;
            if item.total.requests == 2 {
                return item;
            }
        }
    };
    let news = tokio::time::timeout(PATIENCE, seen)
        .await
        .expect("the request is told");
    assert_eq!(news.total.errors, 1);
    assert_eq!(agents(&news), [("echo", 2)]);
    plane.close().await;
}

#[tokio::test]
async fn an_agent_that_is_not_there_has_no_figures() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let wanted = GetFigures {
        agent: Some(AgentName::from("nobody")),
        ..GetFigures::default()
    };
    let refused = api::call(&plane, &Caller::owner(), wanted)
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::AgentNotFound);
    plane.close().await;
}

fn record(agent: &str, number: u8, status: u16) -> RequestRecord {
    RequestRecord {
        trace_id: nasiko_gateway::TraceId([number; 16]),
        span_id: nasiko_gateway::SpanId([number; 8]),
        parent_span_id: None,
        agent: agent.into(),
        instance: None,
        method: reqwest::Method::POST,
        path: "/".to_owned(),
        status,
        start_unix_ns: time::now_ns(),
        duration_ns: 1_000_000,
        first_byte_ns: None,
        held_ns: None,
        bytes_in: 0,
        bytes_out: 0,
        streamed: false,
        error: None,
        caller: GatewayCaller::Loopback,
    }
}
