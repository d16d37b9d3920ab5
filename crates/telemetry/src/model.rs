//! Spans and log records as this room knows them.

mod bounds;
pub(crate) use bounds::bound_attributes;
mod ids;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use ids::{SpanId, TraceId};

/// Attributes by key. Integers stay integers; bytes are base64 text.
pub type Attributes = Map<String, Value>;

/// One operation within a trace. Times are nanoseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id, unique within the trace.
    pub span_id: SpanId,
    /// The span above it; none for a root.
    pub parent_id: Option<SpanId>,
    /// What was done.
    pub name: String,
    /// The resource's `service.name`; empty when it has none.
    pub service: String,
    /// The agent it belongs to, if one is known.
    pub agent: Option<String>,
    /// Its side of a call.
    pub kind: SpanKind,
    /// When it began.
    pub start_ns: u64,
    /// When it ended; never before `start_ns`.
    pub end_ns: u64,
    /// How it ended.
    pub status: SpanStatus,
    /// What is known about it.
    pub attributes: Attributes,
    /// What happened during it.
    pub events: Vec<SpanEvent>,
    /// Spans of other traces it has to do with.
    pub links: Vec<SpanLink>,
    /// What is known about the program that made it.
    pub resource: Arc<Attributes>,
    /// The library that made it.
    pub scope: Arc<Scope>,
}

/// A span's side of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified,
    /// Within one program.
    Internal,
    /// The called side.
    Server,
    /// The calling side.
    Client,
    /// Puts something into a queue.
    Producer,
    /// Takes something from a queue.
    Consumer,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpanStatus {
    /// The verdict.
    pub code: StatusCode,
    /// Words about a failure; else empty.
    pub message: String,
}

/// The verdict on a span or a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusCode {
    /// Nobody said.
    #[default]
    Unset,
    /// Declared fine.
    Ok,
    /// Failed.
    Error,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent {
    /// When, in nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// What.
    pub name: String,
    /// More about it.
    pub attributes: Attributes,
}

/// A span of another trace.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanLink {
    /// The other trace.
    pub trace_id: TraceId,
    /// The span in it.
    pub span_id: SpanId,
    /// More about it.
    pub attributes: Attributes,
}

/// The library that made spans or log records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Its name; may be empty.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
}

/// One line of a program's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// When, in nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// 1 (trace) to 24 (fatal) as OpenTelemetry counts; 0 when not said.
    pub severity: u8,
    /// The severity in the program's own words; may be empty.
    pub severity_text: String,
    /// The line.
    pub body: String,
    /// The trace it was written in.
    pub trace_id: Option<TraceId>,
    /// The span it was written in.
    pub span_id: Option<SpanId>,
    /// The resource's `service.name`; empty when it has none.
    pub service: String,
    /// The agent it belongs to, if one is known.
    pub agent: Option<String>,
    /// More about it.
    pub attributes: Attributes,
    /// What is known about the program that wrote it.
    pub resource: Arc<Attributes>,
    /// The library that wrote it.
    pub scope: Arc<Scope>,
}

impl Span {
    /// How long it took, in nanoseconds.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

impl SpanKind {
    /// The lower-case word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// OpenTelemetry's number for it.
    pub fn number(self) -> i32 {
        match self {
            Self::Unspecified => 0,
            Self::Internal => 1,
            Self::Server => 2,
            Self::Client => 3,
            Self::Producer => 4,
            Self::Consumer => 5,
        }
    }

    /// The kind of a number; an unknown one counts as unspecified.
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Internal,
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Unspecified,
        }
    }
}

impl StatusCode {
    /// The lower-case word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }

    /// OpenTelemetry's number for it.
    pub fn number(self) -> i32 {
        match self {
            Self::Unset => 0,
            Self::Ok => 1,
            Self::Error => 2,
        }
    }

    /// The verdict of a number; an unknown one counts as unset.
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unset,
        }
    }
}
