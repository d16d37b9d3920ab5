//! What can be done, as the palette, the sheet of shortcuts, menus and tooltips name it.

// On every page.
pub(crate) const OPEN_PALETTE: &str = "Search or run";
pub(crate) const SHOW_SHORTCUTS: &str = "Keyboard shortcuts";
pub(crate) const FILTER_PAGE: &str = "Filter this page";
pub(crate) const NEW_CONVERSATION: &str = "New conversation";
pub(crate) const STACK_UP: &str = "Bring the stack up";
pub(crate) const STACK_DOWN: &str = "Take the stack down";
pub(crate) const STACK_LOGS: &str = "Logs of the stack";
pub(crate) const SHOW_TASKS: &str = "Show tasks";
pub(crate) const NEXT_THEME: &str = "Next theme";
/// For those who work on the pages.
pub(crate) const GALLERY: &str = "Gallery of components";

pub(crate) fn set_theme(theme: &str) -> String {
    format!("Theme: {theme}")
}

pub(crate) fn use_context(context: &str) -> String {
    format!("Switch to {context}")
}

// On some pages.
pub(crate) const FIND_CONVERSATION: &str = "Find a conversation";
pub(crate) const WRITE_MESSAGE: &str = "Write a message";
pub(crate) const PAUSE_LOGS: &str = "Pause or follow";
pub(crate) const SAVE_LOGS: &str = "Save lines";

/// Going to a page.
pub(crate) mod go {
    pub(crate) const HOME: &str = "Home";
    pub(crate) const AGENTS: &str = "Agents";
    pub(crate) const CHAT: &str = "Chat";
    pub(crate) const TRACES: &str = "Traces";
    pub(crate) const LOGS: &str = "Logs";
    pub(crate) const STACK: &str = "Stack";
    pub(crate) const ACTIVITY: &str = "Activity";
    pub(crate) const REGISTRY: &str = "Registry";
    pub(crate) const INBOX: &str = "Inbox";
    pub(crate) const DOCTOR: &str = "Doctor";
    pub(crate) const SETTINGS: &str = "Settings";
}

/// Going to a page of the settings.
pub(crate) mod settings {
    pub(crate) const GENERAL: &str = "General settings";
    pub(crate) const CONTEXTS: &str = "Contexts";
    pub(crate) const SECRETS: &str = "Secrets";
    pub(crate) const WATCH: &str = "Watch settings";
    pub(crate) const RUNTIME: &str = "Runtime settings";
    pub(crate) const TELEMETRY: &str = "Telemetry settings";
    pub(crate) const KEYBOARD: &str = "Keyboard settings";
}

/// With an agent, on its pages.
pub(crate) mod agent {
    pub(crate) const OPEN: &str = "Overview";
    pub(crate) const CHAT: &str = "Chat";
    pub(crate) const TRACES: &str = "Open traces";
    pub(crate) const UPDATES: &str = "Open updates";
    pub(crate) const LOGS: &str = "Open logs";
    pub(crate) const CARD: &str = "Open card";
    pub(crate) const COPY: &str = "Copy address";
    pub(crate) const DOCTOR: &str = "Check with Doctor";
}

/// The same, and what runs it, with the agent's name.
pub(crate) mod of_agent {
    pub(crate) fn open(agent: &str) -> String {
        format!("Overview of {agent}")
    }

    pub(crate) fn chat(agent: &str) -> String {
        format!("Chat with {agent}")
    }

    pub(crate) fn traces(agent: &str) -> String {
        format!("Open traces of {agent}")
    }

    pub(crate) fn updates(agent: &str) -> String {
        format!("Open updates of {agent}")
    }

    pub(crate) fn logs(agent: &str) -> String {
        format!("Open logs of {agent}")
    }

    pub(crate) fn card(agent: &str) -> String {
        format!("Open card of {agent}")
    }

    pub(crate) fn start(agent: &str) -> String {
        format!("Start {agent}")
    }

    pub(crate) fn stop(agent: &str) -> String {
        format!("Stop {agent}")
    }

    pub(crate) fn restart(agent: &str) -> String {
        format!("Restart {agent}")
    }

    pub(crate) fn rebuild(agent: &str) -> String {
        format!("Rebuild {agent}")
    }

    pub(crate) fn delete(agent: &str) -> String {
        format!("Delete {agent}")
    }

    pub(crate) fn copy(agent: &str) -> String {
        format!("Copy address of {agent}")
    }

    pub(crate) fn doctor(agent: &str) -> String {
        format!("Check {agent} with Doctor")
    }
}

/// With a service of the stack.
pub(crate) mod service {
    pub(crate) const LOGS: &str = "Open logs";
}

/// What an action belongs to.
pub(crate) mod group {
    pub(crate) const PAGE: &str = "This page";
    pub(crate) const GO: &str = "Go to";
    pub(crate) const AGENTS: &str = "Agents";
    pub(crate) const STACK: &str = "Stack";
    pub(crate) const TASKS: &str = "Tasks";
    pub(crate) const SETTINGS: &str = "Settings";
    pub(crate) const APPEARANCE: &str = "Appearance";
    pub(crate) const CONTEXTS: &str = "Contexts";
    pub(crate) const HELP: &str = "Help";
}

/// Where an action can be done.
pub(crate) mod place {
    pub(crate) const EVERYWHERE: &str = "Everywhere";
    pub(crate) const AGENT: &str = "On an agent's pages";
    pub(crate) const CHAT: &str = "On the Chat page";
    pub(crate) const LOGS: &str = "On the Logs page";
}

/// What is found together.
pub(crate) mod section {
    pub(crate) const RECENT: &str = "Used lately";
    pub(crate) const AGENTS: &str = "Agents";
    pub(crate) const WITH_AGENT: &str = "With an agent";
    pub(crate) const CONVERSATIONS: &str = "Conversations";
    pub(crate) const TRACES: &str = "Traces";
    pub(crate) const SERVICES: &str = "Services";
    pub(crate) const ADD_AND_ASK: &str = "Add and ask";
}

/// What is asked before something is destroyed, and what is told after something was done.
pub(crate) mod ask {
    pub(crate) const DELETION: &str = "It stops, and its versions, conversations and secrets are forgotten. The folder it came from stays as it is.";
    pub(crate) const TAKE_DOWN: &str = "Take the stack down?";
    pub(crate) const TAKING_DOWN: &str =
        "Its containers are removed. What the services stored in volumes stays.";
    pub(crate) const TAKE_DOWN_NOW: &str = "Take down";
    pub(crate) const COPIED: &str = "Copied the address";

    pub(crate) fn delete(agent: &str) -> String {
        format!("Delete {agent}?")
    }

    pub(crate) fn not_copied(address: &str) -> String {
        format!("The address could not be copied: {address}")
    }
}
