//! What the gateway says about each request.

use std::sync::Arc;

use http::Method;
use nasiko_contract::ErrorCode;

use crate::trace_context::{SpanId, TraceId};

/// Receives one record per request that named a known agent, after its last byte.
///
/// Called on the request's own task: must not block and must not panic. A sink that cannot keep up drops and counts.
pub trait RequestSink: Send + Sync {
    /// Takes the record of a finished request.
    fn record(&self, record: RequestRecord);
}

/// One finished request. Times are nanoseconds.
#[derive(Debug, Clone)]
pub struct RequestRecord {
    /// The trace it belongs to: the caller's, or one begun here.
    pub trace_id: TraceId,
    /// The span of this request; the upstream saw it as its parent.
    pub span_id: SpanId,
    /// The caller's span, if it sent one.
    pub parent_span_id: Option<SpanId>,
    /// The agent that was called.
    pub agent: Arc<str>,
    /// The instance that answered; none when no upstream was there.
    pub instance: Option<Arc<str>>,
    /// The request's method.
    pub method: Method,
    /// The path after the agent's name, without query (queries carry secrets).
    pub path: String,
    /// The status sent to the caller; 499 when the caller left before there was one.
    pub status: u16,
    /// When the request's head was read, since the Unix epoch.
    pub start_unix_ns: u64,
    /// From the request's head to the answer's last byte.
    pub duration_ns: u64,
    /// From the request's head to the answer's head; none when there was no answer.
    pub first_byte_ns: Option<u64>,
    /// How long it waited for an agent on hold; none when it did not.
    pub held_ns: Option<u64>,
    /// Bytes of the request's body that were passed on.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were passed on.
    pub bytes_out: u64,
    /// The answer had no length when it began: a stream of events, chunks, or an upgraded connection.
    pub streamed: bool,
    /// Why it failed, if it did. An error status that the agent itself sent is no failure of the exchange.
    pub error: Option<Failure>,
    /// Who called.
    pub caller: Caller,
}

/// Why an exchange failed and who is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: ErrorCode,
    /// Who is to blame.
    pub origin: Origin,
}

/// Who is to blame for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The request, or its sender left.
    Caller,
    /// The agent.
    Upstream,
    /// The gateway.
    Gateway,
}

impl Origin {
    /// The wire spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Upstream => "upstream",
            Self::Gateway => "gateway",
        }
    }
}

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A program on this machine.
    Loopback,
    /// An agent in a container, known by its credential.
    Agent(Arc<str>),
}
