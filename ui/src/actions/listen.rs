//! Keys that are pressed anywhere on a page.

use leptos::{ev, prelude::*};

use crate::{
    actions::Actions,
    browser,
    model::keys::{Fed, Shortcut, Typed},
};

/// Listens for shortcuts until the caller's owner goes. None fires while something is written, and none while a dialog
/// holds the keyboard.
pub(super) fn listen(actions: Actions) {
    // What can be meant changes seldom; keys come often.
    let bound = Memo::new(move |_| -> Vec<(String, Shortcut)> {
        let now = actions.now();
        let shortcut = |id: &str| actions.shortcut(id);
        now.iter()
            .filter_map(|action| Some((action.id.to_string(), shortcut(&action.id)?)))
            .collect()
    });
    let typed = StoredValue::new(Typed::default());
    let pressed = window_event_listener(ev::keydown, move |event| {
        if event.default_prevented() || event.repeat() {
            return;
        }
        let Some(chord) = browser::keys::chord(&event, actions.mac) else {
            return;
        };
        if chord.writes() && browser::keys::goes_to_a_field(&event)
            || browser::keys::dialog_is_open()
        {
            return;
        }
        let fed = bound.with_untracked(|bound| {
            typed.try_update_value(|typed| typed.feed(chord, browser::now(), bound))
        });
        match fed.unwrap_or(Fed::Nothing) {
            Fed::Run(id) => {
                event.prevent_default();
                actions.run(&id);
            }
            // A browser would begin to search for what is typed.
            Fed::Waiting => event.prevent_default(),
            Fed::Nothing => {}
        }
    });
    on_cleanup(move || pressed.remove());
}
