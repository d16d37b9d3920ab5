use leptos::prelude::*;
use nasiko_contract::Fault;

use crate::{
    browser,
    kit::{Button, ErrorCard, Look},
};

/// The control plane does not let this page in.
#[component]
pub(crate) fn Refused(fault: Fault) -> impl IntoView {
    browser::set_title("Not signed in · Nasiko");
    view! {
        <header class="page-head">
            <h1>"Not signed in"</h1>
        </header>
        <div class="page-body narrow">
            <ErrorCard fault=Fault::new(fault.code, fault.message)>
                <Button look=Look::Primary press=|()| browser::reload()>
                    "Try again"
                </Button>
            </ErrorCard>
            <p class="dim">
                "Run " <code>"nasiko open"</code>
                ": it opens these pages with a link that works once. The desktop window needs none."
            </p>
        </div>
    }
}
