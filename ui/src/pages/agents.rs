mod failures;
mod filter;
mod table;
mod ways_out;

use leptos::prelude::*;
use nasiko_contract::FiguresWindow;

use crate::{
    browser,
    desk::Desk,
    kit::{Button, Glyph, Icon, Look, Waiting},
    model::{
        roster::Wanted,
        world::{Standing, World},
    },
    pages::{agents::filter::AgentFilter, deploy::DeployPanel, figures::use_figures},
    words::{agents as words, common},
};

pub(crate) use failures::Failures;
pub(crate) use table::AgentTable;
pub(crate) use ways_out::WaysOut;

/// How agents stand: counted when something about one of them was told, not with every event.
pub(crate) fn use_standing(desk: Desk) -> Memo<Option<Standing>> {
    let told = use_told(desk);
    Memo::new(move |_| {
        let _so_often = told.get();
        desk.world.with_untracked(World::standing)
    })
}

/// How often something about any agent was told; none before the first list has arrived. To be read, not tracked: a memo
/// that nobody has read knows of no change.
fn use_told(desk: Desk) -> Memo<Option<u64>> {
    Memo::new(move |_| {
        desk.world
            .with(|world| world.agents.is_some().then_some(world.agents_told))
    })
}

/// All agents.
#[component]
pub(crate) fn AgentsPage() -> impl IntoView {
    browser::set_title(&common::window_title(common::AGENTS));
    let desk = Desk::get();
    let adding = RwSignal::new(false);
    let wanted = RwSignal::new(Wanted::default());
    let standing = use_standing(desk);
    let is_empty = Memo::new(move |_| standing.get().is_some_and(|standing| standing.total == 0));
    let has_some = Memo::new(move |_| standing.get().is_some_and(|standing| standing.total > 0));
    // Opened by itself it stays, so that it can tell how the first deploy ended.
    Effect::new(move || {
        if is_empty.get() {
            adding.set(true);
        }
    });
    view! {
        <header class="page-head">
            <h1>{common::AGENTS}</h1>
            <span class="sub">{move || standing.get().and_then(Standing::words)}</span>
            <span class="grow"></span>
            <Show when=move || !adding.get() && !is_empty.get()>
                <Button look=Look::Primary id="add-agent" press=move |()| adding.set(true)>
                    <Icon glyph=Glyph::Add />
                    {common::ADD_AGENT}
                </Button>
            </Show>
        </header>
        <div class="page-body fills">
            <Show when=move || standing.get().is_none()>
                <Waiting what=words::READING />
            </Show>
            <Show when=move || adding.get()>
                <DeployPanel first=is_empty close=move |()| adding.set(false) />
            </Show>
            <Show when=move || has_some.get()>
                <List wanted=wanted />
                // While an agent is being added, its own failure is told where it was added.
                <Show when=move || !adding.get()>
                    <Failures />
                </Show>
            </Show>
        </div>
    }
}

#[component]
fn List(wanted: RwSignal<Wanted>) -> impl IntoView {
    let board = use_figures(Signal::stored(FiguresWindow::default()));
    view! {
        <section class="panel agents-panel" aria-label=words::ALL>
            <AgentFilter wanted=wanted />
            <AgentTable wanted=wanted.into() board=board />
        </section>
    }
}
