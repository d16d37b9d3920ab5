//! Notices: what people are told of that happened while they did not look. Made here alone, from the event log.
//!
//! [`rules`] says which events are worth a notice, [`pace`] lets one a minute through per cause, [`quiet`] keeps the
//! night quiet, and [`inbox`] keeps them. Control planes on one store read the same log; a notice's id is the number of
//! its event, so that each is made once.

mod inbox;
mod pace;
mod quiet;
mod rules;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use nasiko_contract::{
    AgentName, AgentSummary, Fault, JobId, JobState, Notice, NoticeId, NoticeKind, Settings,
};
use nasiko_store::{Event, EventFeed, FeedItem, Job, StoreError};

use crate::plane::Shared;
use pace::Pace;
pub(crate) use quiet::checked;
pub(crate) use rules::{Finding, UpdateReady};
use rules::{Happened, Memory};

/// The topic of a newer version that can be installed; its data is a [`rules::UpdateReady`].
pub(crate) const UPDATE_READY: &str = "update.ready";
/// The topic of what is wrong with the machine; its data is a [`rules::Finding`].
pub(crate) const FINDING: &str = "doctor.finding";

/// What a notice is to say.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    /// The number of its event.
    seq: u64,
    /// Unix milliseconds.
    at: i64,
    /// What is told at most once a minute.
    cause: String,
    kind: NoticeKind,
    /// Can be followed by ` 4 times`.
    title: String,
    text: String,
    target: String,
    agent: Option<AgentName>,
}

impl Told {
    fn notice(self, settings: &Settings) -> Notice {
        Notice {
            // As wide as a number gets, so that ids sort as they came.
            id: NoticeId(format!("{:020}", self.seq)),
            at: self.at,
            kind: self.kind,
            title: self.title,
            text: self.text,
            target: self.target,
            agent: self.agent,
            read: false,
            shown: settings.notifications && !quiet::is_quiet(settings, self.at),
        }
    }
}

/// Follows the event log from now on, until the control plane ends.
pub(crate) async fn start(shared: &Arc<Shared>) -> Result<(), Fault> {
    // Before anything is taken over: what crashed meanwhile is told.
    let feed = shared.store.subscribe(None);
    let mut memory = Memory::default();
    for agent in shared.all_agents().await? {
        memory.know(&shared.summary(&agent));
    }
    let pace = Pace::resume(shared.last_told().await?);
    let follower = Follower {
        shared: Arc::clone(shared),
        feed,
        memory,
        pace,
    };
    shared.spawn(follower.follow());
    Ok(())
}

struct Follower {
    shared: Arc<Shared>,
    feed: EventFeed,
    memory: Memory,
    pace: Pace,
}

impl Follower {
    async fn follow(mut self) {
        loop {
            let held_until = self.pace.next_due();
            let item = tokio::select! {
                item = self.feed.next() => Some(item),
                () = until(held_until) => None,
            };
            match item {
                Some(Ok(FeedItem::Event(event))) => self.hear(&event).await,
                Some(Ok(FeedItem::Gap { .. })) => self.look_anew().await,
                Some(Err(StoreError::Closed)) => return,
                Some(Err(error)) => {
                    tracing::warn!(%error, "the event log could not be read for notices");
                    tokio::time::sleep(AFTER_FAULT).await;
                }
                None => {
                    for told in self.pace.due(crate::time::now_ms()) {
                        self.tell(told).await;
                    }
                }
            }
        }
    }

    async fn hear(&mut self, event: &Event) {
        let Some(happened) = self.happened(event).await else {
            return;
        };
        if let Some(told) = self.memory.learn(event.seq, event.at_ms, happened)
            && let Some(told) = self.pace.admit(told)
        {
            self.tell(told).await;
        }
    }

    /// The event as the rules know it; none of those that matter to nobody here.
    async fn happened(&self, event: &Event) -> Option<Happened> {
        match event.topic.as_str() {
            crate::agents::CHANGED => read::<AgentSummary>(event)
                .map(Box::new)
                .map(Happened::Agent),
            crate::agents::REMOVED => {
                Some(Happened::AgentRemoved(AgentName(event.subject.clone())))
            }
            crate::stack::CHANGED => read(event).map(Box::new).map(Happened::Stack),
            Job::CHANGED => {
                // Only an end is told, once: what the job is by now may be its end already.
                let state: JobState = serde_json::from_value(event.data["state"].clone()).ok()?;
                if !state.is_final() {
                    return None;
                }
                let job = self.shared.job(&JobId(event.subject.clone())).await.ok()?;
                Some(Happened::Job(Box::new(job)))
            }
            UPDATE_READY => read(event).map(Happened::Update),
            FINDING => read(event).map(Happened::Finding),
            _ => None,
        }
    }

    /// After a gap: what happened in it is not told, and what comes is compared with how it is now.
    async fn look_anew(&mut self) {
        match self.shared.all_agents().await {
            Ok(agents) => {
                self.memory = Memory::default();
                for agent in agents {
                    self.memory.know(&self.shared.summary(&agent));
                }
            }
            Err(fault) => tracing::warn!(%fault, "agents could not be compared for notices"),
        }
    }

    async fn tell(&self, told: Told) {
        let settings = self.shared.settings.load_full();
        let cause = told.cause.clone();
        if let Err(fault) = self.shared.add_notice(cause, told.notice(&settings)).await {
            tracing::warn!(%fault, "a notice was not kept");
        }
    }
}

/// How long the log is left alone after it could not be read.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// Waits for a moment in Unix milliseconds; for ever without one.
async fn until(at: Option<i64>) {
    match at {
        Some(at) => {
            let wait = u64::try_from(at - crate::time::now_ms()).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        None => std::future::pending().await,
    }
}

fn read<T: serde::de::DeserializeOwned>(event: &Event) -> Option<T> {
    serde_json::from_value(event.data.clone()).ok()
}
