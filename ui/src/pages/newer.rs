//! Newer versions of the desktop program: asked for by a person, in the settings or in the palette.

use leptos::{prelude::*, task::spawn_local};
use nasiko_client::window::NewerVersion;
use nasiko_contract::Fault;

use crate::{desk::Desk, shell::Shell, words::startup::newer as words};

/// What is known of newer versions in this window.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Known {
    /// Nobody asked yet.
    #[default]
    Nothing,
    /// It is looked for.
    Looking,
    /// What was found.
    Found(NewerVersion),
    /// Why nothing could be found out.
    Failed(Fault),
}

/// Looks for newer versions, and keeps what was found for every page.
#[derive(Clone, Copy)]
pub(crate) struct Newer {
    known: RwSignal<Known>,
}

impl Newer {
    /// Hands it down.
    pub(crate) fn provide() {
        provide_context(Self {
            known: RwSignal::default(),
        });
    }

    /// That of this window.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// What is known.
    pub(crate) fn known(self) -> Known {
        self.known.get()
    }

    /// Looks, unless somebody does already, and says what was found in passing as well.
    pub(crate) fn look(self, desk: Desk) {
        if self.known.with_untracked(|known| *known == Known::Looking) {
            return;
        }
        self.known.set(Known::Looking);
        spawn_local(async move {
            let known = match Shell::look_for_update().await {
                Ok(found) => {
                    desk.say(in_words(&found));
                    Known::Found(found)
                }
                Err(fault) => {
                    desk.report(fault.clone());
                    Known::Failed(fault)
                }
            };
            self.known.set(known);
        });
    }
}

/// What was found, in a sentence.
pub(crate) fn in_words(found: &NewerVersion) -> String {
    match found {
        NewerVersion::NotConfigured { version } => words::not_configured(version),
        NewerVersion::None { version } => words::none(version),
        NewerVersion::Ready { version } => words::ready(version),
        NewerVersion::Managed { version } => words::managed(version),
    }
}
