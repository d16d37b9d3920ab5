//! The store's typed face.

use std::{path::Path, sync::Arc};

use crate::{
    Backend, Batch, Clock, Committed, EventFeed, Frozen, Jobs, Page, Query, Record, Replay,
    StoreError, SystemClock, Versioned,
    handle::Handle,
    sqlite::{Sqlite, SqliteOptions},
};

/// What the control plane remembers. Cheap to clone. Where it is kept can change under it, see [`Store::freeze`].
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
    clock: Arc<dyn Clock>,
}

impl Store {
    /// The most events read at once.
    pub const MAX_REPLAY: usize = 1_000;

    /// Opens or makes the embedded store in this file.
    pub async fn open(file: impl AsRef<Path>) -> Result<Self, StoreError> {
        let backend = Sqlite::open(SqliteOptions::new(file.as_ref())).await?;
        Ok(Self::with_backend(Arc::new(backend), Arc::new(SystemClock)))
    }

    /// A store over any backend.
    pub fn with_backend(backend: Arc<dyn Backend>, clock: Arc<dyn Clock>) -> Self {
        let handle = Arc::new(Handle::new(backend));
        Self { handle, clock }
    }

    /// The kind of database behind it, e.g. `sqlite`.
    pub fn backend_name(&self) -> &'static str {
        self.backend().name()
    }

    /// How the servers behind it are; none behind the embedded store.
    pub fn health(&self) -> Vec<crate::Health> {
        self.backend().health()
    }

    /// One record.
    pub async fn get<T: Record>(&self, id: &str) -> Result<Option<Versioned<T>>, StoreError> {
        self.handle
            .get(T::KIND, id)
            .await?
            .map(crate::Document::decode)
            .transpose()
    }

    /// Records of a kind, by (order, id).
    pub async fn list<T: Record>(&self, query: Query) -> Result<Page<Versioned<T>>, StoreError> {
        self.handle
            .list(T::KIND, &query)
            .await?
            .try_map(crate::Document::decode)
    }

    /// Applies all changes of a batch, or none. Once it answers, the changes survive a crash of the process; and, unless
    /// the batch held nothing but heartbeats, progress and log lines, the loss of power. Dropping the future does not
    /// undo a commit that was handed over.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.handle.commit(batch).await
    }

    /// Events after `seq`, at most `limit` (capped at [`Store::MAX_REPLAY`]).
    pub async fn events_after(&self, seq: u64, limit: usize) -> Result<Replay, StoreError> {
        self.handle
            .events_after(seq, limit.clamp(1, Self::MAX_REPLAY))
            .await
    }

    /// The seq of the last event committed; 0 when there is none.
    pub fn last_seq(&self) -> u64 {
        *self.backend().signals().committed.borrow()
    }

    /// Follows the event log from after `seq`, or from now on.
    pub fn subscribe(&self, after: Option<u64>) -> EventFeed {
        EventFeed::new(&self.handle, after)
    }

    /// Keeps all who write waiting, commits and claims and heartbeats alike, and returns once nothing is under way. Reads
    /// go on. Meanwhile what is here can be copied elsewhere, see [`transfer`](crate::transfer).
    ///
    /// Dropping the future before it is done lets writers go on.
    pub async fn freeze(&self) -> Result<Frozen, StoreError> {
        Frozen::freeze(Arc::clone(&self.handle), Arc::clone(&self.clock)).await
    }

    pub(crate) fn backend(&self) -> Arc<dyn Backend> {
        self.handle.current()
    }

    /// The job queue.
    pub fn jobs(&self) -> Jobs {
        Jobs::new(Arc::clone(&self.handle), Arc::clone(&self.clock))
    }

    /// Finishes what was handed over, tidies the file and ends. Later calls answer [`StoreError::Closed`].
    pub async fn close(&self) {
        self.backend().close().await;
    }
}
