//! The state machine of a job, pure: every backend loads a job, applies a step, and writes it back.

use std::time::Duration;

use nasiko_contract::{ErrorCode, Fault};
use serde_json::Value;

use super::{Claim, Job, JobState, JobStatus, NewJob, limits, millis};
use crate::StoreError;

/// A step of a job's life.
#[derive(Debug, Clone)]
pub enum Transition {
    /// The worker is alive: extends the lease.
    Heartbeat {
        /// Who says so.
        claim: Claim,
        /// From now on.
        lease: Duration,
    },
    /// The worker got on.
    Progress {
        /// Who says so.
        claim: Claim,
        /// 0 to 1; less than before is ignored.
        fraction: f64,
        /// What it is at.
        step: String,
    },
    /// Done.
    Succeed {
        /// Who says so.
        claim: Claim,
        /// What it brought.
        result: Value,
    },
    /// This try failed. Without `retry` the job ends as failed; with it, it is queued again after that time, or is
    /// dead when its tries are used up, or cancelled when that was asked for.
    Fail {
        /// Who says so.
        claim: Claim,
        /// Why.
        fault: Fault,
        /// Whether and when to try again.
        retry: Option<Duration>,
    },
    /// The worker stopped because it was asked to.
    Cancelled {
        /// Who says so.
        claim: Claim,
    },
    /// Somebody wants it cancelled.
    RequestCancel,
    /// Somebody wants a failed, cancelled or dead job run again, from the start, at the end of the queue.
    Requeue,
}

impl Transition {
    fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Heartbeat { claim, .. }
            | Self::Progress { claim, .. }
            | Self::Succeed { claim, .. }
            | Self::Fail { claim, .. }
            | Self::Cancelled { claim } => Some(claim),
            Self::RequestCancel | Self::Requeue => None,
        }
    }
}

/// What a backend has to do after a step, beside writing the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Nothing that anybody needs to hear of.
    Quiet,
    /// Append a `job.progress` event.
    Progressed,
    /// Append a `job.changed` event.
    Changed,
    /// Append a `job.changed` event and put the job at the end of the queue.
    Requeued,
}

impl Job {
    /// The topic of the event that tells of a job's new state.
    pub const CHANGED: &'static str = "job.changed";
    /// The topic of the event that tells of a job's progress.
    pub const PROGRESS: &'static str = "job.progress";

    /// A job as it is accepted.
    pub(crate) fn accept(new: NewJob, now_ms: i64) -> Self {
        Self {
            id: new.id,
            kind: new.kind,
            key: new.key,
            subject: new.subject,
            payload: new.payload,
            state: JobState::Queued,
            attempts: 0,
            failures: 0,
            interruptions: 0,
            max_attempts: new.max_attempts.max(1),
            not_before_ms: new.not_before_ms,
            created_ms: now_ms,
            started_ms: None,
            ended_ms: None,
            worker: None,
            lease_until_ms: None,
            cancel_requested: false,
            fraction: 0.0,
            step: String::new(),
            result: None,
            fault: None,
        }
    }

    /// The short of it.
    pub fn status(&self) -> JobStatus {
        JobStatus {
            id: self.id.clone(),
            state: self.state,
            cancel_requested: self.cancel_requested,
        }
    }

    /// Hands a queued job to a worker.
    pub(crate) fn start(&mut self, worker: &str, lease: Duration, now_ms: i64) -> Claim {
        self.state = JobState::Running;
        self.attempts += 1;
        self.worker = Some(worker.to_owned());
        self.lease_until_ms = Some(now_ms.saturating_add(millis(lease)));
        self.started_ms.get_or_insert(now_ms);
        Claim {
            job: self.id.clone(),
            worker: worker.to_owned(),
            attempt: self.attempts,
        }
    }

    /// Takes a running job from a worker that vanished.
    pub(crate) fn interrupt(&mut self, now_ms: i64) {
        self.interruptions += 1;
        if self.interruptions > limits::INTERRUPTIONS {
            self.fault = Some(
                Fault::new(
                    ErrorCode::Internal,
                    format!(
                        "The work was broken off {} times without an answer",
                        self.interruptions
                    ),
                )
                .hint("Look at the job's log, then queue it again"),
            );
            self.end(JobState::Dead, now_ms);
        } else {
            self.queue(now_ms);
        }
    }

    /// Applies one step.
    pub(crate) fn apply(
        &mut self,
        transition: Transition,
        now_ms: i64,
    ) -> Result<Applied, StoreError> {
        if let Some(claim) = transition.claim() {
            self.check(claim)?;
        }
        match transition {
            Transition::Heartbeat { lease, .. } => {
                self.lease_until_ms = Some(now_ms.saturating_add(millis(lease)));
                return Ok(Applied::Quiet);
            }
            Transition::Progress { fraction, step, .. } => {
                if fraction > self.fraction {
                    self.fraction = fraction.min(1.0);
                }
                self.step = step;
                return Ok(Applied::Progressed);
            }
            Transition::Succeed { result, .. } => {
                self.result = Some(result);
                self.fault = None;
                self.fraction = 1.0;
                self.end(JobState::Succeeded, now_ms);
            }
            Transition::Fail { fault, retry, .. } => self.fail(fault, retry, now_ms),
            Transition::Cancelled { .. } => self.end(JobState::Cancelled, now_ms),
            Transition::RequestCancel => match self.state {
                JobState::Queued if self.attempts == 0 => self.end(JobState::Cancelled, now_ms),
                // A job that once ran may have left something behind: a worker gets it once more, to clean up.
                JobState::Queued => {
                    self.cancel_requested = true;
                    self.not_before_ms = now_ms;
                }
                JobState::Running => self.cancel_requested = true,
                state => {
                    return Err(StoreError::WrongJobState {
                        id: self.id.clone(),
                        state,
                    });
                }
            },
            Transition::Requeue => {
                if !matches!(
                    self.state,
                    JobState::Failed | JobState::Cancelled | JobState::Dead
                ) {
                    return Err(StoreError::WrongJobState {
                        id: self.id.clone(),
                        state: self.state,
                    });
                }
                self.requeue(now_ms);
                return Ok(Applied::Requeued);
            }
        }
        Ok(Applied::Changed)
    }

    fn check(&self, claim: &Claim) -> Result<(), StoreError> {
        let held = self.state == JobState::Running
            && self.attempts == claim.attempt
            && self.worker.as_deref() == Some(claim.worker.as_str());
        if held {
            Ok(())
        } else {
            Err(StoreError::LeaseLost {
                id: self.id.clone(),
            })
        }
    }

    fn fail(&mut self, fault: Fault, retry: Option<Duration>, now_ms: i64) {
        self.fault = Some(fault);
        let Some(delay) = retry else {
            return self.end(JobState::Failed, now_ms);
        };
        self.failures += 1;
        if self.cancel_requested {
            self.end(JobState::Cancelled, now_ms);
        } else if self.failures >= self.max_attempts {
            self.end(JobState::Dead, now_ms);
        } else {
            self.queue(now_ms.saturating_add(millis(delay)));
        }
    }

    fn queue(&mut self, not_before_ms: i64) {
        self.state = JobState::Queued;
        self.not_before_ms = not_before_ms;
        self.worker = None;
        self.lease_until_ms = None;
    }

    fn end(&mut self, state: JobState, now_ms: i64) {
        self.state = state;
        self.ended_ms = Some(now_ms);
        self.worker = None;
        self.lease_until_ms = None;
    }

    fn requeue(&mut self, now_ms: i64) {
        self.queue(now_ms);
        self.failures = 0;
        self.interruptions = 0;
        self.ended_ms = None;
        self.started_ms = None;
        self.cancel_requested = false;
        self.fraction = 0.0;
        self.step.clear();
        self.fault = None;
    }
}
