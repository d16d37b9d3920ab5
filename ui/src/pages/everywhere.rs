use leptos::prelude::*;

use crate::{
    actions::{QuestionDialog, offer_everywhere},
    desk::Desk,
    pages::{keys::KeySheet, palette::Palette},
};

/// What stands above every page when it is asked for, and what can be done on each. Inside of the router.
#[component]
pub(crate) fn Everywhere() -> impl IntoView {
    offer_everywhere(Desk::get());
    view! {
        <Palette />
        <KeySheet />
        <QuestionDialog />
    }
}
