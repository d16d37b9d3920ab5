use leptos::prelude::*;
use nasiko_contract::{AgentName, AgentState, Fault};

use crate::{
    desk::Desk,
    kit::ErrorCard,
    pages::agents::{WaysOut, use_told},
    words::agents as words,
};

/// Failed agents that are told at once.
const SHOWN: usize = 3;

/// Failed agents with their reasons and the ways out; of a crowd, the first few.
#[component]
pub(crate) fn Failures() -> impl IntoView {
    let desk = Desk::get();
    let told = use_told(desk);
    let failed = Memo::new(move |_| {
        let _so_often = told.get();
        desk.world.with_untracked(|world| {
            let agents = world.agents.iter().flat_map(|agents| agents.values());
            agents
                .filter(|agent| agent.state == AgentState::Failed)
                .filter_map(|agent| Some((agent.name.clone(), agent.fault.clone()?)))
                .collect::<Vec<_>>()
        })
    });
    let card = move |(name, fault): (AgentName, Fault)| {
        view! {
            <ErrorCard title=words::silent(name.as_str()) fault=fault.clone()>
                <WaysOut agent=name fault=fault />
            </ErrorCard>
        }
    };
    let shown =
        move || failed.with(|failed| failed.iter().take(SHOWN).cloned().collect::<Vec<_>>());
    let more = Memo::new(move |_| failed.with(Vec::len).saturating_sub(SHOWN));
    view! {
        <For each=shown key=|(name, fault)| (name.clone(), fault.message.clone()) children=card />
        <Show when=move || more.get() != 0>
            <p class="dim">{move || words::more_silent(more.get())}</p>
        </Show>
    }
}
