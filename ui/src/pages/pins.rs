mod answer;
mod history;
mod strip;
mod view;

use leptos::prelude::*;
use nasiko_contract::{AgentName, Pin, PinId};

use crate::{desk::Desk, kit::Modal, model::tone, pages::pins::view::PinView};

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
    let label = Signal::derive(|| "A pinned question and its answers".to_owned());
    view! {
        <Modal
            open=Signal::derive(move || shown.with(Option::is_some))
            close=move |()| pins.opened.set(None)
            label=label
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
                let pin = pins.iter().find(|pin| pin.text == question)?;
                Some((pin.id.clone(), pin.state))
            })
        })
    };
    let question = StoredValue::new(question);
    move || match known.get() {
        Some((id, state)) => {
            let (tone, word) = tone::pin(state);
            view! {
                <button
                    type="button"
                    class="button flat small pin-button"
                    aria-label=format!("Pinned: {word}. Show its answers")
                    aria-haspopup="dialog"
                    title=word
                    on:click=move |_| pins.opened.set(Some(id.clone()))
                >
                    <i class=format!("shape {}", tone.class()) aria-hidden="true"></i>
                    "Pinned"
                </button>
            }
            .into_any()
        }
        None => view! {
            <button
                type="button"
                class="button flat small pin-button"
                aria-label="Pin: ask again after each update"
                title="Pin: ask again after each update"
                on:click=move |_| desk.pin(pins.agent(), question.get_value())
            >
                "Pin"
            </button>
        }
        .into_any(),
    }
}
