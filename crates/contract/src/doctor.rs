//! The doctor: what may be wrong with this machine, the engine, the data directory and the agents; why, and what to do about it.

use serde::{Deserialize, Serialize};

use crate::ids::AgentName;

/// `GET /doctor`: looks at everything at once. Each check is bounded in time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunDoctor {
    /// Only the checks of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// `GET /doctor/examine` (stream): looks as [`RunDoctor`] does, and tells each check as it ends. Who leaves the stream ends the
/// looking.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Examine {
    /// Only the checks of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// How far a look is. The first item says how much there is to look at; the last one has it all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckupProgress {
    /// Checks that have ended.
    pub done: u32,
    /// All that are looked at.
    pub total: u32,
    /// What is still looked at, in a few words each; at most [`CheckupProgress::NAMED`], those that began first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looking: Vec<String>,
    /// What ended just now. A check of agents may tell of several of them, or of all in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// All that was found, in order: there in the last item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkup: Option<Checkup>,
}

impl CheckupProgress {
    /// Of what is still looked at, this much is named.
    pub const NAMED: usize = 3;
}

/// `GET /doctor/last`: what the last look at everything found. Looks at nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetLastCheckup {}

/// The last look at everything. What tells of itself (the engine's coming and going, agents, jobs) is kept as it is now; the event
/// `doctor.changed` says that something of it changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LastCheckup {
    /// None where nobody looked since the control plane started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkup: Option<Checkup>,
}

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Checkup {
    /// When it looked, Unix milliseconds.
    pub at: i64,
    /// What it found: what failed first, then warnings, then the rest; within that by group.
    pub checks: Vec<Check>,
}

impl Checkup {
    /// How many checks came out like this.
    pub fn count(&self, state: CheckState) -> usize {
        let of_state = self.checks.iter().filter(|check| check.state == state);
        of_state.count()
    }
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its stable id, e.g. `engine.access`. Checks of agents have the same one for each of them.
    pub check: String,
    /// What is looked at, in a few words.
    pub title: String,
    /// What it belongs to.
    pub group: CheckGroup,
    /// How it came out.
    pub state: CheckState,
    /// One sentence: what is so, and why that matters where something is wrong.
    pub cause: String,
    /// What was seen: paths, numbers, lines.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// What to do about it, in the imperative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What a person can type where the doctor may not do it itself: it needs more rights, or belongs to another program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What the doctor can do about it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<CheckFix>,
    /// The agent that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// What a check belongs to, in the order in which people are shown them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckGroup {
    /// The agents, and what was given up on.
    Agents,
    /// The container engine.
    Engine,
    /// The data directory and what is in it.
    Data,
    /// The key of secrets.
    Secrets,
    /// Programs that agents are made and run with.
    Tools,
    /// Ports, names, proxies, certificates.
    Network,
    /// The machine's resources and its clock.
    Machine,
}

impl CheckGroup {
    /// All groups, in order.
    pub const ALL: [Self; 7] = [
        Self::Agents,
        Self::Engine,
        Self::Data,
        Self::Secrets,
        Self::Tools,
        Self::Network,
        Self::Machine,
    ];

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Agents => "Agents",
            Self::Engine => "Container engine",
            Self::Data => "Data directory",
            Self::Secrets => "Secrets",
            Self::Tools => "Tools",
            Self::Network => "Network",
            Self::Machine => "Machine",
        }
    }
}

/// How a check came out, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// Something does not work because of it.
    Failed,
    /// It works, and may not for long, or not as well as it could.
    Warning,
    /// It could not be looked at; the cause says why.
    Skipped,
    /// All is well.
    Ok,
}

impl CheckState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
            Self::Ok => "ok",
        }
    }
}

/// What the doctor can do by itself: never anything that loses data, stops what serves, or needs more rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckFix {
    /// The words of a button, in the imperative.
    pub label: String,
    /// What it does, in a sentence.
    pub what: String,
}

/// `POST /doctor/{check}/fix`: does what the check offers. Looks first: where nothing is wrong any more, nothing is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FixCheck {
    /// The check's id.
    pub check: String,
    /// The agent, for a check of agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// What came of a fix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fixed {
    /// Something was done.
    pub changed: bool,
    /// What was done, in a sentence; that there was nothing to do otherwise.
    pub did: String,
    /// The check after it, where there still is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
}

/// `GET /doctor/report`: all checks as a text that can be shown to others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportDoctor {}

/// A text without secrets, the person's name, or the path of their home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DoctorReport {
    /// The text, in Markdown.
    pub text: String,
}
