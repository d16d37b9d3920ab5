//! Documents about agents and what is done to them.

use nasiko_contract::{
    AgentState, AgentSummary, DeployResult, DeploySeconds, Job, JobKind, JobState, LogLine,
    LogStream, RegistryEntry, RuntimeKind,
};
use serde::Serialize;
use serde_json::Value;

use super::ErrorDocument;

/// `deploy`, `rebuild` and their kin
#[derive(Debug, Serialize)]
pub(crate) struct DeployDocument {
    pub(crate) agent: String,
    pub(crate) version: String,
    pub(crate) state: AgentState,
    pub(crate) runtime: RuntimeKind,
    pub(crate) url: String,
    pub(crate) job: String,
    pub(crate) unchanged: bool,
    pub(crate) seconds: DeploySeconds,
}

impl DeployDocument {
    pub(crate) fn new(job: &Job, result: DeployResult, state: AgentState) -> Self {
        Self {
            agent: result.agent.0,
            version: result.version,
            state,
            runtime: result.runtime,
            url: result.url,
            job: job.id.0.clone(),
            unchanged: result.unchanged,
            seconds: result.seconds,
        }
    }
}

/// A row of `ps`; also what `start`, `stop`, `restart` answer
#[derive(Debug, Serialize)]
pub(crate) struct AgentDocument {
    name: String,
    state: AgentState,
    runtime: RuntimeKind,
    version: String,
    url: String,
    restarts: u32,
    since: i64,
    description: String,
    activity: String,
    source: String,
    error: Option<ErrorDocument>,
}

impl From<AgentSummary> for AgentDocument {
    fn from(agent: AgentSummary) -> Self {
        Self {
            name: agent.name.0,
            state: agent.state,
            runtime: agent.runtime,
            version: agent.version,
            url: agent.url,
            restarts: agent.restarts,
            since: agent.since,
            description: agent.description,
            activity: agent.activity,
            source: agent.source,
            error: agent.fault.map(Into::into),
        }
    }
}

/// `rm`
#[derive(Debug, Serialize)]
pub(crate) struct RemovedDocument<'a> {
    pub(crate) agent: &'a str,
    pub(crate) removed: bool,
}

/// A line of `logs`
#[derive(Debug, Serialize)]
pub(crate) struct LogDocument {
    at: i64,
    stream: LogStream,
    text: String,
    deployment: String,
}

impl From<LogLine> for LogDocument {
    fn from(line: LogLine) -> Self {
        Self {
            at: line.at,
            stream: line.stream,
            text: line.text,
            deployment: line.deployment.0,
        }
    }
}

/// A row of `jobs` and `dead-letters`
#[derive(Debug, Serialize)]
pub(crate) struct JobDocument {
    id: String,
    kind: JobKind,
    agent: String,
    state: JobState,
    progress: f64,
    step: String,
    attempt: u32,
    created: i64,
    started: Option<i64>,
    ended: Option<i64>,
    error: Option<ErrorDocument>,
}

impl From<Job> for JobDocument {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.0,
            kind: job.kind,
            agent: job.agent.0,
            state: job.state,
            progress: job.progress,
            step: job.step,
            attempt: job.attempt,
            created: job.created,
            started: job.started,
            ended: job.ended,
            error: job.fault.map(Into::into),
        }
    }
}

/// A row of `registry list`; `registry get`
#[derive(Debug, Serialize)]
pub(crate) struct EntryDocument {
    id: String,
    name: String,
    description: String,
    url: String,
    state: AgentState,
    tags: Vec<String>,
    card: Value,
    edited: bool,
}

impl From<RegistryEntry> for EntryDocument {
    fn from(entry: RegistryEntry) -> Self {
        Self {
            id: entry.id.0,
            name: entry.name,
            description: entry.description,
            url: entry.url,
            state: entry.state,
            tags: entry.tags,
            card: entry.card,
            edited: entry.edited,
        }
    }
}

/// `new`
#[derive(Debug, Serialize)]
pub(crate) struct ScaffoldDocument<'a> {
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) files: Vec<&'a str>,
}
