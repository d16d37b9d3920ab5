//! Owns telemetry: the OTLP intake, the span and log store, the questions asked of it, and forwarding to a viewer. Must
//! never know how agents live, what the gateway is made of, or how the API travels.
//!
//! # Why the store looks as it does
//! It has to take 100,000 spans a second on two cores and answer any filter over ten million spans in 200 ms, so:
//! - **A file per day.** Retention deletes files, never rows, and a question about today never opens yesterday.
//! - **One writer, group commit.** Everything that waits is written in one transaction and one `fsync`; a span alone is
//!   written at once, so it is on screen in milliseconds, and a flood pays for its `fsync` once per thousands of spans.
//! - **Spans clustered by trace.** The key of a span is its trace's small row number and its own eight bytes: reading
//!   a trace is one range scan, new traces append at the right edge of the tree, and sending a span twice finds its
//!   twin there, without any index on random ids. The sixteen random bytes of a trace id are stored once per trace.
//! - **A summary row per trace**, kept by the writer, so that lists never read spans.
//! - **One inverted index** from hashed terms (agent, session, `key=value`, word) to traces, in place of an index per
//!   column. Each commit writes its postings sorted, so the tree is touched in order. A filter is an intersection that
//!   starts from its rarest term, or a walk by time when none is rare; both end at the page's limit.
//! - **Figures added up.** Requests, durations, tokens and cost are counted by slots of 15 s, a minute and 24 min as
//!   spans come: a plot reads a row per slot and agent, however many traces there are.
//! - **Origins once.** Resource and scope, which repeat on every span, are interned.

mod error;
mod forward;
mod limits;
mod model;
mod otlp;
mod store;
mod tree;

#[cfg(test)]
mod tests;

pub use error::TelemetryError;
pub use forward::{Aim, Forwarded, Forwarder};
pub use limits::{ForwardLimits, Limits};
pub use model::{
    Attributes, LogRecord, Scope, Span, SpanEvent, SpanId, SpanKind, SpanLink, SpanStatus,
    StatusCode, TraceId,
};
pub use otlp::{HttpReply, Imported, OtlpIntake};
pub use store::{
    AgentMetrics, Counters, FigureFeed, FigureRow, Histogram, LogFilter, Page, RequestFigures,
    Resolution, TraceFilter, TraceNotice, TraceStore, TraceSummary,
};
