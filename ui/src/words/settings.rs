//! The settings, page by page. What each setting is called and means is in `specs`.

pub(crate) const TITLE: &str = "Settings";
pub(crate) const SAVED_AT_ONCE: &str = "Saved at once";
pub(crate) const TABS: &str = "Pages of the settings";
pub(crate) const GO_TO_SETTINGS: &str = "Go to the settings";
/// What is being read.
pub(crate) const READING: &str = "the settings";
pub(crate) const CHANGED_ELSEWHERE: &str = "Changed elsewhere";

/// A setting got another value, which this page did not give it.
pub(crate) fn was_changed_elsewhere(setting: &str, value: &str) -> String {
    format!("{setting} was changed elsewhere: {value}")
}

/// A setting got another value.
pub(crate) fn changed(setting: &str, value: &str) -> String {
    format!("{setting}: {value}")
}

/// The pages.
pub(crate) mod tab {
    pub(crate) const GENERAL: &str = "General";
    pub(crate) const CONTEXTS: &str = "Contexts";
    pub(crate) const SECRETS: &str = "Secrets";
    pub(crate) const WATCH: &str = "Watch";
    pub(crate) const RUNTIME: &str = "Runtime";
    pub(crate) const TELEMETRY: &str = "Telemetry";
    pub(crate) const KEYBOARD: &str = "Keyboard";
}

/// Agents, notices, and how the pages look.
pub(crate) mod general {
    pub(crate) const NOTICES: &str = "Notices";
    pub(crate) const APPEARANCE: &str = "Appearance";
    pub(crate) const OF_THIS_MACHINE: &str = "of this machine alone";
    pub(crate) const ABOUT_THEME: &str =
        "System follows the colours and the contrast that the system asks for.";
    pub(crate) const DENSITY: &str = "Density";
    pub(crate) const ABOUT_DENSITY: &str = "How close the rows of tables and lists stand.";
}

/// The control planes that the window may be pointed at.
pub(crate) mod contexts {
    pub(crate) const TITLE: &str = "Contexts";
    pub(crate) const CONTEXT: &str = "Context";
    pub(crate) const PLACE: &str = "Place";
    pub(crate) const IN_USE: &str = "In use";
    pub(crate) const USE: &str = "Use";
    pub(crate) const ABOUT: &str = "About contexts";
    pub(crate) const IN_BROWSER: &str = "These pages are those of one control plane, the one that their address \
        leads to. The desktop window and the command line go to others too.";
    pub(crate) const WHAT_IT_IS: &str = "A context is a control plane with agents, settings and secrets of its own: in \
        another data directory of this computer, or elsewhere. Windows show its colour on top.";
    pub(crate) const ADD_COMMAND: &str = "nasiko context add NAME FOLDER";
    /// What is copied.
    pub(crate) const COMMAND: &str = "command";
    pub(crate) const ELSEWHERE: &str = "A place elsewhere takes an address instead of a folder, and `--token-file`. To \
        forget one: `nasiko context rm NAME`; what is there stays.";

    pub(crate) fn use_context(name: &str) -> String {
        format!("Use {name}")
    }
}

/// The secrets of agents.
pub(crate) mod secrets {
    pub(crate) const TITLE: &str = "Secrets";
    pub(crate) const READING: &str = "the secrets";
    pub(crate) const NONE: &str = "No secrets yet";
    pub(crate) const WHAT_THEY_ARE: &str = "Agents get them as variables of their environment.";
    pub(crate) const ALL_AGENTS: &str = "All agents";
    pub(crate) const NAME: &str = "Name";
    pub(crate) const VALUE: &str = "Value";
    pub(crate) const SET: &str = "Set";
    pub(crate) const NOTE: &str = "An agent gets it with its next start. Its own win over those of all agents. \
        Values of several lines: `nasiko secret set AGENT NAME < FILE`";
    pub(crate) const REMOVE_TITLE: &str = "Remove the secret?";

    pub(crate) fn remove(name: &str, whose: &str) -> String {
        format!("Remove {name} of {whose}")
    }

    pub(crate) fn kept(name: &str, agent: Option<&str>) -> String {
        match agent {
            Some(agent) => format!("{name} is kept for {agent}"),
            None => format!("{name} is kept for all agents"),
        }
    }

    pub(crate) fn removed(name: &str) -> String {
        format!("{name} is removed")
    }

    /// What its removal means.
    pub(crate) fn removal(name: &str, agent: Option<&str>) -> String {
        let of = agent.map_or(String::new(), |agent| format!(" of {agent}"));
        format!(
            "`{name}{of}` is forgotten, and agents do not get it from their next start on. Its value \
             cannot be brought back."
        )
    }
}

/// The key that secrets are sealed with.
pub(crate) mod key {
    pub(crate) const TITLE: &str = "The key that seals them";
    pub(crate) const READING: &str = "the key";
    pub(crate) const WHY_THERE: &str = "Why there";
    pub(crate) const PLACE: &str = "Place";
    pub(crate) const KEYRING: &str = "Keyring";
    pub(crate) const KEY_ID: &str = "Key id";
    pub(crate) const PASSPHRASE: &str = "Passphrase";
    pub(crate) const UNLOCK: &str = "Unlock";
    pub(crate) const ASK_KEYRING: &str = "Ask the keyring";

    // A key that is lost.
    pub(crate) const NEW_PASSPHRASE: &str = "A new passphrase";
    pub(crate) const FORGET_ALL: &str = "Forget all secrets…";
    pub(crate) const FORGET_TITLE: &str = "Forget all secrets?";
    pub(crate) const FORGET_MEANS: &str = "Those of all agents and of the local stack. What they were cannot be \
        brought back; a new key is made.";
    pub(crate) const FORGET: &str = "Forget them";
    pub(crate) const FORGOTTEN: &str = "All secrets are forgotten";

    // Keeping it elsewhere.
    pub(crate) const MOVE: &str = "Keep elsewhere…";
    pub(crate) const MOVE_TITLE: &str = "Keep the key elsewhere";
    pub(crate) const WHERE: &str = "Where";
    pub(crate) const AS_NOW: &str = "(as now)";
    pub(crate) const PASSPHRASE_AGAIN: &str = "Again";
    pub(crate) const PASSPHRASES_DIFFER: &str = "The two passphrases differ";
    pub(crate) const TYPE_IT_TWICE: &str = "Type the same one twice";
    pub(crate) const LEAVE_IT: &str = "Leave it";
    pub(crate) const KEEP_IT_THERE: &str = "Keep it there";

    /// It was moved.
    pub(crate) fn kept(place: &str) -> String {
        format!("The key is kept: {}", place.to_lowercase())
    }
}

/// Which agents are kept in step with their folders.
pub(crate) mod watch {
    pub(crate) const TITLE: &str = "Watched folders";
    pub(crate) const READING: &str = "the agents";
    pub(crate) const NO_FOLDER: &str = "No agent comes from a folder of this machine";
    pub(crate) const DEPLOY_ONE: &str = "Deploy a folder to keep its agent in step with it.";
    pub(crate) const WATCH: &str = "Watch";

    pub(crate) const LIMITS: &str = "Limits";
    pub(crate) const WHAT_IT_DOES: &str = "A save in a watched folder is live by itself; one that does not come up \
        never replaces what answers.";
    pub(crate) const GATHERED: &str = "Saves are gathered for 20 ms, longer while more come.";
    pub(crate) const STANDBY: &str = "Four agents at most have an instance on standby, which makes a save live sooner: \
        those that were edited last.";
    pub(crate) const UPDATES_KEPT: &str = "The last 500 updates of an agent are kept.";
    pub(crate) const LEFT_OUT: &str =
        "Files that `.gitignore` and `.dockerignore` leave out are not watched.";

    pub(crate) fn watched(agents: usize) -> String {
        format!("{agents} watched")
    }

    pub(crate) fn keep_in_step(agent: &str) -> String {
        format!("Keep {agent} in step with its folder")
    }
}

/// Where agents run.
pub(crate) mod runtime {
    pub(crate) const STARTING_AND_STOPPING: &str = "Starting and stopping";
    pub(crate) const GATEWAY: &str = "Gateway";
}

/// Where the control plane keeps what it remembers.
pub(crate) mod store {
    pub(crate) const TITLE: &str = "Store";
    pub(crate) const READING: &str = "the store";
    pub(crate) const SQLITE: &str = "SQLite";
    pub(crate) const MONGODB: &str = "MongoDB";
    /// A server of it does.
    pub(crate) const ANSWERS: &str = "Answers";
    pub(crate) const LAST_MOVE_FAILED: &str = "The last move left it where it was";
    pub(crate) const NEXT_START: &str = "Next start";
    pub(crate) const BEFORE: &str = "Before";
    pub(crate) const FROM_ENVIRONMENT: &str = "Given by the environment (`NASIKO_STORE_URL`)";
    pub(crate) const MOVE: &str = "Move…";

    pub(crate) fn as_it_was_left(place: &str) -> String {
        format!("`{place}` as it was left")
    }

    /// A place, with the Redis beside it.
    pub(crate) fn place(location: &str, redis: Option<&str>, in_stack: bool) -> String {
        match (redis, in_stack) {
            (None, false) => location.to_owned(),
            (None, true) => format!("{location}, in the local stack"),
            (Some(redis), false) => format!("{location} with {redis}"),
            (Some(redis), true) => format!("{location} with {redis}, in the local stack"),
        }
    }
}

/// Moving the store.
pub(crate) mod move_store {
    use crate::{model::format::count, words::common::counted};

    pub(crate) const TITLE: &str = "Move the store";
    pub(crate) const WHAT_HAPPENS: &str = "Everything is copied and compared before it counts. Agents go on; whoever \
        writes waits. What is here stays as it was.";
    pub(crate) const TO: &str = "To";
    pub(crate) const TO_FILE: &str = "A file in the data directory";
    pub(crate) const TO_STACK: &str = "MongoDB and Redis of the local stack";
    pub(crate) const TO_OTHER: &str = "Another MongoDB";
    pub(crate) const ADDRESS: &str = "Address";
    pub(crate) const REDIS: &str = "Redis beside it, if any";
    pub(crate) const JOIN: &str = "Work with what is there already, instead of copying";
    pub(crate) const MOVE: &str = "Move";
    pub(crate) const NOT_MOVED: &str = "The store is where it was";
    pub(crate) const ENDED_EARLY: &str = "The control plane ended before the move did";

    // Under way.
    pub(crate) const PREPARING: &str = "Reaching the new place";
    pub(crate) const COPYING: &str = "Copying";
    pub(crate) const COMPARING: &str = "Comparing";
    pub(crate) const SWITCHING: &str = "Going over";
    pub(crate) const PROGRESS: &str = "Progress of the move";

    pub(crate) fn pieces(done: u64, total: u64) -> String {
        format!("{} of {}", count(done), count(total))
    }

    // Done.
    pub(crate) const FROM_NEXT_START: &str =
        "It is worked with from the next start on: `nasiko down`, then `nasiko up`.";

    pub(crate) fn moved(place: &str, copied: u64) -> String {
        if copied == 0 {
            format!("The store is at `{place}`. Nothing had to be copied.")
        } else {
            let pieces = counted(copied, "piece");
            format!("The store is at `{place}`. {pieces} copied and compared.")
        }
    }

    pub(crate) fn stays_at(place: &str) -> String {
        format!("As it was it stays at `{place}`.")
    }
}

/// Traces, and who else gets them.
pub(crate) mod telemetry {
    pub(crate) const TRACES_AND_LOGS: &str = "Traces and logs";
    pub(crate) const FORWARDING: &str = "Forwarding";
    pub(crate) const NO_VIEWER: &str = "No viewer gets traces now.";
    pub(crate) const TO: &str = "To";
    pub(crate) const SERVICE: &str = "Service";
    pub(crate) const SENT: &str = "Sent";
    pub(crate) const WAITING: &str = "Waiting";
    pub(crate) const REFUSED: &str = "Refused";
    pub(crate) const DROPPED: &str = "Dropped";
    pub(crate) const LAST_ERROR: &str = "The last error";

    // How it stands.
    pub(crate) const SENDING: &str = "Sent as they come";
    pub(crate) const FAILING: &str = "The viewer did not take the last ones";
    pub(crate) const WAITING_FOR_VIEWER: &str = "Waiting for the viewer";
    pub(crate) const OWN_ADDRESS: &str = "Not sent: that is this control plane's own address";

    pub(crate) fn spans(count: u64) -> String {
        crate::words::common::counted(count, "span")
    }
}
