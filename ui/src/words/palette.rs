//! Of the command palette.

use crate::model::format::count;

pub(crate) const TITLE: &str = "Search or run";
pub(crate) const INVITATION: &str = "An agent, a page, a conversation, or what to do";
pub(crate) const INVITATION_OF_ONE: &str = "What to do with it";

// What was found.
pub(crate) const FOUND: &str = "Found";
pub(crate) const NOTHING: &str = "Nothing is called like that";
pub(crate) const NOTHING_TEXT: &str = "Letters count in their order: ivr finds invoice-reader.";

pub(crate) fn found(many: usize) -> String {
    format!("{many} found")
}

pub(crate) fn shown_of(shown: usize, all: usize) -> String {
    format!("{} of {}", count(shown as u64), count(all as u64))
}

/// Keys, and what they do in it.
pub(crate) const KEYS: [(&str, &str); 3] = [("Enter", "run"), ("Tab", "more"), ("Esc", "close")];
/// After the shortcut that shows them.
pub(crate) const ALL_SHORTCUTS: &str = "all shortcuts";
