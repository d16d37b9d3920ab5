use leptos::prelude::*;
use leptos_router::{NavigateOptions, components::A, hooks::use_navigate};
use nasiko_contract::{AgentName, AgentState, AgentSummary, RebuildAgent};

use crate::{
    browser,
    desk::Desk,
    kit::{Button, ErrorCard, Glyph, Icon, Look, Panel, StateBadge, Waiting},
    model::{
        change::{self, Change},
        format, tone,
    },
    pages::deploy::DeployPanel,
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
            <Failures />
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

#[component]
fn AgentTable(names: Memo<Option<Vec<AgentName>>>) -> impl IntoView {
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
                <A href=href attr:class="clip" attr:title=title>{words}</A>
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
            Some(change::last(agent, world.last_job_of(&name), now))
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

/// Each failed agent with its reason and the ways out.
#[component]
fn Failures() -> impl IntoView {
    let desk = Desk::get();
    let failed = Memo::new(move |_| {
        desk.world.with(|world| {
            let agents = world.agents.iter().flat_map(|agents| agents.values());
            agents
                .filter(|agent| agent.state == AgentState::Failed)
                .filter_map(|agent| Some((agent.name.clone(), agent.fault.clone()?)))
                .collect::<Vec<_>>()
        })
    });
    let card = move |(name, fault): (AgentName, nasiko_contract::Fault)| {
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
