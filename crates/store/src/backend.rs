//! The one trait that a database implements.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    Batch, ClaimedJob, Committed, Document, Health, Job, JobQuery, LogPage, Page, Query, Replay,
    StoreError, transfer::Endpoint,
};

/// What wakes those who wait, so that nobody polls.
#[derive(Debug, Clone)]
pub struct Signals {
    /// The seq of the last event committed.
    pub committed: watch::Receiver<u64>,
    /// Changes when a job may have become claimable.
    pub work: watch::Receiver<u64>,
    /// Changes when a line was appended to some job's log.
    pub logs: watch::Receiver<u64>,
}

/// Durable state of one control plane, or of several that share a database.
///
/// Every method is atomic. Dropping a future abandons the answer, not a write that was already handed over.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// The kind of database, e.g. `sqlite`.
    fn name(&self) -> &'static str;

    /// One document.
    async fn get(&self, kind: &'static str, id: &str) -> Result<Option<Document>, StoreError>;

    /// Documents of a kind by (order, id).
    async fn list(&self, kind: &'static str, query: &Query) -> Result<Page<Document>, StoreError>;

    /// Applies all changes or none. Events get consecutive seqs and are visible in seq order; each change of a job's
    /// state appends a `job.changed` event, each progress a `job.progress` one, in the same transaction.
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError>;

    /// At most `limit` events after `seq`.
    async fn events_after(&self, seq: u64, limit: usize) -> Result<Replay, StoreError>;

    /// Takes the oldest job that may run now: queued, due, and first of its subject; or one whose lease ran out.
    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<ClaimedJob>, StoreError>;

    /// Milliseconds since the epoch at which some job becomes claimable if nothing else happens; in the past: now.
    async fn next_due(&self) -> Result<Option<i64>, StoreError>;

    /// Takes running jobs back from all workers whose name begins with `worker_prefix`; gives their ids.
    async fn release(&self, worker_prefix: &str) -> Result<Vec<String>, StoreError>;

    /// One job.
    async fn job(&self, id: &str) -> Result<Option<Job>, StoreError>;

    /// Jobs, newest first.
    async fn jobs(&self, query: &JobQuery) -> Result<Page<Job>, StoreError>;

    /// Lines of a job's log from number `from` on, at most `limit`.
    async fn job_log(&self, job: &str, from: u64, limit: usize) -> Result<LogPage, StoreError>;

    /// What wakes those who wait.
    fn signals(&self) -> Signals;

    /// The same store as something that can be moved into another.
    fn endpoint(&self) -> &dyn Endpoint;

    /// How the servers behind it are; none behind an embedded one. Asks nobody: the answer is what the last call met.
    fn health(&self) -> Vec<Health> {
        Vec::new()
    }

    /// Finishes what was handed over, then ends. Later calls answer [`StoreError::Closed`].
    async fn close(&self);
}
