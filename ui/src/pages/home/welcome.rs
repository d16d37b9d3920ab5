use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_contract::{
    DeployResult, DeploySample, Job, JobId, JobState, ListSamples, Page, Sample,
};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Button, ErrorCard, JobStrip, Look, Panel, Sentence, Waiting},
    model::{
        welcome::{Offered, engine_words, offered},
        world::record,
    },
    words::{common, home::welcome as words},
};

/// The first minute: one button to an agent that answers, whatever this computer has.
#[component]
pub(crate) fn Welcome(
    /// The job that starts the sample, from the press on.
    job_id: RwSignal<Option<JobId>>,
) -> impl IntoView {
    let desk = Desk::get();
    let samples = RwSignal::new(Loaded::<Page<Sample>>::default());
    let looks = RwSignal::new(0_u32);
    Effect::new(move || {
        looks.track();
        fetch(desk, ListSamples {}, samples);
    });
    let job = Memo::new(move |_| {
        let id = job_id.get()?;
        desk.world.with(|world| world.jobs.get(&id).cloned())
    });
    let busy =
        Memo::new(move |_| job.with(|job| job.as_ref().is_some_and(|job| !job.state.is_final())));
    let chosen = RwSignal::new(String::new());
    let start = move |sample: String| {
        chosen.set(sample.clone());
        desk.start_and(DeploySample { sample }, move |outcome| {
            if let Ok(job) = outcome {
                let _left = job_id.try_set(Some(job.id));
            }
        });
    };
    open_its_chat(job, job_id);
    let look_again = move |()| looks.update(|looks| *looks += 1);
    let body = move || match samples.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! {
            <ErrorCard fault=fault>
                <Button look=Look::Primary press=look_again>
                    {common::TRY_AGAIN}
                </Button>
            </ErrorCard>
        }
        .into_any(),
        Loaded::Ready(page) => match offered(page.items) {
            Offered::Runs(sample) => {
                view! { <Runs sample=sample busy=busy start=start /> }.into_any()
            }
            Offered::Missing { why, hint } => view! {
                <p>{why} "."</p>
                <p class="hint">{hint} "."</p>
                <div class="actions">
                    <Button look=Look::Primary id="look-again" press=look_again>
                        {words::LOOK_AGAIN}
                    </Button>
                    <a class="button" href="/doctor">
                        {common::ASK_DOCTOR}
                    </a>
                </div>
            }
            .into_any(),
        },
    };
    let engine = move || {
        desk.world
            .with(|world| world.status.as_ref().map(engine_words))
    };
    view! {
        <Panel title=words::TITLE class="welcome">
            <div class="welcome-body">
                {body} <JobStrip job=Signal::derive(move || job.get().filter(|job| !job.state.is_final())) />
                {move || job.get().and_then(|job| failure(job, move || start(chosen.get_untracked())))} <p class="dim">{engine}</p>
            </div>
        </Panel>
    }
}

#[component]
fn Runs(sample: Sample, busy: Memo<bool>, #[prop(into)] start: Callback<String>) -> impl IntoView {
    let name = sample.name.clone();
    view! {
        <p>
            <strong>{sample.name}</strong>
            " "
            {words::is_a_sample(&sample.description)}
        </p>
        <div class="actions">
            <Button
                look=Look::Primary
                id="start-sample"
                disabled=busy
                press=move |()| start.run(name.clone())
            >
                {words::START}
            </Button>
            <span class="dim">{sample.why}</span>
        </div>
        <p class="dim">
            <Sentence text=words::written_to(&sample.folder) />
        </p>
    }
}

/// Leads to the conversation with the agent once it answers.
fn open_its_chat(job: Memo<Option<Job>>, job_id: RwSignal<Option<JobId>>) {
    let navigate = use_navigate();
    Effect::new(move || {
        let answers = job.get().filter(|job| job.state == JobState::Succeeded);
        if let Some(result) = answers.and_then(|job| record::<DeployResult>(&job.result)) {
            job_id.set(None);
            let chat = format!("/agents/{}/chat/new", result.agent);
            navigate(&chat, NavigateOptions::default());
        }
    });
}

/// Why it did not start, and the ways on.
fn failure(job: Job, again: impl Fn() + Send + Sync + 'static) -> Option<impl IntoView> {
    let fault = job
        .fault
        .filter(|_| job.state != JobState::Succeeded && job.state.is_final())?;
    let log = format!("/agents/{}/logs", job.agent);
    Some(view! {
        <ErrorCard title=words::FAILED fault=fault>
            <Button look=Look::Primary press=move |()| again()>
                {common::TRY_AGAIN}
            </Button>
            <a class="button" href=log>
                {common::OPEN_LOG}
            </a>
            <a class="button" href="/doctor">
                {common::ASK_DOCTOR}
            </a>
        </ErrorCard>
    })
}
