use leptos::prelude::*;
use nasiko_contract::{GetStore, StoreKind, StorePlace, StoreStatus};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Button, ErrorCard, Panel, Sentence, StateBadge, Waiting},
    model::tone::Tone,
    pages::settings::move_store::MoveDialog,
    words::settings::store as words,
};

/// Where the control plane keeps what it remembers, and a way elsewhere.
#[component]
pub(super) fn StorePanel() -> impl IntoView {
    let desk = Desk::get();
    let store = RwSignal::new(Loaded::<StoreStatus>::Loading);
    let asked = RwSignal::new(0_u32);
    let moving = RwSignal::new(false);
    Effect::new(move || {
        asked.track();
        fetch(desk, GetStore {}, store);
    });
    let body = move || match store.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(status) => view! { <Place status=status moving=moving /> }.into_any(),
    };
    view! {
        <Panel title=words::TITLE>
            {body}
        </Panel>
        <MoveDialog open=moving moved=move |()| asked.update(|asked| *asked += 1) />
    }
}

#[component]
fn Place(status: StoreStatus, moving: RwSignal<bool>) -> impl IntoView {
    let servers = status
        .servers
        .into_iter()
        .map(|server| {
            let (tone, word) = match server.trouble {
                None => (Tone::Ok, words::ANSWERS.to_owned()),
                Some(trouble) => (Tone::Bad, trouble),
            };
            view! { <div><dt>{server.server}</dt><dd><StateBadge tone=tone word=word /></dd></div> }
        })
        .collect_view();
    let last = status.last_move.and_then(|last| last.fault).map(|fault| {
        view! { <ErrorCard title=words::LAST_MOVE_FAILED fault=fault /> }
    });
    let next = status.next.map(|next| {
        view! { <div><dt>{words::NEXT_START}</dt><dd><code>{told(&next)}</code></dd></div> }
    });
    let before = status.before.map(|before| {
        view! { <div><dt>{words::BEFORE}</dt><dd><Sentence text=words::as_it_was_left(&told(&before)) /></dd></div> }
    });
    let action = if status.from_environment {
        view! { <span class="dim"><Sentence text=words::FROM_ENVIRONMENT /></span> }.into_any()
    } else {
        view! {
            <Button id="move-store" disabled=status.moving press=move |()| moving.set(true)>
                {words::MOVE}
            </Button>
        }
        .into_any()
    };
    view! {
        <div class="setting">
            <dl class="facts plain">
                <div><dt>{kind(status.place.kind)}</dt><dd><code>{told(&status.place)}</code></dd></div>
                {servers}
                {before}
                {next}
            </dl>
            <div class="setting-value">{action}</div>
        </div>
        {last}
    }
}

fn kind(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Sqlite => words::SQLITE,
        StoreKind::Mongodb => words::MONGODB,
    }
}

/// A place in words.
pub(super) fn told(place: &StorePlace) -> String {
    words::place(&place.location, place.redis.as_deref(), place.in_stack)
}
