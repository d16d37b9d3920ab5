mod detail;
mod list;
mod notes;
mod phases;
mod point;
mod row;
mod times;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_contract::{AgentName, Fault, Update, UpdateId};

use crate::{
    desk::Desk,
    kit::{ErrorCard, Waiting},
    model::{save_times::SaveTimes, updates},
    pages::{
        agent::Summary,
        pins::{PinDialog, PinStrip, Pins},
        updates::{
            detail::UpdateDetail,
            list::UpdateList,
            notes::{LastEnd, NoSaves, PinHint, WatchNote},
            times::Times,
        },
    },
    words::updates as words,
};

/// What each save did, and why.
#[component]
pub(crate) fn UpdatesTab(
    agent: AgentName,
    summary: Summary,
    /// The update of the address; else the newest.
    update: Memo<Option<String>>,
) -> impl IntoView {
    let desk = Desk::get();
    let pins = Pins::of(desk, agent.clone());
    let failures_only = RwSignal::new(false);
    // Thousands of updates are never compared: whoever looks is told of each change.
    let all = {
        let agent = agent.clone();
        Memo::new_with_compare(
            move |_| {
                desk.live.with(|live| {
                    let known = live.agent(&agent);
                    known.map(|known| known.updates.clone()).unwrap_or_default()
                })
            },
            |_, _| true,
        )
    };
    let state = {
        let agent = agent.clone();
        Memo::new(move |_| {
            desk.live.with(|live| {
                let known = live.agent(&agent);
                known.map_or(State::Reading, |known| match &known.fault {
                    _ if !known.updates.is_empty() => State::Some,
                    Some(fault) => State::Refused(fault.clone()),
                    None if known.loaded => State::Empty,
                    None => State::Reading,
                })
            })
        })
    };
    let rows = Memo::new_with_compare(
        move |_| {
            let failures_only = failures_only.get();
            all.with(|all| updates::shown(all, failures_only))
        },
        |_, _| true,
    );
    let chosen = Memo::new(move |_| match update.get() {
        Some(id) => {
            let id = UpdateId(id);
            all.with(|all| all.iter().find(|update| update.id == id).cloned())
        }
        None => rows.with(|rows| rows.first().cloned()),
    });
    let times = Memo::new(move |_| all.with(|all| SaveTimes::of(all)));
    let held = Memo::new(move |_| update.with(Option::is_some));
    let open = open_in(&agent);
    // Whoever works in what is shown keeps it, whatever is saved meanwhile.
    let hold = move |()| {
        if !held.get_untracked() {
            let shown = chosen.with_untracked(|chosen| chosen.as_ref().map(|it| it.id.clone()));
            open.run(shown);
        }
    };
    let agent = StoredValue::new(agent);
    let body = move || match state.get() {
        State::Reading => view! { <Waiting what=words::READING /> }.into_any(),
        State::Refused(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        State::Empty => view! { <NoSaves agent=agent.get_value() summary=summary /> }.into_any(),
        State::Some => view! {
            <Times times=times chosen=chosen open=open />
            <div class="split">
                <UpdateList
                    agent=agent.get_value()
                    rows=rows
                    chosen=chosen
                    held=held
                    open=open
                    failures_only=failures_only
                />
                <UpdateDetail agent=agent.get_value() update=chosen hold=hold />
            </div>
        }
        .into_any(),
    };
    view! {
        <div class="updates-page">
            <Show when=move || pins.some() fallback=move || view! { <PinHint agent=agent.get_value() /> }>
                <PinStrip pins=pins />
            </Show>
            <WatchNote agent=agent.get_value() />
            {body}
        </div>
        <PinDialog pins=pins />
        <LastEnd all=all />
    }
}

/// An update that is shown; `None` where there is none.
type Chosen = Memo<Option<Arc<Update>>>;

/// Shows an update; without one, always the newest.
type Open = Callback<Option<UpdateId>>;

/// Puts the update that is shown into the address, without a step to go back for each.
fn open_in(agent: &AgentName) -> Open {
    let base = format!("/agents/{agent}/updates");
    let navigate = use_navigate();
    Callback::new(move |update: Option<UpdateId>| {
        let path = update.map_or(base.clone(), |update| format!("{base}/{update}"));
        let options = NavigateOptions {
            replace: true,
            scroll: false,
            ..NavigateOptions::default()
        };
        navigate(&path, options);
    })
}

/// What the list of updates is.
#[derive(Debug, Clone, PartialEq)]
enum State {
    Reading,
    Refused(Fault),
    Empty,
    Some,
}
