mod answer;
mod history;
mod strip;
mod view;

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use nasiko_contract::{AgentName, Pin, PinId};

use crate::{
    desk::Desk,
    kit::Modal,
    model::{pins::of_question, tone},
    pages::pins::view::PinView,
    words::pins as words,
};

pub(crate) use strip::PinStrip;

/// The pinned questions of an agent, and which one is opened.
#[derive(Clone, Copy)]
pub(crate) struct Pins {
    agent: StoredValue<AgentName>,
    list: Memo<Vec<Pin>>,
    opened: RwSignal<Option<PinId>>,
}

impl Pins {
    /// Those of `agent`.
    pub(crate) fn of(desk: Desk, agent: AgentName) -> Self {
        let of = agent.clone();
        let list = Memo::new(move |_| {
            desk.live.with(|live| {
                live.agent(&of)
                    .map(|known| known.pins.clone())
                    .unwrap_or_default()
            })
        });
        Self {
            agent: StoredValue::new(agent),
            list,
            opened: RwSignal::new(None),
        }
    }

    /// Whether there is any.
    pub(crate) fn some(self) -> bool {
        self.list.with(|pins| !pins.is_empty())
    }

    fn agent(self) -> AgentName {
        self.agent.get_value()
    }

    fn pin(self, id: &PinId) -> Option<Pin> {
        self.list
            .with(|pins| pins.iter().find(|pin| pin.id == *id).cloned())
    }
}

/// The pin that is opened, above the page.
#[component]
pub(crate) fn PinDialog(pins: Pins) -> impl IntoView {
    let shown = Memo::new(move |_| {
        let id = pins.opened.get()?;
        pins.pin(&id).map(|_| id)
    });
    // Links in it lead elsewhere: then it is done with.
    let place = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = place.get();
        if before.is_some_and(|before| before != now) {
            pins.opened.set(None);
        }
        now
    });
    view! {
        <Modal
            open=Signal::derive(move || shown.with(Option::is_some))
            close=move |()| pins.opened.set(None)
            label=words::DIALOG
            class="wide-dialog"
        >
            {move || shown.get().map(|id| view! { <PinView pins=pins id=id /> })}
        </Modal>
    }
}

/// Beside one of the person's own messages: pins it, or opens what it is pinned as.
#[component]
pub(crate) fn PinButton(pins: Pins, question: String) -> impl IntoView {
    let desk = Desk::get();
    let known = {
        let question = question.clone();
        Memo::new(move |_| {
            pins.list.with(|pins| {
                let pin = of_question(pins, &question)?;
                Some((pin.id.clone(), pin.state))
            })
        })
    };
    let question = StoredValue::new(question);
    // One button for both, so that the keyboard stays where it is when the pin is made.
    let press = move |_| match known.get_untracked() {
        Some((id, _)) => pins.opened.set(Some(id)),
        None => desk.pin(pins.agent(), question.get_value()),
    };
    let label = move || match known.get() {
        Some((_, state)) => words::pinned(tone::pin(state).1),
        None => words::PIN_MEANS.to_owned(),
    };
    let inside = move || {
        known.get().map(|(_, state)| {
            view! { <i class=format!("shape {}", tone::pin(state).0.class()) aria-hidden="true"></i> }
        })
    };
    let word = move || {
        if known.with(Option::is_some) {
            words::PINNED
        } else {
            words::PIN
        }
    };
    view! {
        <button type="button" class="button flat small pin-button" aria-label=label title=label on:click=press>
            {inside}
            {word}
        </button>
    }
}
