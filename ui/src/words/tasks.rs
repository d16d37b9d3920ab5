//! Of the task tray.

use super::common::counted;

pub(crate) const TITLE: &str = "Tasks";
pub(crate) const ALL_ACTIVITY: &str = "All activity";
pub(crate) const NOTHING: &str = "Nothing is under way";
pub(crate) const NOTHING_TEXT: &str =
    "Deploys, starts and stops appear here, wherever they were asked for.";

/// The line that is always there.
pub(crate) fn sum(under_way: usize, failed: usize) -> String {
    match (under_way, failed) {
        (0, 0) => "No task under way".to_owned(),
        (0, failed) => format!("{} failed", counted(failed as u64, "task")),
        (many, _) => counted(many as u64, "task"),
    }
}

// A task.
pub(crate) const PROGRESS: &str = "Progress of the task";

/// `kind` is what it does, `about` with what.
pub(crate) fn cancel(kind: &str, about: &str) -> String {
    format!("Cancel {kind} {about}")
}
