use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::{
    actions::{QuestionDialog, offer_everywhere},
    browser,
    desk::Desk,
    pages::{keys::KeySheet, palette::Palette},
};

/// What stands above every page when it is asked for, and what can be done on each. Inside of the router.
#[component]
pub(crate) fn Everywhere() -> impl IntoView {
    offer_everywhere(Desk::get());
    keep_keyboard();
    view! {
        <Palette />
        <KeySheet />
        <QuestionDialog />
    }
}

/// A link that led away may be gone with its page: then the new page has the keyboard.
fn keep_keyboard() {
    let path = use_location().pathname;
    Effect::new(move |before: Option<()>| {
        path.track();
        if before.is_some() {
            request_animation_frame(|| browser::keys::focus_unless_held("content"));
        }
    });
}
