//! All conversations with all agents, and the one that is chosen.

mod list;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};
use nasiko_contract::{AgentName, SessionId};

use crate::{
    actions::{Action, Actions},
    browser,
    desk::Desk,
    kit::{Empty, Glyph, Icon, Waiting},
    pages::{
        chat::{ChatTab, NEW},
        chats::list::SessionList,
    },
    words::{
        chat::{self as words, all},
        common,
    },
};

/// The list of conversations beside the one of the address; without one in the address the latest.
#[component]
pub(crate) fn ChatPage() -> impl IntoView {
    browser::set_title(&common::window_title(words::TITLE));
    let (desk, actions) = (Desk::get(), Actions::get());
    let (parameters, query) = (use_params_map(), use_query_map());
    let loaded = RwSignal::new(false);
    desk.read_all_sessions(move || {
        let _gone = loaded.try_set(true);
    });
    let place = Memo::new(move |_| parameters.with(|map| map.get("session")));
    let anew_with = Memo::new(move |_| query.with(|map| map.get("agent")).map(AgentName));
    let session = Memo::new(move |_| place.get().or_else(|| latest(desk)));
    let is_new = Memo::new(move |_| session.with(|session| session.as_deref() == Some(NEW)));
    let agent = Memo::new(move |_| match session.get()?.as_str() {
        NEW => anew_with.get(),
        id => desk.world.with(|world| {
            let known = world.sessions.get(&SessionId::from(id));
            known.map(|session| session.agent.clone())
        }),
    });
    let many = Memo::new(move |_| desk.world.with(|world| world.sessions.len()));
    actions.offer([
        Action::known("chat.find", || {
            browser::keys::focus_first(".sessions input[type=search]");
        }),
        Action::known("chat.write", || browser::focus("message")),
    ]);
    let has_one = Memo::new(move |_| session.with(Option::is_some));
    let conversation = move || {
        // A conversation stays, with what is typed in it, when it begins and when the list arrives.
        if let Some(agent) = agent.get() {
            return view! { <ChatTab agent=agent session=session beside_all=true /> }.into_any();
        }
        match (is_new.get(), loaded.get(), has_one.get()) {
            (true, ..) | (false, true, false) => view! { <Choose /> }.into_any(),
            (false, false, _) => view! { <Waiting what=all::READING /> }.into_any(),
            (false, true, true) => {
                view! { <Empty title=all::GONE>{all::GONE_TEXT}</Empty> }.into_any()
            }
        }
    };
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{move || words::conversations(many.get())}</span>
            <span class="grow"></span>
            <a class="button" href="/chat/new" id="new-conversation">
                <Icon glyph=Glyph::Add />
                {words::NEW_CONVERSATION}
            </a>
        </header>
        <div class="chats">
            <SessionList loaded=loaded chosen=session />
            <div class="chats-one">{conversation}</div>
        </div>
    }
}

fn latest(desk: Desk) -> Option<String> {
    desk.world.with(|world| {
        let latest = world
            .sessions
            .values()
            .max_by_key(|session| session.updated);
        latest.map(|session| session.id.to_string())
    })
}

/// With whom a conversation is to begin.
#[component]
fn Choose() -> impl IntoView {
    let desk = Desk::get();
    let navigate = use_navigate();
    let names = Memo::new(move |_| {
        desk.world.with(|world| {
            let agents = world.agents.iter().flat_map(|agents| agents.values());
            agents
                .map(|agent| (agent.name.clone(), agent.description.clone()))
                .collect::<Vec<_>>()
        })
    });
    let button = move |(name, description): (AgentName, String)| {
        let (navigate, target) = (navigate.clone(), format!("/chat/new?agent={name}"));
        view! {
            <li>
                <button
                    type="button"
                    class="button flat"
                    on:click=move |_| navigate(&target, NavigateOptions::default())
                >
                    <strong>{name.to_string()}</strong>
                    <span class="dim clip">{description}</span>
                </button>
            </li>
        }
    };
    view! {
        <section class="panel choose" aria-label=words::NEW_CONVERSATION>
            <header class="panel-head">
                <h2>{words::NEW_CONVERSATION}</h2>
                <em>{all::WITH_WHOM}</em>
            </header>
            <Show
                when=move || names.with(|names| !names.is_empty())
                fallback=|| view! { <Empty title=all::NO_AGENT><a href="/agents">{all::ADD_ONE}</a></Empty> }
            >
                <ul class="choose-agents">
                    <For each=move || names.get() key=|(name, _)| name.clone() children=button.clone() />
                </ul>
            </Show>
        </section>
    }
}
