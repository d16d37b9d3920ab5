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
        }
    }
}
