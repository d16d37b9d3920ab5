//! What can be done now: the one registry of actions. Pages offer theirs while they are shown; the palette, shortcuts,
//! menus and the sheet of shortcuts all take them from here.

mod agents;
mod everywhere;
mod listen;
mod question;
mod services;
mod store;

use std::borrow::Cow;

use leptos::prelude::*;

use crate::{
    browser,
    model::{
        actions::{Group, known},
        keys::{Keymap, Shortcut},
        palette::{Recent, Subject},
    },
};

pub(crate) use agents::{do_deed, offer_agent};
pub(crate) use everywhere::offer_everywhere;
pub(crate) use question::{Question, QuestionDialog};
pub(crate) use services::{do_with_service, service_deeds};

/// Something that can be done now.
#[derive(Clone)]
pub(crate) struct Action {
    /// Its name for the program: that of the catalogue, if it is there.
    pub(crate) id: Cow<'static, str>,
    /// What it does.
    pub(crate) words: String,
    /// What it belongs to.
    pub(crate) group: Group,
    can: Signal<bool>,
    run: Callback<()>,
}

impl Action {
    /// An action of the catalogue.
    pub(crate) fn known(id: &'static str, run: impl Fn() + Send + Sync + 'static) -> Self {
        let (words, group) =
            known(id).map_or(("", Group::Page), |known| (known.words, known.group));
        Self::made(id, words, group, run)
    }

    /// An action that is there for what there is now, such as another context. It has no shortcut.
    pub(crate) fn made(
        id: impl Into<Cow<'static, str>>,
        words: impl Into<String>,
        group: Group,
        run: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            words: words.into(),
            group,
            can: Signal::stored(true),
            run: Callback::new(move |()| run()),
        }
    }

    /// It can only be done while this holds.
    pub(crate) fn when(mut self, can: impl Into<Signal<bool>>) -> Self {
        self.can = can.into();
        self
    }
}

/// A copyable handle to the registry and to what belongs to all pages alike.
#[derive(Clone, Copy)]
pub(crate) struct Actions {
    offered: RwSignal<Vec<(u64, Action)>>,
    offers: StoredValue<u64>,
    navigate: StoredValue<Option<Callback<String>>>,
    /// Shortcuts as the person has them.
    pub(crate) keymap: RwSignal<Keymap>,
    /// What was used, for the ranking.
    pub(crate) recent: RwSignal<Recent>,
    /// The palette is open.
    pub(crate) palette: RwSignal<bool>,
    /// The sheet of shortcuts is open.
    pub(crate) sheet: RwSignal<bool>,
    /// The task tray is open.
    pub(crate) tray: RwSignal<bool>,
    /// What is asked before something is destroyed.
    pub(crate) question: RwSignal<Option<Question>>,
    /// This machine's command key is Cmd.
    pub(crate) mac: bool,
}

impl Actions {
    /// Sets up the registry, and hands it down.
    pub(crate) fn provide() -> Self {
        let actions = Self {
            offered: RwSignal::default(),
            offers: StoredValue::new(0),
            navigate: StoredValue::new(None),
            keymap: RwSignal::new(store::keymap()),
            recent: RwSignal::new(store::recent()),
            palette: RwSignal::new(false),
            sheet: RwSignal::new(false),
            tray: RwSignal::new(false),
            question: RwSignal::new(None),
            mac: browser::keys::is_mac(),
        };
        provide_context(actions);
        actions
    }

    /// The registry of this page.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// Says how one gets to another page; known only inside of the router.
    pub(crate) fn lead(self, go: impl Fn(String) + Send + Sync + 'static) {
        self.navigate.set_value(Some(Callback::new(go)));
    }

    /// Goes to another page.
    pub(crate) fn go(self, path: impl Into<String>) {
        if let Some(navigate) = self.navigate.get_value() {
            navigate.run(path.into());
        }
    }

    /// Offers actions until the caller's owner goes. Of two with one id the one offered later is meant.
    pub(crate) fn offer(self, actions: impl IntoIterator<Item = Action>) {
        let number = self.offers.try_update_value(|offers| {
            *offers += 1;
            *offers
        });
        let number = number.unwrap_or_default();
        self.offered
            .update(|offered| offered.extend(actions.into_iter().map(|action| (number, action))));
        on_cleanup(move || {
            let _gone = self
                .offered
                .try_update(|offered| offered.retain(|(of, _)| *of != number));
        });
    }

    /// What can be done now, in the order in which it was offered.
    pub(crate) fn now(self) -> Vec<Action> {
        self.offered.with(|offered| {
            let mut now: Vec<Action> = Vec::with_capacity(offered.len());
            for (_, action) in offered {
                now.retain(|other| other.id != action.id);
                if action.can.get() {
                    now.push(action.clone());
                }
            }
            now
        })
    }

    /// Does what has that id, if it can be done now; whether it could.
    pub(crate) fn run(self, id: &str) -> bool {
        let action = untrack(move || self.now())
            .into_iter()
            .find(|action| action.id == id);
        action.is_some_and(|action| {
            self.used(&Subject::Action(id.to_owned()));
            action.run.run(());
            true
        })
    }

    /// Remembers that something was used.
    pub(crate) fn used(self, subject: &Subject) {
        self.recent.update(|recent| recent.put(subject));
        self.recent.with_untracked(store::keep_recent);
    }

    /// The shortcut of an action.
    pub(crate) fn shortcut(self, id: &str) -> Option<Shortcut> {
        self.keymap.with(|keymap| keymap.of(id))
    }

    /// Changes shortcuts, and remembers them on this machine.
    pub(crate) fn rebind(self, change: impl FnOnce(&mut Keymap)) {
        self.keymap.update(change);
        self.keymap.with_untracked(store::keep_keymap);
    }
}
