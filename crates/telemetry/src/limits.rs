//! Every limit of the telemetry room, named.

use std::time::Duration;

/// The limits of a [`TraceStore`](crate::TraceStore) and its intake.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Days kept, today included; older spans are refused and older files deleted.
    pub retention_days: u16,
    /// Bytes all files may take. The oldest days go first; when today alone is larger, new spans are refused.
    pub max_bytes: u64,
    /// Spans and log records that may wait for the writer.
    pub queue_items: u32,
    /// Spans and log records written in one transaction.
    pub batch_items: usize,
    /// Longest text of one attribute, in bytes; longer ones are cut and marked.
    pub max_attribute_bytes: usize,
    /// Attributes kept of one span, event, link, resource or log record.
    pub max_attributes: usize,
    /// Events, and links, kept of one span.
    pub max_events: usize,
    /// Index terms kept of one span.
    pub max_terms: usize,
    /// Spans of one trace that a question returns.
    pub max_trace_spans: usize,
    /// Rows of one page.
    pub max_page: usize,
    /// Questions answered at once; more wait.
    pub max_queries: usize,
    /// Longest wait for a place in the queue and the commit.
    pub ingest_timeout: Duration,
    /// Longest time a question may take.
    pub query_timeout: Duration,
    /// Notices kept for a subscriber that lags; it is told how many it missed.
    pub notice_backlog: usize,
    /// Exports taken at once; more wait.
    pub max_exports: usize,
    /// Longest wait for an export's body.
    pub receive_timeout: Duration,
    /// Largest OTLP request as sent, in bytes.
    pub max_request_bytes: usize,
    /// Largest OTLP request once inflated, in bytes.
    pub max_inflated_bytes: usize,
    /// Those of forwarding.
    pub forward: ForwardLimits,
}

/// The limits of a [`Forwarder`](crate::Forwarder).
#[derive(Debug, Clone)]
pub struct ForwardLimits {
    /// Spans that may wait to be sent; beyond, the oldest are let go.
    pub queue_spans: usize,
    /// Bytes of memory, about, that these may take.
    pub queue_bytes: usize,
    /// Spans sent in one request.
    pub batch_spans: usize,
    /// Bytes of memory, about, of what is sent in one request; a larger span goes alone.
    pub batch_bytes: usize,
    /// How long a span waits for others to be sent with it.
    pub linger: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take, its answer included.
    pub request_timeout: Duration,
    /// The wait before what was not taken is sent again; it doubles with each try.
    pub first_backoff: Duration,
    /// The longest such wait.
    pub longest_backoff: Duration,
    /// The longest wait that a viewer may ask for (`Retry-After`).
    pub longest_asked_wait: Duration,
    /// How long a viewer may answer that it cannot take a batch now, until that batch is let go.
    pub give_up: Duration,
    /// Bytes that are read of an answer.
    pub answer_bytes: usize,
    /// How long sending what waits may take at the end.
    pub close_timeout: Duration,
}

impl Default for ForwardLimits {
    fn default() -> Self {
        Self {
            queue_spans: 65_536,
            queue_bytes: 32 * 1024 * 1024,
            batch_spans: 2048,
            batch_bytes: 4 * 1024 * 1024,
            linger: Duration::from_millis(200),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            first_backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(30),
            longest_asked_wait: Duration::from_secs(300),
            give_up: Duration::from_secs(300),
            answer_bytes: 64 * 1024,
            close_timeout: Duration::from_secs(3),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retention_days: 14,
            max_bytes: 4 * 1024 * 1024 * 1024,
            queue_items: 65_536,
            batch_items: 8192,
            max_attribute_bytes: 256 * 1024,
            max_attributes: 256,
            max_events: 256,
            max_terms: 128,
            max_trace_spans: 200_000,
            max_page: 1000,
            max_queries: 4,
            ingest_timeout: Duration::from_secs(10),
            query_timeout: Duration::from_secs(10),
            notice_backlog: 1024,
            max_exports: 16,
            receive_timeout: Duration::from_secs(30),
            max_request_bytes: 16 * 1024 * 1024,
            max_inflated_bytes: 64 * 1024 * 1024,
            forward: ForwardLimits::default(),
        }
    }
}
