//! What parts say that many pages are made of.

use super::common::counted;
use crate::model::format::count;

pub(crate) const EVIDENCE: &str = "Evidence";
pub(crate) const COPY_REPORT: &str = "Copy report";
pub(crate) const REPORT: &str = "report";
pub(crate) const CODE: &str = "code";
pub(crate) const JOB_PROGRESS: &str = "Progress of the job";
pub(crate) const SPANS: &str = "Spans: arrow keys choose, left and right fold";

pub(crate) fn reading(what: &str) -> String {
    format!("Reading {what}")
}

/// The name of a button that opens a list, with what it opens.
pub(crate) fn opens(title: &str, list: &str) -> String {
    format!("{title}: {list}")
}

/// What the colours of a span's row tell, between its name and its duration.
pub(crate) fn span_told(kind: &str, failed: bool) -> String {
    let failed = if failed { ", failed" } else { "" };
    format!(", {kind}{failed}, ")
}

/// Copying a text to the clipboard. `what` is copied is a noun: `address`.
pub(crate) mod copy {
    pub(crate) const COPY: &str = "Copy";

    pub(crate) fn label(what: &str) -> String {
        format!("Copy the {what}")
    }

    pub(crate) fn copied(what: &str) -> String {
        format!("Copied the {what}")
    }

    pub(crate) fn failed(what: &str) -> String {
        format!("The {what} could not be copied: select it by hand")
    }
}

/// A log.
pub(crate) mod log {
    use super::{count, counted};

    pub(crate) const FILTER_LABEL: &str = "Filter lines by words";
    pub(crate) const ERRORS_ONLY: &str = "Errors only";
    pub(crate) const WRAP: &str = "Wrap";
    pub(crate) const WRAPPED: &str = "Log, wrapped";
    pub(crate) const LINES: &str = "lines";
    pub(crate) const SAVE: &str = "Save";
    pub(crate) const FOLLOW: &str = "Follow";
    pub(crate) const PAUSE: &str = "Pause";
    pub(crate) const NOTHING_YET: &str = "Nothing has been written yet";
    pub(crate) const NO_SUCH_LINE: &str = "No line is like that";
    // Where a line was written.
    pub(crate) const STDOUT: &str = "out";
    pub(crate) const STDERR: &str = "err";
    pub(crate) const SYSTEM: &str = "sys";

    pub(crate) fn saved(file: &str) -> String {
        format!("Saved as {file}")
    }

    pub(crate) fn lines(lines: u64) -> String {
        counted(lines, "line")
    }

    pub(crate) fn arrived(lines: u64) -> String {
        format!("{} arrived meanwhile", counted(lines, "line"))
    }

    pub(crate) fn fell_out(lines: u64) -> String {
        format!("{} older lines fell out", count(lines))
    }
}
