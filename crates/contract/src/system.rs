//! The control plane itself: status, events, settings, secrets, registry.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::AgentName;

/// `GET /status`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetStatus {}

/// What the control plane says of itself. Addresses are URLs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started, Unix milliseconds.
    pub started: i64,
    /// The API and web UI.
    pub api: String,
    /// The gateway.
    pub gateway: String,
    /// The gateway's admin address.
    pub admin: String,
    /// OTLP over HTTP.
    pub otlp_http: String,
    /// OTLP over gRPC.
    pub otlp_grpc: String,
    /// The store, e.g. `sqlite`.
    pub store: String,
    /// The job queue, e.g. `sqlite`.
    pub queue: String,
    /// Where secrets' key is held: `keyring`, `file`, `passphrase`; `none` before there is one.
    pub secrets: String,
    /// The container engine, while one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineStatus>,
    /// Where an engine was looked for and what was found there; while one is used, only places where there is something.
    #[serde(default)]
    pub engines: Vec<EnginePlace>,
    /// Agents by state.
    pub agents: AgentCounts,
    /// Jobs queued or running.
    pub jobs: u64,
    /// Resident memory of the control plane, bytes.
    pub memory_bytes: u64,
    /// Ports that were taken, and what was chosen instead; how a Kong stands that gets our routes.
    #[serde(default)]
    pub notices: Vec<String>,
    /// Services of the local stack.
    #[serde(default)]
    pub stack: Vec<crate::stack::StackService>,
    /// How forwarding of traces stands; none while there is no viewer to forward them to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<crate::telemetry::TraceForwarding>,
    /// The other control planes on the same store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Peer>,
}

/// Another control plane on the same store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Tells it from the others, for good.
    pub id: String,
    /// Its machine's name.
    pub host: String,
    /// Where its API and web UI are, on that machine.
    pub api: String,
    /// Whether it is at work.
    pub state: PeerState,
    /// Its last sign of life, Unix milliseconds.
    pub seen: i64,
}

/// How another control plane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// It gives signs of life.
    Here,
    /// It gives none any more, and did not say that it would end.
    Silent,
    /// It ended, and said so.
    Left,
}

/// The container engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    /// `docker`, `podman`, …
    pub kind: String,
    /// Its version.
    pub version: String,
    /// Its socket or address.
    pub endpoint: String,
    /// Why it is this one: what named its place.
    #[serde(default)]
    pub why: String,
}

/// A place where a container engine may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnginePlace {
    /// Socket or address.
    pub endpoint: String,
    /// What names it, in words: `DOCKER_HOST`, a Docker context, the usual place of an engine.
    pub why: String,
    /// What was found there.
    pub state: EngineState,
    /// The same in words.
    pub found: String,
}

/// What was found at a place where a container engine may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EngineState {
    /// It answered, and is used.
    Used,
    /// There is a socket. It was not opened, since another engine is used or another place was named.
    NotTried,
    /// Nothing is there.
    Absent,
    /// This account may not use it.
    Refused,
    /// Something is there and does not answer.
    Stopped,
    /// It cannot be used from here.
    Unsupported,
}

/// How many agents are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentCounts {
    /// All.
    pub total: u64,
    /// Answering.
    pub active: u64,
    /// Failed.
    pub failed: u64,
}

/// `POST /shutdown`: end the resident; agents go on running and are adopted by the next one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Shutdown {
    /// Stop the agents first.
    #[serde(default)]
    pub stop_agents: bool,
}

/// `POST /browser-codes`: a code that opens the web UI once, within a minute.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreateBrowserCode {}

/// The answer of [`CreateBrowserCode`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BrowserCode {
    /// Open this; it is good once and for a minute.
    pub url: String,
}

/// `GET /events` (stream): the ordered event log, from after a number on, then live.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowEvents {
    /// Replay what came after this number; without it, only what comes from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// One event of the log. `seq` has no holes unless a `gap` event says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its number.
    pub seq: u64,
    /// Unix milliseconds.
    pub at: i64,
    /// What happened: `agent.changed`, `agent.removed`, `job.changed`, `session.changed`, `setting.changed`, `notice.added`,
    /// `notice.changed`, `gap`, …
    pub topic: String,
    /// To what: the agent's name, the job's id, …
    pub subject: String,
    /// The record after the change (an `AgentSummary`, a `Job`, …), where the topic has one.
    #[serde(default)]
    pub data: Value,
}

/// `GET /settings`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetSettings {}

/// All settings, with their defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where agents run unless said otherwise.
    pub default_runtime: super::RuntimeKind,
    /// Days that traces are kept.
    pub trace_retention_days: u32,
    /// Seconds an agent may take to answer after its start.
    pub start_timeout_seconds: u32,
    /// Seconds an agent may take to end before it is killed.
    pub stop_timeout_seconds: u32,
    /// Jobs that run at the same time.
    pub parallel_jobs: u32,
    /// The Admin API of a Kong that is to have a route for each agent, e.g. `http://127.0.0.1:8001`; none for no Kong.
    /// Its routes follow the agents by the event log, those in containers that somebody else started included: what
    /// `DISCOVERY_MODE=docker` asks of other tools. A node without a database has one configuration, which becomes ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kong_admin_url: Option<String>,
    /// The viewer that traces are forwarded to as OTLP over HTTP: its base URL, e.g. `http://127.0.0.1:14318`. None: the
    /// service of the local stack with the label `nasiko.otlp`, while it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otlp_forward_url: Option<String>,
    /// Notices are shown on the desktop as they come; the inbox keeps them either way.
    #[serde(default = "on")]
    pub notifications: bool,
    /// When notices are kept in the inbox alone, in local time, e.g. `22:00-07:00`; none for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<String>,
}

fn on() -> bool {
    true
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_runtime: super::RuntimeKind::Process,
            trace_retention_days: 14,
            start_timeout_seconds: 60,
            stop_timeout_seconds: 5,
            parallel_jobs: 4,
            kong_admin_url: None,
            otlp_forward_url: None,
            notifications: true,
            quiet_hours: None,
        }
    }
}

/// `PATCH /settings`: only what is given changes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct PatchSettings {
    /// See [`Settings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_runtime: Option<super::RuntimeKind>,
    /// See [`Settings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_retention_days: Option<u32>,
    /// See [`Settings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timeout_seconds: Option<u32>,
    /// See [`Settings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout_seconds: Option<u32>,
    /// See [`Settings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_jobs: Option<u32>,
    /// See [`Settings`]; an empty text for no Kong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kong_admin_url: Option<String>,
    /// See [`Settings`]; an empty text for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otlp_forward_url: Option<String>,
    /// See [`Settings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<bool>,
    /// See [`Settings`]; an empty text for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<String>,
}

/// `GET /secrets`: names, never values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListSecrets {
    /// This agent's own; otherwise the shared ones, then those of every agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// A secret's name and where it belongs; its value is write-only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    /// The variable it is given as.
    pub name: String,
    /// The agent that gets it; every agent if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// `PUT /agents/{agent}/secrets/{name}`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetSecret {
    /// Whose.
    pub agent: AgentName,
    /// The variable.
    pub name: String,
    /// The value. It is sealed at once and never answered.
    pub value: String,
}

impl std::fmt::Debug for SetSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetSecret")
            .field("agent", &self.agent)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// `DELETE /agents/{agent}/secrets/{name}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemoveSecret {
    /// Whose.
    pub agent: AgentName,
    /// The variable.
    pub name: String,
}

/// `GET /registries`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListRegistry {
    /// Words in name, description, skills or tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// An agent as others find it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegistryEntry {
    /// Its id: the name.
    pub id: AgentName,
    /// Its name.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Its address behind the gateway.
    pub url: String,
    /// Its state.
    pub state: super::AgentState,
    /// Tags, of all its skills too.
    pub tags: Vec<String>,
    /// The card that the gateway serves.
    pub card: Value,
    /// A person changed the description or the tags.
    #[serde(default)]
    pub edited: bool,
}

/// `GET /registries/{agent}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetRegistryEntry {
    /// Id or name.
    pub agent: AgentName,
}

/// `GET /registries/{agent}/card`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetCard {
    /// Id or name.
    pub agent: AgentName,
}

/// `PUT /registries/{agent}`: only what is given changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpdateRegistryEntry {
    /// Id or name.
    pub agent: AgentName,
    /// One sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

/// `DELETE /registries/{agent}`: forget what a person changed of its entry; the agent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResetRegistryEntry {
    /// Id or name.
    pub agent: AgentName,
}
