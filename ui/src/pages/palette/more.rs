//! What more can be done with an entry.

use leptos::prelude::*;
use nasiko_contract::AgentName;

use crate::{
    actions::service_deeds,
    desk::Desk,
    model::{
        deeds::Deed,
        palette::{Entry, Section, Subject},
    },
};

/// Whether there is more to do with it than what Enter does.
pub(super) fn has_more(subject: &Subject) -> bool {
    matches!(
        subject,
        Subject::Agent(_) | Subject::Deed(..) | Subject::Service(_)
    )
}

/// What can be done with it now.
pub(super) fn more_of(desk: Desk, entry: &Entry) -> Vec<Entry> {
    match &entry.subject {
        Subject::Agent(name) | Subject::Deed(_, name) => of_agent(desk, name),
        Subject::Service(name) => {
            let deeds = service_deeds(desk, name);
            let entry = |deed: &crate::model::palette::ServiceDeed| {
                let subject = Subject::ServiceDeed(*deed, name.clone());
                Entry::new(
                    subject,
                    Section::Services,
                    deed.words().to_owned(),
                    String::new(),
                )
            };
            deeds.iter().map(entry).collect()
        }
        _ => Vec::new(),
    }
}

fn of_agent(desk: Desk, name: &AgentName) -> Vec<Entry> {
    let (state, busy) = desk.world.with_untracked(|world| {
        let state = world.agent(name).map(|agent| agent.state);
        (state.unwrap_or_default(), world.job_of(name).is_some())
    });
    Deed::ALL
        .into_iter()
        .filter(|deed| deed.applies(state, busy))
        .map(|deed| {
            let subject = Subject::Deed(deed, name.clone());
            Entry::new(
                subject,
                Section::Deeds,
                deed.words().to_owned(),
                String::new(),
            )
        })
        .collect()
}
