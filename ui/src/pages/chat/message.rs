use leptos::prelude::*;
use nasiko_contract::{ChatMessage, ChatRole, MessageId};

use crate::{
    kit::{Clock, ErrorCard, Markdown},
    model::{chat::Answering, format, traces::TraceList},
    pages::{
        chat::Shown,
        pins::{PinButton, Pins},
    },
    words::chat::thread as words,
};

/// A stored message.
#[component]
pub(crate) fn Message(
    message: ChatMessage,
    chosen: RwSignal<Option<MessageId>>,
    traces: RwSignal<TraceList>,
    pins: Pins,
) -> impl IntoView {
    match message.role {
        ChatRole::User => {
            let question = message.text.clone();
            view! {
                <div class="own">
                    <PinButton pins=pins question=question />
                    <Asked text=message.text />
                </div>
            }
            .into_any()
        }
        ChatRole::Agent => {
            view! { <Answer message=message chosen=chosen traces=traces /> }.into_any()
        }
    }
}

/// What the person said.
#[component]
pub(crate) fn Asked(text: String) -> impl IntoView {
    view! {
        <article class="asked" aria-label=words::YOU>
            {text}
        </article>
    }
}

#[component]
fn Answer(
    message: ChatMessage,
    chosen: RwSignal<Option<MessageId>>,
    traces: RwSignal<TraceList>,
) -> impl IntoView {
    let took = message
        .duration_ms
        .map(|duration| view! { <span>{format::duration_ms(duration)}</span> });
    let known = message.tokens;
    let of_trace = message.trace.clone();
    // Spans that tell the tokens may arrive after the answer.
    let tokens = Memo::new(move |_| {
        known.or_else(|| {
            let trace = of_trace.as_ref()?;
            traces.with(|list| list.row(trace).and_then(|row| row.tokens))
        })
    });
    let cost_of = message.trace.clone();
    let cost = Memo::new(move |_| {
        let trace = cost_of.as_ref()?;
        traces.with(|list| list.row(trace).and_then(|row| row.cost))
    });
    let id = message.id;
    let is_chosen = {
        let id = id.clone();
        Memo::new(move |_| chosen.with(|chosen| chosen.as_ref() == Some(&id)))
    };
    let trace = message.trace.map(|trace| {
        let shown = format::short_id(trace.as_str());
        view! {
            <button
                type="button"
                class="link"
                aria-label=words::show_trace(&shown)
                aria-pressed=move || if is_chosen.get() { "true" } else { "false" }
                on:click=move |_| chosen.set(Some(id.clone()))
            >
                {words::trace(&shown)}
            </button>
        }
    });
    let text = (!message.text.is_empty()).then(|| view! { <Markdown text=message.text /> });
    let state = Some(message.task_state).filter(|state| !state.is_empty() && state != "completed");
    view! {
        <article class="answer" class:chosen=is_chosen aria-label=words::ANSWER>
            {text}
            {message.fault.map(|fault| view! { <ErrorCard fault=fault /> })}
            <p class="meta">
                <Clock at=message.at />
                {took}
                {move || tokens.get().map(|tokens| view! { <span>{words::tokens(tokens)}</span> })}
                {move || cost.get().map(|cost| view! { <span>{format::dollars(cost)}</span> })}
                {state.map(|state| view! { <span>{state}</span> })}
                {trace}
            </p>
        </article>
    }
}

/// The answer that is on its way.
#[component]
pub(crate) fn Arriving(conversation: Shown) -> impl IntoView {
    let read = move |read: fn(&Answering) -> String| {
        Memo::new(move |_| {
            conversation
                .get()
                .and_then(|chat| chat.with(|chat| chat.answering.as_ref().map(read)))
                .unwrap_or_default()
        })
    };
    let text = read(|answering| answering.text.clone());
    let line = read(|answering| answering.line().to_owned());
    let trace = read(|answering| {
        answering.trace.as_ref().map_or(String::new(), |trace| {
            words::trace(&format::short_id(trace.as_str()))
        })
    });
    view! {
        <article class="answer arriving" aria-label=words::ARRIVING>
            <Markdown text=text />
            <p class="meta">
                <i class="shape busy" aria-hidden="true"></i>
                <span>{line}</span>
                <span>{trace}</span>
            </p>
        </article>
    }
}
