//! What all agents and services write, interleaved, or one of them.

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use nasiko_contract::{AgentName, Fault, FollowLogs, FollowStackLogs, ServiceState};

use crate::{
    actions::{Action, Actions},
    browser,
    desk::{Desk, Followed, follow},
    kit::{AgentOptions, LogViewer},
    model::{
        log_level::Level,
        logs::{LogFilter, LogView, Source},
        stack,
    },
    words::{common, logs as words},
};

/// Lines of the past that are read of each.
const TAIL: u32 = 500;

/// The log of all; `?of=agent:greeter` shows one alone.
#[component]
pub(crate) fn LogsPage() -> impl IntoView {
    browser::set_title(&common::window_title(words::TITLE));
    let desk = Desk::get();
    let query = use_query_map();
    let log = RwSignal::new(LogView::default());
    let fault = RwSignal::new(None::<Fault>);
    let filter = RwSignal::new(LogFilter::default());
    let source =
        Memo::new(move |_| Source::read(&query.with(|map| map.get("of")).unwrap_or_default()));
    let agents = Memo::new(move |_| names_of_agents(desk));
    let services = Memo::new(move |_| names_of_services(desk));
    // Services are known once somebody looked at the stack.
    desk.read_stack(|_no_engine_is_no_matter_here| {});
    Effect::new(move || {
        log.update(LogView::clear);
        fault.set(None);
        let source = source.get();
        // An agent that comes or goes changes what is followed.
        if source.has_agents() && agents.with(|agents| !agents.is_empty()) {
            follow_agents(desk, &source, log, fault);
        }
    });
    Effect::new(move || {
        let source = source.get();
        if source.has_services() && services.with(|services| !services.is_empty()) {
            follow_services(desk, &source, log, fault);
        }
    });
    // By their first line, so that those who write have colours of their own.
    let places = StoredValue::new(HashMap::<String, usize>::new());
    let series = Callback::new(move |name: String| {
        let place = places.try_update_value(|places| {
            let next = places.len();
            *places.entry(name).or_insert(next)
        });
        stack::series(place.unwrap_or_default())
    });
    Actions::get().offer([
        Action::known("logs.pause", || browser::keys::press("log-pause")),
        Action::known("logs.save", || browser::keys::press("log-save")),
    ]);
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{move || words::writers(agents.with(Vec::len), services.with(Vec::len))}</span>
        </header>
        <div class="log-page">
            <LogViewer log=log fault=fault label=words::LOG_OF_ALL series=series filter=filter>
                <SourceChoice source=source services=services />
                <LevelChoice filter=filter />
            </LogViewer>
        </div>
    }
}

fn names_of_agents(desk: Desk) -> Vec<String> {
    desk.world.with(|world| {
        let agents = world.agents.iter().flat_map(|agents| agents.keys());
        agents.map(ToString::to_string).collect()
    })
}

/// Those that have a container, and so a log.
fn names_of_services(desk: Desk) -> Vec<String> {
    desk.world.with(|world| {
        let services = world.stack.iter().flat_map(|stack| &stack.services);
        let there = services.filter(|service| service.state != ServiceState::Absent);
        there.map(|service| service.service.clone()).collect()
    })
}

fn follow_agents(
    desk: Desk,
    source: &Source,
    log: RwSignal<LogView>,
    fault: RwSignal<Option<Fault>>,
) {
    let wanted = FollowLogs {
        agents: source.agent().map(str::to_owned),
        tail: Some(TAIL),
        follow: true,
    };
    follow(desk, wanted, move |learnt| match learnt {
        // Opened again it tells the past again; what is known already is passed over.
        Followed::Opened => log.update(|log| log.forget(|line| !line.of_service)),
        Followed::Items(lines) => log.update(|log| log.interleave(lines)),
        Followed::Ended(why) => fault.set(why),
    });
}

fn follow_services(
    desk: Desk,
    source: &Source,
    log: RwSignal<LogView>,
    fault: RwSignal<Option<Fault>>,
) {
    let wanted = FollowStackLogs {
        service: source.service().map(str::to_owned),
        tail: Some(TAIL),
        since: None,
        follow: true,
    };
    follow(desk, wanted, move |learnt| match learnt {
        Followed::Opened => log.update(|log| log.forget(|line| line.of_service)),
        Followed::Items(lines) => log.update(|log| log.interleave(lines)),
        Followed::Ended(why) => fault.set(why),
    });
}

/// Whose log; each choice has an address of its own.
#[component]
fn SourceChoice(source: Memo<Source>, services: Memo<Vec<String>>) -> impl IntoView {
    let navigate = use_navigate();
    let choose = move |word: String| {
        let options = NavigateOptions {
            replace: true,
            ..NavigateOptions::default()
        };
        let place = if word.is_empty() {
            "/logs".to_owned()
        } else {
            format!("/logs?of={word}")
        };
        navigate(&place, options);
    };
    let option = move |value: Source, words: String| {
        let written = value.written();
        let chosen = move || source.with(|source| *source == value);
        view! { <option value=written selected=chosen>{words}</option> }
    };
    let near = RwSignal::new(false);
    let agent = Memo::new(move |_| {
        source.with(|source| source.agent().map(|name| AgentName(name.to_owned())))
    });
    let of_services = move || {
        let names = services.get();
        names
            .into_iter()
            .map(|name| option(Source::Service(name.clone()), name))
            .collect_view()
    };
    let has_services = Memo::new(move |_| services.with(|services| !services.is_empty()));
    view! {
        <select
            id="log-source"
            aria-label=words::SOURCE
            on:focusin=move |_| near.set(true)
            on:pointerenter=move |_| near.set(true)
            on:change:target=move |event| choose(event.target().value())
        >
            {option(Source::All, words::EVERYONE.to_owned())}
            {option(Source::Agents, words::ALL_AGENTS.to_owned())}
            <optgroup label=common::AGENTS>
                <AgentOptions near=near chosen=agent value=|name| Source::Agent(name.to_string()).written() />
            </optgroup>
            <Show when=move || has_services.get()>
                <optgroup label=common::SERVICES>{of_services}</optgroup>
            </Show>
        </select>
    }
}

/// How much a line must matter.
#[component]
fn LevelChoice(filter: RwSignal<LogFilter>) -> impl IntoView {
    let choose = move |word: String| {
        let level = Level::ALL.into_iter().find(|(_, known)| *known == word);
        let least = level
            .map(|(level, _)| level)
            .filter(|level| *level > Level::Debug);
        filter.update(|filter| filter.least = least);
    };
    let options = Level::ALL.map(|(_, word)| view! { <option>{word}</option> });
    view! {
        <select id="log-level" aria-label=words::LEVEL on:change:target=move |event| choose(event.target().value())>
            {options.collect_view()}
        </select>
    }
}
