//! Live update: watching an agent's folder, what each save did and why, and the questions asked again after it.

use serde::{Deserialize, Serialize};

use crate::{
    fault::Fault,
    ids::{AgentName, JobId, PinId, TraceId, UpdateId},
};

/// `PUT /agents/{agent}/watch`: keep the agent in step with its folder. Agents from a folder of this machine only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StartWatch {
    /// Which.
    pub agent: AgentName,
}

/// `DELETE /agents/{agent}/watch`: let it be; what runs goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StopWatch {
    /// Which.
    pub agent: AgentName,
}

/// `GET /agents/{agent}/watch`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetWatch {
    /// Which.
    pub agent: AgentName,
}

/// How changes of a folder are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WatchMode {
    /// Not at all.
    #[default]
    Off,
    /// The system tells.
    Native,
    /// By looking again and again: the system does not tell for this folder.
    Polling,
}

/// What is known of the watch over an agent's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WatchStatus {
    /// Whose folder.
    pub agent: AgentName,
    /// How changes are noticed.
    pub mode: WatchMode,
    /// Why it polls, or why it is off although it should watch; empty otherwise.
    #[serde(default)]
    pub why: String,
    /// Files watched.
    #[serde(default)]
    pub files: u64,
    /// An instance waits with everything but the agent's own code loaded.
    #[serde(default)]
    pub warm: bool,
    /// Why the folder cannot be watched now (it is gone, unmounted, unreadable); it is looked at again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// `GET /agents/{agent}/updates`: what each save did, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListUpdates {
    /// Which.
    pub agent: AgentName,
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What is done about a changed file, from the least to the most.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UpdateAction {
    /// It does not reach the agent.
    #[default]
    Nothing,
    /// The card is read again; the program goes on.
    Card,
    /// It is put where the running program reads it; the program goes on.
    Sync,
    /// It is put in place and the program starts anew, beside the old one.
    Restart,
    /// What it needs is installed first.
    Environment,
    /// The image is built.
    Rebuild,
}

impl UpdateAction {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Card => "card",
            Self::Sync => "sync",
            Self::Restart => "restart",
            Self::Environment => "environment",
            Self::Rebuild => "rebuild",
        }
    }
}

/// How a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FileChangeKind {
    /// It is new.
    Added,
    /// Its content or its target differs.
    Modified,
    /// It is gone.
    Removed,
    /// Only whether it may be executed differs.
    Mode,
}

/// One changed file and what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileUpdate {
    /// Relative to the folder.
    pub path: String,
    /// How it changed.
    pub change: FileChangeKind,
    /// What is done about it.
    pub action: UpdateAction,
    /// The reason, e.g. `COPY src/ is after the last RUN (Dockerfile:9)`.
    pub why: String,
}

/// Where an update stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UpdateState {
    /// Under way.
    Applying,
    /// The agent answers with it.
    Live,
    /// There was nothing to do.
    Unchanged,
    /// It could not be made live; the version before goes on answering.
    Failed,
    /// A newer save overtook it before it was live.
    Superseded,
}

/// How long after the save each step was done, in seconds; each includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpdateSeconds {
    /// The change was noticed.
    pub seen: f64,
    /// The burst was gathered, compared, and what to do was decided.
    pub decided: f64,
    /// Files, environment or image are in place and the program was let go.
    pub applied: f64,
    /// The new version answers behind the gateway.
    pub answered: f64,
}

/// What one save (or a burst of them) did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// Its id.
    pub id: UpdateId,
    /// Of which agent.
    pub agent: AgentName,
    /// When the first change of it was made, Unix milliseconds.
    pub at: i64,
    /// Where it stands.
    pub state: UpdateState,
    /// The most that any file asks for.
    pub action: UpdateAction,
    /// Why that, in one sentence.
    pub why: String,
    /// The changed files, at most 100.
    pub files: Vec<FileUpdate>,
    /// How many files changed in all.
    pub files_total: u64,
    /// How long each step took from the save on.
    #[serde(default)]
    pub seconds: UpdateSeconds,
    /// It was started from an instance that waited warm.
    #[serde(default)]
    pub warm: bool,
    /// The content it brought (BLAKE3, hex).
    pub content_hash: String,
    /// The job that rebuilds, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Why it failed: file, line, the exact lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// `POST /agents/{agent}/pins`: a question that is asked again after each update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatePin {
    /// Of which agent.
    pub agent: AgentName,
    /// The question.
    pub text: String,
}

/// `GET /agents/{agent}/pins`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListPins {
    /// Of which agent.
    pub agent: AgentName,
}

/// `DELETE /agents/{agent}/pins/{pin}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeletePin {
    /// Of which agent.
    pub agent: AgentName,
    /// Which.
    pub pin: PinId,
}

/// `POST /agents/{agent}/pins/{pin}/accept`: the latest answer becomes the one that later ones are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AcceptPin {
    /// Of which agent.
    pub agent: AgentName,
    /// Which.
    pub pin: PinId,
}

/// `POST /agents/{agent}/pins/run`: ask all of them again now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunPins {
    /// Of which agent.
    pub agent: AgentName,
}

/// `GET /agents/{agent}/pins/{pin}/answers`: newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListPinAnswers {
    /// Of which agent.
    pub agent: AgentName,
    /// Which.
    pub pin: PinId,
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How a pin's latest answer compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PinState {
    /// Not asked yet.
    #[default]
    Waiting,
    /// Being asked.
    Asking,
    /// The answer is the accepted one.
    Pass,
    /// The answer differs from the accepted one.
    Changed,
    /// There was no answer.
    Failed,
}

/// A question that is asked again after each update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Its id.
    pub id: PinId,
    /// Of which agent.
    pub agent: AgentName,
    /// The question.
    pub text: String,
    /// Unix milliseconds.
    pub created: i64,
    /// How the latest answer compares.
    pub state: PinState,
    /// The accepted answer: the first one, until another is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<PinAnswer>,
    /// The latest answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<PinAnswer>,
}

/// One answer to a pinned question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PinAnswer {
    /// Unix milliseconds.
    pub at: i64,
    /// After which update; none when it was asked by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateId>,
    /// The content that answered (BLAKE3, hex).
    pub content_hash: String,
    /// The whole answer.
    pub text: String,
    /// The answer's trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// Milliseconds to the end of the answer.
    pub duration_ms: u64,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}
