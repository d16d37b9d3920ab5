//! The durable job: accepted once, held by a lease, its progress only moves forward, and it ends with a result, a
//! reason, or as a dead letter.
//!
//! [`Job::apply`](Job) in `transition` is the state machine that every backend shares; [`Jobs`] is the typed face.

mod jobs;
mod log;
mod transition;

use std::{fmt, str::FromStr, time::Duration};

use nasiko_contract::Fault;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cursor, Query};

pub use jobs::Jobs;
pub(crate) use log::log_rows;
pub(crate) use transition::Applied;
pub use transition::Transition;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Accepted, or waiting for another try.
    Queued,
    /// Claimed by a worker.
    Running,
    /// Done, with a result.
    Succeeded,
    /// Ended with a reason that another try would not change.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
    /// Given up after the last try: a dead letter, which a person may queue again.
    Dead,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Dead,
    ];

    /// The stable spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a job state"))
    }
}

/// A job to accept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// The job's id, made by the caller.
    pub id: String,
    /// What is to be done, e.g. `agent.deploy`.
    pub kind: String,
    /// Idempotency key: a second job with the same key is the same job, for as long as the first is kept.
    pub key: Option<String>,
    /// What it is done to, e.g. an agent's name. Jobs of one subject run one after the other, in order.
    pub subject: Option<String>,
    /// What the worker needs to know.
    pub payload: Value,
    /// Failures with retry before it becomes a dead letter; at least 1.
    pub max_attempts: u32,
    /// Not claimed before this time, in milliseconds since the epoch; 0: at once.
    pub not_before_ms: i64,
}

impl NewJob {
    /// A job with a time-ordered id, three tries, due at once.
    pub fn new(kind: impl Into<String>, payload: Value) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            kind: kind.into(),
            key: None,
            subject: None,
            payload,
            max_attempts: 3,
            not_before_ms: 0,
        }
    }

    /// Sets what it is done to.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets how many failures with retry are borne.
    #[must_use]
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts.max(1);
        self
    }
}

/// A job as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The id.
    pub id: String,
    /// What is to be done.
    pub kind: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// What it is done to.
    pub subject: Option<String>,
    /// What the worker needs to know.
    pub payload: Value,
    /// Where it stands.
    pub state: JobState,
    /// How often it was claimed.
    pub attempts: u32,
    /// How often it failed and asked for a retry.
    pub failures: u32,
    /// How often a worker vanished while it ran.
    pub interruptions: u32,
    /// Failures that are borne.
    pub max_attempts: u32,
    /// Not claimed before, milliseconds since the epoch.
    pub not_before_ms: i64,
    /// Accepted at.
    pub created_ms: i64,
    /// First claimed at.
    pub started_ms: Option<i64>,
    /// Ended at.
    pub ended_ms: Option<i64>,
    /// Who holds it.
    pub worker: Option<String>,
    /// Until when it is held.
    pub lease_until_ms: Option<i64>,
    /// Somebody asked to cancel it.
    pub cancel_requested: bool,
    /// 0 to 1; never falls, except when a person queues an ended job again.
    pub fraction: f64,
    /// What it is at, in words.
    pub step: String,
    /// What it brought, once succeeded.
    pub result: Option<Value>,
    /// Why the last try failed.
    pub fault: Option<Fault>,
}

/// The short of a job after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// The id.
    pub id: String,
    /// Where it stands.
    pub state: JobState,
    /// Somebody asked to cancel it.
    pub cancel_requested: bool,
}

/// The right to work on a job: who, and which try. A later try of the same worker does not honour an earlier claim.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The job.
    pub job: String,
    /// The worker.
    pub worker: String,
    /// The number of the try.
    pub attempt: u32,
}

/// A job and the right to work on it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// The job. `cancel_requested` may be set already: then only clean up and call [`Jobs::cancelled`].
    pub job: Job,
    /// The right to work on it.
    pub claim: Claim,
}

/// What became of an enqueue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// Accepted under this id.
    New(String),
    /// Accepted earlier, under this id.
    Existing(String),
}

impl Enqueued {
    /// The job's id.
    pub fn id(&self) -> &str {
        match self {
            Self::New(id) | Self::Existing(id) => id,
        }
    }
}

/// What a worker learns when it shows that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// Go on.
    Held,
    /// Stop, clean up, call [`Jobs::cancelled`].
    CancelRequested,
    /// Stop at once; another worker may be at it.
    LeaseLost,
}

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It had not begun: cancelled.
    Cancelled,
    /// Its worker was told.
    Requested,
}

/// Which jobs to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct JobQuery {
    /// Only these states; empty: all.
    pub states: Vec<JobState>,
    /// Only jobs of this subject.
    pub subject: Option<String>,
    /// Only older ones than this place.
    pub after: Option<Cursor>,
    /// At most so many; `None`: [`Query::DEFAULT_LIMIT`]; capped at [`Query::MAX_LIMIT`].
    pub limit: Option<usize>,
}

impl JobQuery {
    pub(crate) fn page_size(&self) -> usize {
        self.limit
            .unwrap_or(Query::DEFAULT_LIMIT)
            .clamp(1, Query::MAX_LIMIT)
    }
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number, from 0, consecutive over the job's life.
    pub number: u64,
    /// When it was appended, milliseconds since the epoch.
    pub at_ms: i64,
    /// The text, without its line break.
    pub text: String,
}

/// Lines of a job's log. `lines[0].number` beyond the asked number: older lines were dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPage {
    /// The lines, in order.
    pub lines: Vec<LogLine>,
    /// The number to ask for next.
    pub next: u64,
}

/// Bounds of the queue, the same for every backend.
pub mod limits {
    /// Bytes of log kept per job; the oldest lines go first.
    pub const LOG_BYTES: usize = 1 << 20;
    /// Bytes kept of one log line.
    pub const LOG_LINE_BYTES: usize = 8 << 10;
    /// Ended jobs kept, apart from dead letters.
    pub const ENDED_JOBS: usize = 2_000;
    /// Dead letters kept.
    pub const DEAD_LETTERS: usize = 1_000;
    /// Vanished workers that a job outlives before it is taken for their killer.
    pub const INTERRUPTIONS: u32 = 10;
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
