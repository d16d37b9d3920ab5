mod entry;

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_params_map};
use nasiko_contract::{AgentName, Fault, ListRegistry, Page, RegistryEntry};

use crate::{
    browser,
    desk::{Desk, Loaded, fetch},
    kit::{Empty, ErrorCard, StateBadge, VirtualList, Waiting},
    model::tone,
    pages::registry::entry::EntryView,
    words::{
        common::{self, window_title},
        registry as words,
    },
};

/// For how long words and changes are gathered before the list is asked for.
const GATHER: Duration = Duration::from_millis(200);
/// A row's height in pixels; the styles say the same.
const ROW: f64 = 52.0;

/// Agents as others find them.
#[component]
pub(crate) fn RegistryPage() -> impl IntoView {
    browser::set_title(&window_title(words::TITLE));
    let parameters = use_params_map();
    let named = Memo::new(move |_| {
        parameters
            .with(|map| map.get("agent"))
            .filter(|it| !it.is_empty())
    });
    let text = RwSignal::new(String::new());
    let list = use_registry(text);
    let rows = Memo::new(move |_| {
        list.with(|list| list.ready().map(|page| page.items.clone()))
            .unwrap_or_default()
    });
    let desk = Desk::get();
    // An entry that is edited may lose the words that are looked for: what is shown stays while nothing else has them.
    let chosen = Memo::new(move |before: Option<&Option<AgentName>>| {
        let first = || rows.with(|rows| rows.first().map(|entry| entry.id.clone()));
        let shown = || {
            let shown = before?.as_ref()?;
            let is_there = desk.world.with(|world| world.agent(shown).is_some());
            is_there.then(|| shown.clone())
        };
        named.get().map(AgentName).or_else(first).or_else(shown)
    });
    let many = move || rows.with(|rows| words::agents(rows.len()));
    let draw = move |entry: RegistryEntry| view! { <EntryRow entry=entry chosen=chosen /> };
    // What is drawn changes with the kind of answer alone, so that a list that is read again stays where it is.
    let stage = Memo::new(move |_| match list.get() {
        Loaded::Failed(fault) => Stage::Failed(fault),
        Loaded::Loading => Stage::Waiting,
        Loaded::Ready(page) if !page.items.is_empty() => Stage::Some,
        Loaded::Ready(_) if text.with(|text| text.trim().is_empty()) => Stage::None,
        Loaded::Ready(_) => Stage::NoneWithWords,
    });
    let body = move || {
        match stage.get() {
        Stage::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Stage::Waiting => view! { <Waiting what=words::READING /> }.into_any(),
        Stage::None => view! {
            <Empty title=words::NONE>
                <a href="/agents">{words::DEPLOY_ONE}</a>
            </Empty>
        }
        .into_any(),
        Stage::NoneWithWords => view! {
            <Empty title=words::NONE_WITH_WORDS>{words::WHERE_WORDS_ARE}</Empty>
        }
        .into_any(),
        Stage::Some => view! {
            <VirtualList rows=rows row_height=ROW draw=draw label=words::ENTRY_LIST class="registry-rows" />
        }
        .into_any(),
    }
    };
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{words::WHAT_IT_IS}</span>
        </header>
        <div class="split registry">
            <section class="panel list" aria-label=words::ENTRIES>
                <header class="panel-head filter">
                    <input
                        id="registry-filter"
                        type="search"
                        aria-label=words::FILTER_LABEL
                        placeholder=common::FILTER
                        on:input:target=move |event| text.set(event.target().value())
                    />
                    <span class="grow"></span>
                    <span class="dim figure" role="status">{many}</span>
                </header>
                {body}
            </section>
            {move || chosen.get().map(|agent| view! { <EntryView agent=agent /> })}
        </div>
    }
}

/// How the list stands.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Waiting,
    Failed(Fault),
    /// There is no agent.
    None,
    /// No agent has the words.
    NoneWithWords,
    Some,
}

/// The entries with these words, read again when agents change.
fn use_registry(text: RwSignal<String>) -> RwSignal<Loaded<Page<RegistryEntry>>> {
    let desk = Desk::get();
    let list = RwSignal::new(Loaded::Loading);
    let words = RwSignal::new(String::new());
    let changed = Memo::new(move |_| desk.world.with(|world| world.agents_told));
    let seen = RwSignal::new(0);
    Effect::new(move || {
        let (now, last) = (text.get(), changed.get());
        let gather = set_timeout_with_handle(
            move || {
                let _gone = words.try_maybe_update(|words| {
                    let differs = *words != now;
                    words.clone_from(&now);
                    (differs, ())
                });
                let _gone = seen.try_set(last);
            },
            GATHER,
        );
        if let Ok(gather) = gather {
            on_cleanup(move || gather.clear());
        }
    });
    let seen = Memo::new(move |_| seen.get());
    Effect::new(move || {
        let _told = seen.get();
        let text = Some(words.get()).filter(|words| !words.trim().is_empty());
        fetch(desk, ListRegistry { text }, list);
    });
    list
}

#[component]
fn EntryRow(entry: RegistryEntry, chosen: Memo<Option<AgentName>>) -> impl IntoView {
    let id = entry.id.clone();
    let is_chosen = move || chosen.with(|chosen| chosen.as_ref() == Some(&id));
    let (tone, word) = tone::agent_state(entry.state);
    let tags = entry.tags.into_iter().take(3);
    let tags = tags.map(|tag| view! { <span class="tag clip">{tag}</span> });
    view! {
        <div class="registry-row" class:chosen=is_chosen>
            <A href=format!("/registry/{}", entry.id)>
                <b class="clip">{entry.name}</b>
                {entry.edited.then(|| view! { <span class="tag">{words::EDITED}</span> })}
                <span class="grow"></span>
                <StateBadge tone=tone word=word />
                <span class="registry-about clip">{entry.description}</span>
                <span class="registry-tags">{tags.collect_view()}</span>
            </A>
        </div>
    }
}
