//! What was dropped, pasted or chosen: how far each thing is, and why one cannot become an agent.

// How far it is.
pub(crate) const LOOKING: &str = "Looking";
pub(crate) const READY: &str = "Ready";
pub(crate) const NOT_DEPLOYABLE: &str = "Cannot be deployed";
pub(crate) const READ_LATER: &str = "Read when it is deployed";
pub(crate) const FAILED: &str = "Failed";
pub(crate) const RUNNING: &str = "Running";
pub(crate) const CANCELLED: &str = "Cancelled";
pub(crate) const DEPLOYING: &str = "Deploying";

pub(crate) fn sent_along(size: &str) -> String {
    format!("{size}, is sent along")
}

// Why it cannot.
pub(crate) const WHAT_AN_AGENT_IS: &str =
    "An agent is a folder, a zip or tar archive of one, or a git repository";
pub(crate) const GIVE_A_PATH: &str =
    "Copy its path and paste it here, or drop a zip of it; the desktop window takes folders";
pub(crate) const DROP_AGAIN: &str = "Drop it again";

pub(crate) fn not_an_archive(name: &str) -> String {
    format!("`{name}` is not an archive")
}

pub(crate) fn folder_of_unknown_place(name: &str) -> String {
    format!("The browser does not say where the folder `{name}` lies")
}

pub(crate) fn unreadable(name: &str) -> String {
    format!("`{name}` cannot be read any more")
}
