//! The event log's table.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use crate::{Event, Replay, StoreError};

/// The seq of the last event; 0 when there never was one. Trimming always leaves the last event in place.
pub(super) fn last_seq(connection: &Connection) -> Result<u64, StoreError> {
    let seq = connection
        .prepare_cached("SELECT ifnull(max(seq), 0) FROM events")?
        .query_row([], |row| row.get(0))?;
    Ok(seq)
}

pub(super) fn after(connection: &Connection, seq: u64, limit: usize) -> Result<Replay, StoreError> {
    // One snapshot for both questions.
    let snapshot = connection.unchecked_transaction()?;
    let (first, last): (u64, u64) = snapshot
        .prepare_cached("SELECT ifnull((SELECT min(seq) FROM events), 0), ifnull((SELECT max(seq) FROM events), 0)")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let is_gap = last > 0 && (seq + 1 < first || seq > last);
    let from = if is_gap { first } else { seq + 1 };
    let events = starting_at(&snapshot, from, limit)?.into_iter();
    let events = events.map(Arc::new).collect();
    Ok(Replay {
        events,
        gap: is_gap.then_some(first),
    })
}

/// At most `limit` events from `first` on.
pub(super) fn starting_at(
    connection: &Connection,
    first: u64,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, at_ms, topic, subject, data FROM events WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
    )?;
    let rows = statement.query_map(params![first, limit], read)?;
    let mut events = Vec::new();
    for row in rows {
        let (mut event, data) = row?;
        event.data = serde_json::from_str(&data)
            .map_err(StoreError::json(format!("event {}", event.seq)))?;
        events.push(event);
    }
    Ok(events)
}

/// Writes an event under its seq, unless it is there.
pub(super) fn insert(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO events (seq, at_ms, topic, subject, data) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            event.seq,
            event.at_ms,
            event.topic,
            event.subject,
            event.data.to_string()
        ])?;
    Ok(())
}

/// Drops all but the last `kept` events, and never the last one: it carries the seq.
pub(super) fn trim(connection: &Connection, last_seq: u64, kept: u64) -> Result<(), StoreError> {
    let last_dropped = last_seq.saturating_sub(kept.max(1));
    connection
        .prepare_cached("DELETE FROM events WHERE seq <= ?1")?
        .execute([last_dropped])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Event, String)> {
    let event = Event {
        seq: row.get(0)?,
        at_ms: row.get(1)?,
        topic: row.get(2)?,
        subject: row.get(3)?,
        data: serde_json::Value::Null,
    };
    Ok((event, row.get(4)?))
}
