//! Documents about the local stack.

use nasiko_contract::{LogStream, ServiceLogLine, Stack, StackProfile, StackService};
use serde::Serialize;

/// `stack`
#[derive(Debug, Serialize)]
pub(crate) struct StackDocument {
    project: String,
    on: bool,
    files: Vec<String>,
    profiles: Vec<StackProfile>,
    services: Vec<StackService>,
    orphans: Vec<String>,
    fault: Option<super::ErrorDocument>,
}

impl From<Stack> for StackDocument {
    fn from(stack: Stack) -> Self {
        Self {
            project: stack.project,
            on: stack.on,
            files: stack.files,
            profiles: stack.profiles,
            services: stack.services,
            orphans: stack.orphans,
            fault: stack.fault.map(Into::into),
        }
    }
}

/// A line of `stack logs`
#[derive(Debug, Serialize)]
pub(crate) struct ServiceLogDocument {
    service: String,
    at: i64,
    stream: LogStream,
    text: String,
}

impl From<ServiceLogLine> for ServiceLogDocument {
    fn from(line: ServiceLogLine) -> Self {
        Self {
            service: line.service,
            at: line.at,
            stream: line.stream,
            text: line.text,
        }
    }
}

/// `stack exec`
#[derive(Debug, Serialize)]
pub(crate) struct ExecDocument {
    pub(crate) exit_code: i64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}
