//! The catalogue of actions that have a name everywhere: in the palette, in the sheet of shortcuts, in the settings.
//! What they do is said where it can be done ([`crate::actions`]).

use crate::words::{actions as words, common};

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
            Self::Page => words::group::PAGE,
            Self::Go => words::group::GO,
            Self::Agents => words::group::AGENTS,
            Self::Stack => words::group::STACK,
            Self::Tasks => words::group::TASKS,
            Self::Settings => words::group::SETTINGS,
            Self::Appearance => words::group::APPEARANCE,
            Self::Contexts => words::group::CONTEXTS,
            Self::Help => words::group::HELP,
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
            Self::Everywhere => words::place::EVERYWHERE,
            Self::Agent => words::place::AGENT,
            Self::Chat => words::place::CHAT,
            Self::Logs => words::place::LOGS,
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
    everywhere("palette.open", words::OPEN_PALETTE, Group::Help, "mod+k"),
    everywhere("help.keys", words::SHOW_SHORTCUTS, Group::Help, "?"),
    everywhere("undo", common::UNDO, Group::Help, "u"),
    everywhere("page.search", words::FILTER_PAGE, Group::Help, "/"),
    go("go.home", words::go::HOME, "g h"),
    go("go.agents", words::go::AGENTS, "g a"),
    go("go.chat", words::go::CHAT, "g c"),
    go("go.traces", words::go::TRACES, "g t"),
    go("go.logs", words::go::LOGS, "g l"),
    go("go.stack", words::go::STACK, "g s"),
    go("go.activity", words::go::ACTIVITY, "g v"),
    go("go.registry", words::go::REGISTRY, "g r"),
    go("go.inbox", words::go::INBOX, "g i"),
    go("go.doctor", words::go::DOCTOR, "g d"),
    go("go.settings", words::go::SETTINGS, "g ,"),
    everywhere("agents.add", common::ADD_AGENT, Group::Agents, "n a"),
    everywhere("chat.new", words::NEW_CONVERSATION, Group::Agents, "n c"),
    everywhere("stack.up", words::STACK_UP, Group::Stack, ""),
    everywhere("stack.down", words::STACK_DOWN, Group::Stack, ""),
    everywhere("stack.logs", words::STACK_LOGS, Group::Stack, ""),
    everywhere("tasks.open", words::SHOW_TASKS, Group::Tasks, "g j"),
    setting("settings.general", words::settings::GENERAL),
    setting("settings.contexts", words::settings::CONTEXTS),
    setting("settings.secrets", words::settings::SECRETS),
    setting("settings.watch", words::settings::WATCH),
    setting("settings.runtime", words::settings::RUNTIME),
    setting("settings.telemetry", words::settings::TELEMETRY),
    setting("settings.keyboard", words::settings::KEYBOARD),
    everywhere(
        "updates.check",
        crate::words::startup::newer::CHECK,
        Group::Settings,
        "",
    ),
    everywhere("theme.next", words::NEXT_THEME, Group::Appearance, ""),
    at(Place::Agent, "agent.open", words::agent::OPEN, "a o"),
    at(Place::Agent, "agent.chat", words::agent::CHAT, "a c"),
    at(Place::Agent, "agent.traces", words::agent::TRACES, "a t"),
    at(Place::Agent, "agent.updates", words::agent::UPDATES, "a u"),
    at(Place::Agent, "agent.logs", words::agent::LOGS, "a l"),
    at(Place::Agent, "agent.card", words::agent::CARD, "a k"),
    at(Place::Agent, "agent.start", common::START, "a s"),
    at(Place::Agent, "agent.stop", common::STOP, "a x"),
    at(Place::Agent, "agent.restart", common::RESTART, "a r"),
    at(Place::Agent, "agent.rebuild", common::REBUILD, "a b"),
    at(Place::Agent, "agent.delete", common::DELETE, ""),
    at(Place::Agent, "agent.copy", words::agent::COPY, "a y"),
    at(Place::Agent, "agent.doctor", words::agent::DOCTOR, "a d"),
    at(Place::Chat, "chat.find", words::FIND_CONVERSATION, "f"),
    at(Place::Chat, "chat.write", words::WRITE_MESSAGE, "m"),
    at(Place::Logs, "logs.pause", words::PAUSE_LOGS, "p"),
    at(Place::Logs, "logs.save", words::SAVE_LOGS, ""),
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
