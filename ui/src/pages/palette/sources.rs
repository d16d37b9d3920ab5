//! What the palette looks through.

use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{ListTraces, TraceSummary};

use crate::{
    actions::Actions,
    desk::Desk,
    model::{
        format,
        palette::{AgentFacts, Entry, Index, Section, Subject},
        world::World,
    },
};

/// Traces that are read, the newest.
const TRACES_READ: u32 = 500;

/// The index of the moment at which the palette was opened; what is read meanwhile is added.
#[derive(Clone, Copy)]
pub(super) struct Sources {
    pub(super) index: RwSignal<Index>,
}

impl Sources {
    /// Looks at what is known, and reads what is not.
    pub(super) fn read(desk: Desk, actions: Actions) -> Self {
        let traces = RwSignal::new(Vec::new());
        // None once the palette is closed.
        let build = move || {
            let traces = traces.try_with_untracked(|traces: &Vec<TraceSummary>| {
                traces.iter().map(of_trace).collect()
            })?;
            let actions = untrack(move || action_entries(actions));
            let index = desk
                .world
                .with_untracked(|world| index_of(world, actions, traces));
            Some(index)
        };
        let sources = Self {
            index: RwSignal::new(build().unwrap_or_default()),
        };
        let again = move || {
            if let Some(index) = build() {
                let _closed = sources.index.try_set(index);
            }
        };
        desk.read_all_sessions(again);
        spawn_local(async move {
            let wanted = ListTraces {
                limit: Some(TRACES_READ),
                ..ListTraces::default()
            };
            // Without them everything else is found all the same.
            if let Ok(page) = desk.client().call(wanted).await
                && traces.try_set(page.items).is_none()
            {
                again();
            }
        });
        sources
    }
}

fn action_entries(actions: Actions) -> Vec<Entry> {
    let entry = |action: crate::actions::Action| {
        let subject = Subject::Action(action.id.into_owned());
        Entry::new(
            subject,
            Section::Actions(action.group),
            action.words,
            String::new(),
        )
    };
    let now = actions.now().into_iter();
    now.filter(|action| action.id != "palette.open")
        .map(entry)
        .collect()
}

fn index_of(world: &World, actions: Vec<Entry>, traces: Vec<Entry>) -> Index {
    let busy = |name| world.job_of(name).is_some();
    let agents = world.agents.iter().flat_map(|agents| agents.values());
    let agents = agents.map(|agent| AgentFacts {
        name: agent.name.clone(),
        description: agent.description.clone(),
        state: agent.state,
        busy: busy(&agent.name),
    });
    let mut sessions: Vec<_> = world.sessions.values().collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.updated));
    let sessions = sessions.into_iter().map(|session| {
        Entry::new(
            Subject::Conversation(session.id.clone()),
            Section::Conversations,
            session.title.clone(),
            session.agent.to_string(),
        )
    });
    let services = world.stack.iter().flat_map(|stack| &stack.services);
    let services = services.map(|service| {
        let subject = Subject::Service(service.service.clone());
        Entry::new(
            subject,
            Section::Services,
            service.service.clone(),
            service.image.clone(),
        )
    });
    let others = actions
        .into_iter()
        .chain(sessions)
        .chain(services)
        .chain(traces);
    Index::new(agents.collect(), others)
}

fn of_trace(trace: &TraceSummary) -> Entry {
    let aside = format!(
        "{} {} {}",
        trace.agent,
        format::duration_ns(trace.duration_ns),
        format::short_id(trace.trace_id.as_str())
    );
    let subject = Subject::Trace(trace.trace_id.clone());
    Entry::new(subject, Section::Traces, trace.name.clone(), aside)
}
