//! Traces and their spans, as OpenTelemetry names them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{AgentName, SpanId, TraceId};

/// How a span or trace ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SpanStatus {
    /// Not said.
    #[default]
    Unset,
    /// Said to be good.
    Ok,
    /// Failed.
    Error,
}

/// How forwarding of traces to a viewer stands. Counts are of spans, since the control plane started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TraceForwarding {
    /// The viewer's base URL; none while the service is not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The service of the local stack that is the viewer; none where the setting names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whether it works.
    pub state: ForwardingState,
    /// Taken by a viewer.
    pub sent: u64,
    /// Refused by a viewer for good.
    pub rejected: u64,
    /// Let go, since the viewer was too slow or away for too long.
    pub dropped: u64,
    /// Not sent yet.
    pub waiting: u64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Whether forwarding works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ForwardingState {
    /// Spans are sent as they come.
    #[default]
    Sending,
    /// The viewer did not take what was sent last.
    Failing,
    /// Spans wait for a viewer that is not well yet.
    Waiting,
    /// Nothing is forwarded: the address is this control plane's own.
    Refused,
}

impl ForwardingState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Failing => "failing",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        }
    }
}

/// A row of the traces list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// Its id.
    pub trace_id: TraceId,
    /// The agent that was called.
    pub agent: AgentName,
    /// The root span's name.
    pub name: String,
    /// Unix nanoseconds.
    pub start_ns: u64,
    /// Nanoseconds from the first start to the last end.
    pub duration_ns: u64,
    /// `error` if a span failed.
    pub status: SpanStatus,
    /// How many spans have arrived.
    pub spans: u64,
    /// Tokens, where spans say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// US dollars, where they can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// A trace with its spans, parents before their children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Its id.
    pub trace_id: TraceId,
    /// All that have arrived.
    pub spans: Vec<Span>,
}

/// One span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// Its id.
    pub span_id: SpanId,
    /// Its parent, unless it is the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<SpanId>,
    /// E.g. `POST /greeter`, `chat gpt-4o-mini`.
    pub name: String,
    /// `service.name` of its resource.
    pub service: String,
    /// `internal server client producer consumer`
    pub kind: String,
    /// Unix nanoseconds.
    pub start_ns: u64,
    /// Nanoseconds.
    pub duration_ns: u64,
    /// How it ended.
    pub status: SpanStatus,
    /// What it says about a failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status_message: String,
    /// Its attributes.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Its events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<SpanEvent>,
    /// Depth in the tree; 0 for a root or an orphan.
    #[serde(default)]
    pub depth: u32,
}

/// Something that happened at one moment of a span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SpanEvent {
    /// What.
    pub name: String,
    /// Unix nanoseconds.
    pub at_ns: u64,
    /// Its attributes.
    #[serde(default)]
    pub attributes: Map<String, Value>,
}

/// `GET /traces`; also takes `attr.KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListTraces {
    /// Only of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// Only with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SpanStatus>,
    /// At least this long, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_duration_ms: Option<u64>,
    /// At most this long, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_ms: Option<u64>,
    /// Started at or after, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Started before, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Words in span names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An attribute as `key=value`; several separated by `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `GET /traces/{trace}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetTrace {
    /// Which.
    pub trace: TraceId,
}

/// `GET /traces/tail` (stream): each trace again whenever spans of it arrived.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TailTraces {
    /// Only of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}
