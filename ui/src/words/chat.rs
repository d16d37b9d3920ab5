//! Of conversations: one, and the list of all.

use super::common::counted;

pub(crate) const TITLE: &str = "Chat";
pub(crate) const CONVERSATION: &str = "Conversation";
pub(crate) const NEW_CONVERSATION: &str = "New conversation";
pub(crate) const UNTITLED: &str = "Conversation without a title";

// Its head.
pub(crate) const CHOOSE: &str = "Choose a conversation";
pub(crate) const FORGET: &str = "Delete this conversation";
pub(crate) const NEW: &str = "New";

/// What is said in it.
pub(crate) mod thread {
    use super::counted;

    pub(crate) const MESSAGES: &str = "Messages";
    pub(crate) const READING: &str = "the conversation";
    pub(crate) const EMPTY_TEXT: &str = "Its answer appears here, and beside it how it came to be.";
    pub(crate) const SUGGESTIONS: &str = "Suggested questions";
    pub(crate) const YOU: &str = "You";
    pub(crate) const ANSWER: &str = "Answer";
    pub(crate) const ARRIVING: &str = "Answer under way";

    pub(crate) fn empty(agent: &str) -> String {
        format!("Ask {agent} something")
    }

    pub(crate) fn tokens(many: u64) -> String {
        counted(many, "token")
    }

    pub(crate) fn trace(id: &str) -> String {
        format!("trace {id}")
    }

    pub(crate) fn show_trace(id: &str) -> String {
        format!("trace {id}: show it beside the conversation")
    }
}

// Where the person writes.
pub(crate) const SEND: &str = "Send";
pub(crate) const SILENT: &str = "It does not answer now: start it to go on.";

pub(crate) fn message_to(agent: &str) -> String {
    format!("Message {agent}")
}

/// The page of all conversations.
pub(crate) mod all {
    pub(crate) const TITLE: &str = "All conversations";
    pub(crate) const LIST: &str = "Conversations";
    pub(crate) const READING: &str = "conversations";
    pub(crate) const FILTER: &str = "Filter conversations by words";
    pub(crate) const NONE: &str = "No conversation yet";
    pub(crate) const NONE_TEXT: &str = "Each one stays here, whichever agent it is with.";
    pub(crate) const NONE_LIKE_THAT: &str = "No conversation is like that";
    pub(crate) const GONE: &str = "There is no such conversation";
    pub(crate) const GONE_TEXT: &str = "It may have been deleted.";

    // With whom one is to begin.
    pub(crate) const WITH_WHOM: &str = "with whom?";
    pub(crate) const NO_AGENT: &str = "There is no agent yet";
    pub(crate) const ADD_ONE: &str = "Add one";
}

pub(crate) fn conversations(many: usize) -> String {
    counted(many as u64, "conversation")
}
