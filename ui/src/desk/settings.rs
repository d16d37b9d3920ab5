//! What a person does with the settings.

use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{Fault, GetSettings, GetStatus, PatchSettings};

use crate::{
    desk::{Desk, Toast, Toasts},
    model::settings,
    words::desk as words,
};

impl Desk {
    /// Asks how the settings are, and what the control plane says of itself; `then` is called with why it could not be said.
    pub(crate) fn read_settings(self, then: impl FnOnce(Option<Fault>) + 'static) {
        let before = self.world.with_untracked(|world| world.settings.clone());
        spawn_local(async move {
            let client = self.client();
            let (read, status) =
                futures::join!(client.call(GetSettings {}), client.call(GetStatus {}));
            self.world.update(|world| {
                if let Ok(status) = status {
                    world.status = Some(status);
                }
                // What an event told meanwhile is newer than the answer.
                if let Ok(read) = &read
                    && world.settings == before
                {
                    world.settings = Some(read.clone());
                }
            });
            then(read.err());
        });
    }

    /// Asks what the control plane says of itself now.
    pub(crate) fn read_status(self) {
        self.run(GetStatus {}, move |status| {
            self.world.update(|world| world.status = Some(status));
        });
    }

    /// Changes settings and offers to undo it, under the `words` that say what was done; `then` is called with why they are
    /// as they were.
    pub(crate) fn change_settings(
        self,
        patch: PatchSettings,
        words: String,
        then: impl FnOnce(Option<Fault>) + 'static,
    ) {
        let before = self.world.with_untracked(|world| world.settings.clone());
        self.send_settings(patch.clone(), move |fault| {
            if let (None, Some(before)) = (&fault, before) {
                let undo = Box::new(settings::undo(&before, &patch));
                self.put_for(Toast::Changed { words, undo }, Toasts::UNDO_FOR);
            }
            then(fault);
        });
    }

    /// Makes settings what they were.
    pub(crate) fn undo_settings(self, undo: PatchSettings) {
        self.send_settings(undo, move |fault| match fault {
            Some(fault) => self.report(fault),
            None => self.say(words::PUT_BACK),
        });
    }

    fn send_settings(self, patch: PatchSettings, then: impl FnOnce(Option<Fault>) + 'static) {
        self.own_settings.update_value(|own| own.begin(&patch));
        spawn_local(async move {
            let outcome = self.client().call(patch.clone()).await;
            self.own_settings
                .update_value(|own| own.end(&patch, outcome.as_ref().ok()));
            let fault = match outcome {
                Ok(made) => {
                    self.world.update(|world| world.settings = Some(made));
                    None
                }
                Err(fault) => Some(fault),
            };
            then(fault);
        });
    }
}
