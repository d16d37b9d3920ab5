//! The local stack: what its profiles are for, how its services are, and what became of jobs on it.

use super::common::counted;

// What profiles are for.
pub(crate) const CORE: &str = "Redis and MongoDB: a queue and a store to share";
pub(crate) const TRACES: &str = "Jaeger: traces forwarded over OTLP";
pub(crate) const GATEWAY: &str = "Kong: a gateway with your agents' routes";

/// What a service is.
pub(crate) mod service {
    pub(crate) const NOT_RUNNING: &str = "Not running";
    pub(crate) const CREATED: &str = "Created";
    pub(crate) const RUNNING: &str = "Running";
    pub(crate) const STARTING: &str = "Starting";
    pub(crate) const HEALTHY: &str = "Healthy";
    pub(crate) const UNHEALTHY: &str = "Unhealthy";
    pub(crate) const RESTARTING: &str = "Restarting";
    pub(crate) const PAUSED: &str = "Paused";
    pub(crate) const ENDED_WELL: &str = "Ended well";
    pub(crate) const STOPPED: &str = "Stopped";
    pub(crate) const DEAD: &str = "Dead";

    pub(crate) fn exited(code: i64) -> String {
        format!("Exited with {code}")
    }
}

/// What a job is doing with a service.
pub(crate) mod phase {
    pub(crate) const WAITING: &str = "Waiting";
    pub(crate) const PULLING: &str = "Pulling";
    pub(crate) const BUILDING: &str = "Building";
    pub(crate) const CREATING: &str = "Creating";
    pub(crate) const STOPPING: &str = "Stopping";
    pub(crate) const STARTING: &str = "Starting";
    pub(crate) const CHECKING: &str = "Checking health";
    pub(crate) const FAILED: &str = "Failed";

    pub(crate) fn pulling(size: &str, whole: &str) -> String {
        format!("Pulling {size} of {whole}")
    }
}

// What became of a job.
pub(crate) const IS_UP: &str = "The stack is up";
pub(crate) const IS_DOWN: &str = "The stack is down";
pub(crate) const UP_FAILED: &str = "The stack could not be brought up";
pub(crate) const DOWN_FAILED: &str = "The stack could not be taken down";
pub(crate) const UP_CANCELLED: &str = "Bringing the stack up was cancelled";
pub(crate) const DOWN_CANCELLED: &str = "Taking the stack down was cancelled";

// What taking it down means.
pub(crate) const NOTHING_LEFT: &str = "No container of it is left.";

pub(crate) fn removed(containers: usize) -> String {
    let containers = counted(containers as u64, "container");
    format!("{containers} and the project's networks are removed.")
}
