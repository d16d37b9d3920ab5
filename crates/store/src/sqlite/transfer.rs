//! The file as something that can be moved.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Sqlite, events, jobs, writer::Writing};
use crate::{
    StoreError,
    transfer::{Contents, Endpoint, Item, Marker, Page, Place, Section, Standing},
};

/// The marker's row among the documents: of a kind that no record has.
const MARKER: &str = "store.transfer";
/// The row of the file's own name, likewise.
const IDENTITY: &str = "store.identity";

#[async_trait]
impl Endpoint for Sqlite {
    fn identity(&self) -> String {
        format!("sqlite:{}", self.identity)
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        self.readers.read(standing).await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let sql =
            "SELECT (SELECT count(*) FROM documents WHERE kind <> ?1) + (SELECT count(*) FROM jobs)
            + (SELECT count(*) FROM job_log) + (SELECT count(*) FROM events)";
        self.readers
            .read(|connection| Ok(connection.query_row(sql, [IDENTITY], |row| row.get(0))?))
            .await
    }

    async fn read(&self, from: &Place) -> Result<Page, StoreError> {
        let from = from.clone();
        self.readers
            .read(move |connection| read(connection, &from))
            .await
    }

    async fn write(&self, items: Vec<Item>, marker: &Marker) -> Result<(), StoreError> {
        let marker = serde_json::to_string(marker).map_err(StoreError::json(MARKER))?;
        self.writer
            .write(true, move |writing| write(writing, &items, &marker))
            .await
    }

    async fn wipe(&self) -> Result<(), StoreError> {
        self.writer
            .write(true, |writing| {
                for table in ["job_log", "jobs", "events"] {
                    writing
                        .connection
                        .execute(&format!("DELETE FROM {table}"), [])?;
                }
                let sql = "DELETE FROM documents WHERE kind <> ?1";
                writing.connection.execute(sql, [IDENTITY])?;
                Ok(())
            })
            .await
    }

    async fn finish(&self, _: &Contents, _: &Marker) -> Result<(), StoreError> {
        self.writer
            .write(true, |writing| {
                let sql = "DELETE FROM documents WHERE kind = ?1";
                writing.connection.execute(sql, [MARKER])?;
                Ok(())
            })
            .await
    }
}

/// The file's own name among all stores, given to it once.
pub(super) fn identity(connection: &Connection) -> Result<String, StoreError> {
    let read = "SELECT body FROM documents WHERE kind = ?1";
    let found = connection.query_row(read, [IDENTITY], |row| row.get(0));
    if let Some(identity) = found.optional()? {
        return Ok(identity);
    }
    let made = uuid::Uuid::new_v4().to_string();
    // Another process may have been quicker.
    connection.execute(
        "INSERT OR IGNORE INTO documents (kind, id, parent, position, version, body) VALUES (?1, 'own', NULL, 0, 0, ?2)",
        [IDENTITY, &made],
    )?;
    Ok(connection.query_row(read, [IDENTITY], |row| row.get(0))?)
}

fn standing(connection: &Connection) -> Result<Standing, StoreError> {
    let marker: Option<String> = connection
        .query_row(
            "SELECT body FROM documents WHERE kind = ?1",
            [MARKER],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(marker) = marker {
        let marker = serde_json::from_str(&marker).map_err(StoreError::json(MARKER))?;
        return Ok(Standing::Unfinished(marker));
    }
    let sql =
        "SELECT EXISTS (SELECT 1 FROM documents WHERE kind <> ?1) OR EXISTS (SELECT 1 FROM jobs)
        OR EXISTS (SELECT 1 FROM events)";
    let is_used: bool = connection.query_row(sql, [IDENTITY], |row| row.get(0))?;
    Ok(if is_used {
        Standing::InUse
    } else {
        Standing::Empty
    })
}

fn read(connection: &Connection, from: &Place) -> Result<Page, StoreError> {
    let after = from.after.as_deref();
    let number = |text: &str| text.parse::<i64>().map_err(|_| StoreError::BadCursor);
    let pair = |text: &str| {
        let (left, right) = text.split_once('/').ok_or(StoreError::BadCursor)?;
        Ok::<_, StoreError>((left.to_owned(), right.to_owned()))
    };
    let limit = Page::ITEMS;
    let found: Vec<(String, Item)> = match from.section {
        Section::Records => {
            let (after_kind, after_id) = after.map(pair).transpose()?.unwrap_or_default();
            connection
                .prepare_cached(
                    "SELECT kind, id, parent, position, version, body FROM documents
                     WHERE (kind, id) > (?1, ?2) AND kind NOT IN (?3, ?4) ORDER BY kind, id LIMIT ?5",
                )?
                .query_map(params![after_kind, after_id, MARKER, IDENTITY, limit], |row| {
                    let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
                    let place = format!("{kind}/{id}");
                    let item = Item::Record {
                        kind,
                        id,
                        parent: row.get(2)?,
                        position: row.get(3)?,
                        version: row.get(4)?,
                        body: row.get(5)?,
                    };
                    Ok((place, item))
                })?
                .collect::<Result<_, _>>()?
        }
        Section::Jobs => {
            let after = after.map_or(Ok(i64::MIN), number)?;
            let found = jobs::export(connection, after, limit)?.into_iter();
            found
                .map(|(number, item)| (number.to_string(), item))
                .collect()
        }
        Section::Logs => {
            let (job, first) = match after.map(pair).transpose()? {
                Some((job, first)) => (number(&job)?, number(&first)?),
                None => (i64::MIN, 0),
            };
            connection
                .prepare_cached(
                    "SELECT job, first, lines, at_ms, text FROM job_log WHERE (job, first) > (?1, ?2)
                     ORDER BY job, first LIMIT ?3",
                )?
                .query_map(params![job, first, limit], |row| {
                    let (job, first): (i64, u64) = (row.get(0)?, row.get(1)?);
                    let item = Item::LogRow {
                        job,
                        first,
                        lines: row.get(2)?,
                        at_ms: row.get(3)?,
                        text: row.get(4)?,
                    };
                    Ok((format!("{job}/{first}"), item))
                })?
                .collect::<Result<_, _>>()?
        }
        Section::Events => {
            let after = after.map_or(Ok(0), number)?;
            let first = u64::try_from(after).unwrap_or(0) + 1;
            let events = events::starting_at(connection, first, limit)?.into_iter();
            events
                .map(|event| (event.seq.to_string(), Item::Event(event)))
                .collect()
        }
    };
    Ok(Page::of(from.section, found))
}

fn write(writing: &mut Writing<'_>, items: &[Item], marker: &str) -> Result<(), StoreError> {
    let connection = writing.connection;
    let mut has_jobs = false;
    for item in items {
        match item {
            Item::Record {
                kind,
                id,
                parent,
                position,
                version,
                body,
            } => {
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO documents (kind, id, parent, position, version, body)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![kind, id, parent, position, version, body])?;
            }
            Item::Job {
                number,
                position,
                log_next,
                log_bytes,
                job,
            } => {
                jobs::import(connection, *number, *position, (*log_next, *log_bytes), job)?;
                has_jobs = true;
            }
            Item::LogRow {
                job,
                first,
                lines,
                at_ms,
                text,
            } => {
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO job_log (job, first, lines, at_ms, bytes, text)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![job, first, lines, at_ms, text.len(), text])?;
            }
            Item::Event(event) => events::insert(connection, event)?,
        }
    }
    if has_jobs {
        jobs::block_all_but_first(connection)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO documents (kind, id, parent, position, version, body) VALUES (?1, 'copy', NULL, 0, 0, ?2)
             ON CONFLICT (kind, id) DO UPDATE SET body = ?2",
        )?
        .execute([MARKER, marker])?;
    Ok(())
}
