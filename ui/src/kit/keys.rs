use leptos::prelude::*;

use crate::{actions::Actions, model::keys::Shortcut};

/// A shortcut as its keys.
#[component]
pub(crate) fn Keys(
    /// Nothing is drawn without one.
    #[prop(into)]
    shortcut: Signal<Option<Shortcut>>,
) -> impl IntoView {
    let mac = Actions::get().mac;
    move || {
        let shortcut = shortcut.get()?;
        let keys = shortcut.shown(mac);
        let keys = keys
            .into_iter()
            .map(|key| view! { <kbd>{key}</kbd> })
            .collect_view();
        Some(view! { <span class="keys" aria-label=shortcut.words(mac) role="img">{keys}</span> })
    }
}

/// What a pointer that rests on a control is told: its words and its shortcut.
pub(crate) fn tooltip(actions: Actions, id: &str) -> String {
    let words = crate::model::actions::known(id).map_or("", |known| known.words);
    match actions.shortcut(id) {
        Some(shortcut) => format!("{words} ({})", shortcut.words(actions.mac)),
        None => words.to_owned(),
    }
}
