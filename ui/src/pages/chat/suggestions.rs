use leptos::prelude::*;
use nasiko_contract::{AgentDetail, AgentName, GetAgent};

use crate::{
    desk::{Desk, Loaded, fetch},
    model::chat::suggestions,
    words::chat::thread as words,
};

/// Questions that the agent's card names; pressed, one is asked.
#[component]
pub(crate) fn Suggestions(
    agent: AgentName,
    /// Asks.
    ask: Callback<String>,
) -> impl IntoView {
    let desk = Desk::get();
    let detail = RwSignal::new(Loaded::<AgentDetail>::default());
    Effect::new(move || {
        let agent = agent.clone();
        fetch(desk, GetAgent { agent }, detail);
    });
    let questions = move || {
        detail.with(|detail| {
            let questions = detail.ready().map(|detail| suggestions(&detail.card)).unwrap_or_default();
            questions
                .into_iter()
                .map(|question| {
                    let words = question.clone();
                    view! {
                        <button type="button" class="button suggestion" on:click=move |_| ask.run(question.clone())>
                            {words}
                        </button>
                    }
                })
                .collect_view()
        })
    };
    view! { <div class="actions suggestions" role="group" aria-label=words::SUGGESTIONS>{questions}</div> }
}
