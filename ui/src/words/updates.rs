//! What each save of an agent's folder did.

pub(crate) const READING: &str = "what its saves did";
pub(crate) const WARM: &str = "warm";

/// A sentence whose second part is the way to the chat.
pub(crate) const HOW_TO_PIN: [&str; 3] = [
    "Pin a question in ",
    "Chat",
    ", and it is asked again after each update.",
];
pub(crate) const NOT_WATCHABLE: &str = "Its folder cannot be watched now";

// There was none yet.
pub(crate) const NONE: &str = "No save yet";
pub(crate) const NOT_WATCHED: &str = "Its folder is not watched";
pub(crate) const GO_LIVE: &str = "Go live";

/// What to do for a save to appear.
pub(crate) fn save_a_file(folder: Option<&str>) -> String {
    let place = place(folder);
    format!("Save a file in {place}: what it did, and why, appears here.")
}

/// What to do for saves to count.
pub(crate) fn switch_it_live(folder: Option<&str>) -> String {
    let place = place(folder);
    format!("Switch it live, and a save in {place} is live by itself.")
}

fn place(folder: Option<&str>) -> String {
    folder.map_or("its folder".to_owned(), |folder| format!("`{folder}`"))
}

/// The saves, newest first.
pub(crate) mod list {
    pub(crate) const TITLE: &str = "Saves";
    pub(crate) const SHOW_NEWEST: &str = "Show newest";
    pub(crate) const FAILURES_ONLY: &str = "Failures only";
    pub(crate) const NONE_FAILED: &str = "No save has failed";
    pub(crate) const OLDER: &str = "Older saves";

    pub(crate) fn label(agent: &str) -> String {
        format!("Saves of {agent}: arrow keys choose, Escape goes back to the newest")
    }

    /// A row in one sentence, for screen readers.
    pub(crate) fn row(
        file: &str,
        action: &str,
        state: &str,
        took: Option<&str>,
        why: &str,
    ) -> String {
        let took = took.map_or(String::new(), |took| format!(" in {took}"));
        format!("{file}, {action}, {state}{took}, {why}")
    }
}

/// One save in full.
pub(crate) mod detail {
    pub(crate) const CHOSEN: &str = "The chosen save";
    pub(crate) const NOT_SHOWN: &str = "That save is not among those shown";
    pub(crate) const MAYBE_OLDER: &str = "It may be older than what is kept.";
    pub(crate) const LOG: &str = "Log";
    /// Before the hash of what the folder held.
    pub(crate) const CONTENT: &str = "content";
    pub(crate) const FILES: &str = "Changed files";
    pub(crate) const STILL_ANSWERS: &str = "The last good version goes on answering";
    pub(crate) const NOT_ENDED: &str = "It was not brought to its end";
    pub(crate) const REBUILD: &str = "Rebuild in Activity";

    pub(crate) fn more_files(count: u64) -> String {
        let count = crate::model::format::count(count);
        format!("and {count} more")
    }
}

/// How long the last saves took to be answered.
pub(crate) mod times {
    pub(crate) const TITLE: &str = "Save to answer";
    pub(crate) const MEDIAN: &str = "Save to answer, median";
    pub(crate) const P95: &str = "p95";
    pub(crate) const LAST_SAVES: &str = "Last saves";
    pub(crate) const NOT_WARM: &str = "not warm";
    pub(crate) const NOT_APPLIED: &str = "not applied";

    pub(crate) fn sample(live: usize, failed: usize) -> String {
        match failed {
            0 => format!("{live} live"),
            failed => format!("{live} live, {failed} not applied"),
        }
    }
}
