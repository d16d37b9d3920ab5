//! Documents about live update.

use nasiko_contract::{
    FileUpdate, Pin, PinAnswer, PinState, Update, UpdateAction, UpdateSeconds, UpdateState,
    WatchMode, WatchStatus,
};
use serde::Serialize;

use super::ErrorDocument;

/// `watch`
#[derive(Debug, Serialize)]
pub(crate) struct WatchDocument {
    agent: String,
    mode: WatchMode,
    why: String,
    files: u64,
    warm: bool,
    error: Option<ErrorDocument>,
}

impl From<WatchStatus> for WatchDocument {
    fn from(watch: WatchStatus) -> Self {
        Self {
            agent: watch.agent.0,
            mode: watch.mode,
            why: watch.why,
            files: watch.files,
            warm: watch.warm,
            error: watch.fault.map(Into::into),
        }
    }
}

/// A row of `updates`
#[derive(Debug, Serialize)]
pub(crate) struct UpdateDocument {
    id: String,
    at: i64,
    files: Vec<FileUpdate>,
    files_total: u64,
    action: UpdateAction,
    why: String,
    seconds: UpdateSeconds,
    warm: bool,
    result: UpdateState,
    error: Option<ErrorDocument>,
}

impl From<Update> for UpdateDocument {
    fn from(update: Update) -> Self {
        Self {
            id: update.id.0,
            at: update.at,
            files: update.files,
            files_total: update.files_total,
            action: update.action,
            why: update.why,
            seconds: update.seconds,
            warm: update.warm,
            result: update.state,
            error: update.fault.map(Into::into),
        }
    }
}

/// A row of `pin list`; also what `pin add`, `pin accept` answer
#[derive(Debug, Serialize)]
pub(crate) struct PinDocument {
    id: String,
    agent: String,
    question: String,
    state: PinState,
    accepted: Option<PinAnswerDocument>,
    latest: Option<PinAnswerDocument>,
}

/// One answer of a pinned question
#[derive(Debug, Serialize)]
struct PinAnswerDocument {
    at: i64,
    text: String,
    trace: Option<String>,
    duration_ms: u64,
    content_hash: String,
    error: Option<ErrorDocument>,
}

impl From<Pin> for PinDocument {
    fn from(pin: Pin) -> Self {
        Self {
            id: pin.id.0,
            agent: pin.agent.0,
            question: pin.text,
            state: pin.state,
            accepted: pin.accepted.map(Into::into),
            latest: pin.latest.map(Into::into),
        }
    }
}

impl From<PinAnswer> for PinAnswerDocument {
    fn from(answer: PinAnswer) -> Self {
        Self {
            at: answer.at,
            text: answer.text,
            trace: answer.trace.map(|trace| trace.0),
            duration_ms: answer.duration_ms,
            content_hash: answer.content_hash,
            error: answer.fault.map(Into::into),
        }
    }
}

/// A line of `dev --json`
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum DevDocument {
    /// The agent answers and is watched.
    Ready(super::DeployDocument),
    /// What a save did.
    Update(Box<UpdateDocument>),
    /// A line of the agent's log.
    Log(super::LogDocument),
    /// A pinned question was answered.
    Pin(Box<PinDocument>),
}
