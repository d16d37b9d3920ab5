use std::sync::Arc;

use leptos::prelude::*;
use nasiko_contract::{AgentName, Update, UpdateState, WatchStatus};

use crate::{
    desk::Desk,
    kit::{Button, Empty, ErrorCard, Look, Sentence},
    model::updates,
    pages::agent::Summary,
    words::updates as words,
};

/// Tells a screen reader how the newest save ended; of a failure a notice tells.
#[component]
pub(crate) fn LastEnd(all: Memo<Vec<Arc<Update>>>) -> impl IntoView {
    let told = Memo::new(move |_| {
        all.with(|all| {
            let newest = all.first()?;
            let failed = newest.state == UpdateState::Failed;
            updates::told(newest).filter(|_| !failed)
        })
    });
    view! {
        <p class="unseen" role="status">
            {told}
        </p>
    }
}

/// How a question is pinned.
#[component]
pub(crate) fn PinHint(agent: AgentName) -> impl IntoView {
    let [before, chat, after] = words::HOW_TO_PIN;
    view! {
        <p class="pins dim">
            {before}
            <a class="link" href=format!("/agents/{agent}/chat")>{chat}</a>
            {after}
        </p>
    }
}

/// Why its folder is watched otherwise than it should be.
#[component]
pub(crate) fn WatchNote(agent: AgentName) -> impl IntoView {
    let desk = Desk::get();
    let status = Memo::new(move |_| {
        desk.live
            .with(|live| live.agent(&agent).and_then(|known| known.watch.clone()))
    });
    move || {
        let WatchStatus { why, fault, .. } = status.get()?;
        match fault {
            Some(fault) => {
                Some(view! { <ErrorCard title=words::NOT_WATCHABLE fault=fault /> }.into_any())
            }
            None if why.is_empty() => None,
            None => Some(view! { <p class="dim"><Sentence text=why /></p> }.into_any()),
        }
    }
}

/// There was no save yet: says what to do.
#[component]
pub(crate) fn NoSaves(agent: AgentName, summary: Summary) -> impl IntoView {
    let desk = Desk::get();
    let folder = move || {
        let source = summary.with(|agent| agent.as_ref().map(|agent| agent.source.clone()));
        source.filter(|source| !source.is_empty())
    };
    let watched = {
        let agent = agent.clone();
        Memo::new(move |_| {
            let summary = summary.with(|agent| agent.as_ref().is_some_and(|agent| agent.watched));
            desk.live.with(|live| {
                let status = live.agent(&agent).and_then(|known| known.watch.as_ref());
                updates::is_watched(status, summary)
            })
        })
    };
    let agent = StoredValue::new(agent);
    let save_a_file = move || words::save_a_file(folder().as_deref());
    let switch_it_live = move || words::switch_it_live(folder().as_deref());
    move || {
        if watched.get() {
            return view! {
                <Empty title=words::NONE>
                    {move || view! { <Sentence text=save_a_file() /> }}
                </Empty>
            }
            .into_any();
        }
        view! {
            <Empty title=words::NOT_WATCHED>
                <p>{move || view! { <Sentence text=switch_it_live() /> }}</p>
                <div class="actions">
                    <Button
                        look=Look::Primary
                        press=move |()| desk.switch_watch(agent.get_value(), true, || {})
                    >
                        {words::GO_LIVE}
                    </Button>
                </div>
            </Empty>
        }
        .into_any()
    }
}
