//! Drafts of messages, kept over reloads and while another page is shown.

use leptos::prelude::*;

use crate::{browser, desk::Desk, model::drafts::Drafts};

const KEY: &str = "nasiko.drafts";

/// What was remembered on this machine.
pub(super) fn recall() -> Drafts {
    Drafts::read(&browser::recall(KEY).unwrap_or_default())
}

impl Desk {
    /// What was begun to be written in a conversation.
    pub(crate) fn draft(self, conversation: &str) -> String {
        self.drafts.with_value(|drafts| drafts.of(conversation))
    }

    /// Keeps what is being written in a conversation.
    pub(crate) fn keep_draft(self, conversation: &str, text: &str) {
        self.drafts
            .update_value(|drafts| drafts.put(conversation, text));
        self.drafts
            .with_value(|drafts| browser::remember(KEY, &drafts.written()));
    }
}
