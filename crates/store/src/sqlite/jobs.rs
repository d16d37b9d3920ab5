//! The queue's table.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, types::Type};
use serde::Serialize;
use serde_json::Value;

use super::writer::Writing;
use crate::{
    ClaimedJob, Cursor, Job, JobQuery, JobState, NewJob, Page, StoreError,
    batch::job_event,
    job::{Applied, JobStatus, Transition, limits},
    transfer::Item,
};

/// The columns of [`read`], in order.
macro_rules! columns {
    () => {
        "number, id, kind, key, subject, payload, state, attempts, failures, interruptions, max_attempts, not_before_ms, \
         created_ms, started_ms, ended_ms, worker, lease_until_ms, cancel_requested, fraction, step, result, fault"
    };
}

pub(super) fn get(connection: &Connection, id: &str) -> Result<Option<Job>, StoreError> {
    Ok(find(connection, id)?.map(|(_, job)| job))
}

pub(super) fn list(connection: &Connection, query: &JobQuery) -> Result<Page<Job>, StoreError> {
    let mut sql = String::from(concat!("SELECT ", columns!(), " FROM jobs WHERE true"));
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let after = query
        .after
        .as_ref()
        .map(Cursor::parts)
        .transpose()?
        .map(|(number, _)| number);
    if let Some(number) = &after {
        sql.push_str(" AND number < ?");
        values.push(number);
    }
    if let Some(subject) = &query.subject {
        sql.push_str(" AND subject = ?");
        values.push(subject);
    }
    if !query.states.is_empty() {
        let states: Vec<String> = query
            .states
            .iter()
            .map(|state| format!("'{state}'"))
            .collect();
        sql.push_str(" AND state IN (");
        sql.push_str(&states.join(", "));
        sql.push(')');
    }
    sql.push_str(" ORDER BY number DESC LIMIT ?");
    let limit = query.page_size();
    let one_more = limit + 1;
    values.push(&one_more);

    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement
        .query_map(values.as_slice(), read)?
        .collect::<Result<Vec<_>, _>>()?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| has_more)
        .map(|(number, job)| Cursor::new(*number, &job.id));
    Ok(Page {
        items: found.into_iter().map(|(_, job)| job).collect(),
        next,
    })
}

/// The time at which a claim would find something; `now_ms` at the latest if it would now.
pub(super) fn next_due(connection: &Connection, now_ms: i64) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT min(due) FROM (
             SELECT min(not_before_ms) AS due FROM jobs WHERE state = 'queued' AND blocked = 0
             UNION ALL SELECT min(lease_until_ms) FROM jobs WHERE state = 'running')",
    )?;
    let due: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(due.map(|due| due.max(now_ms)))
}

pub(super) fn enqueue(writing: &mut Writing<'_>, new: NewJob) -> Result<JobStatus, StoreError> {
    let known: Option<String> = writing
        .connection
        .prepare_cached("SELECT id FROM jobs WHERE id = ?1 UNION ALL SELECT id FROM jobs WHERE key = ?2 LIMIT 1")?
        .query_row(params![new.id, new.key], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Err(StoreError::JobExists { id });
    }
    let job = Job::accept(new, writing.now_ms);
    let blocked = has_active(writing, job.subject.as_deref())?;
    let position = next_position(writing)?;
    writing
        .connection
        .prepare_cached(
            "INSERT INTO jobs (position, blocked, id, kind, key, subject, payload, state, attempts, failures, interruptions,
                 max_attempts, not_before_ms, created_ms, cancel_requested, fraction, step)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, ?9, ?10, ?11, 0, 0.0, '')",
        )?
        .execute(params![
            position,
            blocked,
            job.id,
            job.kind,
            job.key,
            job.subject,
            job.payload.to_string(),
            job.state.as_str(),
            job.max_attempts,
            job.not_before_ms,
            job.created_ms,
        ])?;
    writing.wakes_workers = true;
    writing.append(job_event(Job::CHANGED, &job))?;
    Ok(job.status())
}

pub(super) fn claim(
    writing: &mut Writing<'_>,
    worker: &str,
    lease: Duration,
) -> Result<Option<ClaimedJob>, StoreError> {
    while let Some((number, mut job)) = expired(writing)? {
        job.interrupt(writing.now_ms);
        write(writing.connection, number, &job)?;
        changed(writing, &job)?;
    }
    let found = writing
        .connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE state = 'queued' AND blocked = 0 AND not_before_ms <= ?1 ORDER BY position LIMIT 1"
        ))?
        .query_row([writing.now_ms], read)
        .optional()?;
    let Some((number, mut job)) = found else {
        return Ok(None);
    };
    let claim = job.start(worker, lease, writing.now_ms);
    write(writing.connection, number, &job)?;
    writing.append(job_event(Job::CHANGED, &job))?;
    Ok(Some(ClaimedJob { job, claim }))
}

pub(super) fn release(
    writing: &mut Writing<'_>,
    worker_prefix: &str,
) -> Result<Vec<String>, StoreError> {
    let held: Vec<(i64, Job)> = writing
        .connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE state = 'running' AND substr(worker, 1, length(?1)) = ?1 ORDER BY position"
        ))?
        .query_map([worker_prefix], read)?
        .collect::<Result<_, _>>()?;
    let mut ids = Vec::with_capacity(held.len());
    for (number, mut job) in held {
        job.interrupt(writing.now_ms);
        write(writing.connection, number, &job)?;
        changed(writing, &job)?;
        ids.push(job.id);
    }
    Ok(ids)
}

/// Applies one step of a job's life.
pub(super) fn step(
    writing: &mut Writing<'_>,
    id: &str,
    transition: Transition,
) -> Result<JobStatus, StoreError> {
    let (number, mut job) = find(writing.connection, id)?
        .ok_or_else(|| StoreError::JobNotFound { id: id.to_owned() })?;
    let applied = job.apply(transition, writing.now_ms)?;
    if applied == Applied::Requeued {
        let blocked = has_active(writing, job.subject.as_deref())?;
        let position = next_position(writing)?;
        writing
            .connection
            .prepare_cached("UPDATE jobs SET position = ?2, blocked = ?3 WHERE number = ?1")?
            .execute(params![number, position, blocked])?;
    }
    write(writing.connection, number, &job)?;
    match applied {
        Applied::Quiet => {}
        Applied::Progressed => writing.append(job_event(Job::PROGRESS, &job))?,
        Applied::Changed | Applied::Requeued => changed(writing, &job)?,
    }
    Ok(job.status())
}

/// At most `limit` jobs after a number, as they are.
pub(super) fn export(
    connection: &Connection,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, Item)>, StoreError> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        ", position, log_next, log_bytes FROM jobs WHERE number > ?1 ORDER BY number LIMIT ?2"
    ))?;
    let rows = statement.query_map(params![after, limit], |row| {
        let (number, job) = read(row)?;
        let item = Item::Job {
            number,
            position: row.get(22)?,
            log_next: row.get(23)?,
            log_bytes: row.get(24)?,
            job: Box::new(job),
        };
        Ok((number, item))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a job as it was elsewhere, unless it is there.
pub(super) fn import(
    connection: &Connection,
    number: i64,
    position: i64,
    log: (u64, u64),
    job: &Job,
) -> Result<(), StoreError> {
    let added = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO jobs (number, position, blocked, id, kind, key, subject, payload, state, attempts,
                 failures, interruptions, max_attempts, not_before_ms, created_ms, cancel_requested, fraction, step,
                 log_next, log_bytes)
             VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, ?9, ?10, ?11, 0, 0.0, '', ?12, ?13)",
        )?
        .execute(params![
            number,
            position,
            job.id,
            job.kind,
            job.key,
            job.subject,
            job.payload.to_string(),
            job.state.as_str(),
            job.max_attempts,
            job.not_before_ms,
            job.created_ms,
            log.0,
            log.1,
        ])?;
    if added > 0 {
        write(connection, number, job)?;
    }
    Ok(())
}

/// Makes queued jobs wait for older ones of their subject, after jobs were written in another order.
pub(super) fn block_all_but_first(connection: &Connection) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE jobs SET blocked = EXISTS (
             SELECT 1 FROM jobs AS older WHERE older.subject = jobs.subject
             AND older.state IN ('queued', 'running') AND older.position < jobs.position)
         WHERE state = 'queued' AND subject IS NOT NULL",
        [],
    )?;
    Ok(())
}

/// Drops the oldest ended jobs beyond the limits.
pub(super) fn trim(connection: &Connection) -> Result<(), StoreError> {
    for (states, kept) in [
        ("'succeeded', 'failed', 'cancelled'", limits::ENDED_JOBS),
        ("'dead'", limits::DEAD_LETTERS),
    ] {
        connection
            .prepare_cached(&format!(
                "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE state IN ({states})
                 ORDER BY ended_ms DESC, number DESC LIMIT -1 OFFSET ?1)"
            ))?
            .execute([kept])?;
    }
    Ok(())
}

/// Tells of a new state; lets the subject's next job come forward when this one has ended.
fn changed(writing: &mut Writing<'_>, job: &Job) -> Result<(), StoreError> {
    if job.state.is_ended() {
        if let Some(subject) = &job.subject {
            writing
                .connection
                .prepare_cached(
                    "UPDATE jobs SET blocked = 0 WHERE number = (
                         SELECT number FROM jobs WHERE subject = ?1 AND state IN ('queued', 'running')
                         ORDER BY position LIMIT 1)",
                )?
                .execute([subject])?;
            writing.wakes_workers = true;
        }
    } else {
        writing.wakes_workers |= job.state == JobState::Queued;
    }
    writing.append(job_event(Job::CHANGED, job))
}

fn expired(writing: &Writing<'_>) -> Result<Option<(i64, Job)>, StoreError> {
    let mut statement = writing.connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " FROM jobs WHERE state = 'running' AND lease_until_ms <= ?1 ORDER BY lease_until_ms LIMIT 1"
    ))?;
    Ok(statement.query_row([writing.now_ms], read).optional()?)
}

fn has_active(writing: &Writing<'_>, subject: Option<&str>) -> Result<bool, StoreError> {
    let mut statement = writing.connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM jobs WHERE subject = ?1 AND state IN ('queued', 'running'))",
    )?;
    Ok(statement.query_row([subject], |row| row.get(0))?)
}

fn next_position(writing: &Writing<'_>) -> Result<i64, StoreError> {
    let mut statement = writing
        .connection
        .prepare_cached("SELECT ifnull(max(position), 0) + 1 FROM jobs")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn find(connection: &Connection, id: &str) -> Result<Option<(i64, Job)>, StoreError> {
    let mut statement =
        connection.prepare_cached(concat!("SELECT ", columns!(), " FROM jobs WHERE id = ?1"))?;
    Ok(statement.query_row([id], read).optional()?)
}

/// Writes what can change in a job.
fn write(connection: &Connection, number: i64, job: &Job) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE jobs SET state = ?2, attempts = ?3, failures = ?4, interruptions = ?5, not_before_ms = ?6, started_ms = ?7,
                 ended_ms = ?8, worker = ?9, lease_until_ms = ?10, cancel_requested = ?11, fraction = ?12, step = ?13,
                 result = ?14, fault = ?15
             WHERE number = ?1",
        )?
        .execute(params![
            number,
            job.state.as_str(),
            job.attempts,
            job.failures,
            job.interruptions,
            job.not_before_ms,
            job.started_ms,
            job.ended_ms,
            job.worker,
            job.lease_until_ms,
            job.cancel_requested,
            job.fraction,
            job.step,
            job.result.as_ref().map(Value::to_string),
            job.fault.as_ref().map(json).transpose()?,
        ])?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::json("fault"))
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Job)> {
    let job = Job {
        id: row.get(1)?,
        kind: row.get(2)?,
        key: row.get(3)?,
        subject: row.get(4)?,
        payload: parse(5, &row.get::<_, String>(5)?)?,
        state: row
            .get_ref(6)?
            .as_str()?
            .parse()
            .map_err(|error: String| unreadable(6, error))?,
        attempts: row.get(7)?,
        failures: row.get(8)?,
        interruptions: row.get(9)?,
        max_attempts: row.get(10)?,
        not_before_ms: row.get(11)?,
        created_ms: row.get(12)?,
        started_ms: row.get(13)?,
        ended_ms: row.get(14)?,
        worker: row.get(15)?,
        lease_until_ms: row.get(16)?,
        cancel_requested: row.get(17)?,
        fraction: row.get(18)?,
        step: row.get(19)?,
        result: row
            .get::<_, Option<String>>(20)?
            .map(|text| parse(20, &text))
            .transpose()?,
        fault: row
            .get::<_, Option<String>>(21)?
            .map(|text| parse(21, &text))
            .transpose()?,
    };
    Ok((row.get(0)?, job))
}

fn parse<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

fn unreadable(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
