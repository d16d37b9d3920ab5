//! A store in which nobody writes, until it is let go on where it is or somewhere else.

use std::{sync::Arc, time::Duration};

use tokio::sync::OwnedRwLockWriteGuard;

use crate::{
    Backend, Batch, Change, Claim, Clock, Job, JobQuery, JobState, Query, StoreError, Transition,
    handle::Handle,
};

/// A store whose writers wait, see [`Store::freeze`](crate::Store::freeze). For leases time stands still: who held a
/// job holds it afterwards for as long as was left. Dropped, writers go on where the store is, but leases may have run
/// out.
pub struct Frozen {
    handle: Arc<Handle>,
    held: Vec<Held>,
    /// Last, so that it is let go of last.
    _gate: OwnedRwLockWriteGuard<()>,
}

/// A lease that somebody held.
struct Held {
    claim: Claim,
    left: Duration,
}

impl Frozen {
    pub(crate) async fn freeze(
        handle: Arc<Handle>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let gate = handle.close_gate().await;
        let backend = handle.current();
        // Behind what callers handed over and then did not wait for.
        backend.commit(Batch::new()).await?;
        let held = held(&*backend, clock.now_ms()).await?;
        Ok(Self {
            handle,
            held,
            _gate: gate,
        })
    }

    /// Lets writers go on where the store is.
    pub async fn thaw(self) {
        self.renew_leases().await;
    }

    /// Puts `backend`, a complete copy, in the place of the present one, lets writers go on there, and closes the old
    /// one once it has answered what it was asked.
    pub async fn move_to(self, backend: Arc<dyn Backend>) {
        let old = self.handle.exchange(backend);
        self.renew_leases().await;
        drop(self);
        old.close().await;
    }

    async fn renew_leases(&self) {
        let backend = self.handle.current();
        for Held { claim, left } in &self.held {
            let change = Change::Job {
                id: claim.job.clone(),
                transition: Transition::Heartbeat {
                    claim: claim.clone(),
                    lease: *left,
                },
            };
            match backend.commit(change.into()).await {
                // Somebody else on the same database may have ended it.
                Ok(_) | Err(StoreError::LeaseLost { .. } | StoreError::JobNotFound { .. }) => {}
                Err(error) => {
                    tracing::warn!(%error, job = claim.job, "a lease was not renewed");
                }
            }
        }
    }
}

/// What is claimed just now.
async fn held(backend: &dyn Backend, now_ms: i64) -> Result<Vec<Held>, StoreError> {
    let mut query = JobQuery {
        states: vec![JobState::Running],
        limit: Some(Query::MAX_LIMIT),
        ..JobQuery::default()
    };
    let mut held = Vec::new();
    loop {
        let page = backend.jobs(&query).await?;
        held.extend(page.items.into_iter().filter_map(|job| lease(job, now_ms)));
        query.after = page.next;
        if query.after.is_none() {
            return Ok(held);
        }
    }
}

fn lease(job: Job, now_ms: i64) -> Option<Held> {
    let left = job.lease_until_ms?.saturating_sub(now_ms);
    Some(Held {
        left: Duration::from_millis(u64::try_from(left).ok()?),
        claim: Claim {
            job: job.id,
            worker: job.worker?,
            attempt: job.attempts,
        },
    })
}
