//! The JSON documents that scripts rely on: fields may be added, never renamed.

mod agents;
mod inspect;
mod plane;
mod talk;

use nasiko_contract::Fault;
use serde::Serialize;

pub(crate) use agents::{
    AgentDocument, DeployDocument, EntryDocument, JobDocument, LogDocument, RemovedDocument,
    ScaffoldDocument,
};
pub(crate) use inspect::{InspectDocument, command_line};
pub(crate) use plane::{LinkDocument, SecretDocument, SettingsDocument, StatusDocument};
pub(crate) use talk::{ChatDocument, SessionDocument, TraceDocument, TraceRowDocument};

/// Any failure.
#[derive(Debug, Serialize)]
pub(crate) struct FailureDocument<'a> {
    pub(crate) error: ErrorDocument<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorDocument<'a> {
    code: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
    evidence: &'a [String],
}

impl<'a> From<&'a Fault> for ErrorDocument<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self {
            code: fault.code.as_str(),
            message: &fault.message,
            hint: fault.hint.as_deref(),
            evidence: &fault.evidence,
        }
    }
}
