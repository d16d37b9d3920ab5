//! What states are called, in one word or a few.

use crate::model::format;

pub(crate) fn answering(active: usize, total: usize) -> String {
    let many = |number: usize| format::count(number as u64);
    format!("{} of {} answer", many(active), many(total))
}

pub(crate) mod agent {
    pub(crate) const SETTING_UP: &str = "Setting up";
    pub(crate) const RUNNING: &str = "Running";
    pub(crate) const STOPPED: &str = "Stopped";
    pub(crate) const FAILED: &str = "Failed";
}

pub(crate) mod job {
    pub(crate) const QUEUED: &str = "Queued";
    pub(crate) const RUNNING: &str = "Running";
    pub(crate) const DONE: &str = "Done";
    pub(crate) const FAILED: &str = "Failed";
    pub(crate) const CANCELLED: &str = "Cancelled";
    pub(crate) const GIVEN_UP: &str = "Given up";
    pub(crate) const STOPPING: &str = "Stopping";
}

/// What a job does; follows the agent's name or stands alone.
pub(crate) mod job_kind {
    pub(crate) const DEPLOY: &str = "Deploy";
    pub(crate) const START: &str = "Start";
    pub(crate) const STOP: &str = "Stop";
    pub(crate) const RESTART: &str = "Restart";
    pub(crate) const REBUILD: &str = "Rebuild";
    pub(crate) const DELETE: &str = "Delete";
    pub(crate) const STACK_UP: &str = "Stack up";
    pub(crate) const STACK_DOWN: &str = "Stack down";
}

pub(crate) mod deployment {
    pub(crate) const STARTING: &str = "Starting";
    pub(crate) const RUNNING: &str = "Running";
    pub(crate) const STOPPED: &str = "Stopped";
    pub(crate) const FAILED: &str = "Failed";
    pub(crate) const CRASHED: &str = "Crashed";
}

pub(crate) mod build {
    pub(crate) const QUEUED: &str = "Queued";
    pub(crate) const BUILDING: &str = "Building";
    pub(crate) const BUILT: &str = "Built";
    pub(crate) const FAILED: &str = "Failed";
}

/// How much a finding matters.
pub(crate) mod severity {
    pub(crate) const NOTE: &str = "Note";
    pub(crate) const WARNING: &str = "Warning";
    pub(crate) const ERROR: &str = "Error";
}

/// Where an agent runs.
pub(crate) mod runtime {
    pub(crate) const PROCESS: &str = "Process";
    pub(crate) const DOCKER: &str = "Docker";
}

/// How an agent is spoken to.
pub(crate) mod protocol {
    pub(crate) const A2A_V1: &str = "A2A 1.0";
    pub(crate) const A2A_V0: &str = "A2A 0.3";
    pub(crate) const REST: &str = "REST";
    pub(crate) const OPENAI: &str = "OpenAI-style";
    pub(crate) const UNKNOWN: &str = "Not known yet";
}

/// What became of a save.
pub(crate) mod update {
    pub(crate) const APPLYING: &str = "Applying";
    pub(crate) const LIVE: &str = "Live";
    pub(crate) const UNCHANGED: &str = "Unchanged";
    pub(crate) const NOT_APPLIED: &str = "Not applied";
    pub(crate) const OVERTAKEN: &str = "Overtaken";
}

/// How a file changed.
pub(crate) mod file {
    pub(crate) const ADDED: &str = "added";
    pub(crate) const CHANGED: &str = "changed";
    pub(crate) const REMOVED: &str = "removed";
    pub(crate) const MODE: &str = "mode";
}

/// How the latest answer to a pinned question compares with the accepted one.
pub(crate) mod pin {
    pub(crate) const NOT_ASKED: &str = "Not asked yet";
    pub(crate) const ASKING: &str = "Asking";
    pub(crate) const SAME: &str = "Same answer";
    pub(crate) const CHANGED: &str = "Changed";
    pub(crate) const NO_ANSWER: &str = "No answer";
    // Of earlier answers.
    pub(crate) const ACCEPTED: &str = "Accepted";
    pub(crate) const NOT_COMPARED: &str = "Not compared";

    // How many pins stand so, in a list of such.
    pub(crate) fn unanswered(pins: usize) -> String {
        format!("{pins} without an answer")
    }

    pub(crate) fn changed(pins: usize) -> String {
        format!("{pins} changed")
    }

    pub(crate) fn being_asked(pins: usize) -> String {
        format!("{pins} being asked")
    }

    pub(crate) fn same(pins: usize) -> String {
        format!("{pins} the same")
    }

    pub(crate) fn not_asked(pins: usize) -> String {
        format!("{pins} not asked yet")
    }
}

/// How a check of the doctor came out.
pub(crate) mod check {
    pub(crate) const FINE: &str = "Fine";
    pub(crate) const WARNING: &str = "Warning";
    pub(crate) const FAILED: &str = "Failed";
    pub(crate) const NOT_LOOKED_AT: &str = "Not looked at";
}

/// A conversation's answer on its way.
pub(crate) mod answer {
    pub(crate) const STOPPING: &str = "stopping…";
    pub(crate) const ANSWERING: &str = "answering…";
    pub(crate) const INPUT_REQUIRED: &str = "waiting for your answer";
    pub(crate) const AUTH_REQUIRED: &str = "waiting for authorisation";
}

/// What kind of work a span is.
pub(crate) mod span {
    pub(crate) const NASIKO: &str = "Nasiko";
    pub(crate) const MODEL: &str = "model";
    pub(crate) const WORK: &str = "work";
    pub(crate) const CALL: &str = "call";
    pub(crate) const TOOL: &str = "tool";
    pub(crate) const DATABASE: &str = "database";
}

/// What a notice of the inbox tells of.
pub(crate) mod notice {
    pub(crate) const CRASHED: &str = "Crashed";
    pub(crate) const RECOVERED: &str = "Recovered";
    pub(crate) const DEPLOYED: &str = "Deployed";
    pub(crate) const DEPLOY_FAILED: &str = "Deploy failed";
    pub(crate) const STACK: &str = "Stack";
    pub(crate) const UPDATE: &str = "Update";
    pub(crate) const DOCTOR: &str = "Doctor";
}
