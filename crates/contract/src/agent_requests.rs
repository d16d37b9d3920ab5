//! What is asked about agents: deploying, reading, starting, stopping.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{agents::RuntimeKind, ids::AgentName};

/// `GET /agents`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListAgents {
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `GET /agents/{agent}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetAgent {
    /// Which.
    pub agent: AgentName,
}

/// `POST /agents/{agent}/start`: start the newest version that was good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StartAgent {
    /// Which.
    pub agent: AgentName,
}

/// `POST /agents/{agent}/stop`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StopAgent {
    /// Which.
    pub agent: AgentName,
}

/// `POST /agents/{agent}/restart`: a new instance beside the old one, then the switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RestartAgent {
    /// Which.
    pub agent: AgentName,
}

/// `POST /agents/{agent}/rebuild`: read the folder again and make everything anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RebuildAgent {
    /// Which.
    pub agent: AgentName,
}

/// `DELETE /agents/{agent}`: stop it and forget it; the person's folder is never touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeleteAgent {
    /// Which.
    pub agent: AgentName,
}

/// `GET /agents/{agent}/logs` (stream)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowAgentLogs {
    /// Which.
    pub agent: AgentName,
    /// Lines of the past, at most 10,000 (200 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Go on with new lines, over restarts and updates; otherwise the stream ends with the past.
    #[serde(default)]
    pub follow: bool,
}

/// `GET /agents/{agent}/stats` (stream): one row a second while somebody looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowAgentStats {
    /// Which.
    pub agent: AgentName,
}

/// How an agent is to be deployed, beside where it comes from. Spelled as people's scripts spell it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeployOptions {
    /// The name; else derived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// Where; else what the manifest says, what it runs on now, or the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeKind>,
    /// Values for its environment. Sealed like secrets; never shown again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Make everything anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Take the place of the agent of that name wherever that one came from; it serves until the new one answers. Agents
    /// that somebody else runs are not replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
    /// Keep it in step with its folder from now on, or no longer; else as it was. Folders of this machine only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<bool>,
}

/// `POST /upload-agents/directory` (local server only)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeployDirectory {
    /// Absolute path of the folder, or of an archive.
    pub directory_path: String,
    /// The rest.
    #[serde(flatten)]
    pub options: DeployOptions,
}

/// `POST /upload-agents/zip` (multipart: `file`, and the options as fields)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeployArchive {
    /// The options; `env` as a JSON object.
    #[serde(flatten)]
    pub options: DeployOptions,
}

/// `POST /upload-agents/github`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeployGit {
    /// `owner/repo`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_full_name: Option<String>,
    /// Or the repository's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Branch or tag; else the default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub options: DeployOptions,
}

/// `POST /inspect`: what is there; nothing is started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inspect {
    /// Absolute path of a folder or an archive.
    pub directory_path: String,
    /// Only what says what it is gets read: at once, whatever its size, and without the hash over its content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preview: bool,
}
