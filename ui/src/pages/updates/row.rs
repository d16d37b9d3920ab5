use std::sync::Arc;

use leptos::prelude::*;
use nasiko_contract::{Update, UpdateId, UpdateState};

use crate::{
    kit::{Clock, Running, Sentence},
    model::{format, tone, updates},
    pages::updates::{Chosen, Open},
    words::updates as words,
};

/// One save: when, which file decided, what was done and why, how it stands, how long it took.
#[component]
pub(crate) fn UpdateRow(update: Arc<Update>, chosen: Chosen, open: Open) -> impl IntoView {
    let id = update.id.clone();
    let is_chosen = {
        let id = id.clone();
        Memo::new(move |_| {
            chosen.with(|chosen| chosen.as_ref().is_some_and(|chosen| chosen.id == id))
        })
    };
    let (tone, word) = tone::update(update.state);
    let (file, others) = updates::headline(&update);
    let sentence = updates::sentence(&update);
    let took = updates::took(&update).map(format::duration_seconds);
    let timed = took.is_some();
    let action = update.action.as_str();
    let label = words::list::row(&file, action, word, took.as_deref(), &sentence);
    let figure = match (update.state, took) {
        (UpdateState::Applying, _) => view! { <Running since=update.at /> }.into_any(),
        (_, took) => took.into_any(),
    };
    let element = row_id(&id);
    let title = sentence.replace('`', "");
    view! {
        <div
            id=element
            class="update-row"
            class:chosen=is_chosen
            role="option"
            aria-selected=move || if is_chosen.get() { "true" } else { "false" }
            aria-label=label
            on:click=move |_| open.run(Some(id.clone()))
        >
            <i class=format!("shape {}", tone.class())></i>
            <span class="update-when">
                <Clock at=update.at />
                <span class=format!("update-state {}", tone.class())>{word}</span>
            </span>
            <span class="update-what">
                <span class="update-file">
                    <code class="clip">{file}</code>
                    {(others > 0).then(|| view! { <span class="dim">{format!("+{}", format::count(others))}</span> })}
                    <span class="tag">{action}</span>
                </span>
                <span class="update-why dim clip" title=title>
                    <Sentence text=sentence />
                </span>
            </span>
            <span class="update-took">
                <b class="figure">{figure}</b>
                {(timed && update.warm).then(|| view! { <span class="dim">{words::WARM}</span> })}
            </span>
        </div>
    }
}

/// The element of an update's row.
pub(crate) fn row_id(update: &UpdateId) -> String {
    format!("update-{update}")
}
