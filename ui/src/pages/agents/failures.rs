use leptos::prelude::*;
use nasiko_contract::{AgentName, AgentState, Fault, RebuildAgent};

use crate::{
    desk::Desk,
    kit::{Button, ErrorCard, Look},
    pages::agents::use_told,
};

/// Each failed agent with its reason and the ways out.
#[component]
pub(crate) fn Failures() -> impl IntoView {
    let desk = Desk::get();
    let told = use_told(desk);
    let failed = Memo::new(move |_| {
        told.track();
        desk.world.with_untracked(|world| {
            let agents = world.agents.iter().flat_map(|agents| agents.values());
            agents
                .filter(|agent| agent.state == AgentState::Failed)
                .filter_map(|agent| Some((agent.name.clone(), agent.fault.clone()?)))
                .collect::<Vec<_>>()
        })
    });
    let card = move |(name, fault): (AgentName, Fault)| {
        let rebuild = name.clone();
        view! {
            <ErrorCard title=format!("{name} does not answer") fault=fault>
                <Button
                    look=Look::Primary
                    press=move |()| desk.start(RebuildAgent { agent: rebuild.clone() })
                >
                    "Rebuild"
                </Button>
                <a class="button" href=format!("/agents/{name}/logs")>
                    "Open log"
                </a>
            </ErrorCard>
        }
    };
    view! { <For each=move || failed.get() key=|(name, fault)| (name.clone(), fault.message.clone()) children=card /> }
}
