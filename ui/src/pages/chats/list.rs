use leptos::prelude::*;
use leptos_router::components::A;
use nasiko_contract::ChatSession;

use crate::{
    desk::Desk,
    kit::{Age, Empty, VirtualList, Waiting},
    pages::chat::title_of,
    words::{chat::all, common},
};

/// A row's height in pixels; the styles say the same.
const ROW: f64 = 52.0;

/// All conversations, the newest first, those alone that hold the words.
#[component]
pub(super) fn SessionList(loaded: RwSignal<bool>, chosen: Memo<Option<String>>) -> impl IntoView {
    let desk = Desk::get();
    let words = RwSignal::new(String::new());
    let sessions = Memo::new(move |_| {
        let words = words.get().to_lowercase();
        let wanted = |session: &&ChatSession| {
            let text = format!("{} {}", session.title, session.agent).to_lowercase();
            words.split_whitespace().all(|word| text.contains(word))
        };
        let mut sessions: Vec<ChatSession> = desk
            .world
            .with(|world| world.sessions.values().filter(wanted).cloned().collect());
        sessions.sort_by_key(|session| std::cmp::Reverse(session.updated));
        sessions
    });
    let none = Memo::new(move |_| sessions.with(Vec::is_empty));
    let draw = move |session: ChatSession| {
        let id = session.id.to_string();
        let is_chosen = Memo::new(move |_| chosen.with(|chosen| chosen.as_ref() == Some(&id)));
        let title = title_of(&session);
        view! {
            <div class="session-row" class:chosen=is_chosen>
                <A href=format!("/chat/{}", session.id)>
                    <span class="clip" title=title.clone()>{title.clone()}</span>
                    <small class="dim">
                        <span class="clip">{session.agent.to_string()}</span>
                        <Age at=session.updated />
                    </small>
                </A>
            </div>
        }
    };
    let draw = StoredValue::new(draw);
    let same = |one: &ChatSession, other: &ChatSession| one.id == other.id;
    let all_wanted = Memo::new(move |_| words.with(|words| words.trim().is_empty()));
    let list = move || {
        if !none.get() {
            return view! {
                <VirtualList
                    rows=sessions
                    row_height=ROW
                    draw=move |session| draw.with_value(|draw| draw(session))
                    same=same
                    label=all::LIST
                    class="session-rows"
                />
            }
            .into_any();
        }
        match (loaded.get(), all_wanted.get()) {
            (false, _) => view! { <Waiting what=all::READING /> }.into_any(),
            (true, true) => view! { <Empty title=all::NONE>{all::NONE_TEXT}</Empty> }.into_any(),
            (true, false) => view! { <Empty title=all::NONE_LIKE_THAT /> }.into_any(),
        }
    };
    view! {
        <section class="panel list sessions" aria-label=all::TITLE>
            <header class="panel-head filter">
                <input
                    type="search"
                    aria-label=all::FILTER
                    placeholder=common::FILTER
                    on:input:target=move |event| words.set(event.target().value())
                />
            </header>
            {list}
        </section>
    }
}
