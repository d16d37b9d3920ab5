use leptos::prelude::*;
use nasiko_contract::AgentName;

use crate::{
    desk::Desk,
    kit::Switch,
    model::{tone::Tone, updates},
    pages::agent::Summary,
    words::agent as words,
};

/// The id of the words beside the switch.
const WORDS: &str = "live-words";

/// Keeps an agent in step with its folder, or no longer, and says how that goes.
#[component]
pub(crate) fn LiveSwitch(agent: AgentName, summary: Summary) -> impl IntoView {
    let desk = Desk::get();
    let pending = RwSignal::new(false);
    let told = {
        let agent = agent.clone();
        Memo::new(move |_| {
            let watched = summary.with(|agent| agent.as_ref().is_some_and(|agent| agent.watched));
            desk.live.with(|live| {
                let status = live.agent(&agent).and_then(|known| known.watch.as_ref());
                let on = updates::is_watched(status, watched);
                (on, status.filter(|_| on).map(updates::watch))
            })
        })
    };
    let on = Signal::derive(move || told.with(|told| told.0));
    let change = move |on: bool| {
        pending.set(true);
        desk.switch_watch(agent.clone(), on, move || {
            let _gone = pending.try_set(false);
        });
    };
    let words = move || {
        let (tone, words, why) = told.get().1?;
        // What is as it should be needs no mark of its own: the switch is on.
        let mark =
            (tone == Tone::Bad).then(|| view! { <i class="shape bad" aria-hidden="true"></i> });
        let quiet = tone != Tone::Bad;
        let unseen = why.clone();
        Some(view! {
            <span class="live-words" class:dim=quiet title=why>
                {mark}
                <span class="clip">{words}</span>
                {unseen.map(|why| view! { <span class="unseen">{why}</span> })}
            </span>
        })
    };
    view! {
        <div class="live">
            <span id=WORDS class="clip">
                {words}
            </span>
            <Switch
                word=words::LIVE_SWITCH
                title=words::LIVE
                on=on
                disabled=pending
                described_by=WORDS
                change=change
            />
        </div>
    }
}
