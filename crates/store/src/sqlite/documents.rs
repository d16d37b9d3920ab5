//! The table of records.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::writer::Writing;
use crate::{Cursor, Document, Expected, Page, Query, StoreError, batch::next_version};

/// A document to write.
pub(super) struct Put<'a> {
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    pub(super) parent: Option<&'a str>,
    pub(super) order: Option<i64>,
    pub(super) body: &'a str,
    pub(super) expected: Expected,
}

pub(super) fn get(
    connection: &Connection,
    kind: &str,
    id: &str,
) -> Result<Option<Document>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, parent, body, version, position FROM documents WHERE kind = ?1 AND id = ?2",
    )?;
    Ok(statement
        .query_row(params![kind, id], |row| Ok(read(row)?.0))
        .optional()?)
}

pub(super) fn list(
    connection: &Connection,
    kind: &str,
    query: &Query,
) -> Result<Page<Document>, StoreError> {
    let after = query.after.as_ref().map(Cursor::parts).transpose()?;
    let limit = query.limit.clamp(1, Query::MAX_LIMIT);
    let one_more = limit + 1;
    let mut sql =
        String::from("SELECT id, parent, body, version, position FROM documents WHERE kind = ?");
    let mut values: Vec<&dyn ToSql> = vec![&kind];
    if let Some(parent) = &query.parent {
        sql.push_str(" AND parent = ?");
        values.push(parent);
    }
    if let Some((position, id)) = &after {
        sql.push_str(if query.descending {
            " AND (position, id) < (?, ?)"
        } else {
            " AND (position, id) > (?, ?)"
        });
        values.extend([position as &dyn ToSql, id]);
    }
    sql.push_str(if query.descending {
        " ORDER BY position DESC, id DESC LIMIT ?"
    } else {
        " ORDER BY position, id LIMIT ?"
    });
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
        .map(|(document, position)| Cursor::new(*position, &document.id));
    Ok(Page {
        items: found.into_iter().map(|(document, _)| document).collect(),
        next,
    })
}

/// Writes a document and gives its new version.
pub(super) fn put(writing: &mut Writing<'_>, put: &Put<'_>) -> Result<u64, StoreError> {
    let present = present(writing, put.kind, put.id)?;
    let present_version = present.map(|(version, _)| version);
    put.expected.check(present_version, put.kind, put.id)?;
    let version = next_version(present_version, writing.now_ms);
    let position = match (put.order, present) {
        (Some(order), _) => order,
        (None, Some((_, position))) => position,
        (None, None) => next_position(writing, put.kind)?,
    };
    writing
        .connection
        .prepare_cached(
            "INSERT INTO documents (kind, id, parent, position, version, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (kind, id) DO UPDATE SET parent = ?3, position = ?4, version = ?5, body = ?6",
        )?
        .execute(params![put.kind, put.id, put.parent, position, version, put.body])?;
    Ok(version)
}

pub(super) fn delete(
    writing: &mut Writing<'_>,
    kind: &str,
    id: &str,
    expected: Expected,
) -> Result<(), StoreError> {
    if expected != Expected::Any {
        let present = present(writing, kind, id)?;
        expected.check(present.map(|(version, _)| version), kind, id)?;
    }
    writing
        .connection
        .prepare_cached("DELETE FROM documents WHERE kind = ?1 AND id = ?2")?
        .execute(params![kind, id])?;
    Ok(())
}

pub(super) fn delete_children(
    writing: &mut Writing<'_>,
    kind: &str,
    parent: &str,
) -> Result<(), StoreError> {
    writing
        .connection
        .prepare_cached("DELETE FROM documents WHERE kind = ?1 AND parent = ?2")?
        .execute(params![kind, parent])?;
    Ok(())
}

fn present(writing: &Writing<'_>, kind: &str, id: &str) -> Result<Option<(u64, i64)>, StoreError> {
    let mut statement = writing
        .connection
        .prepare_cached("SELECT version, position FROM documents WHERE kind = ?1 AND id = ?2")?;
    Ok(statement
        .query_row(params![kind, id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

fn next_position(writing: &Writing<'_>, kind: &str) -> Result<i64, StoreError> {
    let mut statement = writing
        .connection
        .prepare_cached("SELECT ifnull(max(position), 0) + 1 FROM documents WHERE kind = ?1")?;
    Ok(statement.query_row([kind], |row| row.get(0))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Document, i64)> {
    let document = Document {
        id: row.get(0)?,
        parent: row.get(1)?,
        body: row.get(2)?,
        version: row.get(3)?,
    };
    Ok((document, row.get(4)?))
}
