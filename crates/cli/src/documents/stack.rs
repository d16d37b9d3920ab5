//! Documents about the local stack.

use nasiko_contract::{
    EnginePlace, LogStream, ServiceLogLine, ServiceStats, Stack, StackProfile, StackService,
};
use serde::Serialize;

/// `stack`
#[derive(Debug, Serialize)]
pub(crate) struct StackDocument {
    project: String,
    on: bool,
    waiting: bool,
    files: Vec<String>,
    profiles: Vec<StackProfile>,
    services: Vec<StackService>,
    orphans: Vec<String>,
    engines: Vec<EnginePlace>,
    fault: Option<super::ErrorDocument>,
}

impl From<Stack> for StackDocument {
    fn from(stack: Stack) -> Self {
        Self {
            project: stack.project,
            on: stack.on,
            waiting: stack.waiting,
            files: stack.files,
            profiles: stack.profiles,
            services: stack.services,
            orphans: stack.orphans,
            engines: stack.engines,
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

/// `stack stats`
#[derive(Debug, Serialize)]
pub(crate) struct StackStatsDocument {
    pub(crate) services: Vec<ServiceStatsDocument>,
}

/// A row of `stack stats`
#[derive(Debug, Serialize)]
pub(crate) struct ServiceStatsDocument {
    service: String,
    at: i64,
    cpu_percent: f64,
    memory_bytes: u64,
    memory_limit_bytes: Option<u64>,
    received_bytes: u64,
    sent_bytes: u64,
    tasks: u64,
}

impl From<ServiceStats> for ServiceStatsDocument {
    fn from(row: ServiceStats) -> Self {
        Self {
            service: row.service,
            at: row.stats.at,
            cpu_percent: row.stats.cpu_percent,
            memory_bytes: row.stats.memory_bytes,
            memory_limit_bytes: row.stats.memory_limit_bytes,
            received_bytes: row.received_bytes,
            sent_bytes: row.sent_bytes,
            tasks: row.tasks,
        }
    }
}
