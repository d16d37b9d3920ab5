//! `Idempotency-Key`: the same POST said twice is done once, and answered the same.
//!
//! This table covers a run of the program; the key also travels to the plane with the caller, where jobs keep it over
//! restarts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, Uri};
use bytes::Bytes;
use indexmap::IndexMap;
use nasiko_contract::{ErrorCode, Fault, Method};
use nasiko_control::api::Caller;
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::answer::panic_fault;

/// How long an answer is remembered.
const LIFE: Duration = Duration::from_hours(24);
/// Answers remembered; the oldest go first.
const MOST_ANSWERS: usize = 1024;
/// Bytes of all remembered answers.
const MOST_BYTES: usize = 8 << 20;
/// Characters of a key.
const LONGEST_KEY: usize = 200;

/// The answers given under keys.
#[derive(Default)]
pub(crate) struct Idempotency {
    table: Arc<Mutex<Table>>,
    tasks: TaskTracker,
}

/// A caller's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    caller: String,
    text: Arc<str>,
}

impl Key {
    /// As the caller wrote it.
    pub(crate) fn text(&self) -> Arc<str> {
        self.text.clone()
    }
}

/// What an operation came to.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// This answer.
    Answered(Result<Bytes, Fault>),
    /// A stream: it cannot be said again.
    Streamed,
}

impl Outcome {
    fn size(&self) -> usize {
        match self {
            Self::Answered(Ok(body)) => body.len(),
            Self::Answered(Err(_)) | Self::Streamed => 0,
        }
    }
}

#[derive(Default)]
struct Table {
    entries: IndexMap<Key, Entry>,
    bytes: usize,
}

struct Entry {
    fingerprint: blake3::Hash,
    begun: Instant,
    /// `None` while it is under way.
    outcome: Option<Outcome>,
}

/// The right to do what belongs to a key. Dropped without an outcome, the key is free again.
pub(crate) struct Reservation {
    table: Arc<Mutex<Table>>,
    key: Option<Key>,
}

/// The key of a request, where it is a POST and has one.
pub(crate) fn key(
    method: Method,
    headers: &HeaderMap,
    caller: &Caller,
) -> Result<Option<Key>, Fault> {
    let Some(text) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    if method != Method::Post {
        return Ok(None);
    }
    let text = text
        .to_str()
        .ok()
        .filter(|text| !text.is_empty() && text.len() <= LONGEST_KEY);
    let text = text.ok_or_else(|| {
        Fault::new(
            ErrorCode::InvalidRequest,
            format!("An Idempotency-Key is 1 to {LONGEST_KEY} visible characters"),
        )
    })?;
    Ok(Some(Key {
        caller: caller.name().to_owned(),
        text: text.into(),
    }))
}

/// What two requests under one key must have in common.
pub(crate) fn fingerprint(uri: &Uri, body: &[u8]) -> blake3::Hash {
    hasher(uri).update(body).finalize()
}

/// The beginning of a fingerprint, for a body that comes in pieces.
pub(crate) fn hasher(uri: &Uri) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(uri.path().as_bytes()).update(&[0]);
    hasher
}

impl Idempotency {
    /// Does `work` unless the key has been used; whether the answer is one given before. The work goes on when the
    /// caller leaves, so that asking again finds its answer.
    pub(crate) async fn once(
        &self,
        key: Key,
        fingerprint: blake3::Hash,
        work: impl Future<Output = Result<Bytes, Fault>> + Send + 'static,
    ) -> Result<(Result<Bytes, Fault>, bool), Fault> {
        let reservation = match self.begin(key, fingerprint)? {
            Begun::Done(outcome) => return Ok((outcome, true)),
            Begun::Fresh(reservation) => reservation,
        };
        let task = async move {
            let answer = work.await;
            reservation.keep(Outcome::Answered(answer.clone()));
            answer
        };
        match self.tasks.spawn(task.in_current_span()).await {
            Ok(answer) => Ok((answer, false)),
            Err(error) => Err(panic_fault(&*error.into_panic())),
        }
    }

    /// Reserves the key of a stream; a second time it is refused.
    pub(crate) fn begin_stream(
        &self,
        key: Key,
        fingerprint: blake3::Hash,
    ) -> Result<Reservation, Fault> {
        match self.begin(key, fingerprint)? {
            Begun::Fresh(reservation) => Ok(reservation),
            Begun::Done(_) => Err(not_again()),
        }
    }

    fn begin(&self, key: Key, fingerprint: blake3::Hash) -> Result<Begun, Fault> {
        let mut table = self.table.lock();
        table.forget(Instant::now());
        if let Some(entry) = table.entries.get(&key) {
            if entry.fingerprint != fingerprint {
                return Err(Fault::new(
                    ErrorCode::InvalidRequest,
                    "This Idempotency-Key was used for another request",
                )
                .hint("Take a new key for a new request"));
            }
            return match &entry.outcome {
                Some(Outcome::Answered(answer)) => Ok(Begun::Done(answer.clone())),
                Some(Outcome::Streamed) => Err(not_again()),
                None => Err(Fault::new(
                    ErrorCode::Conflict,
                    "The request of this Idempotency-Key is still under way",
                )
                .retryable()),
            };
        }
        table.entries.insert(
            key.clone(),
            Entry {
                fingerprint,
                begun: Instant::now(),
                outcome: None,
            },
        );
        Ok(Begun::Fresh(Reservation {
            table: self.table.clone(),
            key: Some(key),
        }))
    }
}

enum Begun {
    Fresh(Reservation),
    Done(Result<Bytes, Fault>),
}

impl Reservation {
    /// Remembers the outcome. A failure that may pass is not remembered: asking again tries again.
    pub(crate) fn keep(mut self, outcome: Outcome) {
        let passing = matches!(&outcome, Outcome::Answered(Err(fault))
            if fault.retryable || fault.code.status() >= 500);
        if passing {
            return;
        }
        let Some(key) = self.key.take() else { return };
        let mut table = self.table.lock();
        table.bytes += outcome.size();
        if let Some(entry) = table.entries.get_mut(&key) {
            entry.outcome = Some(outcome);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.table.lock().entries.shift_remove(&key);
        }
    }
}

impl Table {
    /// Lets go of what is old or too much; what is under way stays.
    fn forget(&mut self, now: Instant) {
        while let Some(place) = self
            .entries
            .values()
            .position(|entry| entry.outcome.is_some())
        {
            let Some((_, entry)) = self.entries.get_index(place) else {
                return;
            };
            let old = now.saturating_duration_since(entry.begun) >= LIFE;
            if !old && self.entries.len() < MOST_ANSWERS && self.bytes <= MOST_BYTES {
                return;
            }
            let size = entry.outcome.as_ref().map_or(0, Outcome::size);
            self.bytes = self.bytes.saturating_sub(size);
            self.entries.shift_remove_index(place);
        }
    }
}

fn not_again() -> Fault {
    Fault::new(
        ErrorCode::Conflict,
        "The stream of this Idempotency-Key was opened before, and cannot be said again",
    )
    .hint("Read its outcome where it is kept, or take a new key")
}
