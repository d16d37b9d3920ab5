use leptos::prelude::*;
use nasiko_contract::{GetStore, StoreKind, StorePlace, StoreStatus};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Button, ErrorCard, Panel, StateBadge, Waiting},
    model::tone::Tone,
    pages::settings::move_store::MoveDialog,
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
        Loaded::Loading => view! { <Waiting what="the store" /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(status) => view! { <Place status=status moving=moving /> }.into_any(),
    };
    view! {
        <Panel title="Store">
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
                None => (Tone::Ok, "Answers".to_owned()),
                Some(trouble) => (Tone::Bad, trouble),
            };
            view! { <div><dt>{server.server}</dt><dd><StateBadge tone=tone word=word /></dd></div> }
        })
        .collect_view();
    let last = status.last_move.and_then(|last| last.fault).map(|fault| {
        view! { <ErrorCard title="The last move left it where it was" fault=fault /> }
    });
    let next = status.next.map(|next| {
        view! { <div><dt>"Next start"</dt><dd><code>{words(&next)}</code></dd></div> }
    });
    let before = status.before.map(|before| {
        view! { <div><dt>"Before"</dt><dd><code>{words(&before)}</code>" as it was left"</dd></div> }
    });
    let action = if status.from_environment {
        view! { <span class="dim">"Given by the environment (" <code>"NASIKO_STORE_URL"</code> ")"</span> }.into_any()
    } else {
        view! {
            <Button id="move-store" disabled=status.moving press=move |()| moving.set(true)>
                "Move…"
            </Button>
        }
        .into_any()
    };
    view! {
        <div class="setting">
            <dl class="facts plain">
                <div><dt>{kind(status.place.kind)}</dt><dd><code>{words(&status.place)}</code></dd></div>
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
        StoreKind::Sqlite => "SQLite",
        StoreKind::Mongodb => "MongoDB",
    }
}

/// A place in words.
pub(super) fn words(place: &StorePlace) -> String {
    let stack = if place.in_stack {
        ", in the local stack"
    } else {
        ""
    };
    match &place.redis {
        Some(redis) => format!("{} with {redis}{stack}", place.location),
        None => format!("{}{stack}", place.location),
    }
}
