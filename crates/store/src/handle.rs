//! A backend that can be exchanged while it is worked with.
//!
//! Whoever writes passes a gate that [`Store::freeze`](crate::Store::freeze) closes; whoever reads does not. A read
//! that meets the end of a backend which was exchanged meanwhile is asked again of the next one, and whoever waits goes
//! over to its signals: the numbers of events are the same there.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedRwLockWriteGuard, RwLock, watch};

use crate::{
    Backend, Batch, ClaimedJob, Committed, Document, Job, JobQuery, LogPage, Page, Query, Replay,
    Signals, StoreError,
};

/// The backend of the moment.
pub(crate) struct Handle {
    current: watch::Sender<Arc<dyn Backend>>,
    /// Shared by each write as long as it lasts; held alone while the store is frozen.
    gate: Arc<RwLock<()>>,
}

/// Asks the backend of the moment, and the next one if it was exchanged meanwhile.
macro_rules! read {
    ($handle:ident, $backend:ident => $ask:expr) => {
        loop {
            let $backend = $handle.current();
            match $ask.await {
                Err(StoreError::Closed) if !$handle.is_current(&$backend) => {}
                answer => break answer,
            }
        }
    };
}

impl Handle {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self {
            current: watch::Sender::new(backend),
            gate: Arc::default(),
        }
    }

    pub(crate) fn current(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.current.borrow())
    }

    pub(crate) fn is_current(&self, backend: &Arc<dyn Backend>) -> bool {
        Arc::ptr_eq(backend, &self.current.borrow())
    }

    /// Puts another backend in the place of the present one, and gives that back.
    pub(crate) fn exchange(&self, backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
        self.current.send_replace(backend)
    }

    /// Closes the gate, once those who passed it have come out.
    pub(crate) async fn close_gate(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).write_owned().await
    }

    /// What wakes those who wait, now and after each exchange.
    pub(crate) fn listen(self: &Arc<Self>) -> Listener {
        let exchanges = self.current.subscribe();
        let backend = Arc::clone(&exchanges.borrow());
        Listener {
            handle: Arc::clone(self),
            signals: backend.signals(),
            backend,
            exchanges,
        }
    }

    // Reads.

    pub(crate) async fn get(
        &self,
        kind: &'static str,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        read!(self, backend => backend.get(kind, id))
    }

    pub(crate) async fn list(
        &self,
        kind: &'static str,
        query: &Query,
    ) -> Result<Page<Document>, StoreError> {
        read!(self, backend => backend.list(kind, query))
    }

    pub(crate) async fn events_after(&self, seq: u64, limit: usize) -> Result<Replay, StoreError> {
        read!(self, backend => backend.events_after(seq, limit))
    }

    pub(crate) async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        read!(self, backend => backend.next_due())
    }

    pub(crate) async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        read!(self, backend => backend.job(id))
    }

    pub(crate) async fn jobs(&self, query: &JobQuery) -> Result<Page<Job>, StoreError> {
        read!(self, backend => backend.jobs(query))
    }

    pub(crate) async fn job_log(
        &self,
        job: &str,
        from: u64,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        read!(self, backend => backend.job_log(job, from, limit))
    }

    // Writes.

    pub(crate) async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let _passing = self.gate.read().await;
        self.current().commit(batch).await
    }

    pub(crate) async fn claim(
        &self,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>, StoreError> {
        let _passing = self.gate.read().await;
        self.current().claim(worker, lease).await
    }

    pub(crate) async fn release(&self, worker_prefix: &str) -> Result<Vec<String>, StoreError> {
        let _passing = self.gate.read().await;
        self.current().release(worker_prefix).await
    }
}

/// One who waits. Every wait comes to its end at an exchange too, since anything may have happened meanwhile, and gives
/// [`StoreError::Closed`] once there is nothing more to wait for.
pub(crate) struct Listener {
    handle: Arc<Handle>,
    /// What `signals` are of.
    backend: Arc<dyn Backend>,
    signals: Signals,
    exchanges: watch::Receiver<Arc<dyn Backend>>,
}

impl Listener {
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The seq of the last event. What comes from now on ends the next wait.
    pub(crate) fn last_seq(&mut self) -> u64 {
        *self.signals.committed.borrow_and_update()
    }

    /// What comes from now on ends the next wait.
    pub(crate) fn mark_seen(&mut self) {
        self.signals.committed.borrow_and_update();
        self.signals.work.borrow_and_update();
        self.signals.logs.borrow_and_update();
    }

    /// Waits for a commit that has events.
    pub(crate) async fn committed(&mut self) -> Result<(), StoreError> {
        tokio::select! {
            changed = self.signals.committed.changed() => if changed.is_ok() { return Ok(()) },
            _ = self.exchanges.changed() => {}
        }
        self.go_over()
    }

    /// Waits until some job may be claimed.
    pub(crate) async fn work(&mut self) -> Result<(), StoreError> {
        tokio::select! {
            changed = self.signals.work.changed() => if changed.is_ok() { return Ok(()) },
            _ = self.exchanges.changed() => {}
        }
        self.go_over()
    }

    /// Waits for a line in some job's log, or for a commit that has events.
    pub(crate) async fn logged_or_committed(&mut self) -> Result<(), StoreError> {
        tokio::select! {
            Ok(()) = self.signals.logs.changed() => return Ok(()),
            changed = self.signals.committed.changed() => if changed.is_ok() { return Ok(()) },
            _ = self.exchanges.changed() => {}
        }
        self.go_over()
    }

    fn go_over(&mut self) -> Result<(), StoreError> {
        let current = Arc::clone(&self.exchanges.borrow_and_update());
        if Arc::ptr_eq(&current, &self.backend) {
            return Err(StoreError::Closed);
        }
        self.signals = current.signals();
        self.backend = current;
        Ok(())
    }
}
