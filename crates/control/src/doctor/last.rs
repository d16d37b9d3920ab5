//! The last look at everything, kept so that nobody has to look again to know how many checks failed.
//!
//! What tells of itself keeps it true: the engine's coming and going, agents, and jobs that end have their checks looked at
//! again. All else is as it was when somebody last looked, which its time says. Where nobody has looked, nothing is kept, and
//! nothing is ever looked at.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use nasiko_contract::{
    AgentName, AgentState, AgentSummary, Check, CheckGroup, CheckState, Checkup, Fault, JobState,
    RuntimeKind,
};
use nasiko_runtime::RuntimeEvent;
use nasiko_store::{Batch, Event, EventFeed, FeedItem, Job, StoreError};
use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    sync::{
        Notify,
        broadcast::{Receiver, error::RecvError},
    },
    time::Instant,
};

use super::{
    agents::HEALTH,
    jobs::{DEAD_LETTERS, INTERCEPTION, PULL},
    run::{self, Examination},
};
use crate::{
    notices::{FINDING, Finding},
    plane::Shared,
};

/// The topic of a change of what is kept. Its subject is the installation, since each control plane looks at its own machine.
pub(crate) const CHANGED: &str = "doctor.changed";

/// How long what comes together is waited for, before it is looked at.
const SETTLE: Duration = Duration::from_secs(2);
/// The least time between two looks that nobody asked for.
const PAUSE: Duration = Duration::from_secs(10);
/// How long the log is left alone after it could not be read.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// What the engine's coming and going changes.
const OF_ENGINE: [CheckGroup; 2] = [CheckGroup::Engine, CheckGroup::Agents];
/// What an agent's coming and going changes.
const OF_AGENTS: [CheckGroup; 1] = [CheckGroup::Agents];
/// What is told by the last jobs.
const OF_JOBS: [CheckGroup; 3] = [CheckGroup::Agents, CheckGroup::Engine, CheckGroup::Network];

/// The last look at everything.
#[derive(Default)]
pub(crate) struct Last {
    checkup: Mutex<Option<Checkup>>,
    /// It changed since it was told.
    news: Notify,
}

impl Last {
    /// What was found; none where nobody looked since the start.
    pub(super) fn get(&self) -> Option<Checkup> {
        self.checkup.lock().clone()
    }

    /// Keeps what a look at everything found.
    pub(super) fn put(&self, checkup: Checkup) {
        *self.checkup.lock() = Some(checkup);
        self.news.notify_one();
    }

    /// Puts in what a look at some of it found; `looked_at` are the ids of these checks. Nothing where nobody looked at
    /// everything before, nor where all is as it was.
    pub(super) fn renew(&self, looked_at: &HashSet<&str>, checks: Vec<Check>) {
        let mut kept = self.checkup.lock();
        let Some(checkup) = kept.as_mut() else { return };
        let mut renewed: Vec<Check> = checkup.checks.clone();
        renewed.retain(|check| !looked_at.contains(check.check.as_str()));
        renewed.extend(checks);
        run::order(&mut renewed);
        if renewed != checkup.checks {
            checkup.checks = renewed;
            self.news.notify_one();
        }
    }

    /// Whether it says something else of an agent than the agent does.
    fn differs(&self, agent: &AgentSummary) -> bool {
        let is_ill = agent.state == AgentState::Failed || agent.fault.is_some();
        let is_told =
            self.has(|check| check.check == HEALTH.id && check.agent.as_ref() == Some(&agent.name));
        is_ill != is_told
    }

    /// Whether it tells of an agent.
    fn tells_of(&self, agent: &AgentName) -> bool {
        self.has(|check| check.agent.as_ref() == Some(agent))
    }

    /// Whether something that the last jobs tell is not well.
    fn tells_of_jobs(&self) -> bool {
        let of_jobs = [DEAD_LETTERS.id, PULL.id, INTERCEPTION.id];
        self.has(|check| check.state != CheckState::Ok && of_jobs.contains(&check.check.as_str()))
    }

    /// The checks that failed.
    fn failed(&self) -> HashSet<String> {
        let kept = self.checkup.lock();
        let checks = kept.iter().flat_map(|checkup| &checkup.checks);
        checks
            .filter(|check| check.state == CheckState::Failed)
            .map(|check| check.check.clone())
            .collect()
    }

    fn has(&self, is_it: impl Fn(&Check) -> bool) -> bool {
        let kept = self.checkup.lock();
        let mut checks = kept.iter().flat_map(|checkup| &checkup.checks);
        checks.any(is_it)
    }
}

/// Keeps it true until the control plane ends.
pub(crate) fn start(shared: &Arc<Shared>) {
    let keeper = Keeper {
        feed: shared.store.subscribe(None),
        engine: shared.runtime(RuntimeKind::Docker).events(),
        shared: Arc::clone(shared),
        wanted: BTreeSet::new(),
        due: None,
        looked: None,
    };
    shared.spawn(keeper.keep());
}

struct Keeper {
    shared: Arc<Shared>,
    feed: EventFeed,
    engine: Receiver<RuntimeEvent>,
    /// What is to be looked at again.
    wanted: BTreeSet<CheckGroup>,
    /// When.
    due: Option<Instant>,
    /// When something was looked at the last time.
    looked: Option<Instant>,
}

impl Keeper {
    async fn keep(mut self) {
        loop {
            let due = self.due;
            tokio::select! {
                item = self.feed.next() => match item {
                    Ok(FeedItem::Event(event)) => self.hear(&event),
                    Ok(FeedItem::Gap { .. }) => self.want(&OF_JOBS),
                    Err(StoreError::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, "the event log could not be read for the doctor");
                        tokio::time::sleep(AFTER_FAULT).await;
                    }
                },
                event = self.engine.recv() => match event {
                    Ok(RuntimeEvent::EngineUp | RuntimeEvent::EngineDown { .. })
                    | Err(RecvError::Lagged(_)) => self.want(&OF_ENGINE),
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                },
                () = self.shared.last_checkup.news.notified() => self.tell().await,
                () = crate::time::until(due) => self.look().await,
            }
        }
    }

    fn hear(&mut self, event: &Event) {
        let last = &self.shared.last_checkup;
        match event.topic.as_str() {
            crate::agents::CHANGED => {
                let agent = serde_json::from_value::<AgentSummary>(event.data.clone());
                if agent.is_ok_and(|agent| last.differs(&agent)) {
                    self.want(&OF_AGENTS);
                }
            }
            crate::agents::REMOVED if last.tells_of(&AgentName(event.subject.clone())) => {
                self.want(&OF_AGENTS);
            }
            Job::CHANGED => {
                let state = serde_json::from_value::<JobState>(event.data["state"].clone());
                let is_of_interest = match state {
                    Ok(JobState::Failed | JobState::Dead) => true,
                    Ok(state) => state.is_final() && last.tells_of_jobs(),
                    Err(_) => false,
                };
                if is_of_interest {
                    self.want(&OF_JOBS);
                }
            }
            _ => {}
        }
    }

    /// Looks at it again soon, if it was ever looked at.
    fn want(&mut self, groups: &[CheckGroup]) {
        if self.shared.last_checkup.checkup.lock().is_none() {
            return;
        }
        self.wanted.extend(groups);
        let settled = Instant::now() + SETTLE;
        let rested = self.looked.map_or(settled, |looked| looked + PAUSE);
        self.due.get_or_insert(settled.max(rested));
    }

    async fn look(&mut self) {
        self.due = None;
        let groups: Vec<CheckGroup> = std::mem::take(&mut self.wanted).into_iter().collect();
        let before = self.shared.last_checkup.failed();
        match self.shared.renew_last(|of| of.is_about(&groups)).await {
            Ok(found) => self.tell_findings(&before, found).await,
            Err(fault) => {
                tracing::debug!(%fault, "what the doctor last found could not be renewed");
            }
        }
        self.looked = Some(Instant::now());
    }

    /// Gives notice of what fails and did not fail before. That an agent is ill is told by the agent.
    async fn tell_findings(&self, before: &HashSet<String>, found: Vec<Check>) {
        let mut batch = Batch::new();
        let is_new = |check: &Check| {
            check.state == CheckState::Failed
                && check.agent.is_none()
                && !before.contains(&check.check)
        };
        for check in found.into_iter().filter(is_new) {
            let finding = Finding::new(check);
            batch.event(FINDING, finding.code(), json!(finding));
        }
        if !batch.is_empty() {
            self.commit(batch).await;
        }
    }

    async fn tell(&self) {
        let mut batch = Batch::new();
        batch.event(
            CHANGED,
            self.shared.peers.me().to_string(),
            serde_json::Value::Null,
        );
        self.commit(batch).await;
    }

    async fn commit(&self, batch: Batch) {
        if let Err(error) = self.shared.store.commit(batch).await {
            tracing::warn!(%error, "what the doctor found was not told");
        }
    }
}

impl Shared {
    /// Looks again at what `is_wanted` of it, and answers what was found there.
    pub(super) async fn renew_last(
        &self,
        is_wanted: impl Fn(&Examination<'_>) -> bool,
    ) -> Result<Vec<Check>, Fault> {
        let mut examinations = self.examinations().await?;
        examinations.retain(is_wanted);
        let looked_at: HashSet<&str> = examinations.iter().flat_map(Examination::ids).collect();
        let found = run::all(examinations, &mut run::quietly).await.checks;
        self.last_checkup.renew(&looked_at, found.clone());
        Ok(found)
    }
}
