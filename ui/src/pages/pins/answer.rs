use leptos::prelude::*;
use nasiko_contract::{AgentName, PinAnswer};

use crate::{
    kit::{Age, ErrorCard},
    model::{compare::Piece, format},
    words::pins as words,
};

/// One answer as it was written, with the words marked that the other one has not.
#[component]
pub(crate) fn AnswerColumn(
    #[prop(into)] title: Signal<&'static str>,
    /// Said where there is none.
    nothing: &'static str,
    agent: AgentName,
    answer: Memo<Option<PinAnswer>>,
    /// Its text in pieces.
    pieces: Signal<Vec<Piece>>,
    /// What only this one has is no longer said; else it is new.
    removed: bool,
) -> impl IntoView {
    let text = move || {
        pieces
            .get()
            .into_iter()
            .map(|Piece { text, own }| match (own, removed) {
                (false, _) => text.into_any(),
                (true, true) => view! { <del>{text}</del> }.into_any(),
                (true, false) => view! { <ins>{text}</ins> }.into_any(),
            })
            .collect_view()
    };
    let body = move || match answer.get() {
        None => view! { <p class="pin-text dim">{nothing}</p> }.into_any(),
        Some(PinAnswer {
            fault: Some(fault), ..
        }) => view! { <ErrorCard fault=fault /> }.into_any(),
        Some(_) => view! {
            <div class="pin-text" tabindex="0" role="group" aria-label=title>
                {text}
            </div>
        }
        .into_any(),
    };
    view! {
        <section class="pin-answer">
            <header>
                <h3>{title}</h3>
                {move || answer.get().map(|answer| view! { <About agent=agent.clone() answer=answer /> })}
            </header>
            {body}
        </section>
    }
}

/// When, how long it took, and its trace.
#[component]
fn About(agent: AgentName, answer: PinAnswer) -> impl IntoView {
    let trace = answer.trace.map(|trace| {
        view! {
            <a class="link" href=format!("/agents/{agent}/traces/{trace}")>
                {words::trace(&format::short_id(trace.as_str()))}
            </a>
        }
    });
    view! {
        <span class="meta">
            <Age at=answer.at />
            <span>{format::duration_ms(answer.duration_ms)}</span>
            {trace}
        </span>
    }
}
