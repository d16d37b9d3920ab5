use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use nasiko_contract::{AgentName, TraceId};

use crate::{
    browser,
    desk::spawn_for_the_owner,
    kit::AgentOptions,
    model::traces::TraceFilter,
    pages::{
        trace_list::{TraceTable, use_trace_list},
        trace_view::TraceView,
    },
    words::{common, traces as words},
};

/// Milliseconds without a keystroke before words are looked for.
const TYPING_PAUSE: u32 = 250;

/// All traces.
#[component]
pub(crate) fn TracesPage() -> impl IntoView {
    browser::set_title(&common::window_title(words::TITLE));
    let parameters = use_params_map();
    let trace = Memo::new(move |_| parameters.with(|map| map.get("trace")));
    let agent = RwSignal::new(None::<AgentName>);
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="grow"></span>
            <AgentChoice agent=agent />
        </header>
        <Split agent=agent.into() trace=trace base="/traces".to_owned() one_agent=false />
    }
}

/// One agent's traces.
#[component]
pub(crate) fn AgentTraces(agent: AgentName, trace: Memo<Option<String>>) -> impl IntoView {
    let base = format!("/agents/{agent}/traces");
    view! { <Split agent=Signal::stored(Some(agent)) trace=trace base=base one_agent=true /> }
}

/// The list, and beside it the trace of the address, or else the newest.
#[component]
fn Split(
    agent: Signal<Option<AgentName>>,
    trace: Memo<Option<String>>,
    base: String,
    one_agent: bool,
) -> impl IntoView {
    let errors_only = RwSignal::new(false);
    let text = RwSignal::new(String::new());
    let typed = RwSignal::new(String::new());
    Effect::new(move || {
        let words = typed.get();
        spawn_for_the_owner(async move {
            TimeoutFuture::new(TYPING_PAUSE).await;
            let _left = text.try_set(words);
        });
    });
    let filter = Memo::new(move |_| TraceFilter {
        agent: agent.get(),
        errors_only: errors_only.get(),
        text: text.get(),
    });
    let list = use_trace_list(filter.into());
    let chosen = Memo::new(move |_| {
        let of_address = trace.get().map(TraceId::from);
        of_address.or_else(|| list.with(|list| list.newest().map(|row| row.trace_id.clone())))
    });
    let arrived = Memo::new(move |_| {
        let chosen = chosen.get()?;
        list.with(|list| list.row(&chosen).map(|row| row.spans))
    });
    view! {
        <div class="split">
            <section class="panel list" aria-label=words::TITLE>
                <header class="panel-head filter">
                    <input
                        type="search"
                        aria-label=words::FILTER
                        placeholder=common::FILTER
                        on:input:target=move |event| typed.set(event.target().value())
                    />
                    <label class="check">
                        <input type="checkbox" on:change:target=move |event| errors_only.set(event.target().checked()) />
                        {words::FAILED_ONLY}
                    </label>
                </header>
                <TraceTable list=list chosen=chosen base=base one_agent=one_agent />
            </section>
            <TraceView trace=chosen arrived=arrived />
        </div>
    }
}

#[component]
fn AgentChoice(agent: RwSignal<Option<AgentName>>) -> impl IntoView {
    let near = RwSignal::new(false);
    let choose =
        move |word: String| agent.set(Some(word).filter(|word| !word.is_empty()).map(AgentName));
    view! {
        <label class="field inline" on:focusin=move |_| near.set(true) on:pointerenter=move |_| near.set(true)>
            <span>{common::AGENT}</span>
            <select on:change:target=move |event| choose(event.target().value())>
                <option value="">{words::ALL_AGENTS}</option>
                <AgentOptions near=near chosen=agent value=AgentName::to_string />
            </select>
        </label>
    }
}
