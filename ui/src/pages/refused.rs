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
        <div class="page-body narrow">
            <ErrorCard title="This page may not talk to the control plane" fault=fault>
                <Button look=Look::Primary press=|()| browser::reload()>
                    "Try again"
                </Button>
            </ErrorCard>
            <p class="dim">
                "A browser is let in by a link that works once and for a minute. "
                "The command line prints a new one; the desktop window needs none."
            </p>
        </div>
    }
}
