use leptos::prelude::*;
use nasiko_contract::AgentName;

use crate::desk::Desk;

/// The agents as `option`s of a `select`. A thousand of them take longer to draw than all else of a page, so until somebody comes
/// near there is the chosen one alone.
#[component]
pub(crate) fn AgentOptions(
    /// The keyboard or the pointer has been on what the `select` is in.
    near: RwSignal<bool>,
    /// Whose option is chosen.
    #[prop(into)]
    chosen: Signal<Option<AgentName>>,
    /// What an option gives to its `select`.
    value: fn(&AgentName) -> String,
) -> impl IntoView {
    let desk = Desk::get();
    let names = Memo::new(move |_| {
        if !near.get() {
            return chosen.get().into_iter().collect();
        }
        desk.world.with(|world| {
            let agents = world.agents.iter().flat_map(|agents| agents.keys());
            agents.cloned().collect::<Vec<AgentName>>()
        })
    });
    let option = move |name: AgentName| {
        let (value, words) = (value(&name), name.to_string());
        let is_chosen = move || chosen.with(|chosen| chosen.as_ref() == Some(&name));
        view! { <option value=value selected=is_chosen>{words}</option> }
    };
    view! { <For each=move || names.get() key=AgentName::clone children=option /> }
}
