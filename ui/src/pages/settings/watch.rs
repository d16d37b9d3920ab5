use std::collections::BTreeSet;

use leptos::prelude::*;
use nasiko_contract::{AgentName, AgentSummary};

use crate::{
    desk::Desk,
    kit::{Empty, Panel, Switch, Waiting},
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
        view! { <em>{format!("{watched} watched")}</em> }
    };
    let pending = RwSignal::new(BTreeSet::<AgentName>::new());
    let body = move || {
        match agents.with(|agents| agents.as_ref().map(Vec::len)) {
        None => view! { <Waiting what="the agents" /> }.into_any(),
        Some(0) => view! { <Empty title="No agent comes from a folder of this machine">"Deploy a folder to keep its agent in step with it."</Empty> }
            .into_any(),
        Some(_) => view! {
            <Panel title="Watched folders" aside=Box::new(move || many.into_any())>
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
    }
    };
    view! {
        {body}
        <section class="panel setting-note" aria-label="Limits">
            <p>"A save in a watched folder is live by itself; one that does not come up never replaces what answers."</p>
            <ul>
                <li>"Saves are gathered for 20 ms, longer while more come."</li>
                <li>"Four agents at most have an instance on standby, which makes a save live sooner: those that were edited last."</li>
                <li>"The last 500 updates of an agent are kept."</li>
                <li>"Files that " <code>".gitignore"</code> " and " <code>".dockerignore"</code> " leave out are not watched."</li>
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
                word="Watch"
                title=format!("Keep {name} in step with its folder")
                on=watched
                disabled=busy
                change=change
            />
        </li>
    }
}
