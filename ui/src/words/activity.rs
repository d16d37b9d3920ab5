//! Of the page of all long actions.

pub(crate) const TITLE: &str = "Activity";

pub(crate) fn under_way(many: usize) -> String {
    match many {
        0 => "Nothing under way".to_owned(),
        _ => format!("{many} under way"),
    }
}

pub(crate) const JOBS: &str = "Jobs";
pub(crate) const READING: &str = "jobs";
pub(crate) const NOTHING: &str = "Nothing has been done yet";
pub(crate) const NOTHING_TEXT: &str =
    "Deploys, starts and stops appear here while they run, and stay.";
pub(crate) const GIVEN_UP: &str = "Given up";
pub(crate) const GIVEN_UP_ASIDE: &str = "after the last try; each can be put back";

// A job.
pub(crate) const SHOW_LOG: &str = "Log";
pub(crate) const HIDE_LOG: &str = "Hide log";

pub(crate) fn attempt(number: u32) -> String {
    format!("try {number}")
}

// Its output.
pub(crate) const OUTPUT: &str = "Output of the job";
pub(crate) const NO_OUTPUT: &str = "It wrote nothing.";
pub(crate) const NO_OUTPUT_YET: &str = "Nothing yet.";
