//! What a save did: its row, its steps, and how long saves take.

use super::common::counted;

// What is being done now.
pub(crate) const WAITING_FOR_ANSWER: &str = "Waiting for its answer";
pub(crate) const DECIDING: &str = "Deciding";
pub(crate) const FINISHING: &str = "Finishing";
pub(crate) const READING_CARD: &str = "Reading the card";
pub(crate) const PUTTING_IN_PLACE: &str = "Putting it in place";
pub(crate) const STARTING: &str = "Starting beside the old one";
pub(crate) const INSTALLING: &str = "Installing what it needs";
pub(crate) const BUILDING: &str = "Building the image";

// Steps that were reached.
pub(crate) const SEEN: &str = "Seen";
pub(crate) const DECIDED: &str = "Decided";
pub(crate) const APPLIED: &str = "Applied";
pub(crate) const ANSWERED: &str = "Answered";

// How the folder is watched.
pub(crate) const NOT_WATCHED: &str = "Not watched";

pub(crate) const KEEPS_LAST_GOOD: &str = "keeps the last good version";

pub(crate) fn keeps_last_good(why: &str) -> String {
    format!("keeps the last good version: {why}")
}

pub(crate) fn files(files: u64) -> String {
    counted(files, "file")
}

/// The file that decided, and how many others changed with it.
pub(crate) fn file_and_others(file: &str, others: u64) -> String {
    match others {
        0 => file.to_owned(),
        others => format!("{file} and {}", counted(others, "other")),
    }
}

pub(crate) fn live(file: &str, took: Option<&str>) -> String {
    match took {
        Some(took) => format!("{file} live in {took}"),
        None => format!("{file} live"),
    }
}

pub(crate) fn live_since(file: &str, took: Option<&str>, age: &str) -> String {
    format!("{}, {age}", live(file, took))
}

pub(crate) fn nothing_to_do(file: &str) -> String {
    format!("{file}: nothing to do")
}

pub(crate) fn watched(files: u64, polling: bool, warm: bool) -> String {
    let files = self::files(files);
    let warm = if warm { ", warm" } else { "" };
    if polling {
        format!("Polling {files}{warm}")
    } else {
        format!("{files}{warm}")
    }
}

/// The plot of save times, for who does not see it.
pub(crate) fn times(saves: usize, median: &str, p95: &str, failed: usize) -> String {
    format!(
        "Save to answer of the last {}: median {median}, 95th percentile {p95}, {failed} not applied",
        counted(saves as u64, "save"),
    )
}
