//! The local stack.

pub(crate) const TITLE: &str = "Stack";
pub(crate) const TABS: &str = "Pages of the stack";
pub(crate) const LOGS: &str = "Logs";
pub(crate) const READING: &str = "the stack";
pub(crate) const NOTHING_ON: &str = "Nothing is on";
pub(crate) const WHAT_IT_IS: &str = "The stack is what your agents may need beside them: a queue and a database, a \
    viewer for traces, a gateway, services of your own. It runs as containers of your engine, listens on this \
    computer only, and stays until you take it down.";

pub(crate) fn well(well: usize, of: usize) -> String {
    format!("{well} of {of} are well")
}

// Up and down.
pub(crate) const PROJECT: &str = "The Compose project";
pub(crate) const BRING_UP: &str = "Bring up";
pub(crate) const BRING_UP_AGAIN: &str = "Bring up again";
pub(crate) const BRING_UP_AGAIN_MEANS: &str =
    "Bring up again: starts what ended, makes anew what changed";
pub(crate) const TAKE_DOWN: &str = "Take down";
pub(crate) const TAKE_DOWN_ASK: &str = "Take down…";
pub(crate) const TAKE_DOWN_AGAIN: &str = "Take down again";

pub(crate) fn bring_up(what: &str) -> String {
    format!("Bring up {what}")
}

pub(crate) fn take_down(what: &str) -> String {
    format!("Take down {what}")
}

/// Asks whether all of it is taken down.
pub(crate) mod down {
    pub(crate) const LABEL: &str = "Take the stack down";
    pub(crate) const TITLE: &str = "Take the stack down?";
    pub(crate) const VOLUMES_STAY: &str = "What the services stored stays in their volumes.";
    pub(crate) const DELETE_VOLUMES: &str = "Delete the volumes too";
    pub(crate) const VOLUMES_ARE_DELETED: &str =
        "All that is in these volumes is deleted. This cannot be undone.";

    pub(crate) fn type_to_go_on(project: &str) -> String {
        format!("Type `{project}` to go on")
    }

    pub(crate) fn with_volumes(count: usize) -> String {
        let volumes = crate::words::common::counted(count as u64, "volume");
        format!("Take down and delete {volumes}")
    }
}

/// The services, by what they are brought up with.
pub(crate) mod services {
    pub(crate) const SERVICE: &str = "Service";
    pub(crate) const IMAGE: &str = "Image";
    pub(crate) const PORTS: &str = "Ports";
    pub(crate) const UP_FOR: &str = "Up for";
    pub(crate) const RESTARTS: &str = "Restarts";

    pub(crate) const OWN: &str = "Your services";
    pub(crate) const OF_OWN_FILES: &str = "Of your own Compose files";
    pub(crate) const ON: &str = "On";
    /// How far the pull of an image is.
    pub(crate) const IMAGE_PULLED: &str = "Image that is here";

    pub(crate) fn why_not_well(service: &str) -> String {
        format!("Why {service} is not well")
    }

    pub(crate) fn start(service: &str) -> String {
        format!("Start {service}")
    }

    pub(crate) fn stop(service: &str) -> String {
        format!("Stop {service}")
    }

    pub(crate) fn restart(service: &str) -> String {
        format!("Restart {service}")
    }

    pub(crate) fn logs(service: &str) -> String {
        format!("Logs of {service}")
    }

    // Where one is reached.
    pub(crate) fn copy(address: &str) -> String {
        format!("Copy {address}")
    }

    pub(crate) fn copied(address: &str) -> String {
        format!("Copied {address}")
    }

    pub(crate) fn not_copied(address: &str) -> String {
        format!("{address} could not be copied: select it by hand")
    }
}

/// The person's own Compose files.
pub(crate) mod files {
    pub(crate) const TITLE: &str = "Your Compose files";
    pub(crate) const PATH: &str = "Compose file on this computer, laid over the product's own";
    pub(crate) const NOT_BROUGHT_UP: &str = "Nothing was brought up";
}

/// What is wrong.
pub(crate) mod notes {
    pub(crate) const NO_ENGINE: &str = "No container engine answers";
    pub(crate) const UNREADABLE: &str = "The Compose files cannot be read";
    pub(crate) const LOOK_AGAIN: &str = "Look again";
    pub(crate) const OPEN_LOGS: &str = "Open logs";
    pub(crate) const WAITS_FOR_ENGINE: &str =
        "What was asked for is done by itself once the engine answers.";
    pub(crate) const REMOVE_ORPHANS: &str = "Remove these";

    pub(crate) fn undeclared(services: &str) -> String {
        format!("No file declares `{services}` any more.")
    }
}

/// What services write.
pub(crate) mod logs {
    pub(crate) const LABEL: &str = "Log of the stack";
    pub(crate) const SERVICE: &str = "Service";
    pub(crate) const ALL_SERVICES: &str = "All services";
    pub(crate) const PAST: &str = "How much of the past";
    pub(crate) const LAST_200_LINES: &str = "Last 200 lines";
    pub(crate) const LAST_2000_LINES: &str = "Last 2,000 lines";
    pub(crate) const LAST_15_MINUTES: &str = "Last 15 minutes";
    pub(crate) const LAST_HOUR: &str = "Last hour";
}
