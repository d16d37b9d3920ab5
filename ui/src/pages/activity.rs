mod log;
mod row;

use leptos::prelude::*;
use nasiko_contract::{Job, JobId};

use crate::{
    browser,
    desk::Desk,
    kit::{Empty, Panel, Waiting},
    model::world::World,
    pages::activity::row::JobRow,
    words::{activity as words, common},
};

/// Every long action: what it is doing, how far it is, how it ended.
#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    browser::set_title(&common::window_title(words::TITLE));
    let desk = Desk::get();
    let ids = move |list: fn(&World) -> Vec<Job>| {
        Memo::new(move |_| {
            desk.world.with(|world| {
                list(world)
                    .into_iter()
                    .map(|job| job.id)
                    .collect::<Vec<JobId>>()
            })
        })
    };
    let recent = ids(World::recent_jobs);
    let dead = ids(World::dead_letters);
    let known = Memo::new(move |_| desk.world.with(|world| world.agents.is_some()));
    let under_way = Memo::new(move |_| desk.world.with(World::unfinished_jobs));
    let some = Memo::new(move |_| recent.with(|recent| !recent.is_empty()));
    // The list stays when a job joins it, with what is opened and focused in it.
    let jobs = move || {
        if some.get() {
            view! {
                <Panel title=words::JOBS>
                    <JobList ids=recent />
                </Panel>
            }
            .into_any()
        } else if known.get() {
            view! { <Empty title=words::NOTHING>{words::NOTHING_TEXT}</Empty> }.into_any()
        } else {
            view! { <Waiting what=words::READING /> }.into_any()
        }
    };
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{move || words::under_way(under_way.get())}</span>
        </header>
        <div class="page-body">
            <Show when=move || dead.with(|dead| !dead.is_empty())>
                <Panel
                    title=words::GIVEN_UP
                    aside=Box::new(|| view! { <em>{words::GIVEN_UP_ASIDE}</em> }.into_any())
                >
                    <JobList ids=dead />
                </Panel>
            </Show>
            {jobs}
        </div>
    }
}

#[component]
fn JobList(ids: Memo<Vec<JobId>>) -> impl IntoView {
    view! {
        <ul class="jobs">
            <For each=move || ids.get() key=JobId::clone children=|id| view! { <JobRow id=id /> } />
        </ul>
    }
}
