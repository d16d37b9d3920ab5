use leptos::prelude::*;
use nasiko_contract::{CancelJob, Job, JobId};

use crate::{
    actions::Actions,
    browser,
    desk::Desk,
    kit::{Age, Button, Look, Progress, StateBadge},
    model::{
        tasks::{left_words, page_of, subject},
        tone,
    },
    pages::tasks::Tasks,
    words::{common, tasks as words},
};

/// One job: what it is, how far, how long still, and a way to stop it. Of one height whatever it says.
#[component]
pub(super) fn TaskRow(id: JobId, tasks: Tasks) -> impl IntoView {
    let desk = Desk::get();
    let open = Actions::get().tray;
    let job = {
        let id = id.clone();
        Memo::new(move |_| tasks.job(&id))
    };
    let read = move |read: fn(&Job) -> String| {
        Memo::new(move |_| job.with(|job| job.as_ref().map(read)).unwrap_or_default())
    };
    let kind = read(|job| tone::job_kind(job.kind).to_owned());
    let about = read(subject);
    let page = read(page_of);
    let step = read(|job| match &job.fault {
        Some(fault) if job.state.is_final() => fault.message.clone(),
        _ => tone::job_step(job),
    });
    let ended =
        Memo::new(move |_| job.with(|job| job.as_ref().is_none_or(|job| job.state.is_final())));
    let progress =
        Signal::derive(move || job.with(|job| job.as_ref().map_or(0.0, |job| job.progress)));
    let cancelling =
        Signal::derive(move || job.with(|job| job.as_ref().is_none_or(|job| job.cancelling)));
    let left = {
        let id = id.clone();
        move || {
            // Said anew with each step and each tick of the clock.
            job.track();
            desk.now.track();
            tasks.left(&id).map(left_words)
        }
    };
    let label = move || words::cancel(&kind.get(), &about.get());
    let stop = StoredValue::new(id);
    let outcome = move || {
        job.get().map(|job| {
            let (tone, word) = tone::job(job.state);
            view! {
                <StateBadge tone=tone word=word />
                <span class="grow"></span>
                {job.ended.map(|at| view! { <span class="dim"><Age at=at /></span> })}
            }
        })
    };
    let cancel = move |()| {
        desk.start(CancelJob {
            job: stop.get_value(),
        });
        // The button goes with the job's end.
        browser::focus("task-list");
    };
    let course = StoredValue::new(left);
    let under_way = move || {
        let left = move || course.with_value(|left| left());
        view! {
            <Progress value=progress label=words::PROGRESS />
            <span class="task-left dim">{left}</span>
            <Button
                look=Look::Flat
                disabled=cancelling
                label=label()
                press=cancel
            >
                {common::CANCEL}
            </Button>
        }
    };
    view! {
        <li class="task">
            <p class="task-what">
                <a href=page on:click=move |_| open.set(false)>
                    <strong>{kind}</strong>
                    " "
                    {about}
                </a>
                <span class="dim clip" title=step>
                    {step}
                </span>
            </p>
            <div class="task-course">
                <Show when=move || ended.get() fallback=under_way>
                    {outcome}
                </Show>
            </div>
        </li>
    }
}
