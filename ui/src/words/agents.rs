//! Of the list of agents, wherever it is shown.

use crate::model::format;

pub(crate) const READING: &str = "agents";
pub(crate) const ALL: &str = "All agents";

// What is wanted of it.
pub(crate) const FILTER: &str = "Filter agents by words";
pub(crate) const ANY_STATE: &str = "All states";

/// The headings of its columns that are its own.
pub(crate) mod column {
    pub(crate) const NAME: &str = "Name";
    pub(crate) const RUNTIME: &str = "Runs as";
    pub(crate) const ADDRESS: &str = "Address";
    pub(crate) const LATENCY: &str = "p95";
    pub(crate) const CHANGE: &str = "Last change";
}

/// The mark of an agent that is kept in step with its folder.
pub(crate) const LIVE: &str = "live";

// Those that failed.
pub(crate) fn silent(agent: &str) -> String {
    format!("{agent} does not answer")
}

pub(crate) fn more_silent(many: usize) -> String {
    let many = format::count(many as u64);
    format!("{many} more do not answer; the list by state has them first.")
}
