use leptos::prelude::*;
use nasiko_contract::{AgentDetail, AgentName, GetAgent};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Empty, ErrorCard},
    words::agent as words,
};

/// There is no such agent.
#[component]
pub(crate) fn Gone(name: AgentName) -> impl IntoView {
    let desk = Desk::get();
    let detail = RwSignal::new(Loaded::<AgentDetail>::Loading);
    // The refusal names the nearest agent there is.
    fetch(
        desk,
        GetAgent {
            agent: name.clone(),
        },
        detail,
    );
    move || {
        let card = match detail.get() {
            Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
            _ => view! { <Empty title=words::gone(name.as_str()) /> }.into_any(),
        };
        view! {
            <div class="page-body">
                {card}
                <p>
                    <a href="/agents">{words::ALL_AGENTS}</a>
                </p>
            </div>
        }
    }
}
