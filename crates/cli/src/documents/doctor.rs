//! What the doctor says, for scripts.

use nasiko_contract::{Check, CheckGroup, CheckState};
use serde::Serialize;

/// A check.
#[derive(Debug, Serialize)]
pub(crate) struct CheckDocument {
    check: String,
    state: CheckState,
    cause: String,
    evidence: Vec<String>,
    fix: Option<FixDocument>,
    title: String,
    group: CheckGroup,
    hint: Option<String>,
    command: Option<String>,
    agent: Option<String>,
    /// What `--fix` did about it; null where there was nothing to do.
    fixed: Option<String>,
}

#[derive(Debug, Serialize)]
struct FixDocument {
    label: String,
    what: String,
}

impl CheckDocument {
    pub(crate) fn new(check: Check, fixed: Option<String>) -> Self {
        Self {
            check: check.check,
            state: check.state,
            cause: check.cause,
            evidence: check.evidence,
            fix: check.fix.map(|fix| FixDocument {
                label: fix.label,
                what: fix.what,
            }),
            title: check.title,
            group: check.group,
            hint: check.hint,
            command: check.command,
            agent: check.agent.map(|agent| agent.0),
            fixed,
        }
    }
}

/// `--report`.
#[derive(Debug, Serialize)]
pub(crate) struct ReportDocument {
    pub(crate) report: String,
}
