//! Of the first page.

pub(crate) const TITLE: &str = "Home";
pub(crate) const WINDOW: &str = "Figures of the last";
pub(crate) const AS_TABLE: &str = "Table";

/// The figures as a table.
pub(crate) mod table {
    pub(crate) const TITLE: &str = "Figures as a table";
    pub(crate) const FROM: &str = "From";
    pub(crate) const MEDIAN: &str = "p50";
    pub(crate) const LATENCY: &str = "p95";
    pub(crate) const TOKENS_IN: &str = "Tokens in";
    pub(crate) const TOKENS_OUT: &str = "Tokens out";
    pub(crate) const COST: &str = "Cost";
    pub(crate) const SAVES: &str = "Saves";
}

/// The way to the first agent.
pub(crate) mod welcome {
    pub(crate) const TITLE: &str = "Your first agent";
    pub(crate) const READING: &str = "the samples";
    pub(crate) const START: &str = "Start a sample agent";
    pub(crate) const LOOK_AGAIN: &str = "Look again";
    pub(crate) const FAILED: &str = "The sample did not start";

    /// After the sample's name.
    pub(crate) fn is_a_sample(description: &str) -> String {
        format!("is a small agent that comes with this program. {description}.")
    }

    pub(crate) fn written_to(folder: &str) -> String {
        format!("It is written to `{folder}`. Change it there: a save is live by itself.")
    }

    // Where no sample runs, and what the container engine means.
    pub(crate) const NO_SAMPLE: &str = "There is no sample";
    pub(crate) const ADD_YOUR_OWN: &str = "Add an agent of your own below";
    pub(crate) const NO_ENGINE: &str =
        "No container engine answers. Agents run as processes, which is enough to begin with.";

    pub(crate) fn engine(kind: &str, version: &str) -> String {
        format!("{kind} {version} answers: agents can run in containers too.")
    }
}
