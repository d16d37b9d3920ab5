use leptos::prelude::*;
use nasiko_contract::{CancelJob, FollowJobLog, Job, JobId, JobState, RequeueDeadLetter};

use crate::{
    browser,
    desk::{Desk, Followed, follow},
    kit::{Age, Button, Empty, ErrorCard, Look, Panel, Progress, StateBadge, Waiting},
    model::{format, tone, world::World},
};

/// Lines of a job's log that are kept on the page.
const LINES_KEPT: usize = 2_000;

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
            <span class="sub">{move || format!("{} under way", under_way.get())}</span>
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

#[component]
fn JobRow(id: JobId) -> impl IntoView {
    let desk = Desk::get();
    let open = RwSignal::new(false);
    let job = {
        let id = id.clone();
        Memo::new(move |_| desk.world.with(|world| world.jobs.get(&id).cloned()))
    };
    let fault = Memo::new(move |_| job.with(|job| job.as_ref()?.fault.clone()));
    let row = move |job: Job| {
        let (tone, word) = tone::job(job.state);
        let agent = job.agent.to_string();
        let detail = format!("log-{}", job.id);
        view! {
            <StateBadge tone=tone word=word />
            <span class="job-what">
                <strong>{tone::job_kind(job.kind)}</strong>
                " "
                <a href=format!("/agents/{agent}")>{agent.clone()}</a>
                {(job.attempt > 1).then(|| view! { " " <span class="tag">{format!("try {}", job.attempt)}</span> })}
            </span>
            <span class="dim clip" title=told(&job)>
                {told(&job)}
            </span>
            <JobFigure job=job.clone() />
            <span class="figure dim">
                <Age at=job.created />
            </span>
            <span class="actions end">
                <Action job=job />
                <button
                    type="button"
                    class="button flat"
                    aria-expanded=move || if open.get() { "true" } else { "false" }
                    aria-controls=detail
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    {move || if open.get() { "Hide log" } else { "Log" }}
                </button>
            </span>
        }
    };
    let log_id = format!("log-{id}");
    view! {
        <li class="job">
            <div class="job-row">{move || job.get().map(row)}</div>
            <div id=log_id>
                <Show when=move || open.get()>
                    {move || fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
                    <JobLog id=id.clone() />
                </Show>
            </div>
        </li>
    }
}

/// Its step while it runs, its reason when it failed, else where it came from.
fn told(job: &Job) -> String {
    match &job.fault {
        Some(fault) if job.state.is_final() => fault.message.clone(),
        _ if job.state.is_final() => job.source.clone(),
        _ => tone::job_step(job),
    }
}

/// How far it is, or how long it took.
#[component]
fn JobFigure(job: Job) -> impl IntoView {
    if !job.state.is_final() {
        let progress = job.progress;
        return view! { <Progress value=Signal::stored(progress) label="Progress of the job" /> }
            .into_any();
    }
    let took = job
        .started
        .zip(job.ended)
        .and_then(|(started, ended)| u64::try_from(ended - started).ok());
    view! { <span class="figure">{took.map_or("–".to_owned(), format::duration_ms)}</span> }
        .into_any()
}

#[component]
fn Action(job: Job) -> impl IntoView {
    let desk = Desk::get();
    let id = job.id;
    match job.state {
        JobState::Dead => view! {
            <Button press=move |()| desk.start(RequeueDeadLetter { job: id.clone() })>"Put back"</Button>
        }
        .into_any(),
        JobState::Queued | JobState::Running => view! {
            <Button
                look=Look::Flat
                disabled=Signal::stored(job.cancelling)
                press=move |()| desk.start(CancelJob { job: id.clone() })
            >
                "Cancel"
            </Button>
        }
        .into_any(),
        _ => ().into_any(),
    }
}

/// A job's output, as it comes.
#[component]
fn JobLog(id: JobId) -> impl IntoView {
    let desk = Desk::get();
    let lines = RwSignal::new(Vec::<String>::new());
    let ended = RwSignal::new(false);
    follow(desk, FollowJobLog { job: id }, move |learnt| match learnt {
        Followed::Opened => lines.set(Vec::new()),
        Followed::Items(items) => lines.update(|lines| {
            lines.extend(items.into_iter().filter_map(|item| item.line));
            let surplus = lines.len().saturating_sub(LINES_KEPT);
            lines.drain(..surplus);
        }),
        Followed::Ended(why) => {
            ended.set(true);
            if let Some(fault) = why {
                desk.report(fault);
            }
        }
    });
    let text = move || {
        lines.with(|lines| match (lines.is_empty(), ended.get()) {
            (true, true) => "It wrote nothing.".to_owned(),
            (true, false) => "Nothing yet.".to_owned(),
            (false, _) => lines.join("\n"),
        })
    };
    view! {
        <pre class="job-log" tabindex="0" aria-label="Output of the job">
            {text}
        </pre>
    }
}
