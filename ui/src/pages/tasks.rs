//! The task tray: what is under way and what has just ended, reachable from every page.

mod row;

use leptos::{ev, prelude::*};
use nasiko_contract::{Job, JobId};

use crate::{
    actions::Actions,
    browser,
    desk::Desk,
    kit::{Empty, tooltip},
    model::{
        format,
        tasks::{self, Paces, Sum},
    },
    pages::tasks::row::TaskRow,
    words::{common, tasks as words},
};

/// The jobs that are shown, with the pace of each.
#[derive(Clone, Copy)]
pub(crate) struct Tasks {
    jobs: Memo<Vec<Job>>,
    paces: StoredValue<Paces>,
}

impl Tasks {
    /// Follows the jobs of the picture from now on.
    pub(crate) fn follow(desk: Desk) -> Self {
        let paces = StoredValue::new(Paces::default());
        let jobs = Memo::new(move |_| {
            // The clock takes out what ended a while ago.
            let now = desk.now.get();
            let jobs = desk.world.with(|world| tasks::shown(world, now));
            paces.update_value(|paces| paces.look(&jobs, browser::now()));
            jobs
        });
        Self { jobs, paces }
    }

    fn job(self, id: &JobId) -> Option<Job> {
        self.jobs
            .with(|jobs| jobs.iter().find(|job| job.id == *id).cloned())
    }

    fn left(self, id: &JobId) -> Option<i64> {
        self.paces
            .try_with_value(|paces| paces.left(id, browser::now()))
            .flatten()
    }
}

/// A line in the rail that is always there and always of one height, and above it, when asked for, the jobs.
#[component]
pub(crate) fn TaskTray() -> impl IntoView {
    let (desk, actions) = (Desk::get(), Actions::get());
    let tasks = Tasks::follow(desk);
    let sum = Memo::new(move |_| tasks.jobs.with(|jobs| Sum::of(jobs)));
    let told = move || {
        let sum = sum.get();
        words::sum(sum.under_way, sum.failed)
    };
    let part = move || {
        let sum = sum.get();
        (sum.under_way > 0).then(|| format::percent(sum.progress))
    };
    let bar = move || {
        let sum = sum.get();
        let filled = if sum.under_way > 0 { sum.progress } else { 0.0 };
        format!("scaleX({})", filled.clamp(0.0, 1.0))
    };
    let open = actions.tray;
    // Wherever the keyboard is: what had it may have ended with its job.
    let escape = window_event_listener(ev::keydown, move |event| {
        let meant = event.key() == "Escape" && !event.default_prevented();
        if meant && open.get_untracked() && !browser::keys::dialog_is_open() {
            event.prevent_default();
            open.set(false);
            browser::focus("tasks");
        }
    });
    on_cleanup(move || escape.remove());
    let expanded = move || if open.get() { "true" } else { "false" };
    view! {
        <div class="tray">
            <button
                type="button"
                id="tasks"
                class="tray-button"
                title=move || tooltip(actions, "tasks.open")
                aria-expanded=expanded
                aria-controls="task-list"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <span class="tray-words">
                    <span class="clip">{told}</span>
                    <span class="figure">{part}</span>
                </span>
                <span class="progress-track" aria-hidden="true">
                    <span class="progress-bar" style:transform=bar></span>
                </span>
            </button>
            <Show when=move || open.get()>
                <TaskList tasks=tasks />
            </Show>
        </div>
    }
}

#[component]
fn TaskList(tasks: Tasks) -> impl IntoView {
    let ids = Memo::new(move |_| {
        tasks.jobs.with(|jobs| {
            jobs.iter()
                .map(|job| job.id.clone())
                .collect::<Vec<JobId>>()
        })
    });
    let open = Actions::get().tray;
    Effect::new(|| browser::focus("task-list"));
    view! {
        <section class="task-list" id="task-list" tabindex="-1" aria-label=words::TITLE>
            <header class="panel-head">
                <h2>{words::TITLE}</h2>
                <span class="grow"></span>
                <a class="button flat small" href="/activity" on:click=move |_| open.set(false)>
                    {words::ALL_ACTIVITY}
                </a>
                <button type="button" class="button flat small" on:click=move |_| open.set(false)>
                    {common::CLOSE}
                </button>
            </header>
            <Show when=move || ids.with(Vec::is_empty)>
                <Empty title=words::NOTHING>{words::NOTHING_TEXT}</Empty>
            </Show>
            <ul>
                <For each=move || ids.get() key=JobId::clone children=move |id| view! { <TaskRow id=id tasks=tasks /> } />
            </ul>
        </section>
    }
}
