use std::collections::BTreeSet;

use leptos::prelude::*;
use nasiko_contract::{AgentName, AgentSummary};

use crate::{
    desk::Desk,
    kit::{Empty, Panel, Sentence, Switch, Waiting},
    words::settings::watch as words,
};

/// Which agents are kept in step with their folders.
#[component]
pub(super) fn WatchSettings() -> impl IntoView {
    let desk = Desk::get();
    let agents = Memo::new(move |_| {
        desk.world.with(|world| {
            let agents = world.agents.as_ref()?.values();
            // Only what lies in a folder can be watched.
            let folders = agents.filter(|agent| agent.source.starts_with('/'));
            Some(folders.cloned().collect::<Vec<_>>())
        })
    });
    let many = move || {
        let watched = agents.with(|agents| {
            let agents = agents.iter().flatten();
            agents.filter(|agent| agent.watched).count()
        });
        view! { <em>{words::watched(watched)}</em> }
    };
    let pending = RwSignal::new(BTreeSet::<AgentName>::new());
    // Whatever becomes of the agents, the list stays: only its rows come and go.
    let some = Memo::new(move |_| agents.with(|agents| Some(!agents.as_ref()?.is_empty())));
    let body = move || match some.get() {
        None => view! { <Waiting what=words::READING /> }.into_any(),
        Some(false) => {
            view! { <Empty title=words::NO_FOLDER>{words::DEPLOY_ONE}</Empty> }.into_any()
        }
        Some(true) => view! {
            <Panel title=words::TITLE aside=Box::new(move || many.into_any())>
                <ul class="watch-list">
                    <For
                        each=move || agents.get().unwrap_or_default()
                        key=|agent| (agent.name.clone(), agent.source.clone())
                        children=move |agent| view! { <WatchRow agent=agent pending=pending /> }
                    />
                </ul>
            </Panel>
        }
        .into_any(),
    };
    view! {
        {body}
        <section class="panel setting-note" aria-label=words::LIMITS>
            <p>{words::WHAT_IT_DOES}</p>
            <ul>
                <li>{words::GATHERED}</li>
                <li>{words::STANDBY}</li>
                <li>{words::UPDATES_KEPT}</li>
                <li><Sentence text=words::LEFT_OUT /></li>
            </ul>
        </section>
    }
}

#[component]
fn WatchRow(agent: AgentSummary, pending: RwSignal<BTreeSet<AgentName>>) -> impl IntoView {
    let desk = Desk::get();
    let AgentSummary { name, source, .. } = agent;
    let watched = {
        let name = name.clone();
        Memo::new(move |_| {
            desk.world
                .with(|world| world.agent(&name).is_some_and(|agent| agent.watched))
        })
    };
    let busy = {
        let name = name.clone();
        Signal::derive(move || pending.with(|pending| pending.contains(&name)))
    };
    let change = {
        let name = name.clone();
        move |on: bool| {
            pending.update(|pending| {
                pending.insert(name.clone());
            });
            let changed = name.clone();
            desk.switch_watch(name.clone(), on, move || {
                let _gone = pending.try_update(|pending| pending.remove(&changed));
            });
        }
    };
    view! {
        <li class="watch-row">
            <a class="clip" href=format!("/agents/{name}/updates")>{name.to_string()}</a>
            <code class="dim clip" title=source.clone()>{source.clone()}</code>
            <Switch
                word=words::WATCH
                title=words::keep_in_step(name.as_str())
                on=watched
                disabled=busy
                change=change
            />
        </li>
    }
}
