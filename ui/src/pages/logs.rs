use leptos::prelude::*;
use nasiko_contract::{AgentName, Fault, FollowAgentLogs};

use crate::{
    desk::{Desk, Followed, follow},
    kit::LogViewer,
    model::logs::LogView,
    words::logs as words,
};

/// Lines of the past that are read.
const TAIL: u32 = 2_000;

/// An agent's log as it is written.
#[component]
pub(crate) fn LogsTab(agent: AgentName) -> impl IntoView {
    let desk = Desk::get();
    let log = RwSignal::new(LogView::default());
    let fault = RwSignal::new(None::<Fault>);
    let wanted = FollowAgentLogs {
        agent: agent.clone(),
        tail: Some(TAIL),
        follow: true,
    };
    follow(desk, wanted, move |learnt| match learnt {
        // Opened again it tells the past again: what is shown is replaced by it.
        Followed::Opened => log.update(LogView::clear),
        Followed::Items(lines) => log.update(|log| log.push(lines)),
        Followed::Ended(why) => fault.set(why),
    });
    view! {
        <div class="log-page">
            <LogViewer log=log fault=fault label=words::log_of(agent.as_str()) />
        </div>
    }
}
