//! Lists of traces: a filter becomes an intersection of index terms, walked from its rarest term or by time.

use rusqlite::{Connection, params_from_iter, types::Value as Column};

use super::{
    TraceStore,
    partition::{Day, to_column},
    summary::{self, TraceSummary},
    terms,
};
use crate::{StatusCode, TelemetryError, TraceId};

/// A term with fewer traces than this is where a search starts; above it, walking by time finds a page sooner.
const RARE: i64 = 20_000;
/// Words of a day that one beginning may stand for, in alphabetical order; a beginning of more is too short to mean one.
const MAX_COMPLETIONS: usize = 256;
/// Rows of a page when nothing is said.
const DEFAULT_PAGE: usize = 50;

/// Which traces to list. Everything given must hold; the default lists all, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TraceFilter {
    /// An agent or service that took part.
    pub agent: Option<String>,
    /// `Error`: a span failed. `Ok`: none did. `Unset` says nothing.
    pub status: Option<StatusCode>,
    /// Shortest duration, in nanoseconds.
    pub min_duration_ns: Option<u64>,
    /// Longest duration, in nanoseconds.
    pub max_duration_ns: Option<u64>,
    /// Earliest start, in nanoseconds since the Unix epoch.
    pub since_ns: Option<u64>,
    /// Latest start, in nanoseconds since the Unix epoch.
    pub until_ns: Option<u64>,
    /// Words, each of which must begin a word of a span's name, status message or attributes; or a trace id.
    pub text: Option<String>,
    /// Attributes that a span or resource has, compared as text.
    pub attributes: Vec<(String, String)>,
    /// The conversation.
    pub session: Option<String>,
    /// Rows of a page; 50 when not given, bounded by the store's limits.
    pub limit: Option<usize>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Continues after the last row; none when there is no more.
    pub next: Option<String>,
}

impl TraceStore {
    /// Traces that a filter lets through, newest first.
    pub async fn traces(&self, filter: TraceFilter) -> Result<Page<TraceSummary>, TelemetryError> {
        let limit = filter
            .limit
            .unwrap_or(DEFAULT_PAGE)
            .clamp(1, self.limits().max_page);
        let after = filter.cursor.as_deref().map(Cursor::parse).transpose()?;
        let condition = Condition::of(&filter)?;
        self.question(move |readers, stop| {
            let mut items: Vec<(Day, TraceSummary)> = Vec::new();
            for day in readers.days.newest_first() {
                if !condition.may_be_on(day) || after.as_ref().is_some_and(|after| day > after.day)
                {
                    continue;
                }
                let after = after.as_ref().filter(|after| after.day == day);
                let wanted = limit + 1 - items.len();
                let found = readers.ask(day, stop, |connection| {
                    condition.list(connection, after, wanted)
                })?;
                items.extend(found.into_iter().flatten().map(|summary| (day, summary)));
                if items.len() > limit {
                    break;
                }
            }
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items
                .last()
                .filter(|_| more)
                .map(|(day, last)| Cursor::after(*day, last).text());
            Ok(Page {
                items: items.into_iter().map(|(_, summary)| summary).collect(),
                next,
            })
        })
        .await
    }
}

/// The place after a row: its day's file, then newest start, then id.
struct Cursor {
    day: Day,
    start_ns: i64,
    trace: TraceId,
}

impl Cursor {
    fn after(day: Day, last: &TraceSummary) -> Self {
        Self {
            day,
            start_ns: to_column(last.start_ns),
            trace: last.trace_id,
        }
    }

    fn text(&self) -> String {
        format!("{}-{}-{}", self.day.0, self.start_ns, self.trace)
    }

    fn parse(text: &str) -> Result<Self, TelemetryError> {
        let malformed = || TelemetryError::Malformed {
            reason: "the cursor is not one of ours".into(),
        };
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().ok_or_else(malformed);
        Ok(Self {
            day: Day(next()?.parse().map_err(|_| malformed())?),
            start_ns: next()?.parse().map_err(|_| malformed())?,
            trace: next()?.parse()?,
        })
    }
}

/// A filter in the terms of the index.
pub(crate) struct Condition {
    since: i64,
    until: i64,
    durations: (i64, i64),
    fine_only: bool,
    trace: Option<TraceId>,
    /// Each of these must be on the trace.
    terms: Vec<i64>,
    /// Of each of these beginnings, a word must be.
    beginnings: Vec<String>,
}

/// Alternatives of which a trace must have one, and about how many traces do (counted up to [`RARE`]).
struct Need {
    alternatives: Vec<i64>,
    count: i64,
}

impl Condition {
    pub(crate) fn of(filter: &TraceFilter) -> Result<Self, TelemetryError> {
        let mut needed = Vec::new();
        needed.extend(filter.agent.as_deref().map(terms::agent));
        needed.extend(filter.session.as_deref().map(terms::session));
        needed.extend(
            filter
                .attributes
                .iter()
                .map(|(key, value)| terms::attribute(key, value)),
        );
        if filter.status == Some(StatusCode::Error) {
            needed.push(terms::failed());
        }
        let text = filter.text.as_deref().unwrap_or_default().trim();
        let trace: Option<TraceId> = text.parse().ok();
        let mut beginnings = Vec::new();
        if trace.is_none() {
            terms::for_words(text, |word| beginnings.push(word.to_owned()));
            if beginnings.is_empty() && !text.is_empty() {
                return Err(TelemetryError::Malformed {
                    reason: "the text holds no word of two letters or more".into(),
                });
            }
        }
        let bound = |bound: Option<u64>, otherwise| bound.map_or(otherwise, to_column);
        Ok(Self {
            since: bound(filter.since_ns, 0),
            until: bound(filter.until_ns, i64::MAX),
            durations: (
                bound(filter.min_duration_ns, 0),
                bound(filter.max_duration_ns, i64::MAX),
            ),
            fine_only: filter.status == Some(StatusCode::Ok),
            trace,
            terms: needed,
            beginnings,
        })
    }

    /// Whether a day's file can hold such a trace; a trace can begin a day before or after its file's.
    pub(crate) fn may_be_on(&self, day: Day) -> bool {
        let day_of = |time: i64| Day::of(u64::try_from(time).unwrap_or(0));
        day.after(1) >= day_of(self.since) && day.before(1) <= day_of(self.until)
    }

    fn list(
        &self,
        connection: &Connection,
        after: Option<&Cursor>,
        limit: usize,
    ) -> rusqlite::Result<Vec<TraceSummary>> {
        let after = after.map(|after| (after.start_ns, after.trace.0.to_vec()));
        let Some((tables, conditions, mut values)) = self.sql(connection, after)? else {
            return Ok(Vec::new());
        };
        values.push(Column::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT {} FROM {tables} WHERE {conditions} ORDER BY traces.start_ns DESC, traces.trace_id DESC LIMIT ?",
            summary::COLUMNS
        );
        connection
            .prepare_cached(&sql)?
            .query_map(params_from_iter(values), summary::read)?
            .collect()
    }

    /// The tables, conditions and values of a statement over such traces; none when this file cannot have any.
    pub(crate) fn sql(
        &self,
        connection: &Connection,
        after: Option<(i64, Vec<u8>)>,
    ) -> rusqlite::Result<Option<(String, String, Vec<Column>)>> {
        let Some(mut needs) = self.needs(connection)? else {
            return Ok(None);
        };
        needs.sort_by_key(|need| need.count);
        let mut tables = "traces".to_owned();
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (index, need) in needs.into_iter().enumerate() {
            let slots = vec!["?"; need.alternatives.len()].join(", ");
            if index == 0 && need.count < RARE {
                // CROSS JOIN holds the planner to this order.
                tables = format!(
                    "(SELECT DISTINCT trace FROM postings WHERE term IN ({slots})) AS found \
                     CROSS JOIN traces ON traces.id = found.trace"
                );
                values.splice(0..0, need.alternatives.into_iter().map(Column::Integer));
            } else {
                conditions.push(format!(
                    "EXISTS (SELECT 1 FROM postings WHERE term IN ({slots}) AND postings.trace = traces.id)"
                ));
                values.extend(need.alternatives.into_iter().map(Column::Integer));
            }
        }
        conditions.push("traces.start_ns BETWEEN ? AND ?".into());
        values.extend([Column::Integer(self.since), Column::Integer(self.until)]);
        if self.durations != (0, i64::MAX) {
            conditions.push("traces.end_ns - traces.start_ns BETWEEN ? AND ?".into());
            values.extend([
                Column::Integer(self.durations.0),
                Column::Integer(self.durations.1),
            ]);
        }
        if self.fine_only {
            conditions.push("NOT traces.failed".into());
        }
        if let Some(trace) = self.trace {
            conditions.push("traces.trace_id = ?".into());
            values.push(Column::Blob(trace.0.to_vec()));
        }
        if let Some((start, trace)) = after {
            conditions.push("(traces.start_ns, traces.trace_id) < (?, ?)".into());
            values.extend([Column::Integer(start), Column::Blob(trace)]);
        }
        Ok(Some((tables, conditions.join(" AND "), values)))
    }

    fn needs(&self, connection: &Connection) -> rusqlite::Result<Option<Vec<Need>>> {
        let mut sets: Vec<Vec<i64>> = self.terms.iter().map(|term| vec![*term]).collect();
        for beginning in &self.beginnings {
            // The largest character sorts behind every continuation.
            let words = connection
                .prepare_cached("SELECT word FROM words WHERE word >= ?1 AND word < ?1 || char(1114111) LIMIT ?2")?
                .query_map((beginning, i64::try_from(MAX_COMPLETIONS).unwrap_or(i64::MAX)), |row| {
                    Ok(terms::word(&row.get::<_, String>(0)?))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            sets.push(words);
        }
        let mut needs = Vec::with_capacity(sets.len());
        for alternatives in sets {
            let mut count = 0;
            for term in &alternatives {
                count += connection
                    .prepare_cached(
                        "SELECT count(*) FROM (SELECT 1 FROM postings WHERE term = ?1 LIMIT ?2)",
                    )?
                    .query_row((term, RARE), |row| row.get::<_, i64>(0))?;
            }
            if count == 0 {
                return Ok(None);
            }
            needs.push(Need {
                alternatives,
                count,
            });
        }
        Ok(Some(needs))
    }
}
