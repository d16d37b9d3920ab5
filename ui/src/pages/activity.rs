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
};

/// Every long action: what it is doing, how far it is, how it ended.
#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    browser::set_title("Activity · Nasiko");
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
    let jobs = move || {
        match (recent.with(Vec::is_empty), known.get()) {
        (true, false) => view! { <Waiting what="jobs" /> }.into_any(),
        (true, true) => view! {
            <Empty title="Nothing has been done yet">"Deploys, starts and stops appear here while they run, and stay."</Empty>
        }
        .into_any(),
        (false, _) => view! {
            <Panel title="Jobs">
                <JobList ids=recent />
            </Panel>
        }
        .into_any(),
    }
    };
    view! {
        <header class="page-head">
            <h1>"Activity"</h1>
            <span class="sub">{move || match under_way.get() {
                    0 => "Nothing under way".to_owned(),
                    many => format!("{many} under way"),
                }}</span>
        </header>
        <div class="page-body">
            <Show when=move || dead.with(|dead| !dead.is_empty())>
                <Panel
                    title="Given up"
                    aside=Box::new(|| view! { <em>"after the last try; each can be put back"</em> }.into_any())
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
