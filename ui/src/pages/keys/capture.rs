//! A field that takes a shortcut as it is pressed.

use leptos::{ev::KeyboardEvent, html, prelude::*};

use crate::{
    actions::Actions,
    browser,
    model::keys::{Chord, Shortcut},
    words::keys::capture as text,
};

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Captured {
    /// This one.
    Keys(Shortcut),
    /// None at all.
    Nothing,
    /// It stays as it was.
    Cancelled,
}

/// Takes the keys that are pressed: Enter keeps them, Backspace takes the shortcut away, Escape leaves it.
#[component]
pub(super) fn Capture(
    /// The words of the action.
    words: &'static str,
    done: Callback<Captured>,
) -> impl IntoView {
    let mac = Actions::get().mac;
    let chords = RwSignal::new(Vec::<Chord>::new());
    let refused = RwSignal::new(false);
    let element = NodeRef::<html::Button>::new();
    element.on_load(|element| {
        let _focusable = element.focus();
    });
    let key = move |event: KeyboardEvent| {
        event.stop_propagation();
        let Some(chord) = browser::keys::chord(&event, mac) else {
            return;
        };
        event.prevent_default();
        let plain = !chord.command && !chord.alt && !chord.shift;
        match (chord.key.as_str(), plain) {
            ("Escape" | "Tab", _) => done.run(Captured::Cancelled),
            ("Enter", true) => match Shortcut::new(chords.get_untracked()) {
                Some(shortcut) => done.run(Captured::Keys(shortcut)),
                None => done.run(Captured::Cancelled),
            },
            ("Backspace", true) => done.run(Captured::Nothing),
            _ => {
                let mut with = chords.get_untracked();
                with.push(chord);
                refused.set(Shortcut::new(with.clone()).is_none());
                if !refused.get_untracked() {
                    chords.set(with);
                }
            }
        }
    };
    let told = move || {
        let keys: Vec<String> =
            chords.with(|chords| chords.iter().map(|chord| chord.shown(mac)).collect());
        if refused.get() {
            text::NEEDED.to_owned()
        } else {
            text::pressed(&keys)
        }
    };
    // Also told of one that is being taken away.
    let left = move |_| {
        let _gone = done.try_run(Captured::Cancelled);
    };
    view! {
        <button
            type="button"
            class="button small key-capture"
            node_ref=element
            aria-label=text::label(words)
            on:keydown=key
            on:blur=left
        >
            <span role="status">{told}</span>
        </button>
    }
}
