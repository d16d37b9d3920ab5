//! The queue's typed face.

use std::{sync::Arc, time::Duration};

use nasiko_contract::Fault;
use serde_json::Value;

use super::{
    CancelOutcome, Claim, ClaimedJob, Enqueued, Heartbeat, Job, JobQuery, JobState, JobStatus,
    LogPage, NewJob, Transition,
};
use crate::{Change, Clock, Page, StoreError, handle::Handle};

/// The job queue of a store. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    handle: Arc<Handle>,
    clock: Arc<dyn Clock>,
}

impl Jobs {
    /// The longest sleep of [`Jobs::wait_for_work`] and [`Jobs::wait_for_log`] without looking again, so that a clock
    /// that was set does not delay a job for longer.
    const LONGEST_SLEEP: Duration = Duration::from_mins(5);
    /// Log lines read at once.
    pub const LOG_PAGE: usize = 1_000;

    pub(crate) fn new(handle: Arc<Handle>, clock: Arc<dyn Clock>) -> Self {
        Self { handle, clock }
    }

    /// Accepts a job, or gives the one accepted before under the same key or id.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError> {
        let mut batch = crate::Batch::new();
        let id = job.id.clone();
        batch.enqueue(job);
        match self.handle.commit(batch).await {
            Ok(_) => Ok(Enqueued::New(id)),
            Err(StoreError::JobExists { id }) => Ok(Enqueued::Existing(id)),
            Err(error) => Err(error),
        }
    }

    /// Takes the next job that may run, if there is one. The worker must call [`Jobs::heartbeat`] within `lease`.
    pub async fn claim(
        &self,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>, StoreError> {
        self.handle.claim(worker, lease).await
    }

    /// Waits until a claim may find something. Never polls: wakes by a commit, or when a delay or a lease runs out.
    pub async fn wait_for_work(&self) -> Result<(), StoreError> {
        let mut listener = self.handle.listen();
        loop {
            listener.mark_seen();
            let now_ms = self.clock.now_ms();
            let sleep = match self.handle.next_due().await? {
                Some(due_ms) if due_ms <= now_ms => return Ok(()),
                Some(due_ms) => {
                    Duration::from_millis(due_ms.abs_diff(now_ms)).min(Self::LONGEST_SLEEP)
                }
                None => Self::LONGEST_SLEEP,
            };
            if let Ok(woken) = tokio::time::timeout(sleep, listener.work()).await {
                woken?;
            }
        }
    }

    /// Extends the lease and tells the worker what is wanted of it.
    pub async fn heartbeat(&self, claim: &Claim, lease: Duration) -> Result<Heartbeat, StoreError> {
        self.report(
            claim,
            Transition::Heartbeat {
                claim: claim.clone(),
                lease,
            },
        )
        .await
    }

    /// Records progress: `fraction` from 0 to 1 never falls, `step` is what the worker is at, in words.
    pub async fn progress(
        &self,
        claim: &Claim,
        fraction: f64,
        step: impl Into<String>,
    ) -> Result<Heartbeat, StoreError> {
        self.report(
            claim,
            Transition::Progress {
                claim: claim.clone(),
                fraction,
                step: step.into(),
            },
        )
        .await
    }

    /// Ends the job with a result. [`StoreError::LeaseLost`] if somebody else has it.
    pub async fn succeed(&self, claim: &Claim, result: Value) -> Result<JobStatus, StoreError> {
        self.step(
            &claim.job,
            Transition::Succeed {
                claim: claim.clone(),
                result,
            },
        )
        .await
    }

    /// Ends this try; see [`Transition::Fail`].
    pub async fn fail(
        &self,
        claim: &Claim,
        fault: Fault,
        retry: Option<Duration>,
    ) -> Result<JobStatus, StoreError> {
        self.step(
            &claim.job,
            Transition::Fail {
                claim: claim.clone(),
                fault,
                retry,
            },
        )
        .await
    }

    /// The worker stopped because it was asked to.
    pub async fn cancelled(&self, claim: &Claim) -> Result<JobStatus, StoreError> {
        self.step(
            &claim.job,
            Transition::Cancelled {
                claim: claim.clone(),
            },
        )
        .await
    }

    /// Asks for a job to be cancelled. One that never ran is cancelled at once; else its worker learns of it through its
    /// next heartbeat and through the `job.changed` event. [`StoreError::WrongJobState`] if it has ended.
    pub async fn request_cancel(&self, id: &str) -> Result<CancelOutcome, StoreError> {
        let status = self.step(id, Transition::RequestCancel).await?;
        Ok(if status.state == JobState::Cancelled {
            CancelOutcome::Cancelled
        } else {
            CancelOutcome::Requested
        })
    }

    /// Runs a failed, cancelled or dead job again, with all its tries, after what is queued now.
    pub async fn requeue(&self, id: &str) -> Result<JobStatus, StoreError> {
        self.step(id, Transition::Requeue).await
    }

    /// Takes back at once what workers with this prefix held: for the start after a crash, before any worker runs.
    pub async fn release_all(&self, worker_prefix: &str) -> Result<Vec<String>, StoreError> {
        self.handle.release(worker_prefix).await
    }

    /// One job.
    pub async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        self.handle.job(id).await
    }

    /// Jobs, newest first.
    pub async fn list(&self, query: &JobQuery) -> Result<Page<Job>, StoreError> {
        self.handle.jobs(query).await
    }

    /// Appends lines to a job's log; the oldest beyond [`limits::LOG_BYTES`](super::limits::LOG_BYTES) are dropped, long
    /// ones are cut.
    pub async fn append_log(&self, id: &str, lines: Vec<String>) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.handle
            .commit(
                Change::Log {
                    job: id.to_owned(),
                    lines,
                }
                .into(),
            )
            .await
            .map(|_| ())
    }

    /// Lines of a job's log from number `from` on, up to [`Jobs::LOG_PAGE`].
    pub async fn read_log(&self, id: &str, from: u64) -> Result<LogPage, StoreError> {
        self.handle.job_log(id, from, Self::LOG_PAGE).await
    }

    /// Like [`Jobs::read_log`], but waits for a line. An empty page: the job has ended and there is nothing more.
    pub async fn wait_for_log(&self, id: &str, from: u64) -> Result<LogPage, StoreError> {
        let mut listener = self.handle.listen();
        loop {
            listener.mark_seen();
            // The state is read before the log: lines that came before the end are then seen.
            let job = self
                .get(id)
                .await?
                .ok_or_else(|| StoreError::JobNotFound { id: id.to_owned() })?;
            let page = self.read_log(id, from).await?;
            if !page.lines.is_empty() || job.state.is_ended() {
                return Ok(page);
            }
            let waiting = listener.logged_or_committed();
            if let Ok(woken) = tokio::time::timeout(Self::LONGEST_SLEEP, waiting).await {
                woken?;
            }
        }
    }

    /// Waits until a job has ended and gives it. The caller sets the limit by dropping the future.
    pub async fn wait_for_end(&self, id: &str) -> Result<Job, StoreError> {
        let mut listener = self.handle.listen();
        loop {
            listener.mark_seen();
            let job = self
                .get(id)
                .await?
                .ok_or_else(|| StoreError::JobNotFound { id: id.to_owned() })?;
            if job.state.is_ended() {
                return Ok(job);
            }
            listener.committed().await?;
        }
    }

    async fn report(&self, claim: &Claim, transition: Transition) -> Result<Heartbeat, StoreError> {
        match self.step(&claim.job, transition).await {
            Ok(status) if status.cancel_requested => Ok(Heartbeat::CancelRequested),
            Ok(_) => Ok(Heartbeat::Held),
            Err(StoreError::LeaseLost { .. } | StoreError::JobNotFound { .. }) => {
                Ok(Heartbeat::LeaseLost)
            }
            Err(error) => Err(error),
        }
    }

    async fn step(&self, id: &str, transition: Transition) -> Result<JobStatus, StoreError> {
        let committed = self
            .handle
            .commit(
                Change::Job {
                    id: id.to_owned(),
                    transition,
                }
                .into(),
            )
            .await?;
        committed
            .jobs
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::JobNotFound { id: id.to_owned() })
    }
}
