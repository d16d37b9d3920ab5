//! The JSON documents that scripts rely on: fields may be added, never renamed.

mod agents;
mod context;
mod doctor;
mod inspect;
mod live;
mod notices;
mod plane;
mod stack;
mod store;
mod talk;
mod vault;

use nasiko_contract::Fault;
use serde::Serialize;

pub(crate) use agents::{
    AgentDocument, DeployDocument, EntryDocument, JobDocument, LogDocument, RemovedDocument,
    ScaffoldDocument,
};
pub(crate) use context::{ContextDocument, RemovedContextDocument};
pub(crate) use doctor::{CheckDocument, ReportDocument};
pub(crate) use inspect::{InspectDocument, command_line};
pub(crate) use live::{DevDocument, PinDocument, UpdateDocument, WatchDocument};
pub(crate) use notices::{NoticeDocument, NoticesChangedDocument};
pub(crate) use plane::{LinkDocument, SecretDocument, SettingsDocument, StatusDocument};
pub(crate) use stack::{
    ExecDocument, ServiceLogDocument, ServiceStatsDocument, StackDocument, StackStatsDocument,
};
pub(crate) use store::{MoveDocument, PlaceDocument};
pub(crate) use talk::{ChatDocument, SessionDocument, TraceDocument, TraceRowDocument};
pub(crate) use vault::VaultDocument;

/// Any failure.
#[derive(Debug, Serialize)]
pub(crate) struct FailureDocument {
    pub(crate) error: ErrorDocument,
}

/// A failure as it stands in any document.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorDocument {
    code: &'static str,
    message: String,
    hint: Option<String>,
    evidence: Vec<String>,
}

impl From<Fault> for ErrorDocument {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code.as_str(),
            message: fault.message,
            hint: fault.hint,
            evidence: fault.evidence,
        }
    }
}
