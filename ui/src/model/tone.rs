//! States as they are shown: a shape, a word and a tone each. Colour alone never says anything.

use nasiko_contract::{
    AgentState, AgentSummary, BuildState, DeploymentState, FileChangeKind, Job, JobKind, JobState,
    PinState, Protocol, RuntimeKind, Severity, UpdateState,
};

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
        AgentState::SettingUp => (Tone::Busy, "Setting up"),
        AgentState::Active => (Tone::Ok, "Running"),
        AgentState::Stopped => (Tone::Idle, "Stopped"),
        AgentState::Failed => (Tone::Bad, "Failed"),
    }
}

/// A job's state.
pub(crate) fn job(state: JobState) -> (Tone, &'static str) {
    match state {
        JobState::Queued => (Tone::Busy, "Queued"),
        JobState::Running => (Tone::Busy, "Running"),
        JobState::Succeeded => (Tone::Ok, "Done"),
        JobState::Failed => (Tone::Bad, "Failed"),
        JobState::Cancelled => (Tone::Idle, "Cancelled"),
        JobState::Dead => (Tone::Bad, "Given up"),
    }
}

/// What a job is doing, in its own words where it has some.
pub(crate) fn job_step(job: &Job) -> String {
    match (job.cancelling, job.step.is_empty()) {
        (true, _) if !job.state.is_final() => "Stopping".to_owned(),
        (_, true) => self::job(job.state).1.to_owned(),
        (_, false) => job.step.clone(),
    }
}

/// What a job does, to follow the agent's name or stand alone.
pub(crate) fn job_kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Deploy => "Deploy",
        JobKind::Start => "Start",
        JobKind::Stop => "Stop",
        JobKind::Restart => "Restart",
        JobKind::Rebuild => "Rebuild",
        JobKind::Delete => "Delete",
        JobKind::StackUp => "Stack up",
        JobKind::StackDown => "Stack down",
    }
}

/// A deployment's state.
pub(crate) fn deployment(state: DeploymentState) -> (Tone, &'static str) {
    match state {
        DeploymentState::Starting => (Tone::Busy, "Starting"),
        DeploymentState::Running => (Tone::Ok, "Running"),
        DeploymentState::Stopped => (Tone::Idle, "Stopped"),
        DeploymentState::Failed => (Tone::Bad, "Failed"),
        DeploymentState::Crashed => (Tone::Bad, "Crashed"),
    }
}

/// A build's state.
pub(crate) fn build(state: BuildState) -> (Tone, &'static str) {
    match state {
        BuildState::Queued => (Tone::Busy, "Queued"),
        BuildState::Building => (Tone::Busy, "Building"),
        BuildState::Succeeded => (Tone::Ok, "Built"),
        BuildState::Failed => (Tone::Bad, "Failed"),
    }
}

/// How much a finding matters.
pub(crate) fn severity(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Info => (Tone::Idle, "Note"),
        Severity::Warning => (Tone::Busy, "Warning"),
        Severity::Error => (Tone::Bad, "Error"),
    }
}

/// Where an agent runs.
pub(crate) fn runtime(kind: RuntimeKind) -> &'static str {
    match kind {
        RuntimeKind::Process => "Process",
        RuntimeKind::Docker => "Docker",
    }
}

/// How an agent is spoken to.
pub(crate) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::A2aV1 => "A2A 1.0",
        Protocol::A2aV0 => "A2A 0.3",
        Protocol::Rest => "REST",
        Protocol::Openai => "OpenAI-style",
        Protocol::Unknown => "Not known yet",
    }
}

/// An update's state. A failed one leaves what was good, so it is named by what did not happen.
pub(crate) fn update(state: UpdateState) -> (Tone, &'static str) {
    match state {
        UpdateState::Applying => (Tone::Busy, "Applying"),
        UpdateState::Live => (Tone::Ok, "Live"),
        UpdateState::Unchanged => (Tone::Idle, "Unchanged"),
        UpdateState::Failed => (Tone::Bad, "Not applied"),
        UpdateState::Superseded => (Tone::Idle, "Overtaken"),
    }
}

/// How a file changed.
pub(crate) fn file_change(kind: FileChangeKind) -> &'static str {
    match kind {
        FileChangeKind::Added => "added",
        FileChangeKind::Modified => "changed",
        FileChangeKind::Removed => "removed",
        FileChangeKind::Mode => "mode",
    }
}

/// How a pinned question's latest answer compares.
pub(crate) fn pin(state: PinState) -> (Tone, &'static str) {
    match state {
        PinState::Waiting => (Tone::Idle, "Not asked yet"),
        PinState::Asking => (Tone::Busy, "Asking"),
        PinState::Pass => (Tone::Ok, "Same answer"),
        PinState::Changed => (Tone::Differs, "Changed"),
        PinState::Failed => (Tone::Bad, "No answer"),
    }
}
