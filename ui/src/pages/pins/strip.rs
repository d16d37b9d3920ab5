use leptos::prelude::*;
use nasiko_contract::PinId;

use crate::{
    desk::Desk,
    kit::{Button, Look},
    model::{pins as told, tone},
    pages::pins::Pins,
    words::pins as words,
};

/// One chip for each pinned question: whether it is still answered as it was accepted.
#[component]
pub(crate) fn PinStrip(
    pins: Pins,
    /// Only the chips.
    #[prop(optional)]
    compact: bool,
) -> impl IntoView {
    let desk = Desk::get();
    let ids = Memo::new(move |_| {
        pins.list
            .with(|pins| pins.iter().map(|pin| pin.id.clone()).collect::<Vec<_>>())
    });
    let summary = Memo::new(move |_| pins.list.with(|pins| told::summary(pins)));
    let ask = (!compact).then(|| {
        view! {
            <Button look=Look::Flat press=move |()| desk.ask_pins(pins.agent())>
                {words::ASK_AGAIN}
            </Button>
        }
    });
    view! {
        <section class="pins" class:compact=compact aria-label=words::QUESTIONS>
            <h2>{words::PINNED}</h2>
            <ul class="chips">
                <For each=move || ids.get() key=PinId::clone children=move |id| view! { <Chip pins=pins id=id /> } />
            </ul>
            <span class="unseen" role="status">
                {summary}
            </span>
            {ask}
        </section>
    }
}

#[component]
fn Chip(pins: Pins, id: PinId) -> impl IntoView {
    let pin = {
        let id = id.clone();
        Memo::new(move |_| pins.pin(&id))
    };
    let text = move || pin.with(|pin| pin.as_ref().map(|pin| pin.text.clone()));
    let state = Memo::new(move |_| {
        pin.with(|pin| {
            pin.as_ref()
                .map_or((tone::Tone::Idle, ""), |pin| tone::pin(pin.state))
        })
    });
    let title = move || Some(format!("{}: {}", state.get().1, text()?));
    view! {
        <li>
            <button
                type="button"
                class="chip"
                aria-haspopup="dialog"
                title=title
                on:click=move |_| pins.opened.set(Some(id.clone()))
            >
                <i class=move || format!("shape {}", state.get().0.class()) aria-hidden="true"></i>
                <span class="unseen">{move || format!("{}: ", state.get().1)}</span>
                <span class="clip">{text}</span>
            </button>
        </li>
    }
}
