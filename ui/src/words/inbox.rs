//! The inbox: what happened while nobody looked.

pub(crate) const TITLE: &str = "Inbox";
pub(crate) const NOTICES: &str = "Notices";
pub(crate) const READING: &str = "the inbox";
pub(crate) const NOTHING: &str = "Nothing has happened that you have not seen";
pub(crate) const WHAT_IS_TOLD: &str = "Crashes, deploys and trouble with the stack are told here, also what came in \
    quiet hours.";
pub(crate) const READ_ALL: &str = "Mark all as read";
pub(crate) const CLEAR: &str = "Clear";
/// Of a notice that was not shown as it came.
pub(crate) const QUIET: &str = "Quiet";
pub(crate) const QUIET_MEANS: &str = "It came in quiet hours, or while notifications were off";
/// Of a notice, for screen readers.
pub(crate) const UNREAD: &str = "(unread)";

pub(crate) fn unread(count: usize) -> String {
    match count {
        0 => "All read".to_owned(),
        many => format!("{many} unread"),
    }
}

pub(crate) fn clear(notice: &str) -> String {
    format!("Clear: {notice}")
}
