//! One day's file: its name, its tables, and what the writer remembers of it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::RwLock;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::figures;
use crate::{Attributes, Scope, TelemetryError, TraceId};

/// Version of the tables below.
const VERSION: i64 = 2;
/// How long a connection waits for another process that holds the file.
const BUSY_LIMIT: Duration = Duration::from_secs(2);
/// Entries kept in each of the writer's memories; they are only memories, so they are simply cleared beyond it.
const MEMORY: usize = 65_536;

const NANOS_PER_DAY: u64 = 86_400 * 1_000_000_000;
const PREFIX: &str = "spans-";
const SUFFIX: &str = ".db";

/// 8 KiB pages keep the fan-out of the span tree high although its rows hold attributes.
const TABLES: &str = "
    CREATE TABLE traces (
        id         INTEGER PRIMARY KEY,
        trace_id   BLOB NOT NULL UNIQUE,
        start_ns   INTEGER NOT NULL,
        end_ns     INTEGER NOT NULL,
        failed     INTEGER NOT NULL DEFAULT 0,
        rooted     INTEGER NOT NULL DEFAULT -1,
        root_ns    INTEGER NOT NULL DEFAULT 0,
        name       TEXT NOT NULL DEFAULT '',
        agent      TEXT NOT NULL DEFAULT '',
        session    TEXT,
        spans      INTEGER NOT NULL DEFAULT 0,
        tokens_in  INTEGER NOT NULL DEFAULT 0,
        tokens_out INTEGER NOT NULL DEFAULT 0,
        cost       REAL
    );
    CREATE INDEX traces_by_start ON traces (start_ns, trace_id, end_ns);
    CREATE TABLE spans (
        trace      INTEGER NOT NULL,
        span       INTEGER NOT NULL,
        parent     INTEGER,
        start_ns   INTEGER NOT NULL,
        end_ns     INTEGER NOT NULL,
        kind       INTEGER NOT NULL,
        status     INTEGER NOT NULL,
        message    TEXT,
        name       TEXT NOT NULL,
        origin     INTEGER NOT NULL,
        attributes TEXT,
        events     TEXT,
        links      TEXT,
        PRIMARY KEY (trace, span)
    ) WITHOUT ROWID;
    CREATE TABLE origins (
        id         INTEGER PRIMARY KEY,
        digest     BLOB NOT NULL UNIQUE,
        service    TEXT NOT NULL,
        agent      TEXT,
        resource   TEXT NOT NULL,
        scope      TEXT NOT NULL,
        version    TEXT NOT NULL
    );
    CREATE TABLE postings (
        term       INTEGER NOT NULL,
        trace      INTEGER NOT NULL,
        PRIMARY KEY (term, trace)
    ) WITHOUT ROWID;
    CREATE TABLE words (word TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE logs (
        id         INTEGER PRIMARY KEY,
        time_ns    INTEGER NOT NULL,
        severity   INTEGER NOT NULL,
        words      TEXT NOT NULL,
        body       TEXT NOT NULL,
        trace_id   BLOB,
        span       INTEGER,
        origin     INTEGER NOT NULL,
        attributes TEXT
    );
    CREATE INDEX logs_by_time ON logs (time_ns, id);
    CREATE INDEX logs_by_trace ON logs (trace_id, time_ns) WHERE trace_id IS NOT NULL;
";

/// A day in UTC, counted from the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(pub(crate) u32);

/// The days that have a file; kept by the writer, read by everybody.
#[derive(Default)]
pub(crate) struct Days(RwLock<BTreeSet<Day>>);

impl Day {
    pub(crate) fn of(time_ns: u64) -> Self {
        Self(u32::try_from(time_ns / NANOS_PER_DAY).unwrap_or(u32::MAX))
    }

    pub(crate) fn today() -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self(u32::try_from(now.as_secs() / 86_400).unwrap_or(u32::MAX))
    }

    pub(crate) fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    pub(crate) fn after(self, days: u32) -> Self {
        Self(self.0.saturating_add(days))
    }

    pub(crate) fn path(self, dir: &Path) -> PathBuf {
        let date = jiff::Timestamp::from_second(i64::from(self.0) * 86_400)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        dir.join(format!("{PREFIX}{}{SUFFIX}", date.strftime("%Y-%m-%d")))
    }

    pub(crate) fn of_file(name: &str) -> Option<Self> {
        let date = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let midnight: jiff::Timestamp = format!("{date}T00:00:00Z").parse().ok()?;
        u32::try_from(midnight.as_second() / 86_400).ok().map(Self)
    }
}

impl Days {
    pub(crate) fn insert(&self, day: Day) {
        self.0.write().insert(day);
    }

    pub(crate) fn remove(&self, day: Day) {
        self.0.write().remove(&day);
    }

    pub(crate) fn contains(&self, day: Day) -> bool {
        self.0.read().contains(&day)
    }

    pub(crate) fn oldest(&self) -> Option<Day> {
        self.0.read().first().copied()
    }

    /// Newest first.
    pub(crate) fn newest_first(&self) -> Vec<Day> {
        self.0.read().iter().rev().copied().collect()
    }
}

/// A day's file as the writer holds it.
pub(crate) struct Partition {
    pub(crate) connection: Connection,
    pub(crate) memory: Memory,
}

/// What saves the writer from asking the file again.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) traces: HashMap<TraceId, i64>,
    pub(crate) origins: HashMap<[u8; 32], Origin>,
    pub(crate) words: HashSet<i64>,
    /// The origin of the item before, which is mostly the next one's too.
    pub(crate) latest: Option<Latest>,
}

/// Who made an item, and the row it was given.
pub(crate) struct Latest {
    pub(crate) service: String,
    pub(crate) agent: Option<String>,
    pub(crate) resource: Arc<Attributes>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) origin: Origin,
}

/// An interned resource and scope, with the index terms that every span of it has.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) id: i64,
    pub(crate) terms: Arc<[i64]>,
}

impl Memory {
    /// Forgets what has grown too large.
    pub(crate) fn trim(&mut self) {
        if self.traces.len() > MEMORY {
            self.traces.clear();
        }
        if self.origins.len() > MEMORY / 16 {
            self.origins.clear();
        }
        if self.words.len() > MEMORY {
            self.words.clear();
        }
    }
}

impl Partition {
    /// Opens the file for writing, and makes its tables when it is new.
    pub(crate) fn open(path: &Path) -> Result<Self, TelemetryError> {
        let fail = |source| TelemetryError::Open {
            path: path.into(),
            source: Arc::new(source),
        };
        let connection = Connection::open(path).map_err(fail)?;
        connection.busy_timeout(BUSY_LIMIT).map_err(fail)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection
            .execute_batch(
                "PRAGMA page_size = 8192;
                 PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 PRAGMA wal_autocheckpoint = 4000;
                 PRAGMA journal_size_limit = 67108864;
                 PRAGMA cache_size = -16384;
                 PRAGMA temp_store = MEMORY;",
            )
            .map_err(fail)?;
        let found: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(fail)?;
        if found > VERSION {
            return Err(TelemetryError::Newer {
                path: path.into(),
                found,
            });
        }
        let missing = match found {
            0 => [TABLES, figures::TABLES].concat(),
            1 => figures::TABLES.to_owned(),
            _ => String::new(),
        };
        if !missing.is_empty() {
            let create =
                format!("BEGIN IMMEDIATE; {missing} PRAGMA user_version = {VERSION}; COMMIT;");
            connection.execute_batch(&create).map_err(fail)?;
        }
        Ok(Self {
            connection,
            memory: Memory::default(),
        })
    }

    /// The row of a trace, if this day has it.
    pub(crate) fn find(&mut self, trace: TraceId) -> rusqlite::Result<Option<i64>> {
        if let Some(row) = self.memory.traces.get(&trace) {
            return Ok(Some(*row));
        }
        let row = self
            .connection
            .prepare_cached("SELECT id FROM traces WHERE trace_id = ?1")?
            .query_row([trace.0.as_slice()], |row| row.get(0))
            .optional()?;
        if let Some(row) = row {
            self.memory.traces.insert(trace, row);
        }
        Ok(row)
    }
}

/// Opens a day's file for questions.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, TelemetryError> {
    let fail = |source| TelemetryError::Open {
        path: path.into(),
        source: Arc::new(source),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY_LIMIT).map_err(fail)?;
    connection
        .execute_batch("PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;")
        .map_err(fail)?;
    Ok(connection)
}

/// Times as the file holds them: the year 2262 is far.
pub(crate) fn to_column(time_ns: u64) -> i64 {
    i64::try_from(time_ns).unwrap_or(i64::MAX)
}

pub(crate) fn from_column(time_ns: i64) -> u64 {
    u64::try_from(time_ns).unwrap_or(0)
}
