//! Of the pages of logs.

use super::common::counted;

pub(crate) const TITLE: &str = "Logs";
pub(crate) const LOG_OF_ALL: &str = "Log of all";

pub(crate) fn log_of(agent: &str) -> String {
    format!("Log of {agent}")
}

/// Who writes: how many agents, and how many services if there are any.
pub(crate) fn writers(agents: usize, services: usize) -> String {
    let agents = counted(agents as u64, "agent");
    match services {
        0 => agents,
        _ => format!("{agents} and {}", counted(services as u64, "service")),
    }
}

// Whose lines, and which.
pub(crate) const SOURCE: &str = "Whose lines";
pub(crate) const EVERYONE: &str = "Agents and services";
pub(crate) const ALL_AGENTS: &str = "All agents";
pub(crate) const LEVEL: &str = "Least level";

/// From which level on lines are shown.
pub(crate) mod level {
    pub(crate) const ALL: &str = "All levels";
    pub(crate) const INFO: &str = "Info and above";
    pub(crate) const WARNING: &str = "Warnings and errors";
    pub(crate) const ERROR: &str = "Errors";
}
