use leptos::prelude::*;
use leptos_router::{NavigateOptions, components::A, hooks::use_navigate};
use nasiko_contract::{AgentName, AgentSummary};

use crate::{
    desk::Desk,
    kit::{Panel, StateBadge},
    model::{
        change::{self, Change},
        format, tone,
    },
};

/// A row for each agent; the whole row leads to it.
#[component]
pub(crate) fn AgentTable(names: Memo<Option<Vec<AgentName>>>) -> impl IntoView {
    view! {
        <Panel title="All agents" class="bare">
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="wide">"Runs as"</th>
                        <th scope="col" class="wide">"Address"</th>
                        <th scope="col" class="figure">"Version"</th>
                        <th scope="col" class="rest">"Last change"</th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || names.get().unwrap_or_default()
                        key=AgentName::clone
                        children=|name| view! { <AgentRow name=name /> }
                    />
                </tbody>
            </table>
        </Panel>
    }
}

#[component]
fn AgentRow(name: AgentName) -> impl IntoView {
    let desk = Desk::get();
    let href = format!("/agents/{name}");
    let open = {
        let (href, navigate) = (href.clone(), use_navigate());
        move |_| navigate(&href, NavigateOptions::default())
    };
    let agent = {
        let name = name.clone();
        Memo::new(move |_| desk.world.with(|world| world.agent(&name).cloned()))
    };
    let watched =
        Memo::new(move |_| agent.with(|agent| agent.as_ref().is_some_and(|agent| agent.watched)));
    let cells = move |agent: AgentSummary| {
        let (tone, word) = tone::agent(&agent);
        view! {
            <td>
                <StateBadge tone=tone word=word />
            </td>
            <td class="wide dim">{tone::runtime(agent.runtime)}</td>
            <td class="wide">
                <code class="dim clip" title=agent.url.clone()>{format::short_address(&agent.url).to_owned()}</code>
            </td>
            <td class="figure dim">{agent.version.clone()}</td>
            <td class="rest">
                <LastChange name=agent.name />
            </td>
        }
    };
    let (title, words) = (name.to_string(), name.to_string());
    view! {
        <tr on:click=open>
            <th scope="row">
                <span class="agent-name">
                    <A href=href attr:class="clip" attr:title=title>{words}</A>
                    <Show when=move || watched.get()>
                        <span class="tag" title="A save in its folder is live by itself">"live"</span>
                    </Show>
                </span>
            </th>
            {move || agent.get().map(cells)}
        </tr>
    }
}

/// What happened to it last.
#[component]
fn LastChange(name: AgentName) -> impl IntoView {
    let desk = Desk::get();
    let change = Memo::new(move |_| {
        let now = desk.now.get();
        desk.world.with(|world| {
            let agent = world.agent(&name)?;
            desk.live.with(|live| {
                let update = live.last_update(&name);
                Some(change::last(agent, world.last_job_of(&name), update, now))
            })
        })
    });
    move || {
        change.get().map(|Change { words, failed }| {
            let class = if failed { "tag bad clip" } else { "dim clip" };
            view! {
                <span class=class title=words.clone()>
                    {words.clone()}
                </span>
            }
        })
    }
}
