//! A trace in one row.

use rusqlite::Row;

use super::partition::from_column;
use crate::{StatusCode, TraceId};

/// A trace as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSummary {
    /// The trace.
    pub trace_id: TraceId,
    /// The agent of its root span, or the root's service where no agent is known.
    pub agent: String,
    /// The name of its root span; while there is none, of its earliest one.
    pub name: String,
    /// When it began, in nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// From the first start to the last end, in nanoseconds.
    pub duration_ns: u64,
    /// `Error` if any span failed, else `Ok`.
    pub status: StatusCode,
    /// How many spans it has so far.
    pub spans: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
    /// What its spans say it cost; none when none says so.
    pub cost: Option<f64>,
    /// The conversation it belongs to, if a span says so.
    pub session: Option<String>,
}

/// Says that spans of a trace have been committed.
#[derive(Debug, Clone)]
pub struct TraceNotice {
    /// The trace as it is now.
    pub summary: TraceSummary,
    /// How many spans came with this commit.
    pub new_spans: u64,
}

impl TraceSummary {
    /// Tokens read and written.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// The columns that [`read`] expects, of a table called `traces`.
pub(crate) const COLUMNS: &str = "traces.trace_id, traces.agent, traces.name, traces.start_ns, traces.end_ns, \
     traces.failed, traces.spans, traces.tokens_in, traces.tokens_out, traces.cost, traces.session";

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<TraceSummary> {
    let (start, end): (i64, i64) = (row.get(3)?, row.get(4)?);
    let failed: bool = row.get(5)?;
    Ok(TraceSummary {
        trace_id: TraceId(row.get(0)?),
        agent: row.get(1)?,
        name: row.get(2)?,
        start_ns: from_column(start),
        duration_ns: from_column(end.saturating_sub(start)),
        status: if failed {
            StatusCode::Error
        } else {
            StatusCode::Ok
        },
        spans: from_column(row.get(6)?),
        input_tokens: from_column(row.get(7)?),
        output_tokens: from_column(row.get(8)?),
        cost: row.get(9)?,
        session: row.get(10)?,
    })
}
