//! Durable jobs: every long action is one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    fault::Fault,
    ids::{AgentName, JobId},
};

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Waiting for its turn, or for its next try.
    Queued,
    /// At work.
    Running,
    /// Done.
    Succeeded,
    /// Ended with a fault that trying again would not mend.
    Failed,
    /// Cancelled by a person.
    Cancelled,
    /// Given up after the last try; can be put back.
    Dead,
}

impl JobState {
    /// No more will happen to it by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// From a source to a running agent.
    Deploy,
    /// Start a stopped agent.
    Start,
    /// Stop an agent.
    Stop,
    /// Restart without a gap.
    Restart,
    /// Read, make and start anew.
    Rebuild,
    /// Stop and forget.
    Delete,
    /// Bring the local stack up.
    StackUp,
    /// Take the local stack down.
    StackDown,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The agent it is about, once known.
    #[serde(default)]
    pub agent: AgentName,
    /// Where a deploy takes it from.
    #[serde(default)]
    pub source: String,
    /// Its state.
    pub state: JobState,
    /// 0 to 1; never goes back.
    pub progress: f64,
    /// What it is doing, e.g. `Step 3/6: RUN pip install`.
    #[serde(default)]
    pub step: String,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Unix milliseconds.
    pub created: i64,
    /// Unix milliseconds; of the first try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<i64>,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Why it failed (or the last try did).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What it made; for a deploy a [`DeployResult`].
    #[serde(default)]
    pub result: Value,
    /// A cancel was asked for and is on its way.
    #[serde(default)]
    pub cancelling: bool,
}

/// What a deploy made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeployResult {
    /// The agent.
    pub agent: AgentName,
    /// `x.y.z`
    pub version: String,
    /// Where it runs.
    pub runtime: super::RuntimeKind,
    /// Its address behind the gateway.
    pub url: String,
    /// The same content was running already, and goes on.
    pub unchanged: bool,
    /// What took how long.
    pub seconds: DeploySeconds,
}

/// Durations of a deploy's phases, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeploySeconds {
    /// Acquire, snapshot, describe.
    pub read: f64,
    /// Image or environment.
    pub prepare: f64,
    /// Start until it answers.
    pub start: f64,
    /// All of it.
    pub total: f64,
}

/// `GET /jobs`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListJobs {
    /// Only this agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// Only in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `GET /jobs/{job}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetJob {
    /// Which.
    pub job: JobId,
}

/// `POST /jobs/{job}/cancel`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CancelJob {
    /// Which.
    pub job: JobId,
}

/// `GET /jobs/{job}/log` (stream): its lines, then new ones until it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowJobLog {
    /// Which.
    pub job: JobId,
}

/// One row of [`FollowJobLog`]: a line, or the job as it stands after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobLogItem {
    /// A line of output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The job after a change; the last row has its final state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// `GET /dead-letters`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListDeadLetters {
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `POST /dead-letters/{job}/requeue`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequeueDeadLetter {
    /// Which.
    pub job: JobId,
}
