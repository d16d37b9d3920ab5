use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::{
    browser,
    desk::Desk,
    kit::{Glyph, Icon},
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
                desk.say(format!("Copied the {what}"));
            } else {
                desk.say(format!("The {what} could not be copied: select it by hand"));
            }
        });
    };
    // Words of its own say all of it.
    let label = words.is_none().then(|| format!("Copy the {what}"));
    view! {
        <button type="button" class="button flat small" aria-label=label on:click=press>
            <Icon glyph=Glyph::Copy />
            {words.unwrap_or("Copy")}
        </button>
    }
}
