use leptos::prelude::*;
use nasiko_contract::{CancelJob, Job, JobId, JobKind, JobState, RequeueDeadLetter};

use crate::{
    desk::Desk,
    kit::{Age, Button, Controls, ErrorCard, Look, Progress, StateBadge},
    model::{format, tone},
    pages::activity::log::JobLog,
    words::{activity as words, common, kit},
};

/// One job; below it, when asked for, why it failed and what it wrote.
#[component]
pub(crate) fn JobRow(id: JobId) -> impl IntoView {
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
        let show_log = format!("show-log-{}", job.id);
        view! {
            <StateBadge tone=tone word=word />
            <span class="job-what">
                <strong>{tone::job_kind(job.kind)}</strong>
                " "
                <Subject kind=job.kind agent=agent />
                {(job.attempt > 1).then(|| view! { " " <span class="tag">{words::attempt(job.attempt)}</span> })}
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
                    id=show_log
                    class="button flat"
                    aria-expanded=move || if open.get() { "true" } else { "false" }
                    aria-controls=detail
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    {move || if open.get() { words::HIDE_LOG } else { words::SHOW_LOG }}
                </button>
            </span>
        }
    };
    let log_id = format!("log-{id}");
    view! {
        <li class="job">
            <Controls class="job-row" follow=move || job.track()>{move || job.get().map(row)}</Controls>
            <div id=log_id>
                <Show when=move || open.get()>
                    {move || fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
                    <JobLog id=id.clone() />
                </Show>
            </div>
        </li>
    }
}

/// What it is about, as a link there.
#[component]
fn Subject(kind: JobKind, agent: String) -> impl IntoView {
    match kind {
        JobKind::StackUp | JobKind::StackDown => {
            view! { <a href="/stack">{common::SERVICES}</a> }.into_any()
        }
        _ => view! { <a href=format!("/agents/{agent}")>{agent.clone()}</a> }.into_any(),
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
        return view! { <Progress value=Signal::stored(progress) label=kit::JOB_PROGRESS /> }
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
            <Button press=move |()| desk.start(RequeueDeadLetter { job: id.clone() })>{common::PUT_BACK}</Button>
        }
        .into_any(),
        JobState::Queued | JobState::Running => view! {
            <Button
                look=Look::Flat
                id=format!("cancel-{id}")
                disabled=Signal::stored(job.cancelling)
                press=move |()| desk.start(CancelJob { job: id.clone() })
            >
                {common::CANCEL}
            </Button>
        }
        .into_any(),
        _ => ().into_any(),
    }
}
