//! Of the pages of one agent.

pub(crate) const READING: &str = "the agent";
pub(crate) const ALL_AGENTS: &str = "All agents";

pub(crate) fn gone(agent: &str) -> String {
    format!("There is no agent {agent}")
}

/// What its pages are called.
pub(crate) mod tab {
    pub(crate) const OVERVIEW: &str = "Overview";
    pub(crate) const CHAT: &str = "Chat";
    pub(crate) const TRACES: &str = "Traces";
    pub(crate) const UPDATES: &str = "Updates";
    pub(crate) const LOGS: &str = "Logs";
    pub(crate) const CARD: &str = "Card";

    pub(crate) fn all_of(agent: &str) -> String {
        format!("Pages of {agent}")
    }
}

// Its head.
pub(crate) const ADDRESS: &str = "address";
pub(crate) const LIVE_SWITCH: &str = "Live";
pub(crate) const LIVE: &str = "A save in its folder is live by itself";

/// How it is and what it has been through.
pub(crate) mod overview {
    pub(crate) const READING: &str = "its history";
    pub(crate) const CHECK: &str = "Check it";
    pub(crate) const ABOUT: &str = "About";
    pub(crate) const SOURCE: &str = "Came from";
    pub(crate) const FINDINGS: &str = "Findings";

    // Its figures.
    pub(crate) const SINCE: &str = "In this state for";
    pub(crate) const RESTARTS: &str = "Restarts";
    pub(crate) const PROTOCOL: &str = "Speaks";

    /// The most memory it may use.
    pub(crate) fn of_limit(bytes: &str) -> String {
        format!("of {bytes}")
    }
}

/// Its deployments and builds.
pub(crate) mod history {
    pub(crate) const DEPLOYMENTS: &str = "Deployments";
    pub(crate) const VERSION: &str = "Version";
    pub(crate) const INSTANCE: &str = "Instance";
    pub(crate) const STARTED: &str = "Started";
    pub(crate) const RAN_FOR: &str = "Ran for";
    pub(crate) const BUILDS: &str = "Builds";
    pub(crate) const CONTENT: &str = "Content";
    pub(crate) const REUSED: &str = "Reused";
}

/// The variables it reads.
pub(crate) mod environment {
    pub(crate) const TITLE: &str = "Environment";
    pub(crate) const VARIABLE: &str = "Variable";
    pub(crate) const READ_IN: &str = "Read in";
    pub(crate) const SET: &str = "Set";
    pub(crate) const MISSING: &str = "Missing";
    pub(crate) const NOT_SET: &str = "Not set";
    pub(crate) const SECRET: &str = "secret";
}

/// Its card.
pub(crate) mod card {
    pub(crate) const READING: &str = "the card";
    pub(crate) const NONE: &str = "It has no card yet";
    pub(crate) const NONE_TEXT: &str = "The card is fetched once the agent answers.";
    pub(crate) const SKILLS: &str = "Skills";
    pub(crate) const GENERATED: &str = "Generated: the agent brought none";
    pub(crate) const DOCUMENT: &str = "Document";
    pub(crate) const JSON: &str = "The card's JSON";
    pub(crate) const COPIED: &str = "card";
}
