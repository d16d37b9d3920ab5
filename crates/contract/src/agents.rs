//! Agents: what a folder was understood to be, what runs of it, and where.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    fault::Fault,
    ids::{AgentName, DeploymentId, JobId},
};

/// Where an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RuntimeKind {
    /// A process of this machine.
    #[default]
    Process,
    /// A container of the Docker engine.
    Docker,
}

impl RuntimeKind {
    /// The word on the wire and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Docker => "docker",
        }
    }
}

/// The state of an agent as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// Its first version is being prepared or started.
    #[default]
    SettingUp,
    /// A version answers.
    Active,
    /// Stopped on request.
    Stopped,
    /// No version answers, and none is on its way.
    Failed,
}

/// The state of one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BuildState {
    /// Waiting for its turn.
    Queued,
    /// At work.
    Building,
    /// The image or environment is there.
    Succeeded,
    /// It is not; the fault says why.
    Failed,
}

/// The state of one deployment: one attempt to run a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentState {
    /// Started, not yet answering.
    Starting,
    /// It answers.
    Running,
    /// Ended on request or replaced.
    Stopped,
    /// It never came to answer.
    Failed,
    /// It answered, and then ended by itself.
    Crashed,
}

/// How an agent is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A2A 1.0.
    #[serde(rename = "a2a-1.0")]
    A2aV1,
    /// A2A 0.2 or 0.3.
    #[serde(rename = "a2a-0.3")]
    A2aV0,
    /// Plain HTTP: `POST /chat` and the like.
    Rest,
    /// OpenAI-style chat completions.
    Openai,
    /// Not known before it runs.
    #[default]
    Unknown,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// It may fail, or does not fit.
    Warning,
    /// It stops a deploy.
    Error,
}

/// Something that inspection noticed (spec/agents.md section 1, rule 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable, e.g. `dockerfile.copy_missing`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The file, relative to the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// 1-based.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// An environment variable that the agent reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnvNeed {
    /// The variable.
    pub name: String,
    /// It has no default in the code.
    pub required: bool,
    /// Where that was read: `file:line`.
    pub source: String,
    /// A value is at hand (`.env`, compose, secret).
    #[serde(default)]
    pub satisfied: bool,
}

/// What a folder was understood to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentDescription {
    /// The name it would get.
    pub name: AgentName,
    /// `x.y.z`.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// `python`, `node`, `go`, `rust`, …
    pub language: String,
    /// `a2a-sdk`, `langgraph`, `fastapi`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// The command that starts it, and why that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryPoint>,
    /// The port that is most trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Its card: from the folder, else generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Value>,
    /// The card was generated.
    #[serde(default)]
    pub card_generated: bool,
    /// It has a Dockerfile of its own.
    #[serde(default)]
    pub dockerfile: bool,
    /// The generated Dockerfile, where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_dockerfile: Option<String>,
    /// The variables it reads.
    #[serde(default)]
    pub env: Vec<EnvNeed>,
    /// What was noticed.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Sub-folders that hold an agent each, when this one holds several and none itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
    /// Files counted into the snapshot.
    #[serde(default)]
    pub files: u64,
    /// Their bytes.
    #[serde(default)]
    pub bytes: u64,
    /// The content hash (BLAKE3, hex); empty in a preview.
    #[serde(default)]
    pub content_hash: String,
}

/// What starts an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EntryPoint {
    /// The command; `$PORT` stands for the port it is given.
    pub command: Vec<String>,
    /// Relative to the folder; empty for the folder itself.
    #[serde(default)]
    pub workdir: String,
    /// E.g. `CMD of the Dockerfile`.
    pub why: String,
}

/// A row of the agents list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentSummary {
    /// Its name, also its id.
    pub name: AgentName,
    /// One sentence.
    pub description: String,
    /// Its state.
    pub state: AgentState,
    /// What it is doing now, e.g. `Building 62 %`; empty when nothing.
    #[serde(default)]
    pub activity: String,
    /// Where it runs.
    pub runtime: RuntimeKind,
    /// The version that answers, or the newest.
    pub version: String,
    /// Its address behind the gateway.
    pub url: String,
    /// Restarts after a crash since it was last deployed or started.
    pub restarts: u32,
    /// When its state last changed, Unix milliseconds.
    pub since: i64,
    /// When it was created, Unix milliseconds.
    pub created: i64,
    /// The last failure, while it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The folder, archive or address it came from.
    #[serde(default)]
    pub source: String,
    /// How it is spoken to.
    #[serde(default)]
    pub protocol: Protocol,
    /// Its folder is watched: a save is live by itself.
    #[serde(default)]
    pub watched: bool,
}

/// One agent with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentDetail {
    /// The row.
    #[serde(flatten)]
    pub summary: AgentSummary,
    /// Its card as the gateway serves it.
    #[serde(default)]
    pub card: Value,
    /// The card was generated.
    #[serde(default)]
    pub card_generated: bool,
    /// Variables it reads.
    #[serde(default)]
    pub env: Vec<EnvNeed>,
    /// Names (never values) of its secrets.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What was noticed.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Versions, newest first.
    #[serde(default)]
    pub versions: Vec<AgentVersion>,
    /// Builds, newest first.
    #[serde(default)]
    pub builds: Vec<Build>,
    /// Deployments, newest first.
    #[serde(default)]
    pub deployments: Vec<Deployment>,
}

/// One content of an agent's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentVersion {
    /// `x.y.z` of the card or the manifest.
    pub version: String,
    /// BLAKE3 of the content, hex.
    pub content_hash: String,
    /// Unix milliseconds.
    pub created: i64,
}

/// One making of an image or environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// The job that made it.
    pub job: JobId,
    /// Which content.
    pub content_hash: String,
    /// Where for.
    pub runtime: RuntimeKind,
    /// Its state.
    pub state: BuildState,
    /// Unix milliseconds.
    pub started: i64,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Nothing had to be made.
    #[serde(default)]
    pub reused: bool,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// One attempt to run a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// `x.y.z`.
    pub version: String,
    /// Which content.
    pub content_hash: String,
    /// Where.
    pub runtime: RuntimeKind,
    /// Its state.
    pub state: DeploymentState,
    /// Process id or container id, for a person to look it up.
    #[serde(default)]
    pub instance: String,
    /// Unix milliseconds.
    pub started: i64,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Why it failed or crashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// Which output stream a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// What the control plane says about the agent.
    System,
}

/// One line of an agent's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Unix milliseconds.
    pub at: i64,
    /// Where it came from.
    pub stream: LogStream,
    /// The line without its end.
    pub text: String,
    /// The deployment that wrote it.
    #[serde(default)]
    pub deployment: DeploymentId,
}

/// What an instance uses at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InstanceStats {
    /// Unix milliseconds.
    pub at: i64,
    /// Percent of one core.
    pub cpu_percent: f64,
    /// Resident bytes.
    pub memory_bytes: u64,
    /// Its limit, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
}
