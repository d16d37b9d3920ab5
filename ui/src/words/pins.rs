//! Pinned questions and their answers.

// Beside a message.
pub(crate) const PIN: &str = "Pin";
pub(crate) const PINNED: &str = "Pinned";
pub(crate) const PIN_MEANS: &str = "Pin: ask again after each update";

/// That a question is pinned, and how it is answered now.
pub(crate) fn pinned(state: &str) -> String {
    format!("Pinned: {state}. Show its answers")
}

// The strip.
pub(crate) const QUESTIONS: &str = "Pinned questions";
pub(crate) const ASK_AGAIN: &str = "Ask again";

// The dialog.
pub(crate) const DIALOG: &str = "A pinned question and its answers";
pub(crate) const ACCEPTED: &str = "Accepted answer";
pub(crate) const NONE_ACCEPTED: &str = "There is none yet: the first answer is accepted by itself.";
pub(crate) const LATEST: &str = "Latest answer";
pub(crate) const EARLIER: &str = "Earlier answer";
pub(crate) const NOT_ASKED: &str = "It has not been asked yet.";
pub(crate) const TOO_LONG: &str = "They are too long to mark what differs.";
pub(crate) const ACCEPT_LATEST: &str = "Accept latest";
pub(crate) const REMOVE_TITLE: &str = "Remove this pin?";
pub(crate) const REMOVE_MEANS: &str =
    "Its answers are forgotten. The conversation it came from stays.";

/// The way to the trace of an answer.
pub(crate) fn trace(id: &str) -> String {
    format!("trace {id}")
}

/// The answers that came before.
pub(crate) mod history {
    pub(crate) const READING: &str = "its answers";
    pub(crate) const ASKED: &str = "Asked";
    pub(crate) const WHY: &str = "Why";
    pub(crate) const COMPARED: &str = "Compared";
    pub(crate) const TRACE: &str = "Trace";
    pub(crate) const AFTER_A_SAVE: &str = "after a save";
    pub(crate) const BY_HAND: &str = "by hand";
    pub(crate) const COMPARE: &str = "Put it beside the accepted answer";
}
