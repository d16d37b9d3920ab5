//! The container engine that agents and the local stack run in.

pub(crate) const TITLE: &str = "Container engine";
pub(crate) const ENGINE: &str = "Engine";
pub(crate) const DOCKER: &str = "Docker";
pub(crate) const PODMAN: &str = "Podman";
/// What is copied.
pub(crate) const ADDRESS: &str = "engine's address";
pub(crate) const NONE: &str = "No engine";
pub(crate) const WITHOUT_ONE: &str = "Agents run as processes of this machine; those for Docker and the local stack \
    wait for an engine.";
pub(crate) const WHERE_ELSE: &str = "Other places where an engine may be";
pub(crate) const OTHER_PLACES: &str = "Other places";
pub(crate) const NAMED_BY: &str = "Named by";
pub(crate) const FOUND: &str = "Found";

/// Why it is that one.
pub(crate) fn chosen(why: &str) -> String {
    format!("Chosen: {why}")
}

pub(crate) fn other_places(count: usize) -> String {
    format!("Other places ({count})")
}

/// Who named a place, and what was found there.
pub(crate) fn place(named_by: &str, found: &str) -> String {
    format!("{named_by}: {found}")
}
