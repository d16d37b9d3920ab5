//! Of the doctor's page.

pub(crate) const TITLE: &str = "Doctor";
pub(crate) const LOOKING: &str = "Looking…";
pub(crate) const READING: &str = "engine, machine, network, files and agents";
/// Before the name of the one agent that is looked at.
pub(crate) const OF_AGENT: &str = "of";
pub(crate) const CHECK_EVERYTHING: &str = "Check everything";
pub(crate) const CHECK_AGAIN: &str = "Check again";
pub(crate) const STOP: &str = "Stop";
pub(crate) const BROKE_OFF: &str = "The control plane ended before it had looked at everything";
/// Of the bar that says how far a look is.
pub(crate) const PROGRESS: &str = "Checks that have ended";

/// How many of the checks have ended, and what is still looked at.
pub(crate) fn progress(done: u32, total: u32, looking: &[String]) -> String {
    match looking {
        [] => format!("{done} of {total}"),
        open => format!("{done} of {total} · {}", open.join(", ")),
    }
}

// A check.
pub(crate) const COMMAND: &str = "command";
pub(crate) const FIXING: &str = "At it";

/// The report for others.
pub(crate) mod report {
    pub(crate) const TITLE: &str = "Report";
    pub(crate) const READING: &str = "everything once more";
    pub(crate) const PROMISE: &str = "Without secrets, your name, and the path of your home. Names of your agents are in it, and what their tools said.";
    pub(crate) const TEXT: &str = "The report";
}

/// Of several checks at once.
pub(crate) mod checks {
    use crate::words::common::counted;

    pub(crate) fn nothing_wrong(checks: usize) -> String {
        format!("Nothing is wrong, by {}", counted(checks as u64, "check"))
    }

    pub(crate) fn warnings(warnings: usize, checks: usize) -> String {
        format!("{} of {checks} checks", counted(warnings as u64, "warning"))
    }

    pub(crate) fn failed(failed: usize, checks: usize) -> String {
        format!("{failed} of {checks} checks failed")
    }

    pub(crate) fn failed_and_warnings(failed: usize, warnings: usize, checks: usize) -> String {
        let warnings = counted(warnings as u64, "warning");
        format!("{failed} of {checks} checks failed, {warnings}")
    }

    /// Of the checks of a group that need nobody; `alone` where the group has no others.
    pub(crate) fn rest(checks: usize, skipped: usize, alone: bool) -> String {
        let all = if alone {
            counted(checks as u64, "check")
        } else {
            format!("{checks} more")
        };
        match skipped {
            0 if alone && checks > 1 => format!("{all}, all fine"),
            0 => format!("{all}, fine"),
            _ if skipped == checks => format!("{all}, not looked at"),
            _ => format!("{all}, {skipped} not looked at"),
        }
    }
}
