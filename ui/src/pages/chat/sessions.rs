use leptos::prelude::*;
use leptos_router::components::A;
use nasiko_contract::{AgentName, ChatSession, DeleteSession, SessionId};

use crate::{
    desk::Desk,
    kit::{Age, Button, Glyph, Icon, Look, Menu},
};

/// The conversations with an agent: which one is shown, the others, and a new one.
#[component]
pub(crate) fn SessionMenu(agent: AgentName, current: Memo<Option<SessionId>>) -> impl IntoView {
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
            shown.map_or("New conversation".to_owned(), title_of)
        })
    });
    let base = StoredValue::new(format!("/agents/{agent}/chat"));
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
    let forget = move |()| {
        let Some(session) = current.get_untracked() else {
            return;
        };
        desk.run(
            DeleteSession {
                session: session.clone(),
            },
            move |_| {
                desk.world.update(|world| {
                    world.sessions.remove(&session);
                });
            },
        );
    };
    view! {
        <Show when=has_some fallback=move || view! { <em>{title}</em> }>
            <Menu title=title label="Choose a conversation" list=list />
        </Show>
        <span class="grow"></span>
        <Show when=move || current.with(Option::is_some)>
            <Button look=Look::Flat press=forget label="Delete this conversation">
                "Delete"
            </Button>
            <a class="button small" href=move || format!("{}/new", base.get_value())>
                <Icon glyph=Glyph::Add />
                "New"
            </a>
        </Show>
    }
}

fn title_of(session: &ChatSession) -> String {
    if session.title.is_empty() {
        "Conversation without a title".to_owned()
    } else {
        session.title.clone()
    }
}
