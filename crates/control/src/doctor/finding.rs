//! What a check is, and what it finds.

use nasiko_contract::{AgentName, Check, CheckFix, CheckGroup, CheckState, Fault};

/// A check, whatever it finds.
#[derive(Debug)]
pub(super) struct Spec {
    /// Stable: people and scripts know it by this.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) group: CheckGroup,
}

/// What was found.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) state: CheckState,
    pub(super) cause: String,
    pub(super) evidence: Vec<String>,
    pub(super) hint: Option<String>,
    pub(super) command: Option<String>,
    pub(super) fix: Option<CheckFix>,
}

impl Finding {
    fn new(state: CheckState, cause: impl Into<String>) -> Self {
        Self {
            state,
            cause: cause.into(),
            evidence: Vec::new(),
            hint: None,
            command: None,
            fix: None,
        }
    }

    pub(super) fn ok(cause: impl Into<String>) -> Self {
        Self::new(CheckState::Ok, cause)
    }

    pub(super) fn warning(cause: impl Into<String>) -> Self {
        Self::new(CheckState::Warning, cause)
    }

    pub(super) fn failed(cause: impl Into<String>) -> Self {
        Self::new(CheckState::Failed, cause)
    }

    pub(super) fn skipped(cause: impl Into<String>) -> Self {
        Self::new(CheckState::Skipped, cause)
    }

    /// Failed if it keeps something from working now, a warning if it only may.
    pub(super) fn failed_if(it_matters_now: bool, cause: impl Into<String>) -> Self {
        if it_matters_now {
            Self::failed(cause)
        } else {
            Self::warning(cause)
        }
    }

    /// Could not be looked at, in the system's words.
    pub(super) fn unreadable(what: &str, error: &dyn std::error::Error) -> Self {
        Self::skipped(format!("{what} cannot be looked at")).evidence([error.to_string()])
    }

    /// What a fault says.
    pub(super) fn of_fault(state: CheckState, fault: Fault) -> Self {
        let mut finding = Self::new(state, fault.message).evidence(fault.evidence);
        finding.hint = fault.hint;
        finding
    }

    /// The last [`Fault::MAX_EVIDENCE`] lines are kept.
    pub(super) fn evidence(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.evidence.extend(lines.into_iter().map(Into::into));
        let surplus = self.evidence.len().saturating_sub(Fault::MAX_EVIDENCE);
        self.evidence.drain(..surplus);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A command that a person can type: what the doctor may not do itself.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    pub(super) fn fix(mut self, label: &str, what: impl Into<String>) -> Self {
        self.fix = Some(CheckFix {
            label: label.to_owned(),
            what: what.into(),
        });
        self
    }

    /// The finding of a check, as everybody sees it.
    pub(super) fn of(self, spec: &Spec, agent: Option<AgentName>) -> Check {
        Check {
            check: spec.id.to_owned(),
            title: spec.title.to_owned(),
            group: spec.group,
            state: self.state,
            cause: self.cause,
            evidence: self.evidence,
            hint: self.hint,
            command: self.command,
            fix: self.fix,
            agent,
        }
    }
}
