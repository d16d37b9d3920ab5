//! What each setting is called and what it means.

pub(crate) const DEFAULT_RUNTIME: &str = "Default runtime";
pub(crate) const DEFAULT_RUNTIME_ABOUT: &str =
    "Where an agent runs when its deploy does not say. Those that run stay where they are.";

pub(crate) const NOTIFICATIONS: &str = "Notifications";
pub(crate) const NOTIFICATIONS_ABOUT: &str =
    "Notices are shown on the desktop as they come. The inbox keeps them either way.";

pub(crate) const QUIET_HOURS: &str = "Quiet hours";
pub(crate) const QUIET_HOURS_ABOUT: &str =
    "When notices go to the inbox alone, in local time. Empty for never.";

pub(crate) const START_TIMEOUT: &str = "Start timeout";
pub(crate) const START_TIMEOUT_ABOUT: &str =
    "How long an agent may take to answer after its start. One that takes longer has failed.";

pub(crate) const STOP_TIMEOUT: &str = "Stop timeout";
pub(crate) const STOP_TIMEOUT_ABOUT: &str =
    "How long an agent may take to end before it is killed.";

pub(crate) const PARALLEL_JOBS: &str = "Parallel jobs";
pub(crate) const PARALLEL_JOBS_ABOUT: &str =
    "Deploys, starts and rebuilds that run at the same time. The others wait.";

pub(crate) const KONG: &str = "Kong";
pub(crate) const KONG_ABOUT: &str = "The Admin API of a Kong that gets a route for each agent. Empty for none. A node \
     without a database has one configuration, which becomes ours.";

pub(crate) const RETENTION: &str = "Keep traces for";
pub(crate) const RETENTION_ABOUT: &str = "Older traces and logs are deleted.";

pub(crate) const FORWARDING: &str = "Forward traces to";
pub(crate) const FORWARDING_ABOUT: &str =
    "A viewer that takes OTLP over HTTP. Empty: the viewer of the local stack, while it is well.";

// What is counted.
pub(crate) const SECONDS: &str = "seconds";
pub(crate) const JOBS: &str = "jobs";
pub(crate) const DAYS: &str = "days";

// Values in a sentence.
pub(crate) const ON: &str = "on";
pub(crate) const OFF: &str = "off";
pub(crate) const NONE: &str = "none";

/// `unit` is one of what is counted.
pub(crate) fn amount(number: &str, unit: &str) -> String {
    match unit {
        SECONDS => format!("{number} s"),
        unit => format!("{number} {unit}"),
    }
}

// Why what was typed cannot be.
pub(crate) const TYPE_A_NUMBER: &str = "Type a whole number";
pub(crate) const NO_VALUE_OF_IT: &str = "That is no value of it";
