//! What is done with an agent, whichever way it was asked for.

use leptos::prelude::*;
use nasiko_contract::{
    AgentName, AgentSummary, DeleteAgent, RebuildAgent, RestartAgent, StartAgent, StopAgent,
};

use crate::{
    actions::{Action, Actions, Question},
    browser,
    desk::Desk,
    model::deeds::Deed,
    words::{actions::ask as words, common},
};

/// Does it. Jobs and refusals are told as always; a deletion is asked for first.
pub(crate) fn do_deed(desk: Desk, actions: Actions, deed: Deed, agent: &AgentName) {
    let agent = agent.clone();
    match deed {
        Deed::Start => desk.start(StartAgent { agent }),
        Deed::Stop => desk.start(StopAgent { agent }),
        Deed::Restart => desk.start(RestartAgent { agent }),
        Deed::Rebuild => desk.start(RebuildAgent { agent }),
        Deed::Delete => ask_to_delete(desk, actions, agent),
        Deed::Copy => copy_address(desk, &agent),
        _ => {
            if let Some(page) = deed.page(&agent) {
                actions.go(page);
            }
        }
    }
}

/// Offers what can be done with the agent whose page is shown, until the caller's owner goes.
pub(crate) fn offer_agent(desk: Desk, name: &AgentName, summary: Memo<Option<AgentSummary>>) {
    let actions = Actions::get();
    let busy = {
        let name = name.clone();
        Memo::new(move |_| desk.world.with(|world| world.job_of(&name).is_some()))
    };
    let state = Memo::new(move |_| summary.with(|agent| agent.as_ref().map(|agent| agent.state)));
    actions.offer(Deed::ALL.map(|deed| {
        let agent = name.clone();
        let can = Signal::derive(move || {
            state
                .get()
                .is_some_and(|state| deed.applies(state, busy.get()))
        });
        Action::known(deed.id(), move || do_deed(desk, actions, deed, &agent)).when(can)
    }));
}

fn ask_to_delete(desk: Desk, actions: Actions, agent: AgentName) {
    let title = words::delete(agent.as_str());
    let confirm = Callback::new(move |()| {
        let agent = agent.clone();
        let shown = format!("/agents/{agent}");
        desk.start_and(DeleteAgent { agent }, move |outcome| {
            // Who looks at something else goes on looking at it.
            if outcome.is_ok() && browser::path().is_some_and(|path| path.starts_with(&shown)) {
                actions.go("/agents");
            }
        });
    });
    actions.question.set(Some(Question {
        title,
        text: words::DELETION,
        action: common::DELETE,
        confirm,
    }));
}

fn copy_address(desk: Desk, agent: &AgentName) {
    let address = desk
        .world
        .with_untracked(|world| world.agent(agent).map(|agent| agent.url.clone()));
    let Some(address) = address else {
        return;
    };
    let failed = words::not_copied(&address);
    desk.copy(address, words::COPIED.to_owned(), failed);
}
