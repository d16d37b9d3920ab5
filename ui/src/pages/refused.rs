use leptos::prelude::*;
use nasiko_contract::Fault;

use crate::{
    browser,
    kit::{Button, ErrorCard, Look, Sentence},
    words::{common, refused as words},
};

/// The control plane does not let this page in.
#[component]
pub(crate) fn Refused(fault: Fault) -> impl IntoView {
    browser::set_title(&common::window_title(words::TITLE));
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
        </header>
        <div class="page-body narrow">
            <ErrorCard fault=Fault::new(fault.code, fault.message)>
                <Button look=Look::Primary press=|()| browser::reload()>
                    {common::TRY_AGAIN}
                </Button>
            </ErrorCard>
            <p class="dim">
                <Sentence text=words::HOW_TO />
            </p>
        </div>
    }
}
