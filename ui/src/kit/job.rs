use leptos::prelude::*;
use nasiko_contract::{CancelJob, Job};

use crate::{
    desk::Desk,
    kit::{Button, Controls, Look, Progress},
    model::tone,
    words::{common, kit as words},
};

/// An unfinished job in one line: what it does, how far it is, and a way to stop it. Nothing while there is none.
#[component]
pub(crate) fn JobStrip(#[prop(into)] job: Signal<Option<Job>>) -> impl IntoView {
    let desk = Desk::get();
    let cancel = move |()| {
        if let Some(job) = job.get_untracked() {
            desk.start(CancelJob { job: job.id });
        }
    };
    let some = move || job.with(Option::is_some);
    let name = move || job.with(|job| job.as_ref().map(|job| tone::job_kind(job.kind)));
    let step = move || job.with(|job| job.as_ref().map(tone::job_step));
    let progress =
        Signal::derive(move || job.with(|job| job.as_ref().map_or(0.0, |job| job.progress)));
    let cancelling =
        Signal::derive(move || job.with(|job| job.as_ref().is_none_or(|job| job.cancelling)));
    view! {
        <Controls follow=move || { some(); }>
            <Show when=some>
                <div class="job-strip">
                    <strong>{name}</strong>
                    <span class="job-step clip" role="status">
                        {step}
                    </span>
                    <Progress value=progress label=words::JOB_PROGRESS />
                    <Button look=Look::Flat disabled=cancelling press=cancel>
                        {common::CANCEL}
                    </Button>
                </div>
            </Show>
        </Controls>
    }
}
