//! The navigation. Its entries are called as their actions are.

pub(crate) const MAIN: &str = "Main";

// What the number of an entry counts.
pub(crate) const AGENTS: &str = "agents";
pub(crate) const SERVICES_WELL: &str = "services of the stack are well";
pub(crate) const JOBS_UNDER_WAY: &str = "jobs under way";
pub(crate) const UNREAD_NOTICES: &str = "unread notices";
pub(crate) const CHECKS_FAILED: &str = "checks failed";

// What the control plane says of itself.
pub(crate) const STATUS: &str = "Status";
pub(crate) const CONNECTED: &str = "Connected";
pub(crate) const CONNECTING: &str = "Connecting";
pub(crate) const GATEWAY: &str = "Gateway";
