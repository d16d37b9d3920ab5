//! Whatever is dropped, pasted or opened anywhere: the whole window takes it, a preview says what it is, Enter deploys it.

mod arrivals;
mod item;
mod preview;

use leptos::prelude::*;

use crate::{
    actions::{Action, Actions},
    desk::{Desk, Offers},
    pages::drop::{arrivals::follow_arrivals, preview::OfferDialog},
    words::drop as words,
};

/// Takes what arrives in any way, on every page. Nothing is shown of it until something does.
#[component]
pub(crate) fn DropTarget(desk: Desk) -> impl IntoView {
    let offers = Offers::provide(desk);
    let hovering = RwSignal::new(false);
    follow_arrivals(desk, offers, hovering);
    // On any page, instead of leaving it.
    Actions::get().offer([Action::known("agents.add", move || offers.ask())]);
    view! {
        <Show when=move || hovering.get()>
            <div class="drop-target" aria-hidden="true">
                <p>
                    <strong>{words::DROP_TO_DEPLOY}</strong>
                    <span>{words::WHAT_MAY_BE_DROPPED}</span>
                </p>
            </div>
        </Show>
        <OfferDialog />
    }
}
