//! One whole trace.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use super::{TraceStore, partition::from_column};
use crate::{
    Attributes, Scope, Span, SpanEvent, SpanId, SpanKind, SpanLink, SpanStatus, StatusCode,
    TelemetryError, TraceId, tree,
};

/// Resources and scopes by their row, shared by the spans that have them.
pub(crate) type Origins = HashMap<i64, OriginRow>;

pub(crate) struct OriginRow {
    pub(crate) service: String,
    pub(crate) agent: Option<String>,
    pub(crate) resource: Arc<Attributes>,
    pub(crate) scope: Arc<Scope>,
}

impl TraceStore {
    /// The spans of a trace as a walk of their tree: each parent before its children, siblings by start, spans whose
    /// parent is missing as roots. None when there is no such trace.
    pub async fn trace(&self, trace: TraceId) -> Result<Option<Vec<Span>>, TelemetryError> {
        self.question(move |readers, stop| {
            let limit = readers.limits.max_trace_spans;
            let mut spans = Vec::new();
            for day in readers.days.newest_first() {
                let left = limit.saturating_sub(spans.len());
                let found =
                    readers.ask(day, stop, |connection| read_spans(connection, trace, left))?;
                spans.extend(found.into_iter().flatten());
            }
            Ok((!spans.is_empty()).then(|| tree::walk(spans)))
        })
        .await
    }
}

fn read_spans(
    connection: &Connection,
    trace: TraceId,
    limit: usize,
) -> rusqlite::Result<Vec<Span>> {
    let row: Option<i64> = connection
        .prepare_cached("SELECT id FROM traces WHERE trace_id = ?1")?
        .query_row([trace.0.as_slice()], |row| row.get(0))
        .optional()?;
    let Some(row) = row else {
        return Ok(Vec::new());
    };
    let mut origins = Origins::new();
    let mut statement = connection.prepare_cached(
        "SELECT span, parent, start_ns, end_ns, kind, status, message, name, origin, attributes, events, links \
         FROM spans WHERE trace = ?1 LIMIT ?2",
    )?;
    let mut rows = statement.query((row, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut spans = Vec::new();
    while let Some(row) = rows.next()? {
        spans.push(read_span(connection, trace, row, &mut origins)?);
    }
    Ok(spans)
}

fn read_span(
    connection: &Connection,
    trace: TraceId,
    row: &Row<'_>,
    origins: &mut Origins,
) -> rusqlite::Result<Span> {
    let origin = origin(connection, origins, row.get(8)?)?;
    Ok(Span {
        trace_id: trace,
        span_id: SpanId::from_key(row.get(0)?),
        parent_id: row.get::<_, Option<i64>>(1)?.map(SpanId::from_key),
        start_ns: from_column(row.get(2)?),
        end_ns: from_column(row.get(3)?),
        kind: SpanKind::from_number(row.get(4)?),
        status: SpanStatus {
            code: StatusCode::from_number(row.get(5)?),
            message: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
        },
        name: row.get(7)?,
        service: origin.service.clone(),
        agent: origin.agent.clone(),
        attributes: attributes(row.get(9)?),
        events: list(row.get(10)?).into_iter().filter_map(event).collect(),
        links: list(row.get(11)?).into_iter().filter_map(link).collect(),
        resource: Arc::clone(&origin.resource),
        scope: Arc::clone(&origin.scope),
    })
}

/// The resource and scope of a row, read once.
pub(crate) fn origin<'known>(
    connection: &Connection,
    origins: &'known mut Origins,
    id: i64,
) -> rusqlite::Result<&'known OriginRow> {
    use std::collections::hash_map::Entry;
    match origins.entry(id) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(unknown) => {
            let read = connection
                .prepare_cached(
                    "SELECT service, agent, resource, scope, version FROM origins WHERE id = ?1",
                )?
                .query_row([id], |row| {
                    Ok(OriginRow {
                        service: row.get(0)?,
                        agent: row.get(1)?,
                        resource: Arc::new(attributes(row.get(2)?)),
                        scope: Arc::new(Scope {
                            name: row.get(3)?,
                            version: row.get(4)?,
                        }),
                    })
                })?;
            Ok(unknown.insert(read))
        }
    }
}

/// What we wrote reads back; were it damaged, a span without attributes is better than no trace.
pub(crate) fn attributes(text: Option<String>) -> Attributes {
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn list(text: Option<String>) -> Vec<Value> {
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn event(value: Value) -> Option<SpanEvent> {
    let (time_ns, name, attributes) = serde_json::from_value(value).ok()?;
    Some(SpanEvent {
        time_ns,
        name,
        attributes,
    })
}

fn link(value: Value) -> Option<SpanLink> {
    let (trace, span, attributes): (String, String, Attributes) =
        serde_json::from_value(value).ok()?;
    Some(SpanLink {
        trace_id: trace.parse().ok()?,
        span_id: span.parse().ok()?,
        attributes,
    })
}
