use leptos::prelude::*;
use nasiko_contract::{DeployResult, Job, JobState};

use crate::{
    kit::{Button, ErrorCard, JobStrip, Look},
    model::{format, world::record},
    words::deploy::outcome as words,
};

/// How a deploy goes, and how it ended.
#[component]
pub(crate) fn Course(
    job: Memo<Option<Job>>,
    /// Deploy again.
    #[prop(into)]
    again: Callback<()>,
) -> impl IntoView {
    let under_way = Memo::new(move |_| job.get().filter(|job| !job.state.is_final()));
    let ended = Memo::new(move |_| job.get().filter(|job| job.state.is_final()));
    view! {
        <JobStrip job=under_way />
        {move || ended.get().map(|job| view! { <Outcome job=job again=again /> })}
    }
}

#[component]
fn Outcome(job: Job, again: Callback<()>) -> impl IntoView {
    if job.state == JobState::Succeeded {
        return match record::<DeployResult>(&job.result) {
            Some(result) => view! { <Success result=result /> }.into_any(),
            None => view! { <p class="preview">{words::DEPLOYED}</p> }.into_any(),
        };
    }
    if job.state == JobState::Cancelled {
        return view! {
            <p class="preview dim" role="status">
                {words::CANCELLED}
            </p>
        }
        .into_any();
    }
    let Some(fault) = job.fault else {
        return view! { <p class="preview">{words::WITHOUT_REASON}</p> }.into_any();
    };
    view! {
        <ErrorCard title=words::FAILED fault=fault>
            <Button look=Look::Primary press=again>
                {words::DEPLOY_AGAIN}
            </Button>
        </ErrorCard>
    }
    .into_any()
}

#[component]
fn Success(result: DeployResult) -> impl IntoView {
    let seconds = result.seconds;
    let long = format::duration_seconds;
    let told = if result.unchanged {
        words::UNCHANGED.to_owned()
    } else {
        words::live_in(
            &long(seconds.total),
            &long(seconds.read),
            &long(seconds.prepare),
            &long(seconds.start),
        )
    };
    let name = result.agent.to_string();
    view! {
        <div class="preview outcome" role="status">
            <span class="tag ok">{words::RUNNING}</span>
            <span>
                <strong>{name.clone()}</strong>
                " "
                <span class="dim">{told}</span>
            </span>
            <span class="grow"></span>
            <a class="button primary" href=format!("/agents/{name}/chat")>
                {words::chat_with(&name)}
            </a>
        </div>
    }
}
