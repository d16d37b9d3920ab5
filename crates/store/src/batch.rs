//! A batch: changes that are committed together or not at all.

use serde::Serialize;
use serde_json::Value;

use crate::{
    NewEvent, Record, StoreError,
    job::{Claim, JobStatus, NewJob, Transition},
};

/// What must be true of a record for a change to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing: last writer wins.
    Any,
    /// It does not exist.
    New,
    /// It exists with this version.
    Exactly(u64),
}

impl Expected {
    /// Refuses a change to a record that now has `present` as its version; `None`: there is none.
    pub(crate) fn check(
        self,
        present: Option<u64>,
        kind: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        let holds = match self {
            Self::Any => true,
            Self::New => present.is_none(),
            Self::Exactly(version) => present == Some(version),
        };
        if holds {
            Ok(())
        } else {
            Err(StoreError::Conflict {
                kind: kind.to_owned(),
                id: id.to_owned(),
            })
        }
    }
}

/// The version that a put gives a record that now has `present`: above the clock's microseconds, so that a record made
/// anew never has a version that an earlier one had.
pub(crate) fn next_version(present: Option<u64>, now_ms: i64) -> u64 {
    let clock = u64::try_from(now_ms).unwrap_or(0).saturating_mul(1_000);
    present.map_or(0, |version| version + 1).max(clock)
}

/// One change, as a backend sees it.
#[derive(Debug, Clone)]
pub enum Change {
    /// Writes a document.
    Put {
        /// The kind.
        kind: &'static str,
        /// The key within the kind.
        id: String,
        /// What it belongs to.
        parent: Option<String>,
        /// The sort key; `None`: keep the present one, or the next.
        order: Option<i64>,
        /// The JSON text.
        body: String,
        /// The condition.
        expected: Expected,
    },
    /// Removes a document; one that is not there is a success unless a version is expected.
    Delete {
        /// The kind.
        kind: &'static str,
        /// The key within the kind.
        id: String,
        /// The condition.
        expected: Expected,
    },
    /// Removes all documents of a kind with that parent.
    DeleteChildren {
        /// The kind.
        kind: &'static str,
        /// The parent.
        parent: String,
    },
    /// Accepts a job; fails with [`StoreError::JobExists`] if its id or key is known.
    Enqueue(NewJob),
    /// Moves a job on; fails with [`StoreError::LeaseLost`] or [`StoreError::WrongJobState`].
    Job {
        /// The job.
        id: String,
        /// The step.
        transition: Transition,
    },
    /// Appends lines to a job's log, dropping the oldest beyond its bound.
    Log {
        /// The job.
        job: String,
        /// The lines.
        lines: Vec<String>,
    },
    /// Appends an event.
    Event(NewEvent),
}

/// Changes that are committed together or not at all, in their order.
#[derive(Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
    fault: Option<StoreError>,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The seq of the first event appended; `last_seq + 1` when there was none.
    pub first_seq: u64,
    /// The log's last seq after this commit.
    pub last_seq: u64,
    /// The new version of each put, in order.
    pub versions: Vec<u64>,
    /// Where each job touched by [`Change::Enqueue`] and [`Change::Job`] now stands, in order.
    pub jobs: Vec<JobStatus>,
}

impl Batch {
    /// The most changes in one batch.
    pub const MAX_CHANGES: usize = 1_000;
    /// The largest document, payload or event, in bytes of JSON.
    pub const MAX_VALUE_BYTES: usize = 4 << 20;

    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a record.
    pub fn put<T: Record>(&mut self, record: &T, expected: Expected) -> &mut Self {
        match serde_json::to_string(record) {
            Ok(body) => self.sized(T::KIND, body.len()).push(Change::Put {
                kind: T::KIND,
                id: record.id().to_owned(),
                parent: record.parent().map(ToOwned::to_owned),
                order: record.order(),
                body,
                expected,
            }),
            Err(error) => self.reject(StoreError::json(T::KIND)(error)),
        }
    }

    /// Removes a record.
    pub fn delete<T: Record>(&mut self, id: impl Into<String>, expected: Expected) -> &mut Self {
        self.push(Change::Delete {
            kind: T::KIND,
            id: id.into(),
            expected,
        })
    }

    /// Removes all records of a kind that belong to `parent`.
    pub fn delete_children<T: Record>(&mut self, parent: impl Into<String>) -> &mut Self {
        self.push(Change::DeleteChildren {
            kind: T::KIND,
            parent: parent.into(),
        })
    }

    /// Accepts a job. When its id or key is known already, the whole batch is refused with [`StoreError::JobExists`].
    pub fn enqueue(&mut self, job: NewJob) -> &mut Self {
        self.sized("job payload", job.payload.to_string().len())
            .push(Change::Enqueue(job))
    }

    /// Moves the claimed job on. A lost lease refuses the whole batch, so a worker that was overtaken changes nothing.
    pub fn job(&mut self, claim: &Claim, transition: Transition) -> &mut Self {
        self.push(Change::Job {
            id: claim.job.clone(),
            transition,
        })
    }

    /// Appends an event.
    pub fn event(
        &mut self,
        topic: impl Into<String>,
        subject: impl Into<String>,
        data: impl Serialize,
    ) -> &mut Self {
        let topic = topic.into();
        match serde_json::to_value(data) {
            Ok(data) => self.push(Change::Event(NewEvent {
                topic,
                subject: subject.into(),
                data,
            })),
            Err(error) => self.reject(StoreError::json(topic)(error)),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn push(&mut self, change: Change) -> &mut Self {
        if self.changes.len() >= Self::MAX_CHANGES {
            return self.reject(StoreError::TooManyChanges {
                limit: Self::MAX_CHANGES,
            });
        }
        self.changes.push(change);
        self
    }

    /// The changes, or the first thing that was wrong with what was put in. For backends.
    pub fn into_changes(self) -> Result<Vec<Change>, StoreError> {
        self.fault.map_or(Ok(self.changes), Err)
    }

    fn sized(&mut self, what: &str, bytes: usize) -> &mut Self {
        if bytes > Self::MAX_VALUE_BYTES {
            self.reject(StoreError::TooLarge {
                what: what.to_owned(),
                limit: Self::MAX_VALUE_BYTES,
            });
        }
        self
    }

    fn reject(&mut self, fault: StoreError) -> &mut Self {
        self.fault.get_or_insert(fault);
        self
    }
}

impl Change {
    /// Whether losing the change with the machine's power would break a promise. Heartbeats, progress and log lines
    /// survive the death of the process all the same; after a power cut the lease has run out anyway.
    pub fn is_a_promise(&self) -> bool {
        match self {
            Self::Log { .. } => false,
            Self::Job { transition, .. } => !matches!(
                transition,
                Transition::Heartbeat { .. } | Transition::Progress { .. }
            ),
            _ => true,
        }
    }
}

impl From<Change> for Batch {
    fn from(change: Change) -> Self {
        Self {
            changes: vec![change],
            fault: None,
        }
    }
}

/// The JSON of an event about a job.
pub(crate) fn job_event(topic: &str, job: &crate::Job) -> NewEvent {
    let data: Value = serde_json::json!({
        "id": job.id,
        "kind": job.kind,
        "subject": job.subject,
        "state": job.state,
        "attempts": job.attempts,
        "fraction": job.fraction,
        "step": job.step,
        "cancel_requested": job.cancel_requested,
        "fault": job.fault,
    });
    NewEvent {
        topic: topic.to_owned(),
        subject: job.id.clone(),
        data,
    }
}
