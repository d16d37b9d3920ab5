//! Of traces: their list, and one of them.

use super::common::counted;

pub(crate) const TITLE: &str = "Traces";
pub(crate) const ALL_AGENTS: &str = "All";

// The list.
pub(crate) const READING: &str = "traces";
pub(crate) const FILTER: &str = "Filter traces by words";
pub(crate) const FAILED_ONLY: &str = "Failed only";
pub(crate) const FAILED: &str = "failed";
pub(crate) const NONE: &str = "There is no trace yet";
pub(crate) const NONE_TEXT: &str =
    "Each call through the gateway leaves one: ask an agent something.";
pub(crate) const NONE_LIKE_THAT: &str = "No trace is like that";
pub(crate) const NONE_LIKE_THAT_TEXT: &str = "Take something out of the filter.";

/// The headings of its columns that are its own.
pub(crate) mod column {
    pub(crate) const TIME: &str = "Time";
    pub(crate) const CALL: &str = "Call";
    pub(crate) const AGENT_AND_CALL: &str = "Agent and call";
    pub(crate) const SPANS: &str = "Spans";
    pub(crate) const TOKENS: &str = "Tokens";
}

/// One trace.
pub(crate) mod one {
    use super::counted;

    pub(crate) const TITLE: &str = "Trace";
    pub(crate) const COPIED: &str = "trace id";
    pub(crate) const NO_SPAN: &str = "No span of it has arrived yet";
    pub(crate) const NO_SPAN_TEXT: &str = "It is drawn as they come.";
    pub(crate) const NONE: &str = "No trace to show";
    pub(crate) const NONE_TEXT: &str =
        "Each answer has one: how long it took, and where the time went.";

    pub(crate) fn extent(id: &str, took: &str, spans: usize) -> String {
        format!("{id} · {took} · {}", counted(spans as u64, "span"))
    }

    // The chosen span.
    pub(crate) const SPAN: &str = "Chosen span";

    pub(crate) fn span_facts(took: &str, series: &str, kind: &str, service: &str) -> String {
        format!("{took} · {series} · {kind} of {service}")
    }
}
