mod failures;
mod table;

use leptos::prelude::*;
use nasiko_contract::{AgentName, AgentState};

use crate::{
    browser,
    desk::Desk,
    kit::{Button, Glyph, Icon, Look, Waiting},
    pages::{
        agents::{failures::Failures, table::AgentTable},
        deploy::DeployPanel,
    },
};

/// All agents.
#[component]
pub(crate) fn AgentsPage() -> impl IntoView {
    browser::set_title("Agents · Nasiko");
    let desk = Desk::get();
    let adding = RwSignal::new(false);
    let names = Memo::new(move |_| {
        desk.world.with(|world| {
            let agents = world.agents.as_ref()?;
            Some(agents.keys().cloned().collect::<Vec<AgentName>>())
        })
    });
    let answering = Memo::new(move |_| {
        desk.world.with(|world| {
            let agents = world.agents.as_ref()?;
            let active = agents
                .values()
                .filter(|agent| agent.state == AgentState::Active)
                .count();
            Some(format!("{active} of {} answer", agents.len())).filter(|_| !agents.is_empty())
        })
    });
    let watched = Memo::new(move |_| {
        desk.world.with(|world| {
            let agents = world.agents.iter().flat_map(|agents| agents.values());
            let watched = agents.filter(|agent| agent.watched);
            watched
                .map(|agent| agent.name.clone())
                .collect::<Vec<AgentName>>()
        })
    });
    Effect::new(move || desk.read_last_updates(watched.get()));
    let is_empty =
        Memo::new(move |_| names.with(|names| names.as_ref().is_some_and(Vec::is_empty)));
    // Opened by itself it stays, so that it can tell how the first deploy ended.
    Effect::new(move || {
        if is_empty.get() {
            adding.set(true);
        }
    });
    let body = move || match names.get() {
        None => view! { <Waiting what="agents" /> }.into_any(),
        Some(names) if names.is_empty() => ().into_any(),
        Some(_) => view! {
            <AgentTable names=names />
            // While an agent is being added, its own failure is told where it was added.
            <Show when=move || !adding.get()>
                <Failures />
            </Show>
        }
        .into_any(),
    };
    view! {
        <header class="page-head">
            <h1>"Agents"</h1>
            <span class="sub">{answering}</span>
            <span class="grow"></span>
            <Show when=move || !adding.get() && !is_empty.get()>
                <Button look=Look::Primary id="add-agent" press=move |()| adding.set(true)>
                    <Icon glyph=Glyph::Add />
                    "Add agent"
                </Button>
            </Show>
        </header>
        <div class="page-body">
            <Show when=move || adding.get()>
                <DeployPanel first=is_empty close=move |()| adding.set(false) />
            </Show>
            {body}
        </div>
    }
}
