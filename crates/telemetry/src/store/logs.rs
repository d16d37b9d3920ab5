//! Lists of log records.

use rusqlite::{Connection, params_from_iter, types::Value as Column};

use super::{
    Page, TraceStore,
    partition::{Day, from_column, to_column},
    trace::{Origins, attributes, origin},
};
use crate::{LogRecord, SpanId, TelemetryError, TraceId};

/// Rows of a page when nothing is said.
const DEFAULT_PAGE: usize = 200;

/// Which log records to list. Everything given must hold; the default lists all, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogFilter {
    /// The agent or service that wrote it.
    pub agent: Option<String>,
    /// The lowest severity as OpenTelemetry counts: 9 is info, 13 a warning, 17 an error.
    pub min_severity: Option<u8>,
    /// Earliest time, in nanoseconds since the Unix epoch.
    pub since_ns: Option<u64>,
    /// Latest time, in nanoseconds since the Unix epoch.
    pub until_ns: Option<u64>,
    /// What the line contains, in any case of ASCII letters.
    pub text: Option<String>,
    /// The trace it was written in.
    pub trace: Option<TraceId>,
    /// Rows of a page; 200 when not given, bounded by the store's limits.
    pub limit: Option<usize>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl TraceStore {
    /// Log records that a filter lets through, newest first.
    pub async fn logs(&self, filter: LogFilter) -> Result<Page<LogRecord>, TelemetryError> {
        let limit = filter
            .limit
            .unwrap_or(DEFAULT_PAGE)
            .clamp(1, self.limits().max_page);
        let after = filter.cursor.as_deref().map(parse_cursor).transpose()?;
        self.question(move |readers, stop| {
            let since = Day::of(filter.since_ns.unwrap_or(0));
            let until = Day::of(filter.until_ns.unwrap_or(u64::MAX));
            let mut items: Vec<(Day, i64, LogRecord)> = Vec::new();
            for day in readers.days.newest_first() {
                if day < since || day > until || after.is_some_and(|(after, ..)| day > after) {
                    continue;
                }
                let after = after
                    .filter(|(after, ..)| *after == day)
                    .map(|(_, time, id)| (time, id));
                let wanted = limit + 1 - items.len();
                let found = readers.ask(day, stop, |connection| {
                    list(connection, &filter, after, wanted)
                })?;
                items.extend(
                    found
                        .into_iter()
                        .flatten()
                        .map(|(id, record)| (day, id, record)),
                );
                if items.len() > limit {
                    break;
                }
            }
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| more);
            let next =
                next.map(|(day, id, last)| format!("{}-{}-{id}", day.0, to_column(last.time_ns)));
            Ok(Page {
                items: items.into_iter().map(|(.., record)| record).collect(),
                next,
            })
        })
        .await
    }
}

fn parse_cursor(text: &str) -> Result<(Day, i64, i64), TelemetryError> {
    let parts: Vec<&str> = text.split('-').collect();
    let parsed = match parts.as_slice() {
        [day, time, id] => day.parse().ok().zip(time.parse().ok()).zip(id.parse().ok()),
        _ => None,
    };
    let ((day, time), id) = parsed.ok_or_else(|| TelemetryError::Malformed {
        reason: "the cursor is not one of ours".into(),
    })?;
    Ok((Day(day), time, id))
}

fn list(
    connection: &Connection,
    filter: &LogFilter,
    after: Option<(i64, i64)>,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, LogRecord)>> {
    let mut conditions = vec!["time_ns BETWEEN ? AND ?"];
    let mut values = vec![
        Column::Integer(to_column(filter.since_ns.unwrap_or(0))),
        Column::Integer(to_column(filter.until_ns.unwrap_or(u64::MAX))),
    ];
    if let Some(agent) = &filter.agent {
        conditions.push("origin IN (SELECT id FROM origins WHERE agent = ? OR service = ?)");
        values.extend([Column::Text(agent.clone()), Column::Text(agent.clone())]);
    }
    if let Some(severity) = filter.min_severity {
        conditions.push("severity >= ?");
        values.push(Column::Integer(severity.into()));
    }
    if let Some(text) = &filter.text {
        conditions.push("instr(lower(body), lower(?)) > 0");
        values.push(Column::Text(text.clone()));
    }
    if let Some(trace) = filter.trace {
        conditions.push("trace_id = ?");
        values.push(Column::Blob(trace.0.to_vec()));
    }
    if let Some((time, id)) = after {
        conditions.push("(time_ns, id) < (?, ?)");
        values.extend([Column::Integer(time), Column::Integer(id)]);
    }
    values.push(Column::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT id, time_ns, severity, words, body, trace_id, span, origin, attributes FROM logs WHERE {} \
         ORDER BY time_ns DESC, id DESC LIMIT ?",
        conditions.join(" AND ")
    );
    let mut origins = Origins::new();
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let origin = origin(connection, &mut origins, row.get(7)?)?;
        let record = LogRecord {
            time_ns: from_column(row.get(1)?),
            severity: row.get(2)?,
            severity_text: row.get(3)?,
            body: row.get(4)?,
            trace_id: row.get::<_, Option<[u8; 16]>>(5)?.map(TraceId),
            span_id: row.get::<_, Option<i64>>(6)?.map(SpanId::from_key),
            service: origin.service.clone(),
            agent: origin.agent.clone(),
            attributes: attributes(row.get(8)?),
            resource: origin.resource.clone(),
            scope: origin.scope.clone(),
        };
        records.push((row.get(0)?, record));
    }
    Ok(records)
}
