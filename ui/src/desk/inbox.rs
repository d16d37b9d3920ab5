//! What keeps the inbox up to date, and what a person does with it.

use leptos::prelude::*;
use nasiko_contract::{ClearNotices, Event, ListNotices, NoticeId, ReadNotices, RestoreNotices};

use crate::{
    desk::{Desk, Toast, Toasts},
    model::inbox,
    words::desk as words,
};

/// Notices read from the list: as many as one answer holds.
const ROWS: u32 = 500;

impl Desk {
    /// Reads the inbox. One that cannot be read keeps nobody from the rest.
    pub(super) async fn read_inbox(self) {
        let list = ListNotices {
            limit: Some(ROWS),
            ..ListNotices::default()
        };
        if let Ok(page) = self.client().call(list).await {
            self.inbox.update(|inbox| inbox.set(page.items));
        }
    }

    /// Takes in an event; says what is new.
    pub(super) fn hear_inbox(self, event: &Event) {
        self.inbox.maybe_update(|inbox| inbox.apply(event));
        if let Some(words) = inbox::said(event) {
            self.say(words);
        }
    }

    /// Marks a notice as read, or all of them.
    pub(crate) fn read_notices(self, notice: Option<NoticeId>) {
        self.run(ReadNotices { notice }, |_| {});
    }

    /// Takes a notice out of the inbox, or all of them, and offers to undo it.
    pub(crate) fn clear_notices(self, notice: Option<NoticeId>) {
        self.run(ClearNotices { notice }, move |done| {
            let words = words::cleared(done.changed);
            self.put_for(Toast::Cleared(words), Toasts::UNDO_FOR);
        });
    }

    /// Brings back what was cleared last.
    pub(crate) fn restore_notices(self) {
        self.run(RestoreNotices {}, move |_| self.say(words::PUT_BACK));
    }
}
