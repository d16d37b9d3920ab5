use std::sync::Arc;

use leptos::prelude::*;
use nasiko_contract::{AgentName, Fault, FileUpdate, JobId, Update, UpdateState};

use crate::{
    desk::Desk,
    kit::{Empty, ErrorCard, JobStrip, Sentence, StateBadge},
    model::{format, tone, updates},
    pages::updates::{Chosen, phases::Phases},
    words::{
        common,
        updates::{self as page_words, detail as words},
    },
};

/// One save in full: each file with its reason, the time of each step, and why it failed.
#[component]
pub(crate) fn UpdateDetail(
    agent: AgentName,
    update: Chosen,
    /// The keyboard went into it.
    #[prop(into)]
    hold: Callback<()>,
) -> impl IntoView {
    let agent = StoredValue::new(agent);
    view! {
        <section class="panel update-detail" aria-label=words::CHOSEN on:focusin=move |_| hold.run(())>
            {move || match update.get() {
                Some(update) => view! { <Chosen agent=agent.get_value() update=update /> }.into_any(),
                None => {
                    view! {
                        <Empty title=words::NOT_SHOWN>{words::MAYBE_OLDER}</Empty>
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

#[component]
fn Chosen(agent: AgentName, update: Arc<Update>) -> impl IntoView {
    let (tone, word) = tone::update(update.state);
    let (file, others) = updates::headline(&update);
    let title = match others {
        0 => file,
        others => format!("{file} +{}", format::count(others)),
    };
    let hash = update.content_hash.chars().take(12).collect::<String>();
    let failure = update
        .fault
        .clone()
        .map(|fault| view! { <Failure agent=agent.clone() state=update.state fault=fault /> });
    let job = update.job.clone().map(|job| view! { <Rebuild id=job /> });
    let files = updates::sorted_files(&update)
        .into_iter()
        .map(|file| view! { <FileRow file=file /> })
        .collect_view();
    let unlisted = update.files_total.saturating_sub(update.files.len() as u64);
    let unlisted = (unlisted > 0).then(|| {
        view! { <li class="dim">{words::more_files(unlisted)}</li> }
    });
    let why =
        (!update.why.is_empty()).then(|| view! { <p><Sentence text=update.why.clone() /></p> });
    view! {
        <header class="panel-head">
            <h2 class="clip" title=title.clone()>{title.clone()}</h2>
            <StateBadge tone=tone word=word />
            <span class="grow"></span>
            <a class="link" href=format!("/agents/{agent}/logs")>{words::LOG}</a>
        </header>
        <div class="update-body">
            {failure}
            <p class="update-facts">
                <span class="tag">{update.action.as_str()}</span>
                {update.warm.then(|| view! { <span class="tag">{page_words::WARM}</span> })}
                <span class="dim">{words::CONTENT} " "</span>
                <code class="dim">{hash}</code>
            </p>
            {why}
            {job}
            <Phases update=Arc::clone(&update) />
            <ul class="update-files" aria-label=words::FILES>{files} {unlisted}</ul>
        </div>
    }
}

/// Why it was not made live, and the way to its log.
#[component]
fn Failure(agent: AgentName, state: UpdateState, fault: Fault) -> impl IntoView {
    let title = match state {
        UpdateState::Failed => words::STILL_ANSWERS,
        _ => words::NOT_ENDED,
    };
    view! {
        <ErrorCard title=title fault=fault>
            <a class="button primary" href=format!("/agents/{agent}/logs")>
                {common::OPEN_LOG}
            </a>
        </ErrorCard>
    }
}

/// The job that rebuilds: how far it is while it runs, and the way to its output.
#[component]
fn Rebuild(id: JobId) -> impl IntoView {
    let desk = Desk::get();
    let job = Memo::new(move |_| desk.world.with(|world| world.jobs.get(&id).cloned()));
    let running = Memo::new(move |_| job.get().filter(|job| !job.state.is_final()));
    let state = move || {
        job.get().map(|job| {
            let (tone, word) = tone::job(job.state);
            view! { <StateBadge tone=tone word=word /> }
        })
    };
    view! {
        <p class="update-facts">
            <a class="link" href="/activity">{words::REBUILD}</a>
            {state}
        </p>
        <JobStrip job=running />
    }
}

#[component]
fn FileRow(file: FileUpdate) -> impl IntoView {
    view! {
        <li>
            <p class="update-file">
                <code class="clip" title=file.path.clone()>{file.path.clone()}</code>
                <span class="dim">{tone::file_change(file.change)}</span>
                <span class="tag">{file.action.as_str()}</span>
            </p>
            <p class="dim">
                <Sentence text=file.why />
            </p>
        </li>
    }
}
