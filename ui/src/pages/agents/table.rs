use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_contract::{AgentName, AgentSummary};

use crate::{
    desk::Desk,
    kit::{LongTable, StateBadge},
    model::{
        change::{self, Change},
        figures::{FigureBoard, or_dash},
        format,
        roster::{Column, Order, Wanted, roster},
        tone,
    },
    words::{
        agent,
        agents::{self as words, column},
        common, plots,
    },
};

/// A row's height in pixels, as the styles have it.
const ROW: f64 = 34.0;

/// A row for each agent that is wanted; the whole row leads to it.
#[component]
pub(crate) fn AgentTable(
    /// What is wanted of the list.
    wanted: Signal<Wanted>,
    /// The figures of the window that is looked at.
    board: RwSignal<FigureBoard>,
) -> impl IntoView {
    let desk = Desk::get();
    let order = RwSignal::new(Order::default());
    // Told so often, what the order is made of changed. By figures it is made when it is asked for: they change without end.
    let told = Memo::new(move |_| {
        let by_state =
            order.get().column == Column::State || wanted.with(|wanted| wanted.state.is_some());
        desk.world.with(|world| {
            if by_state {
                world.agents_told
            } else {
                world.roster
            }
        })
    });
    let names = Memo::new(move |_| {
        let _so_often = told.get();
        let (order, wanted) = (order.get(), wanted.get());
        desk.world.with_untracked(|world| {
            board.with_untracked(|board| roster(world, board, &wanted, order))
        })
    });
    let head = move |column: Column, words: &'static str, class: &'static str| {
        let press = move |_| order.update(|order| *order = order.pressed(column));
        view! {
            <th scope="col" class=class aria-sort=move || order.get().said(column)>
                <button type="button" class="sort" on:click=press>
                    {words}
                </button>
            </th>
        }
    };
    view! {
        <LongTable
            rows=names
            key=AgentName::clone
            draw=move |name| view! { <AgentRow name=name board=board /> }
            row_height=ROW
            label=common::AGENTS
            class="agents"
        >
            {head(Column::Name, column::NAME, "c-name")}
            {head(Column::State, common::STATE, "c-state")}
            {head(Column::Runtime, column::RUNTIME, "c-runtime wide")}
            <th scope="col" class="c-address wide">{column::ADDRESS}</th>
            {head(Column::Requests, plots::REQUESTS, "c-number figure")}
            {head(Column::Latency, column::LATENCY, "c-number figure")}
            {head(Column::Memory, common::MEMORY, "c-number figure wide")}
            {head(Column::Change, column::CHANGE, "c-change")}
        </LongTable>
    }
}

#[component]
fn AgentRow(name: AgentName, board: RwSignal<FigureBoard>) -> impl IntoView {
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
    {
        let name = name.clone();
        Effect::new(move || {
            if watched.get() {
                desk.read_last_updates(vec![name.clone()]);
            }
        });
    }
    let figures = {
        let name = name.clone();
        Memo::new(move |_| {
            board.with(|board| {
                let sums = board.of(&name);
                let memory = board.usage_of(&name).map(|usage| usage.memory_bytes);
                [
                    format::count(sums.requests),
                    or_dash(sums.p95_ms),
                    memory.map_or("–".to_owned(), format::bytes),
                ]
            })
        })
    };
    let figure = move |at: usize| move || figures.with(|figures| figures[at].clone());
    let state = move |agent: AgentSummary| {
        let (tone, word) = tone::agent(&agent);
        view! { <StateBadge tone=tone word=word /> }
    };
    let read = move |read: fn(&AgentSummary) -> String| {
        move || {
            agent
                .with(|agent| agent.as_ref().map(read))
                .unwrap_or_default()
        }
    };
    let (title, words) = (name.to_string(), name.to_string());
    view! {
        <tr on:click=open>
            <th scope="row">
                <span class="agent-name">
                    <a href=href class="clip" title=title>{words}</a>
                    <Show when=move || watched.get()>
                        <span class="tag" title=agent::LIVE>{words::LIVE}</span>
                    </Show>
                </span>
            </th>
            <td>{move || agent.get().map(state)}</td>
            <td class="wide dim">{read(|agent| tone::runtime(agent.runtime).to_owned())}</td>
            <td class="wide">
                <code class="dim clip" title=read(|agent| agent.url.clone())>
                    {read(|agent| format::short_address(&agent.url).to_owned())}
                </code>
            </td>
            <td class="figure">{figure(0)}</td>
            <td class="figure">{figure(1)}</td>
            <td class="figure wide">{figure(2)}</td>
            <td class="c-change">
                <LastChange name=name />
            </td>
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
