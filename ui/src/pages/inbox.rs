use leptos::prelude::*;
use leptos_router::components::A;
use nasiko_contract::{Notice, NoticeId};

use crate::{
    browser,
    desk::Desk,
    kit::{Age, Button, Empty, Glyph, Icon, Look, Panel, StateBadge, Waiting},
    model::inbox::{Inbox, tone},
    words::{common::window_title, inbox as words},
};

/// What happened while nobody looked.
#[component]
pub(crate) fn InboxPage() -> impl IntoView {
    browser::set_title(&window_title(words::TITLE));
    let desk = Desk::get();
    let ids = Memo::new(move |_| desk.inbox.with(Inbox::newest));
    let unread = Memo::new(move |_| desk.inbox.with(Inbox::unread));
    let known = Memo::new(move |_| desk.inbox.with(Inbox::is_known));
    let none = Memo::new(move |_| ids.with(Vec::is_empty));
    let list = move || {
        if !none.get() {
            return view! {
                <Panel title=words::NOTICES>
                    <ul class="inbox">
                        <For each=move || ids.get() key=NoticeId::clone children=|id| view! { <NoticeRow id=id /> } />
                    </ul>
                </Panel>
            }
            .into_any();
        }
        if known.get() {
            view! { <Empty title=words::NOTHING>{words::WHAT_IS_TOLD}</Empty> }.into_any()
        } else {
            view! { <Waiting what=words::READING /> }.into_any()
        }
    };
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{move || words::unread(unread.get())}</span>
            <span class="grow"></span>
            <span class="actions">
                <Button
                    id="read-all"
                    disabled=Signal::derive(move || unread.get() == 0)
                    press=move |()| desk.read_notices(None)
                >
                    {words::READ_ALL}
                </Button>
                <Button id="clear-all" disabled=none press=move |()| desk.clear_notices(None)>
                    {words::CLEAR}
                </Button>
            </span>
        </header>
        <div class="page-body">{list}</div>
    }
}

/// The id of the button that clears a notice.
fn clear_button(id: &NoticeId) -> String {
    format!("clear-{id}")
}

/// One notice; its title leads to what it is about.
#[component]
fn NoticeRow(id: NoticeId) -> impl IntoView {
    let desk = Desk::get();
    let notice = Memo::new(move |_| desk.inbox.with(|inbox| inbox.get(&id).cloned()));
    let row = move |notice: Notice| {
        let (tone, word) = tone(notice.kind);
        let (id, at, read) = (notice.id.clone(), notice.at, notice.read);
        let seen = notice.id.clone();
        let clear = words::clear(&notice.title);
        let clear_id = clear_button(&notice.id);
        let quiet = (!notice.shown).then(|| {
            view! { <span class="tag" title=words::QUIET_MEANS>{words::QUIET}</span> }
        });
        let put_away = move |()| {
            // The keyboard goes on to the next one before this one is gone.
            let beside = desk.inbox.with_untracked(|inbox| inbox.beside(&id));
            let heir = beside.map_or("content".to_owned(), |beside| clear_button(&beside));
            browser::focus(&heir);
            desk.clear_notices(Some(id.clone()));
        };
        let see = move |_| {
            if !read {
                desk.read_notices(Some(seen.clone()));
            }
        };
        view! {
            <StateBadge tone=tone word=word />
            <div class="inbox-what">
                <A href=notice.target on:click=see>
                    <strong>{notice.title}</strong>
                    {(!read).then(|| view! { <span class="unseen">" " {words::UNREAD}</span> })}
                </A>
                {quiet}
                <span class="dim">{notice.text}</span>
            </div>
            <span class="figure dim">
                <Age at=at />
            </span>
            <Button
                look=Look::Flat
                id=clear_id
                label=clear
                press=put_away
            >
                <Icon glyph=Glyph::Close />
                {words::CLEAR}
            </Button>
        }
    };
    let unread = move || notice.with(|notice| notice.as_ref().is_some_and(|notice| !notice.read));
    view! {
        <li class="inbox-row" class:unread=unread>
            {move || notice.get().map(row)}
        </li>
    }
}
