//! What can be done with an agent, wherever it is named.

use nasiko_contract::{AgentName, AgentState};

use crate::{model::actions, words::actions::of_agent as words};

/// Something that can be done with an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    Open,
    Chat,
    Traces,
    Updates,
    Logs,
    Card,
    Start,
    Stop,
    Restart,
    Rebuild,
    Delete,
    Copy,
    Doctor,
}

impl Deed {
    /// All of them, the likeliest first.
    pub(crate) const ALL: [Self; 13] = [
        Self::Open,
        Self::Chat,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Rebuild,
        Self::Logs,
        Self::Traces,
        Self::Updates,
        Self::Card,
        Self::Copy,
        Self::Doctor,
        Self::Delete,
    ];

    /// Its action in the catalogue.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Open => "agent.open",
            Self::Chat => "agent.chat",
            Self::Traces => "agent.traces",
            Self::Updates => "agent.updates",
            Self::Logs => "agent.logs",
            Self::Card => "agent.card",
            Self::Start => "agent.start",
            Self::Stop => "agent.stop",
            Self::Restart => "agent.restart",
            Self::Rebuild => "agent.rebuild",
            Self::Delete => "agent.delete",
            Self::Copy => "agent.copy",
            Self::Doctor => "agent.doctor",
        }
    }

    /// Its words.
    pub(crate) fn words(self) -> &'static str {
        actions::known(self.id()).map_or("", |known| known.words)
    }

    /// Its words with the agent it is done with.
    pub(crate) fn phrase(self, agent: &AgentName) -> String {
        let phrase = match self {
            Self::Open => words::open,
            Self::Chat => words::chat,
            Self::Traces => words::traces,
            Self::Updates => words::updates,
            Self::Logs => words::logs,
            Self::Card => words::card,
            Self::Start => words::start,
            Self::Stop => words::stop,
            Self::Restart => words::restart,
            Self::Rebuild => words::rebuild,
            Self::Delete => words::delete,
            Self::Copy => words::copy,
            Self::Doctor => words::doctor,
        };
        phrase(agent.as_str())
    }

    /// Where it leads, if it is a page.
    pub(crate) fn page(self, agent: &AgentName) -> Option<String> {
        let tab = match self {
            Self::Open => "",
            Self::Chat => "/chat",
            Self::Traces => "/traces",
            Self::Updates => "/updates",
            Self::Logs => "/logs",
            Self::Card => "/card",
            Self::Doctor => return Some(format!("/doctor/{agent}")),
            Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Rebuild
            | Self::Delete
            | Self::Copy => {
                return None;
            }
        };
        Some(format!("/agents/{agent}{tab}"))
    }

    /// Whether it can be done now: one job at a time, and only what changes something.
    pub(crate) fn applies(self, state: AgentState, busy: bool) -> bool {
        match self {
            Self::Start => !busy && matches!(state, AgentState::Stopped | AgentState::Failed),
            Self::Stop | Self::Restart => !busy && state == AgentState::Active,
            Self::Rebuild | Self::Delete => !busy,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_catalogue() {
        for deed in Deed::ALL {
            assert!(!deed.words().is_empty(), "{deed:?}");
        }
    }

    #[test]
    fn only_what_changes_something_can_be_done() {
        for (deed, state, busy, applies) in [
            (Deed::Start, AgentState::Active, false, false),
            (Deed::Start, AgentState::Failed, false, true),
            (Deed::Stop, AgentState::Active, false, true),
            (Deed::Stop, AgentState::Active, true, false),
            (Deed::Stop, AgentState::Stopped, false, false),
            (Deed::Logs, AgentState::Failed, true, true),
        ] {
            assert_eq!(
                deed.applies(state, busy),
                applies,
                "{deed:?} {state:?} {busy}"
            );
        }
    }

    #[test]
    fn phrases_are_sentences() {
        let agent = AgentName::from("greeter");
        for (deed, phrase) in [
            (Deed::Stop, "Stop greeter"),
            (Deed::Chat, "Chat with greeter"),
            (Deed::Logs, "Open logs of greeter"),
            (Deed::Doctor, "Check greeter with Doctor"),
        ] {
            assert_eq!(deed.phrase(&agent), phrase);
        }
    }
}
