//! States as they are shown: a shape, a word and a tone each. Colour alone never says anything.

use nasiko_contract::{
    AgentState, AgentSummary, BuildState, DeploymentState, FileChangeKind, Job, JobKind, JobState,
    PinState, Protocol, RuntimeKind, Severity, UpdateState,
};

use crate::words::states;

/// What a state means for a person; each has one shape and one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Good: a full disc.
    Ok,
    /// Under way: a turning ring.
    Busy,
    /// Failed: a diamond.
    Bad,
    /// At rest: a hollow ring.
    Idle,
    /// Not as it was, which may be meant: a triangle.
    Differs,
}

impl Tone {
    /// The class that the styles know it by.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Busy => "busy",
            Self::Bad => "bad",
            Self::Idle => "idle",
            Self::Differs => "differs",
        }
    }
}

/// An agent's state: what it is doing now wins over what it is.
pub(crate) fn agent(summary: &AgentSummary) -> (Tone, String) {
    if !summary.activity.is_empty() {
        return (Tone::Busy, summary.activity.clone());
    }
    let (tone, word) = agent_state(summary.state);
    (tone, word.to_owned())
}

/// What an agent is.
pub(crate) fn agent_state(state: AgentState) -> (Tone, &'static str) {
    match state {
        AgentState::SettingUp => (Tone::Busy, states::agent::SETTING_UP),
        AgentState::Active => (Tone::Ok, states::agent::RUNNING),
        AgentState::Stopped => (Tone::Idle, states::agent::STOPPED),
        AgentState::Failed => (Tone::Bad, states::agent::FAILED),
    }
}

/// A job's state.
pub(crate) fn job(state: JobState) -> (Tone, &'static str) {
    match state {
        JobState::Queued => (Tone::Busy, states::job::QUEUED),
        JobState::Running => (Tone::Busy, states::job::RUNNING),
        JobState::Succeeded => (Tone::Ok, states::job::DONE),
        JobState::Failed => (Tone::Bad, states::job::FAILED),
        JobState::Cancelled => (Tone::Idle, states::job::CANCELLED),
        JobState::Dead => (Tone::Bad, states::job::GIVEN_UP),
    }
}

/// What a job is doing, in its own words where it has some.
pub(crate) fn job_step(job: &Job) -> String {
    match (job.cancelling, job.step.is_empty()) {
        (true, _) if !job.state.is_final() => states::job::STOPPING.to_owned(),
        (_, true) => self::job(job.state).1.to_owned(),
        (_, false) => job.step.clone(),
    }
}

/// What a job does, to follow the agent's name or stand alone.
pub(crate) fn job_kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Deploy => states::job_kind::DEPLOY,
        JobKind::Start => states::job_kind::START,
        JobKind::Stop => states::job_kind::STOP,
        JobKind::Restart => states::job_kind::RESTART,
        JobKind::Rebuild => states::job_kind::REBUILD,
        JobKind::Delete => states::job_kind::DELETE,
        JobKind::StackUp => states::job_kind::STACK_UP,
        JobKind::StackDown => states::job_kind::STACK_DOWN,
    }
}

/// A deployment's state.
pub(crate) fn deployment(state: DeploymentState) -> (Tone, &'static str) {
    match state {
        DeploymentState::Starting => (Tone::Busy, states::deployment::STARTING),
        DeploymentState::Running => (Tone::Ok, states::deployment::RUNNING),
        DeploymentState::Stopped => (Tone::Idle, states::deployment::STOPPED),
        DeploymentState::Failed => (Tone::Bad, states::deployment::FAILED),
        DeploymentState::Crashed => (Tone::Bad, states::deployment::CRASHED),
    }
}

/// A build's state.
pub(crate) fn build(state: BuildState) -> (Tone, &'static str) {
    match state {
        BuildState::Queued => (Tone::Busy, states::build::QUEUED),
        BuildState::Building => (Tone::Busy, states::build::BUILDING),
        BuildState::Succeeded => (Tone::Ok, states::build::BUILT),
        BuildState::Failed => (Tone::Bad, states::build::FAILED),
    }
}

/// How much a finding matters.
pub(crate) fn severity(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Info => (Tone::Idle, states::severity::NOTE),
        Severity::Warning => (Tone::Busy, states::severity::WARNING),
        Severity::Error => (Tone::Bad, states::severity::ERROR),
    }
}

/// Where an agent runs.
pub(crate) fn runtime(kind: RuntimeKind) -> &'static str {
    match kind {
        RuntimeKind::Process => states::runtime::PROCESS,
        RuntimeKind::Docker => states::runtime::DOCKER,
    }
}

/// How an agent is spoken to.
pub(crate) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::A2aV1 => states::protocol::A2A_V1,
        Protocol::A2aV0 => states::protocol::A2A_V0,
        Protocol::Rest => states::protocol::REST,
        Protocol::Openai => states::protocol::OPENAI,
        Protocol::Unknown => states::protocol::UNKNOWN,
    }
}

/// An update's state. A failed one leaves what was good, so it is named by what did not happen.
pub(crate) fn update(state: UpdateState) -> (Tone, &'static str) {
    match state {
        UpdateState::Applying => (Tone::Busy, states::update::APPLYING),
        UpdateState::Live => (Tone::Ok, states::update::LIVE),
        UpdateState::Unchanged => (Tone::Idle, states::update::UNCHANGED),
        UpdateState::Failed => (Tone::Bad, states::update::NOT_APPLIED),
        UpdateState::Superseded => (Tone::Idle, states::update::OVERTAKEN),
    }
}

/// How a file changed.
pub(crate) fn file_change(kind: FileChangeKind) -> &'static str {
    match kind {
        FileChangeKind::Added => states::file::ADDED,
        FileChangeKind::Modified => states::file::CHANGED,
        FileChangeKind::Removed => states::file::REMOVED,
        FileChangeKind::Mode => states::file::MODE,
    }
}

/// How a pinned question's latest answer compares.
pub(crate) fn pin(state: PinState) -> (Tone, &'static str) {
    match state {
        PinState::Waiting => (Tone::Idle, states::pin::NOT_ASKED),
        PinState::Asking => (Tone::Busy, states::pin::ASKING),
        PinState::Pass => (Tone::Ok, states::pin::SAME),
        PinState::Changed => (Tone::Differs, states::pin::CHANGED),
        PinState::Failed => (Tone::Bad, states::pin::NO_ANSWER),
    }
}
