//! Opening the file and bringing its schema up to date.

use std::{path::Path, time::Duration};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::fault::opening;
use crate::StoreError;

/// Marks the file as ours: "NSKO".
const APPLICATION_ID: i64 = 0x4e53_4b4f;
/// How long another process may hold the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection; more than there are.
const STATEMENT_CACHE: usize = 64;

/// The schema's history. A released entry is never edited: its checksum is in every user's file.
const MIGRATIONS: &[(&str, &str)] = &[("first", include_str!("schema/001_first.sql"))];

/// The schema version that this build knows.
#[expect(clippy::cast_possible_truncation, reason = "a handful")]
pub(super) const NEWEST: u32 = MIGRATIONS.len() as u32;

/// Opens the file for writing, migrated.
pub(super) fn open(file: &Path, max_bytes: Option<u64>) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(opening(file))?;
    prepare(&mut connection, file, max_bytes)?;
    Ok(connection)
}

/// Opens the file for reading only.
pub(super) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(opening(file))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.execute_batch("PRAGMA cache_size = -256; PRAGMA query_only = ON;")?;
    Ok(connection)
}

fn prepare(
    connection: &mut Connection,
    file: &Path,
    max_bytes: Option<u64>,
) -> Result<(), StoreError> {
    let at = opening(file);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&at)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // Nothing is written before it is known that the file is ours and not newer.
    let found = check(connection, file)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(&at)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::NotWritable {
            path: file.to_owned(),
            reason: format!("the journal stays in mode `{mode}`"),
        });
    }
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY;
             PRAGMA journal_size_limit = 4194304; PRAGMA foreign_keys = ON;",
        )
        .map_err(&at)?;
    if let Some(bytes) = max_bytes {
        let page_size: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = i64::try_from(bytes / page_size.max(1)).unwrap_or(i64::MAX);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    if found < NEWEST {
        migrate(connection, file)?;
    }
    Ok(())
}

/// The file's schema version, if the file is one that this build may write.
fn check(connection: &Connection, file: &Path) -> Result<u32, StoreError> {
    let at = opening(file);
    let found: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(&at)?;
    let application: i64 = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(&at)?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(&at)?;
    let corrupt = |reason: &str| StoreError::Corrupt {
        path: file.to_owned(),
        reason: reason.to_owned(),
    };
    if application != APPLICATION_ID && (tables > 0 || found > 0) {
        return Err(corrupt("it is a database of another program"));
    }
    if found > NEWEST {
        return Err(StoreError::NewerData {
            found,
            known: NEWEST,
        });
    }
    for (number, (_, sql)) in (1u32..=found).zip(MIGRATIONS) {
        let stored: Option<String> = connection
            .query_row(
                "SELECT checksum FROM migrations WHERE number = ?1",
                [number],
                |row| row.get(0),
            )
            .optional()
            .map_err(&at)?;
        if stored.as_deref() != Some(checksum(sql).as_str()) {
            return Err(corrupt(
                "its schema is not the one that its version promises",
            ));
        }
    }
    Ok(found)
}

fn migrate(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let at = opening(file);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&at)?;
    // Read again under the lock: another process may have been quicker.
    let found = check(&transaction, file)?;
    apply_after(found, &transaction)
        .and_then(|()| transaction.commit())
        .map_err(&at)
}

fn apply_after(found: u32, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    if found == 0 {
        transaction.execute_batch(
            "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT;",
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    for (number, (name, sql)) in (1u32..)
        .zip(MIGRATIONS)
        .filter(|(number, _)| *number > found)
    {
        transaction.execute_batch(sql)?;
        transaction.execute(
            "INSERT INTO migrations (number, name, checksum) VALUES (?1, ?2, ?3)",
            params![number, name, checksum(sql)],
        )?;
    }
    transaction.pragma_update(None, "user_version", NEWEST)
}

fn checksum(sql: &str) -> String {
    blake3::hash(sql.as_bytes()).to_hex().to_string()
}
