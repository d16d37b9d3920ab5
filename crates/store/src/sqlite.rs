//! The embedded backend: one SQLite file, one writer thread with group commit, a few readers.
//!
//! WAL lets readers go on while the writer writes. The writer thread takes whatever has gathered in its bounded queue
//! into one transaction, so many callers share one sync of the disk. A group that holds a promise (see
//! [`Change::is_a_promise`]) is committed with `synchronous=FULL` and survives the loss of power; a group of mere
//! heartbeats, progress and log lines with `NORMAL`, which survives the death of the process and costs no sync.

mod documents;
mod events;
mod fault;
mod job_log;
mod jobs;
mod readers;
mod schema;
mod transfer;
mod writer;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    Backend, Batch, Change, ClaimedJob, Clock, Committed, Document, Job, JobQuery, LogPage, Page,
    Query, Replay, Signals, StoreError, SystemClock, transfer::Endpoint,
};
use readers::Readers;
use writer::{Writer, Writing};

/// How to open the file.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The database file; its directory must exist.
    pub file: PathBuf,
    /// Events kept in the log.
    pub kept_events: u64,
    /// The largest size of the file in bytes; `None`: as the disk allows.
    pub max_bytes: Option<u64>,
    /// Decides leases and retries.
    pub clock: Arc<dyn Clock>,
}

impl SqliteOptions {
    /// Events kept unless said otherwise.
    pub const KEPT_EVENTS: u64 = 50_000;

    /// The usual options.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            kept_events: Self::KEPT_EVENTS,
            max_bytes: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The embedded backend.
pub struct Sqlite {
    /// The file's own name among all stores.
    identity: String,
    writer: Writer,
    readers: Readers,
    clock: Arc<dyn Clock>,
}

impl Sqlite {
    /// Opens or makes the file, bringing its schema up to date.
    ///
    /// Errors: [`StoreError::NewerData`], [`StoreError::Corrupt`], [`StoreError::NotWritable`], [`StoreError::DiskFull`].
    pub async fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let opening = tokio::task::spawn_blocking(move || {
            let connection = schema::open(&options.file, options.max_bytes)?;
            Ok(Self {
                identity: transfer::identity(&connection)?,
                readers: Readers::new(options.file),
                writer: Writer::start(connection, Arc::clone(&options.clock), options.kept_events)?,
                clock: options.clock,
            })
        });
        opening.await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl Backend for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn get(&self, kind: &'static str, id: &str) -> Result<Option<Document>, StoreError> {
        let id = id.to_owned();
        self.readers
            .read(move |connection| documents::get(connection, kind, &id))
            .await
    }

    async fn list(&self, kind: &'static str, query: &Query) -> Result<Page<Document>, StoreError> {
        let query = query.clone();
        self.readers
            .read(move |connection| documents::list(connection, kind, &query))
            .await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let changes = batch.into_changes()?;
        let promise = changes.iter().any(Change::is_a_promise);
        self.writer
            .write(promise, move |writing| apply(writing, changes))
            .await
    }

    async fn events_after(&self, seq: u64, limit: usize) -> Result<Replay, StoreError> {
        if let Some(replay) = self.writer.recent_events(seq, limit) {
            return Ok(replay);
        }
        self.readers
            .read(move |connection| events::after(connection, seq, limit))
            .await
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<ClaimedJob>, StoreError> {
        let worker = worker.to_owned();
        // No promise: a claim that a power cut undoes leaves the job queued.
        self.writer
            .write(false, move |writing| jobs::claim(writing, &worker, lease))
            .await
    }

    async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        let now_ms = self.clock.now_ms();
        self.readers
            .read(move |connection| jobs::next_due(connection, now_ms))
            .await
    }

    async fn release(&self, worker_prefix: &str) -> Result<Vec<String>, StoreError> {
        let prefix = worker_prefix.to_owned();
        self.writer
            .write(true, move |writing| jobs::release(writing, &prefix))
            .await
    }

    async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let id = id.to_owned();
        self.readers
            .read(move |connection| jobs::get(connection, &id))
            .await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Page<Job>, StoreError> {
        let query = query.clone();
        self.readers
            .read(move |connection| jobs::list(connection, &query))
            .await
    }

    async fn job_log(&self, job: &str, from: u64, limit: usize) -> Result<LogPage, StoreError> {
        let job = job.to_owned();
        self.readers
            .read(move |connection| job_log::read(connection, &job, from, limit))
            .await
    }

    fn signals(&self) -> Signals {
        self.writer.signals()
    }

    fn endpoint(&self) -> &dyn Endpoint {
        self
    }

    async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}

fn apply(writing: &mut Writing<'_>, changes: Vec<Change>) -> Result<Committed, StoreError> {
    let first_seq = writing.next_seq();
    let mut committed = Committed {
        first_seq,
        ..Committed::default()
    };
    for change in changes {
        match change {
            Change::Put {
                kind,
                id,
                parent,
                order,
                body,
                expected,
            } => {
                let put = documents::Put {
                    kind,
                    id: &id,
                    parent: parent.as_deref(),
                    order,
                    body: &body,
                    expected,
                };
                committed.versions.push(documents::put(writing, &put)?);
            }
            Change::Delete { kind, id, expected } => {
                documents::delete(writing, kind, &id, expected)?;
            }
            Change::DeleteChildren { kind, parent } => {
                documents::delete_children(writing, kind, &parent)?;
            }
            Change::Enqueue(job) => committed.jobs.push(jobs::enqueue(writing, job)?),
            Change::Job { id, transition } => {
                committed.jobs.push(jobs::step(writing, &id, transition)?);
            }
            Change::Log { job, lines } => job_log::append(writing, &job, &lines)?,
            Change::Event(event) => writing.append(event)?,
        }
    }
    committed.last_seq = writing.next_seq() - 1;
    Ok(committed)
}
