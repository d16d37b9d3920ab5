//! The last thing that happened to an agent, and what was done.

use super::common::counted;

pub(crate) const IT_FAILED: &str = "it failed";

pub(crate) const DEPLOYED: &str = "deployed";
pub(crate) const STARTED: &str = "started";
pub(crate) const STOPPED: &str = "stopped";
pub(crate) const RESTARTED: &str = "restarted";
pub(crate) const REBUILT: &str = "rebuilt";
pub(crate) const DELETED: &str = "deleted";
pub(crate) const BROUGHT_UP: &str = "brought up";
pub(crate) const TAKEN_DOWN: &str = "taken down";

pub(crate) fn keeps_answering(step: &str, version: &str) -> String {
    format!("{step}; v{version} keeps answering")
}

pub(crate) fn kept(version: &str, why: &str) -> String {
    format!("keeps v{version}: {why}")
}

/// `done` is one of the words above.
pub(crate) fn done(done: &str, age: &str, took: Option<&str>, restarts: u32) -> String {
    let took = took.map_or(String::new(), |took| format!(" in {took}"));
    format!("{done} {age}{took}{}", and_restarts(restarts))
}

pub(crate) fn since(age: &str, restarts: u32) -> String {
    format!("{age}{}", and_restarts(restarts))
}

fn and_restarts(restarts: u32) -> String {
    match restarts {
        0 => String::new(),
        many => format!(", {}", counted(many.into(), "restart")),
    }
}
