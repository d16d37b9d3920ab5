use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Attributes, Limits, Scope, Span, SpanId, SpanKind, SpanStatus, StatusCode, TraceId, TraceStore,
};

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const DAY: u64 = 86_400 * SECOND;

/// No wait of a test is longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn now() -> u64 {
    u64::try_from(
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_nanos(),
    )
    .unwrap()
}

/// A store in a directory of its own.
pub(super) fn store() -> (TempDir, TraceStore) {
    store_with(Limits::default())
}

pub(super) fn store_with(limits: Limits) -> (TempDir, TraceStore) {
    let dir = TempDir::new().unwrap();
    let store = TraceStore::open(dir.path(), limits).unwrap();
    (dir, store)
}

pub(super) fn trace_id(number: u128) -> TraceId {
    TraceId(number.to_be_bytes())
}

pub(super) fn span_id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// A span of agent `greeter` that begins `number` milliseconds ago and takes one.
pub(super) fn span(trace: u128, number: u64, parent: Option<u64>) -> Span {
    let start_ns = now() - 10 * SECOND + number * 1_000_000;
    Span {
        trace_id: trace_id(trace),
        span_id: span_id(number),
        parent_id: parent.map(span_id),
        name: format!("step {number}"),
        service: "greeter".into(),
        agent: Some("greeter".into()),
        kind: SpanKind::Internal,
        start_ns,
        end_ns: start_ns + 1_000_000,
        status: SpanStatus {
            code: StatusCode::Unset,
            message: String::new(),
        },
        attributes: Attributes::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(attributes(&json!({ "service.name": "greeter" }))),
        scope: Arc::new(Scope {
            name: "test".into(),
            version: "1".into(),
        }),
    }
}

pub(super) fn attributes(value: &Value) -> Attributes {
    value.as_object().unwrap().clone()
}

/// The spans' numbers.
pub(super) fn numbers(spans: &[Span]) -> Vec<u64> {
    spans
        .iter()
        .map(|span| u64::from_be_bytes(span.span_id.0))
        .collect()
}
