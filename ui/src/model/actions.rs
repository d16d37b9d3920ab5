//! The catalogue of actions that have a name everywhere: in the palette, in the sheet of shortcuts, in the settings.
//! What they do is said where it can be done ([`crate::actions`]).

/// What an action belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    /// What the page that is shown offers.
    Page,
    /// Pages.
    Go,
    /// Agents in general.
    Agents,
    /// The local stack.
    Stack,
    /// Jobs.
    Tasks,
    /// Pages of the settings.
    Settings,
    /// How it looks.
    Appearance,
    /// Which control plane is worked with.
    Contexts,
    /// Finding out.
    Help,
}

impl Group {
    /// Its words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Page => "This page",
            Self::Go => "Go to",
            Self::Agents => "Agents",
            Self::Stack => "Stack",
            Self::Tasks => "Tasks",
            Self::Settings => "Settings",
            Self::Appearance => "Appearance",
            Self::Contexts => "Contexts",
            Self::Help => "Help",
        }
    }
}

/// Where an action can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// On every page.
    Everywhere,
    /// On the pages of an agent.
    Agent,
    /// On the page of all conversations.
    Chat,
    /// On the page of all logs.
    Logs,
}

impl Place {
    /// Its words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Agent => "On an agent's pages",
            Self::Chat => "On the Chat page",
            Self::Logs => "On the Logs page",
        }
    }

    /// Whether actions of both can be done at once.
    pub(crate) fn meets(self, other: Self) -> bool {
        self == other || self == Self::Everywhere || other == Self::Everywhere
    }
}

/// An action of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its name for the program; never changes, since shortcuts are remembered by it.
    pub(crate) id: &'static str,
    /// What it does.
    pub(crate) words: &'static str,
    /// What it belongs to.
    pub(crate) group: Group,
    /// Where it can be done.
    pub(crate) place: Place,
    /// The shortcut that it is delivered with; empty for none.
    pub(crate) keys: &'static str,
}

const fn everywhere(
    id: &'static str,
    words: &'static str,
    group: Group,
    keys: &'static str,
) -> Known {
    Known {
        id,
        words,
        group,
        place: Place::Everywhere,
        keys,
    }
}

const fn go(id: &'static str, words: &'static str, keys: &'static str) -> Known {
    everywhere(id, words, Group::Go, keys)
}

const fn setting(id: &'static str, words: &'static str) -> Known {
    everywhere(id, words, Group::Settings, "")
}

const fn at(place: Place, id: &'static str, words: &'static str, keys: &'static str) -> Known {
    Known {
        id,
        words,
        group: Group::Page,
        place,
        keys,
    }
}

/// All of them, in the order in which they are shown.
pub(crate) const KNOWN: &[Known] = &[
    everywhere("palette.open", "Search or run", Group::Help, "mod+k"),
    everywhere("help.keys", "Keyboard shortcuts", Group::Help, "?"),
    everywhere("page.search", "Filter this page", Group::Help, "/"),
    go("go.home", "Home", "g h"),
    go("go.agents", "Agents", "g a"),
    go("go.chat", "Chat", "g c"),
    go("go.traces", "Traces", "g t"),
    go("go.logs", "Logs", "g l"),
    go("go.stack", "Stack", "g s"),
    go("go.activity", "Activity", "g v"),
    go("go.registry", "Registry", "g r"),
    go("go.inbox", "Inbox", "g i"),
    go("go.doctor", "Doctor", "g d"),
    go("go.settings", "Settings", "g ,"),
    everywhere("agents.add", "Add agent", Group::Agents, "n a"),
    everywhere("chat.new", "New conversation", Group::Agents, "n c"),
    everywhere("stack.up", "Bring the stack up", Group::Stack, ""),
    everywhere("stack.down", "Take the stack down", Group::Stack, ""),
    everywhere("stack.logs", "Logs of the stack", Group::Stack, ""),
    everywhere("tasks.open", "Show tasks", Group::Tasks, "g j"),
    setting("settings.general", "General settings"),
    setting("settings.contexts", "Contexts"),
    setting("settings.secrets", "Secrets"),
    setting("settings.watch", "Watch settings"),
    setting("settings.runtime", "Runtime settings"),
    setting("settings.telemetry", "Telemetry settings"),
    setting("settings.keyboard", "Keyboard settings"),
    everywhere("theme.next", "Next theme", Group::Appearance, ""),
    at(Place::Agent, "agent.open", "Overview", "a o"),
    at(Place::Agent, "agent.chat", "Chat", "a c"),
    at(Place::Agent, "agent.traces", "Open traces", "a t"),
    at(Place::Agent, "agent.updates", "Open updates", "a u"),
    at(Place::Agent, "agent.logs", "Open logs", "a l"),
    at(Place::Agent, "agent.card", "Open card", "a k"),
    at(Place::Agent, "agent.start", "Start", "a s"),
    at(Place::Agent, "agent.stop", "Stop", "a x"),
    at(Place::Agent, "agent.restart", "Restart", "a r"),
    at(Place::Agent, "agent.rebuild", "Rebuild", "a b"),
    at(Place::Agent, "agent.delete", "Delete", ""),
    at(Place::Agent, "agent.copy", "Copy address", "a y"),
    at(Place::Agent, "agent.doctor", "Check with Doctor", "a d"),
    at(Place::Chat, "chat.find", "Find a conversation", "f"),
    at(Place::Chat, "chat.write", "Write a message", "m"),
    at(Place::Logs, "logs.pause", "Pause or follow", "p"),
    at(Place::Logs, "logs.save", "Save lines", ""),
];

/// The action of that id.
pub(crate) fn known(id: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_each_has_words() {
        let mut ids: Vec<&str> = KNOWN.iter().map(|known| known.id).collect();
        ids.sort_unstable();
        let many = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), many);
        assert!(KNOWN.iter().all(|known| !known.words.is_empty()));
    }
}
