use leptos::prelude::*;
use nasiko_contract::AgentState;

use crate::{
    model::roster::Wanted,
    words::{agents as words, common, states::agent as state},
};

/// The states to choose from.
const STATES: [(&str, Option<AgentState>); 5] = [
    (words::ANY_STATE, None),
    (state::RUNNING, Some(AgentState::Active)),
    (state::FAILED, Some(AgentState::Failed)),
    (state::SETTING_UP, Some(AgentState::SettingUp)),
    (state::STOPPED, Some(AgentState::Stopped)),
];

/// What is wanted of the list of agents.
#[component]
pub(crate) fn AgentFilter(wanted: RwSignal<Wanted>) -> impl IntoView {
    let options = STATES
        .iter()
        .map(|(words, _)| view! { <option value=*words>{*words}</option> })
        .collect_view();
    let choose = move |word: &str| {
        let state = STATES.iter().find(|(words, _)| *words == word);
        wanted.update(|wanted| wanted.state = state.and_then(|(_, state)| *state));
    };
    view! {
        <header class="panel-head filter">
            <input
                type="search"
                aria-label=words::FILTER
                placeholder=common::FILTER
                on:input:target=move |event| wanted.update(|wanted| wanted.text = event.target().value())
            />
            <select aria-label=common::STATE on:change:target=move |event| choose(&event.target().value())>
                {options}
            </select>
        </header>
    }
}
