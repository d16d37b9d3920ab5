use nasiko_contract::{Span, SpanStatus, Trace};
use serde_json::Map;

use super::lines;
use crate::output::Output;

fn span(id: &str, parent: Option<&str>, start_ms: u64, millis: u64) -> Span {
    Span {
        span_id: id.into(),
        parent_id: parent.map(Into::into),
        name: format!("call {id}"),
        service: "greeter".into(),
        kind: "server".into(),
        start_ns: 1_000_000_000 + start_ms * 1_000_000,
        duration_ns: millis * 1_000_000,
        status: SpanStatus::Ok,
        status_message: String::new(),
        attributes: Map::new(),
        events: Vec::new(),
        depth: 0,
    }
}

fn tree(spans: Vec<Span>) -> String {
    let trace = Trace {
        trace_id: "t".into(),
        spans,
    };
    lines(&trace, Output::new(true, false)).join("\n")
}

#[test]
fn children_stand_below_their_parents_in_order_of_time() {
    let mut failed = span("d", Some("b"), 20, 10);
    failed.status = SpanStatus::Error;
    failed.status_message = "no key".into();
    let spans = vec![
        span("a", None, 0, 100),
        span("c", Some("a"), 60, 40),
        span("b", Some("a"), 10, 40),
        failed,
    ];
    insta::assert_snapshot!(tree(spans), @r"
    call a        greeter  ████████████████████████    100 ms
    ├─ call b     greeter  ··██████████············     40 ms
    │  └─ call d  greeter  ····███·················     10 ms  no key
    └─ call c     greeter  ··············██████████     40 ms
    ");
}

#[test]
fn spans_without_their_parents_and_spans_in_a_circle_are_shown_once() {
    let spans = vec![
        span("a", Some("absent"), 0, 1),
        span("b", Some("c"), 0, 1),
        span("c", Some("b"), 0, 1),
        span("d", Some("d"), 0, 0),
    ];
    insta::assert_snapshot!(tree(spans), @r"
    call a     greeter  ████████████████████████    1.0 ms
    call d     greeter  █·······················      0 ns
    call c     greeter  ████████████████████████    1.0 ms
    └─ call b  greeter  ████████████████████████    1.0 ms
    ");
}
