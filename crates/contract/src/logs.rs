//! The logs of several agents in one stream.

use serde::{Deserialize, Serialize};

use crate::{agents::LogLine, ids::AgentName};

/// `GET /logs` (stream): what agents write, the past of all by time, then new lines as they come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowLogs {
    /// Only of these agents, separated by commas; none: of all there are when it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<String>,
    /// Lines of the past of each agent, at most 10,000 (200 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Go on with new lines.
    #[serde(default)]
    pub follow: bool,
}

/// A line of an agent's log, with whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentLogLine {
    /// Whose.
    pub agent: AgentName,
    /// The line.
    #[serde(flatten)]
    pub line: LogLine,
}
