//! Words that mean the same wherever they stand.

// On buttons.
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const KEEP: &str = "Keep";
pub(crate) const PUT_BACK: &str = "Put back";
pub(crate) const REBUILD: &str = "Rebuild";
pub(crate) const REMOVE: &str = "Remove";
pub(crate) const RESTART: &str = "Restart";
pub(crate) const START: &str = "Start";
pub(crate) const STOP: &str = "Stop";
pub(crate) const TRY_AGAIN: &str = "Try again";
