//! Words that mean the same wherever they stand.

use crate::model::format::count;

// On buttons.
pub(crate) const ADD_AGENT: &str = "Add agent";
pub(crate) const ASK_DOCTOR: &str = "Ask the doctor";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const KEEP: &str = "Keep";
pub(crate) const OPEN_LOG: &str = "Open log";
pub(crate) const PUT_BACK: &str = "Put back";
pub(crate) const REBUILD: &str = "Rebuild";
pub(crate) const REMOVE: &str = "Remove";
pub(crate) const RESTART: &str = "Restart";
pub(crate) const START: &str = "Start";
pub(crate) const STOP: &str = "Stop";
pub(crate) const TRY_AGAIN: &str = "Try again";
pub(crate) const UNDO: &str = "Undo";

// In fields that look for something.
pub(crate) const FILTER: &str = "Filter";
pub(crate) const SEARCH: &str = "Search";

// Headings of tables, labels of figures.
pub(crate) const ACTIONS: &str = "Actions";
pub(crate) const AGENT: &str = "Agent";
pub(crate) const AGENTS: &str = "Agents";
pub(crate) const CPU: &str = "CPU";
pub(crate) const MEMORY: &str = "Memory";
pub(crate) const SERVICES: &str = "Services";
pub(crate) const STATE: &str = "State";
pub(crate) const TOOK: &str = "Took";

// Where an address leads nowhere.
pub(crate) const NO_SUCH_PAGE: &str = "There is no such page";

// How the pages look.
pub(crate) const THEME: &str = "Theme";

/// What the window and the browser's tab are called while a page is shown.
pub(crate) fn window_title(page: &str) -> String {
    format!("{page} · Nasiko")
}

/// A count with its noun: `1 span`, `9 spans`. For sentences of this catalogue alone: other languages count otherwise.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_counted_otherwise_than_many() {
        assert_eq!(counted(1, "span"), "1 span");
        assert_eq!(counted(0, "span"), "0 spans");
        assert_eq!(counted(1_204, "span"), "1,204 spans");
    }
}
