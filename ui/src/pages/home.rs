mod plots;
mod welcome;

use leptos::prelude::*;
use nasiko_contract::{FiguresWindow, JobId};

use crate::{
    browser,
    desk::Desk,
    kit::{Button, Glyph, Icon, Look, Panel, Segments, Waiting},
    model::{figures::window_words, roster::Wanted, world::Standing},
    pages::{
        agents::{AgentTable, Failures, use_standing},
        deploy::DeployPanel,
        figures::{use_figures, use_window},
        home::{
            plots::{FigureTable, Plots, UsagePlots},
            welcome::Welcome,
        },
    },
    words::{agents, common, home as words},
};

/// What runs, what fails, and how it goes; with no agent yet, the way to the first one.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    browser::set_title(&common::window_title(words::TITLE));
    let desk = Desk::get();
    let adding = RwSignal::new(false);
    let as_table = RwSignal::new(false);
    // While the first agent is being made, the page that began it stays.
    let sample = RwSignal::new(None::<JobId>);
    let standing = use_standing(desk);
    let is_empty = Memo::new(move |_| standing.get().is_some_and(|standing| standing.total == 0));
    let has_some = Memo::new(move |_| standing.get().is_some_and(|standing| standing.total > 0));
    let welcoming = Memo::new(move |_| is_empty.get() || sample.with(Option::is_some));
    Effect::new(move || {
        if is_empty.get() {
            adding.set(true);
        }
    });
    let window = use_window();
    let windows = FiguresWindow::ALL
        .into_iter()
        .map(|window| (window, window_words(window)))
        .collect::<Vec<_>>();
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{move || standing.get().and_then(Standing::words)}</span>
            <span class="grow"></span>
            <Show when=move || has_some.get()>
                <Segments label=words::WINDOW name="figures-window" options=windows.clone() chosen=window />
                <button
                    type="button"
                    class="button flat"
                    id="figures-as-table"
                    aria-pressed=move || if as_table.get() { "true" } else { "false" }
                    on:click=move |_| as_table.update(|on| *on = !*on)
                >
                    {words::AS_TABLE}
                </button>
                <Show when=move || !adding.get()>
                    <Button look=Look::Primary id="add-agent" press=move |()| adding.set(true)>
                        <Icon glyph=Glyph::Add />
                        {common::ADD_AGENT}
                    </Button>
                </Show>
            </Show>
        </header>
        <div class="page-body">
            <Show when=move || standing.get().is_none()>
                <Waiting what=agents::READING />
            </Show>
            <Show when=move || welcoming.get()>
                <Welcome job_id=sample />
            </Show>
            <Show when=move || adding.get()>
                <DeployPanel first=is_empty close=move |()| adding.set(false) />
            </Show>
            <Show when=move || has_some.get()>
                <Dashboard window=window as_table=as_table quiet=adding />
            </Show>
        </div>
    }
}

#[component]
fn Dashboard(
    window: RwSignal<FiguresWindow>,
    as_table: RwSignal<bool>,
    /// An agent is being added: its own failure is told where it was added.
    quiet: RwSignal<bool>,
) -> impl IntoView {
    let board = use_figures(window.into());
    view! {
        <Plots board=board window=window />
        <Show when=move || as_table.get()>
            <FigureTable board=board />
        </Show>
        <Panel title=common::AGENTS class="agents-panel">
            <AgentTable wanted=Signal::stored(Wanted::default()) board=board />
        </Panel>
        <Show when=move || !quiet.get()>
            <Failures />
        </Show>
        <UsagePlots board=board />
    }
}
