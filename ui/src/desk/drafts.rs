//! Drafts of messages, kept over reloads and while another page is shown.

use leptos::prelude::*;

use crate::{browser, desk::Desk, model::drafts::Drafts, restore::Restore};

const KEY: &str = "nasiko.drafts";

/// What was remembered: by the window's process, which writes it down at once, else by the browser.
pub(super) fn recall(restore: Restore) -> Drafts {
    let drafts = restore.drafts();
    if drafts.is_empty() {
        Drafts::read(&browser::recall(KEY).unwrap_or_default())
    } else {
        Drafts::read(&drafts)
    }
}

impl Desk {
    /// What was begun to be written in a conversation.
    pub(crate) fn draft(self, conversation: &str) -> String {
        self.drafts.with_value(|drafts| drafts.of(conversation))
    }

    /// Keeps what is being written in a conversation.
    pub(crate) fn keep_draft(self, conversation: &str, text: &str) {
        self.change_drafts(|drafts| drafts.put(conversation, text));
    }

    /// As [`Drafts::carry`].
    pub(crate) fn carry_draft(self, from: &str, to: &str) {
        self.change_drafts(|drafts| drafts.carry(from, to));
    }

    fn change_drafts(self, change: impl FnOnce(&mut Drafts)) {
        self.drafts.update_value(change);
        let written = self.drafts.with_value(Drafts::written);
        browser::remember(KEY, &written);
        self.restore.keep_drafts(written);
    }
}
