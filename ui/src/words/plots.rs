//! Figures with their courses: what they are, and their units with the sample that they are of.

use super::common::counted;
use crate::model::format::count;

pub(crate) const REQUESTS: &str = "Requests";
pub(crate) const LATENCY: &str = "Latency p95";
pub(crate) const ERRORS: &str = "Errors";
pub(crate) const TOKENS: &str = "Tokens";
pub(crate) const SAVE_TO_ANSWER: &str = "Save to answer";

pub(crate) fn requests(requests: u64) -> String {
    counted(requests, "request")
}

/// Behind a rate of requests.
pub(crate) fn per_minute(requests: u64, window: &str) -> String {
    format!("/min · {} in {window}", count(requests))
}

/// Behind a 95th percentile.
pub(crate) fn beside_median(unit: &str, median: &str) -> String {
    format!("{unit} · p50 {median}")
}

/// Behind an error rate.
pub(crate) fn percent_of(errors: u64, requests: u64) -> String {
    format!("% · {} of {}", count(errors), count(requests))
}

pub(crate) fn errors_of(errors: u64, requests: u64) -> String {
    format!("{} of {}", count(errors), counted(requests, "request"))
}

/// Behind a count of tokens; `unit` may be empty.
pub(crate) fn tokens_in(unit: &str, window: &str, cost: Option<&str>) -> String {
    let cost = cost.map_or(String::new(), |cost| format!(" · {cost}"));
    format!("{unit} in {window}{cost}").trim_start().to_owned()
}

pub(crate) fn tokens(read: u64, written: u64) -> String {
    format!("{} in, {} out", count(read), count(written))
}

pub(crate) fn no_save(window: &str) -> String {
    format!("no save in {window}")
}

pub(crate) fn median_of(unit: &str, saves: u64) -> String {
    format!("{unit} median of {}", count(saves))
}

pub(crate) fn core_of(agents: usize) -> String {
    format!("% of a core · {}", counted(agents as u64, "agent"))
}

/// Behind a number of bytes; `unit` may be empty.
pub(crate) fn memory_of(unit: &str, agents: usize) -> String {
    let agents = counted(agents as u64, "agent");
    if unit.is_empty() {
        agents
    } else {
        format!("{unit} · {agents}")
    }
}

/// A plot for who does not see it.
pub(crate) fn told(figure: &str, least: &str, most: &str, last: &str) -> String {
    format!("{figure}. At least {least}, at most {most}, lately {last}")
}

pub(crate) fn at(value: &str, clock: &str) -> String {
    format!("{value} at {clock}")
}
