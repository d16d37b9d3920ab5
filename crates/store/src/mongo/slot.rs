//! A job in memory and as a document.

use mongodb::bson::{Bson, Document, doc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Job, JobState, StoreError};

/// Payloads up to this many bytes stay in memory with their queued job; longer ones are read when the job is claimed.
const HELD_PAYLOAD_BYTES: usize = 4 << 10;

/// A job in the replica: all of an active one, but a long payload; of an ended one what it takes to queue it again.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Its place in listings, and its key in the collection.
    pub(super) number: i64,
    /// Its place in the queue.
    pub(super) position: i64,
    pub(super) job: Job,
    /// Whether `job.payload` is the payload, or has to be read.
    pub(super) has_payload: bool,
    /// The number of the next log line.
    pub(super) log_next: u64,
    /// Bytes of log that are kept.
    pub(super) log_bytes: u64,
}

impl Slot {
    /// Lets go of what memory does not need once it is in the database.
    pub(super) fn slim(&mut self) {
        if self.has_payload && self.job.payload.to_string().len() > HELD_PAYLOAD_BYTES
            || self.job.state.is_ended()
        {
            self.has_payload = false;
            self.job.payload = Value::Null;
        }
        if self.job.state.is_ended() {
            self.job.result = None;
            self.job.fault = None;
        }
    }

    /// What can change in a job's life, as fields.
    pub(super) fn changing(&self, n: i64) -> Result<Document, StoreError> {
        let job = &self.job;
        Ok(doc! {
            "n": n,
            "position": self.position,
            "state": job.state.as_str(),
            "attempts": job.attempts,
            "failures": job.failures,
            "interruptions": job.interruptions,
            "not_before_ms": job.not_before_ms,
            "started_ms": job.started_ms,
            "ended_ms": job.ended_ms,
            "worker": job.worker.as_deref(),
            "lease_until_ms": job.lease_until_ms,
            "cancel_requested": job.cancel_requested,
            "fraction": job.fraction,
            "step": job.step.as_str(),
            "result": text(job.result.as_ref())?,
            "fault": text(job.fault.as_ref())?,
        })
    }

    /// What can change in a job's log, as fields.
    pub(super) fn log_fields(&self) -> Document {
        doc! { "log_next": to_i64(self.log_next), "log_bytes": to_i64(self.log_bytes) }
    }

    /// The whole document; a field without a value is left out.
    pub(super) fn document(&self, n: i64) -> Result<Document, StoreError> {
        let job = &self.job;
        let mut document = doc! {
            "_id": self.number,
            "id": job.id.as_str(),
            "kind": job.kind.as_str(),
            "key": job.key.as_deref(),
            "subject": job.subject.as_deref(),
            "payload": job.payload.to_string(),
            "max_attempts": job.max_attempts,
            "created_ms": job.created_ms,
        };
        document.extend(self.changing(n)?);
        document.extend(self.log_fields());
        Ok(document
            .into_iter()
            .filter(|(_, value)| *value != Bson::Null)
            .collect())
    }

    /// What a document says.
    pub(super) fn read(document: &Document) -> Result<Self, StoreError> {
        let fields = Fields(document);
        let payload = fields.parsed("payload")?;
        let job = Job {
            id: fields.string("id")?,
            kind: fields.string("kind")?,
            key: fields.opt_string("key"),
            subject: fields.opt_string("subject"),
            payload: payload.unwrap_or(Value::Null),
            state: fields
                .string("state")?
                .parse()
                .map_err(|_| unreadable("state"))?,
            attempts: fields.count("attempts")?,
            failures: fields.count("failures")?,
            interruptions: fields.count("interruptions")?,
            max_attempts: fields.count("max_attempts")?,
            not_before_ms: fields.int("not_before_ms")?,
            created_ms: fields.int("created_ms")?,
            started_ms: fields.opt_int("started_ms"),
            ended_ms: fields.opt_int("ended_ms"),
            worker: fields.opt_string("worker"),
            lease_until_ms: fields.opt_int("lease_until_ms"),
            cancel_requested: document.get_bool("cancel_requested").unwrap_or_default(),
            fraction: document.get_f64("fraction").unwrap_or_default(),
            step: fields.string("step")?,
            result: fields.parsed("result")?,
            fault: fields.parsed("fault")?,
        };
        Ok(Self {
            number: fields.int("_id")?,
            position: fields.int("position")?,
            has_payload: document.contains_key("payload"),
            log_next: fields.unsigned("log_next")?,
            log_bytes: fields.unsigned("log_bytes")?,
            job,
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.job.state == JobState::Queued
    }
}

/// A document's fields, with errors that name them.
pub(super) struct Fields<'d>(pub(super) &'d Document);

impl Fields<'_> {
    pub(super) fn string(&self, name: &str) -> Result<String, StoreError> {
        self.opt_string(name).ok_or_else(|| unreadable(name))
    }

    pub(super) fn opt_string(&self, name: &str) -> Option<String> {
        self.0.get_str(name).ok().map(ToOwned::to_owned)
    }

    pub(super) fn int(&self, name: &str) -> Result<i64, StoreError> {
        self.opt_int(name).ok_or_else(|| unreadable(name))
    }

    pub(super) fn opt_int(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Bson::Int64(number) => Some(*number),
            Bson::Int32(number) => Some((*number).into()),
            _ => None,
        }
    }

    pub(super) fn unsigned(&self, name: &str) -> Result<u64, StoreError> {
        u64::try_from(self.int(name)?).map_err(|_| unreadable(name))
    }

    fn count(&self, name: &str) -> Result<u32, StoreError> {
        u32::try_from(self.int(name)?).map_err(|_| unreadable(name))
    }

    pub(super) fn parsed<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let Ok(text) = self.0.get_str(name) else {
            return Ok(None);
        };
        serde_json::from_str(text)
            .map(Some)
            .map_err(StoreError::json(name))
    }
}

fn unreadable(name: &str) -> StoreError {
    StoreError::UnreadableField {
        field: name.to_owned(),
    }
}

/// BSON has signed numbers only; ours stay far below their end.
pub(super) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn text(value: Option<&impl Serialize>) -> Result<Option<String>, StoreError> {
    value
        .map(serde_json::to_string)
        .transpose()
        .map_err(StoreError::json("job"))
}
