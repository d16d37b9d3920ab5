//! What stands around all pages.

pub(crate) const SKIP: &str = "Skip to content";
pub(crate) const NOT_FOUND: &str = "Not found";
pub(crate) const TO_AGENTS: &str = "Go to the agents";
pub(crate) const PUT_AWAY: &str = "Put away";

pub(crate) fn connection_lost(why: &str) -> String {
    format!("{why}. Trying again; what is shown may be out of date.")
}
