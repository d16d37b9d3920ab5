use leptos::prelude::*;

use crate::{
    desk::Desk,
    kit::{Glyph, Icon},
    words::kit::copy,
};

/// Puts a text into the clipboard.
#[component]
pub(crate) fn CopyButton(
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
    /// What it is, e.g. `address`.
    what: &'static str,
    /// Shown instead of `Copy`.
    #[prop(optional)]
    words: Option<&'static str>,
) -> impl IntoView {
    let desk = Desk::get();
    let press = move |_| {
        desk.copy(text.get_untracked(), copy::copied(what), copy::failed(what));
    };
    // Words of its own say all of it.
    let label = words.is_none().then(|| copy::label(what));
    view! {
        <button type="button" class="button flat small" aria-label=label on:click=press>
            <Icon glyph=Glyph::Copy />
            {words.unwrap_or(copy::COPY)}
        </button>
    }
}
