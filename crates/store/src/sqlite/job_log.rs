//! Job logs: lines as they were appended, many to a row; whole rows are dropped when a log is full.

use rusqlite::{Connection, OptionalExtension, params};

use super::writer::Writing;
use crate::{
    LogLine, LogPage, StoreError,
    job::{limits, log_rows},
};

pub(super) fn append(
    writing: &mut Writing<'_>,
    job: &str,
    lines: &[String],
) -> Result<(), StoreError> {
    let (number, mut next, mut bytes): (i64, u64, usize) = writing
        .connection
        .prepare_cached("SELECT number, log_next, log_bytes FROM jobs WHERE id = ?1")?
        .query_row([job], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .ok_or_else(|| StoreError::JobNotFound { id: job.to_owned() })?;
    for row in log_rows(lines) {
        insert(writing, number, next, row.lines, &row.text)?;
        next += row.lines;
        bytes += row.text.len();
    }
    while bytes > limits::LOG_BYTES {
        bytes = bytes.saturating_sub(drop_oldest(writing, number)?);
    }
    writing
        .connection
        .prepare_cached("UPDATE jobs SET log_next = ?2, log_bytes = ?3 WHERE number = ?1")?
        .execute(params![number, next, bytes])?;
    writing.wrote_log = true;
    Ok(())
}

pub(super) fn read(
    connection: &Connection,
    job: &str,
    from: u64,
    limit: usize,
) -> Result<LogPage, StoreError> {
    let number: i64 = connection
        .prepare_cached("SELECT number FROM jobs WHERE id = ?1")?
        .query_row([job], |row| row.get(0))
        .optional()?
        .ok_or_else(|| StoreError::JobNotFound { id: job.to_owned() })?;
    let mut statement = connection
        .prepare_cached("SELECT first, at_ms, text FROM job_log WHERE job = ?1 AND first + lines > ?2 ORDER BY first")?;
    let mut rows = statement.query(params![number, from])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (first, at_ms): (u64, i64) = (row.get(0)?, row.get(1)?);
        let text = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let numbered = (first..)
            .zip(text.lines())
            .filter(|(number, _)| *number >= from);
        lines.extend(
            numbered
                .take(limit - lines.len())
                .map(|(number, text)| LogLine {
                    number,
                    at_ms,
                    text: text.to_owned(),
                }),
        );
        if lines.len() >= limit {
            break;
        }
    }
    let next = lines.last().map_or(from, |line| line.number + 1);
    Ok(LogPage { lines, next })
}

fn insert(
    writing: &Writing<'_>,
    job: i64,
    first: u64,
    lines: u64,
    text: &str,
) -> Result<(), StoreError> {
    writing
        .connection
        .prepare_cached("INSERT INTO job_log (job, first, lines, at_ms, bytes, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![job, first, lines, writing.now_ms, text.len(), text])?;
    Ok(())
}

/// Drops the oldest row and gives its bytes.
fn drop_oldest(writing: &Writing<'_>, job: i64) -> Result<usize, StoreError> {
    let mut statement = writing.connection.prepare_cached(
        "DELETE FROM job_log WHERE job = ?1 AND first = (SELECT min(first) FROM job_log WHERE job = ?1) RETURNING bytes",
    )?;
    // Nothing left to drop: as if all were dropped, so that a wrong count cannot loop.
    Ok(statement
        .query_row([job], |row| row.get(0))
        .optional()?
        .unwrap_or(usize::MAX))
}
