//! Documents about conversations and traces.

use nasiko_contract::{ChatMessage, ChatSession, Span, SpanStatus, Trace, TraceSummary};
use serde::Serialize;
use serde_json::{Map, Value};

/// `chat`
#[derive(Debug, Serialize)]
pub(crate) struct ChatDocument {
    agent: String,
    session: String,
    text: String,
    parts: Vec<Value>,
    task_state: String,
    trace: Option<String>,
    duration_ms: Option<u64>,
    tokens: Option<u64>,
}

impl ChatDocument {
    pub(crate) fn new(agent: &str, answer: ChatMessage) -> Self {
        Self {
            agent: agent.to_owned(),
            session: answer.session.0,
            text: answer.text,
            parts: answer.parts,
            task_state: answer.task_state,
            trace: answer.trace.map(|trace| trace.0),
            duration_ms: answer.duration_ms,
            tokens: answer.tokens,
        }
    }
}

/// A row of `sessions`
#[derive(Debug, Serialize)]
pub(crate) struct SessionDocument {
    id: String,
    agent: String,
    title: String,
    created: i64,
    updated: i64,
    messages: u64,
}

impl From<ChatSession> for SessionDocument {
    fn from(session: ChatSession) -> Self {
        Self {
            id: session.id.0,
            agent: session.agent.0,
            title: session.title,
            created: session.created,
            updated: session.updated,
            messages: session.messages,
        }
    }
}

/// A row of `traces`
#[derive(Debug, Serialize)]
pub(crate) struct TraceRowDocument {
    trace_id: String,
    agent: String,
    name: String,
    start_ns: u64,
    duration_ns: u64,
    status: SpanStatus,
    spans: u64,
    tokens: Option<u64>,
    cost: Option<f64>,
}

impl From<TraceSummary> for TraceRowDocument {
    fn from(trace: TraceSummary) -> Self {
        Self {
            trace_id: trace.trace_id.0,
            agent: trace.agent.0,
            name: trace.name,
            start_ns: trace.start_ns,
            duration_ns: trace.duration_ns,
            status: trace.status,
            spans: trace.spans,
            tokens: trace.tokens,
            cost: trace.cost,
        }
    }
}

/// `trace`
#[derive(Debug, Serialize)]
pub(crate) struct TraceDocument {
    trace_id: String,
    spans: Vec<SpanDocument>,
}

#[derive(Debug, Serialize)]
struct SpanDocument {
    span_id: String,
    parent_id: Option<String>,
    name: String,
    service: String,
    kind: String,
    start_ns: u64,
    duration_ns: u64,
    status: SpanStatus,
    status_message: String,
    attributes: Map<String, Value>,
    events: Vec<SpanEventDocument>,
}

#[derive(Debug, Serialize)]
struct SpanEventDocument {
    name: String,
    at_ns: u64,
    attributes: Map<String, Value>,
}

impl From<Trace> for TraceDocument {
    fn from(trace: Trace) -> Self {
        Self {
            trace_id: trace.trace_id.0,
            spans: trace.spans.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Span> for SpanDocument {
    fn from(span: Span) -> Self {
        let events = span.events.into_iter().map(|event| SpanEventDocument {
            name: event.name,
            at_ns: event.at_ns,
            attributes: event.attributes,
        });
        Self {
            span_id: span.span_id.0,
            parent_id: span.parent_id.map(|id| id.0),
            name: span.name,
            service: span.service,
            kind: span.kind,
            start_ns: span.start_ns,
            duration_ns: span.duration_ns,
            status: span.status,
            status_message: span.status_message,
            attributes: span.attributes,
            events: events.collect(),
        }
    }
}
