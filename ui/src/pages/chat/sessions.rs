use leptos::prelude::*;
use leptos_router::{NavigateOptions, components::A, hooks::use_navigate};
use nasiko_contract::{AgentName, ChatSession, DeleteSession, SessionId};

use crate::{
    desk::Desk,
    kit::{Age, Button, Glyph, Icon, Look, Menu},
    words::{chat as words, common},
};

/// The conversations with an agent: which one is shown, the others, and a new one.
#[component]
pub(crate) fn SessionMenu(
    agent: AgentName,
    current: Memo<Option<SessionId>>,
    /// The list of all conversations stands beside it: the menu names the agent instead.
    beside_all: bool,
) -> impl IntoView {
    let desk = Desk::get();
    let sessions = {
        let agent = agent.clone();
        Memo::new(move |_| desk.world.with(|world| world.sessions_of(&agent)))
    };
    let title = Signal::derive(move || {
        let current = current.get();
        sessions.with(|sessions| {
            let shown = sessions
                .iter()
                .find(|session| Some(&session.id) == current.as_ref());
            shown.map_or(words::NEW_CONVERSATION.to_owned(), title_of)
        })
    });
    let base = StoredValue::new(format!("/agents/{agent}/chat"));
    let anew = if beside_all {
        format!("/chat/new?agent={agent}")
    } else {
        format!("{}/new", base.get_value())
    };
    let anew = StoredValue::new(anew);
    let navigate = use_navigate();
    let list = move || {
        sessions
            .get()
            .into_iter()
            .map(|session| {
                let href = format!("{}/{}", base.get_value(), session.id);
                view! {
                    <A href=href>
                        <span class="clip">{title_of(&session)}</span>
                        <small>
                            <Age at=session.updated />
                        </small>
                    </A>
                }
            })
            .collect_view()
    };
    let has_some = move || sessions.with(|sessions| !sessions.is_empty());
    let forget = Callback::new(move |()| {
        let navigate = navigate.clone();
        let Some(session) = current.get_untracked() else {
            return;
        };
        desk.run(
            DeleteSession {
                session: session.clone(),
            },
            move |_| {
                desk.keep_draft(session.as_str(), "");
                // Whoever went elsewhere meanwhile is not led back.
                let is_shown = current.try_get_untracked().flatten().as_ref() == Some(&session);
                desk.world.update(|world| {
                    world.sessions.remove(&session);
                });
                if beside_all && is_shown {
                    navigate("/chat", NavigateOptions::default());
                }
            },
        );
    });
    view! {
        <Show when=move || !beside_all && has_some() fallback=move || view! { <em class="clip">{title}</em> }>
            <Menu title=title label=words::CHOOSE list=list />
        </Show>
        <span class="grow"></span>
        <Show when=move || current.with(Option::is_some)>
            <Button look=Look::Flat press=forget label=words::FORGET>
                {common::DELETE}
            </Button>
            <a class="button small" href=anew.get_value()>
                <Icon glyph=Glyph::Add />
                {words::NEW}
            </a>
        </Show>
    }
}

pub(crate) fn title_of(session: &ChatSession) -> String {
    if session.title.is_empty() {
        words::UNTITLED.to_owned()
    } else {
        session.title.clone()
    }
}
