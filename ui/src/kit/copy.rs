use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::{
    browser,
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
        let text = text.get_untracked();
        spawn_local(async move {
            if browser::copy(&text).await {
                desk.say(copy::copied(what));
            } else {
                desk.say(copy::failed(what));
            }
        });
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
