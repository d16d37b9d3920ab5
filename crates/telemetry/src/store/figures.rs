//! Requests, durations, tokens and cost by slots of time: added up by the writer as spans come, so that a plot never
//! reads traces. A question reads a row per slot and agent, however many requests there were.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    Histogram, TraceStore, insert,
    partition::{Day, from_column, to_column},
};
use crate::{Span, SpanKind, StatusCode, TelemetryError};

/// The tables; files of version 1 do not have them.
pub(crate) const TABLES: &str = "
    CREATE TABLE figures (
        width      INTEGER NOT NULL,
        slot       INTEGER NOT NULL,
        agent      TEXT NOT NULL,
        requests   INTEGER NOT NULL,
        errors     INTEGER NOT NULL,
        durations  BLOB NOT NULL,
        tokens_in  INTEGER NOT NULL,
        tokens_out INTEGER NOT NULL,
        cost       REAL,
        PRIMARY KEY (width, slot, agent)
    ) WITHOUT ROWID;
    CREATE TABLE figure_commits (
        one        INTEGER PRIMARY KEY CHECK (one = 0),
        number     INTEGER NOT NULL
    );
";
/// The attribute by which a server span is a request to an agent, counted once: the agent's own spans do not have it.
const REQUEST_MARK: &str = "nasiko.agent";
/// Rows of an answer: 60 slots of more agents than anybody has.
const MAX_ROWS: i64 = 600_000;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MICRO: u64 = 1_000;

/// How long a slot is. Slots begin at multiples of it since the Unix epoch, and longer ones are made of shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// 15 seconds.
    Quarter,
    /// A minute.
    Minute,
    /// 24 minutes.
    Minutes24,
}

/// What was counted in a slot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestFigures {
    /// Requests that ended.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
    /// How long they took.
    pub durations: Histogram,
    /// Tokens that models read.
    pub tokens_in: u64,
    /// Tokens that models wrote.
    pub tokens_out: u64,
    /// What spans say it cost, in US dollars.
    pub cost: Option<f64>,
}

/// What was counted of an agent in a slot, or a part of it: rows of the same slot and agent add up.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureRow {
    /// When the slot begins, in nanoseconds since the Unix epoch.
    pub slot_ns: u64,
    /// The agent, or the service where no agent is known.
    pub agent: String,
    /// What was counted.
    pub figures: RequestFigures,
}

/// What a commit added, by the shortest slots.
#[derive(Debug)]
pub(crate) struct FigureCommit {
    pub(crate) day: Day,
    /// Counts the commits of a day's file.
    number: i64,
    rows: Vec<FigureRow>,
}

/// What comes after rows that were read: everything once, nothing twice.
pub struct FigureFeed {
    resolution: Resolution,
    agent: Option<String>,
    commits: broadcast::Receiver<Arc<FigureCommit>>,
    /// The last commit of each day that was read.
    read: HashMap<Day, i64>,
}

/// What a batch adds, by slot and agent.
#[derive(Default)]
pub(crate) struct Gathered(BTreeMap<(u64, String), RequestFigures>);

impl Resolution {
    const ALL: [Self; 3] = [Self::Quarter, Self::Minute, Self::Minutes24];

    /// A slot's length in nanoseconds.
    pub fn nanos(self) -> u64 {
        match self {
            Self::Quarter => 15 * NANOS_PER_SECOND,
            Self::Minute => 60 * NANOS_PER_SECOND,
            Self::Minutes24 => 24 * 60 * NANOS_PER_SECOND,
        }
    }

    /// The begin of the slot that a moment is in.
    pub fn slot_of(self, time_ns: u64) -> u64 {
        time_ns - time_ns % self.nanos()
    }
}

impl RequestFigures {
    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.errors = self.errors.saturating_add(other.errors);
        self.durations.merge(&other.durations);
        self.tokens_in = self.tokens_in.saturating_add(other.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(other.tokens_out);
        if let Some(cost) = other.cost {
            self.cost = Some(self.cost.unwrap_or(0.0) + cost);
        }
    }
}

impl Gathered {
    /// Counts a span that is new: when it ended is when it counts.
    pub(crate) fn add(&mut self, span: &Span) {
        let is_request =
            span.kind == SpanKind::Server && span.attributes.contains_key(REQUEST_MARK);
        let usage = insert::usage(&span.attributes);
        if !is_request && usage.is_none() {
            return;
        }
        let slot = Resolution::Quarter.slot_of(span.end_ns);
        let agent = span.agent.as_ref().unwrap_or(&span.service).clone();
        let figures = self.0.entry((slot, agent)).or_default();
        if is_request {
            figures.requests += 1;
            figures.errors += u64::from(span.status.code == StatusCode::Error);
            figures.durations.add(span.duration_ns() / NANOS_PER_MICRO);
        }
        if let Some((tokens_in, tokens_out, cost)) = usage {
            figures.merge(&RequestFigures {
                tokens_in,
                tokens_out,
                cost,
                ..RequestFigures::default()
            });
        }
    }

    /// Writes what was counted; none when there is nothing.
    pub(crate) fn write(
        self,
        transaction: &Transaction<'_>,
        day: Day,
    ) -> rusqlite::Result<Option<FigureCommit>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        for resolution in Resolution::ALL {
            let mut slots: BTreeMap<(u64, &str), RequestFigures> = BTreeMap::new();
            for ((slot, agent), figures) in &self.0 {
                let slot = resolution.slot_of(*slot);
                slots.entry((slot, agent)).or_default().merge(figures);
            }
            for ((slot, agent), figures) in slots {
                add_row(transaction, resolution, slot, agent, &figures)?;
            }
        }
        let number = transaction
            .prepare_cached(
                "INSERT INTO figure_commits (one, number) VALUES (0, 1) \
                 ON CONFLICT (one) DO UPDATE SET number = number + 1 RETURNING number",
            )?
            .query_row([], |row| row.get(0))?;
        let rows = self
            .0
            .into_iter()
            .map(|((slot_ns, agent), figures)| FigureRow {
                slot_ns,
                agent,
                figures,
            });
        Ok(Some(FigureCommit {
            day,
            number,
            rows: rows.collect(),
        }))
    }
}

fn add_row(
    transaction: &Transaction<'_>,
    resolution: Resolution,
    slot: u64,
    agent: &str,
    figures: &RequestFigures,
) -> rusqlite::Result<()> {
    let key = (to_column(resolution.nanos()), to_column(slot), agent);
    let known = transaction
        .prepare_cached(
            "SELECT requests, errors, durations, tokens_in, tokens_out, cost FROM figures \
             WHERE width = ?1 AND slot = ?2 AND agent = ?3",
        )?
        .query_row(key, |row| read_figures(row, 0))
        .optional()?;
    let mut sum = known.unwrap_or_default();
    sum.merge(figures);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO figures (width, slot, agent, requests, errors, durations, tokens_in, tokens_out, \
             cost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            key.0,
            key.1,
            key.2,
            to_column(sum.requests),
            to_column(sum.errors),
            sum.durations.to_bytes(),
            to_column(sum.tokens_in),
            to_column(sum.tokens_out),
            sum.cost,
        ])?;
    Ok(())
}

/// Reads the six columns from `first` on.
fn read_figures(row: &Row<'_>, first: usize) -> rusqlite::Result<RequestFigures> {
    let durations = row.get_ref(first + 2)?.as_blob()?;
    Ok(RequestFigures {
        requests: from_column(row.get(first)?),
        errors: from_column(row.get(first + 1)?),
        durations: Histogram::from_bytes(durations),
        tokens_in: from_column(row.get(first + 3)?),
        tokens_out: from_column(row.get(first + 4)?),
        cost: row.get(first + 5)?,
    })
}

impl TraceStore {
    /// What was counted in the slots that begin in `window` (nanoseconds since the Unix epoch), of one agent or of all.
    /// Every row is of one slot of the resolution; the same slot and agent may have several.
    pub async fn figures(
        &self,
        resolution: Resolution,
        window: Range<u64>,
        agent: Option<String>,
    ) -> Result<Vec<FigureRow>, TelemetryError> {
        let read = self.read_figures(resolution, window, agent).await?;
        Ok(read.into_iter().flat_map(|(_, rows, _)| rows).collect())
    }

    /// As [`TraceStore::figures`] from `since_ns` on, and then whatever is added.
    pub async fn follow_figures(
        &self,
        resolution: Resolution,
        since_ns: u64,
        agent: Option<String>,
    ) -> Result<(Vec<FigureRow>, FigureFeed), TelemetryError> {
        // Before the rows are read: what is added meanwhile is told by its number.
        let commits = self.inner.figures.subscribe();
        let window = resolution.slot_of(since_ns)..u64::MAX;
        let days = self.read_figures(resolution, window, agent.clone()).await?;
        let mut feed = FigureFeed {
            resolution,
            agent,
            commits,
            read: HashMap::new(),
        };
        let mut all = Vec::new();
        for (day, rows, number) in days {
            feed.read.insert(day, number);
            all.extend(rows);
        }
        Ok((all, feed))
    }

    async fn read_figures(
        &self,
        resolution: Resolution,
        window: Range<u64>,
        agent: Option<String>,
    ) -> Result<Vec<(Day, Vec<FigureRow>, i64)>, TelemetryError> {
        // A trace that runs over midnight is in the file of the day before.
        let (first, last) = (Day::of(window.start).before(1), Day::of(window.end));
        self.question(move |readers, stop| {
            let mut found = Vec::new();
            for day in readers.days.newest_first() {
                if day < first || day > last {
                    continue;
                }
                let read = readers.ask(day, stop, |connection| {
                    read_day(connection, resolution, &window, agent.as_deref())
                })?;
                found.extend(read.map(|(rows, number)| (day, rows, number)));
            }
            Ok(found)
        })
        .await
    }
}

/// A day's rows and the number of the last commit among them, as of one moment.
fn read_day(
    connection: &Connection,
    resolution: Resolution,
    window: &Range<u64>,
    agent: Option<&str>,
) -> rusqlite::Result<(Vec<FigureRow>, i64)> {
    let moment = connection.unchecked_transaction()?;
    let has_figures = moment
        .prepare_cached("SELECT 1 FROM sqlite_master WHERE name = 'figure_commits'")?
        .exists([])?;
    if !has_figures {
        return Ok((Vec::new(), 0));
    }
    let number = moment
        .prepare_cached("SELECT number FROM figure_commits")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let rows = moment
        .prepare_cached(
            "SELECT slot, agent, requests, errors, durations, tokens_in, tokens_out, cost FROM figures \
             WHERE width = ?1 AND slot >= ?2 AND slot < ?3 AND (?4 IS NULL OR agent = ?4) LIMIT ?5",
        )?
        .query_map(
            params![
                to_column(resolution.nanos()),
                to_column(window.start),
                to_column(window.end),
                agent,
                MAX_ROWS,
            ],
            |row| {
                Ok(FigureRow {
                    slot_ns: from_column(row.get(0)?),
                    agent: row.get(1)?,
                    figures: read_figures(row, 2)?,
                })
            },
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok((rows, number.unwrap_or(0)))
}

impl FigureFeed {
    /// Waits for rows that were added since, by the resolution's slots; they add to those before. None when this feed
    /// was too slow, or the store is closed: everything must be read anew. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Vec<FigureRow>> {
        loop {
            let commit = match self.commits.recv().await {
                Ok(commit) => commit,
                Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
            };
            let read = self.read.get(&commit.day).copied().unwrap_or(0);
            if commit.number <= read {
                continue;
            }
            let wanted =
                |row: &&FigureRow| self.agent.as_ref().is_none_or(|agent| *agent == row.agent);
            let rows: Vec<FigureRow> = commit
                .rows
                .iter()
                .filter(wanted)
                .map(|row| FigureRow {
                    slot_ns: self.resolution.slot_of(row.slot_ns),
                    ..row.clone()
                })
                .collect();
            if !rows.is_empty() {
                return Some(rows);
            }
        }
    }
}
