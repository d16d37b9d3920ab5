//! Figures: requests, errors, latency, tokens, cost and saves by slots of time, and what agents use now.

use serde::{Deserialize, Serialize};

use crate::ids::AgentName;

/// How far back figures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FiguresWindow {
    /// The last quarter of an hour, by 15 seconds.
    #[default]
    #[serde(rename = "15m")]
    Quarter,
    /// The last hour, by minutes.
    #[serde(rename = "1h")]
    Hour,
    /// The last 24 hours, by 24 minutes.
    #[serde(rename = "24h")]
    Day,
}

impl FiguresWindow {
    /// All, the shortest first.
    pub const ALL: [Self; 3] = [Self::Quarter, Self::Hour, Self::Day];

    /// Buckets of every window; the newest is still open.
    pub const BUCKETS: usize = 60;

    /// A bucket's length in milliseconds. Buckets begin at multiples of it since the Unix epoch.
    pub fn bucket_ms(self) -> u64 {
        match self {
            Self::Quarter => 15_000,
            Self::Hour => 60_000,
            Self::Day => 24 * 60_000,
        }
    }

    /// The word on the wire and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarter => "15m",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }
}

/// `GET /figures`: of all agents together, and of each, or of one alone. Measures nothing: `usage` is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetFigures {
    /// Only of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// How far back.
    #[serde(default)]
    pub window: FiguresWindow,
}

/// `GET /figures/follow` (stream): all figures at first, then whatever changes: buckets as they fill and close, at most
/// once a second, and what agents use. Agents are measured for as long as the stream is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowFigures {
    /// Only of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// How far back.
    #[serde(default)]
    pub window: FiguresWindow,
}

/// Figures of a window; of a stream's later items, only what changed. A bucket or agent that comes again replaces the
/// one before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// When, Unix milliseconds.
    pub at: i64,
    /// A bucket's length, milliseconds.
    pub bucket_ms: u64,
    /// All buckets of the window are in this item: what was known before is void.
    #[serde(default)]
    pub whole: bool,
    /// Oldest first.
    #[serde(default)]
    pub buckets: Vec<FigureBucket>,
    /// Of the whole window.
    pub total: FigureSums,
    /// Of the whole window, by agent, in the order of their names; agents of which nothing is told are not there.
    #[serde(default)]
    pub agents: Vec<AgentFigures>,
    /// What running agents use, once it was measured: all of them, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<AgentUsage>,
}

/// What happened in some time. Percentiles are exact to about two in a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FigureSums {
    /// Requests that ended, as the gateway saw them.
    #[serde(default)]
    pub requests: u64,
    /// Those that failed: by the agent's status (500 and above) or on the way.
    #[serde(default)]
    pub errors: u64,
    /// Milliseconds that half of the requests stayed below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// Milliseconds that 95 of 100 requests stayed below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// Tokens that models read.
    #[serde(default)]
    pub tokens_in: u64,
    /// Tokens that models wrote.
    #[serde(default)]
    pub tokens_out: u64,
    /// US dollars, where spans say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Saves that were made live.
    #[serde(default)]
    pub saves: u64,
    /// Milliseconds from the save to the new version's answer, for the half of them that was quicker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_ms: Option<f64>,
}

/// One bucket.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FigureBucket {
    /// Its begin, Unix milliseconds.
    pub at: i64,
    /// What happened in it.
    pub sums: FigureSums,
}

/// What happened to one agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentFigures {
    /// Which; of tokens it may be a program that is no agent here.
    pub agent: AgentName,
    /// What happened.
    pub sums: FigureSums,
}

/// What the instance of an agent uses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentUsage {
    /// Whose.
    pub agent: AgentName,
    /// Percent of one core.
    pub cpu_percent: f64,
    /// Resident bytes.
    pub memory_bytes: u64,
}
