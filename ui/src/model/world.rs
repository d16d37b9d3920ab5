//! What the control plane has told so far, kept up to date by the event log.

use std::collections::BTreeMap;

use nasiko_contract::{
    AgentName, AgentState, AgentSummary, ChatSession, Event, Fault, Job, JobId, JobKind, JobState,
    SessionId, Settings, Stack, StackService, Status,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::words::states;

/// Finished jobs that are remembered; the oldest are forgotten first.
const JOBS_KEPT: usize = 200;

/// How the page stands with the control plane.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Link {
    /// The first connection is being made.
    #[default]
    Connecting,
    /// Events arrive.
    Live,
    /// It broke off, for this reason; it is being tried again.
    Lost(Fault),
    /// The control plane does not let this page in; trying again would not help.
    Refused(Fault),
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It is part of the picture now.
    Yes,
    /// It was seen before, or is of no interest here.
    Ignored,
    /// History is missing: everything must be read anew.
    Gap,
}

/// How agents stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// All there are.
    pub(crate) total: usize,
    /// Those that answer.
    pub(crate) active: usize,
}

/// The picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct World {
    /// How it stands with the control plane.
    pub(crate) link: Link,
    /// What the control plane says of itself.
    pub(crate) status: Option<Status>,
    /// `None` before the first list has arrived.
    pub(crate) agents: Option<BTreeMap<AgentName, AgentSummary>>,
    /// How often an agent came or went.
    pub(crate) roster: u64,
    /// How often anything about an agent changed: what is made of all of them is made anew then, and only then.
    pub(crate) agents_told: u64,
    /// Recent jobs, dead letters among them.
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// Conversations that were listed or changed.
    pub(crate) sessions: BTreeMap<SessionId, ChatSession>,
    /// The local stack, once somebody looked at it or it changed.
    pub(crate) stack: Option<Stack>,
    /// How often events told of the stack: what was asked before is older than what they told.
    pub(crate) stack_told: u64,
    /// How often events told that the doctor's last look is another one.
    pub(crate) checkups_told: u64,
    /// The settings, once somebody looked at them or they changed.
    pub(crate) settings: Option<Settings>,
    /// The number of the last event about an agent, its builds and deployments included.
    pub(crate) touched: BTreeMap<AgentName, u64>,
    /// The number of the last event, to go on from.
    pub(crate) last_seq: Option<u64>,
}

impl Standing {
    /// How many answer, in words; none while there is no agent.
    pub(crate) fn words(self) -> Option<String> {
        (self.total > 0).then(|| states::answering(self.active, self.total))
    }
}

impl World {
    /// Takes in an event.
    pub(crate) fn apply(&mut self, event: &Event) -> Applied {
        if event.topic == "gap" {
            self.last_seq = Some(event.seq);
            return Applied::Gap;
        }
        if self.has_seen(event) {
            return Applied::Ignored;
        }
        let missed = self.last_seq.is_some_and(|last| event.seq > last + 1);
        self.last_seq = Some(event.seq);
        let known = self.change(event);
        match (missed, known) {
            (true, _) => Applied::Gap,
            (false, true) => Applied::Yes,
            (false, false) => Applied::Ignored,
        }
    }

    /// Whether an event, or a later one, was taken in before.
    pub(crate) fn has_seen(&self, event: &Event) -> bool {
        self.last_seq.is_some_and(|last| event.seq <= last)
    }

    fn change(&mut self, event: &Event) -> bool {
        let about_agent = ["agent.", "build.", "deployment."]
            .iter()
            .any(|prefix| event.topic.starts_with(prefix));
        if about_agent {
            self.touched
                .insert(AgentName(event.subject.clone()), event.seq);
        }
        match event.topic.as_str() {
            "build.changed" | "deployment.changed" => true,
            "agent.changed" => self.with_data(event, |world, agent: AgentSummary| {
                let agents = world.agents.get_or_insert_default();
                let before = agents.insert(agent.name.clone(), agent);
                world.roster += u64::from(before.is_none());
                world.agents_told += 1;
            }),
            "agent.removed" => {
                let name = AgentName(event.subject.clone());
                self.touched.remove(&name);
                let agents = self.agents.as_mut();
                let was_there = agents.is_some_and(|agents| agents.remove(&name).is_some());
                self.roster += u64::from(was_there);
                self.agents_told += u64::from(was_there);
                was_there
            }
            "job.changed" => self.with_data(event, |world, job| world.put_jobs([job])),
            "stack.changed" => self.with_data(event, |world, stack| {
                world.stack = Some(stack);
                world.stack_told += 1;
            }),
            "doctor.changed" => {
                self.checkups_told += 1;
                true
            }
            "setting.changed" => self.with_data(event, |world, settings| {
                world.settings = Some(settings);
            }),
            "session.changed" => self.with_data(event, |world, session: ChatSession| {
                world.sessions.insert(session.id.clone(), session);
            }),
            "session.removed" => self
                .sessions
                .remove(&SessionId(event.subject.clone()))
                .is_some(),
            _ => false,
        }
    }

    fn with_data<T: DeserializeOwned>(
        &mut self,
        event: &Event,
        change: impl FnOnce(&mut Self, T),
    ) -> bool {
        match record(&event.data) {
            Some(record) => {
                change(self, record);
                true
            }
            // A record of a newer control plane: what is known stays, the next list says more.
            None => false,
        }
    }

    /// Takes in a whole list of agents.
    pub(crate) fn set_agents(&mut self, agents: Vec<AgentSummary>) {
        self.roster += 1;
        self.agents_told += 1;
        self.agents = Some(
            agents
                .into_iter()
                .map(|agent| (agent.name.clone(), agent))
                .collect(),
        );
    }

    /// Takes in jobs; a job's progress never goes back, whichever way it is told.
    pub(crate) fn put_jobs(&mut self, jobs: impl IntoIterator<Item = Job>) {
        for mut job in jobs {
            if let Some(known) = self.jobs.get(&job.id) {
                let stale = match known.state {
                    // Put back by a person, it begins again.
                    JobState::Dead => false,
                    state if state.is_final() => !job.state.is_final(),
                    _ => known.attempt > job.attempt,
                };
                if stale {
                    continue;
                }
                if known.attempt == job.attempt && known.state != JobState::Dead {
                    job.progress = job.progress.max(known.progress);
                }
            }
            self.jobs.insert(job.id.clone(), job);
        }
        self.forget_old_jobs();
    }

    fn forget_old_jobs(&mut self) {
        let finished = |job: &&Job| job.state.is_final() && job.state != JobState::Dead;
        let surplus = self
            .jobs
            .values()
            .filter(finished)
            .count()
            .saturating_sub(JOBS_KEPT);
        // Ids are ordered by time, so the first ones are the oldest.
        let old: Vec<JobId> = self
            .jobs
            .values()
            .filter(finished)
            .take(surplus)
            .map(|job| job.id.clone())
            .collect();
        for id in old {
            self.jobs.remove(&id);
        }
    }

    /// Takes in a service of the stack.
    pub(crate) fn put_service(&mut self, now: StackService) {
        let services = self.stack.iter_mut().flat_map(|stack| &mut stack.services);
        let mut known = services.filter(|service| service.service == now.service);
        if let Some(known) = known.next() {
            *known = now;
        }
    }

    /// How many agents there are, and how many answer; none before the first list has arrived.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let agents = self.agents.as_ref()?;
        let active = agents
            .values()
            .filter(|agent| agent.state == AgentState::Active);
        Some(Standing {
            total: agents.len(),
            active: active.count(),
        })
    }

    /// One agent.
    pub(crate) fn agent(&self, name: &AgentName) -> Option<&AgentSummary> {
        self.agents.as_ref()?.get(name)
    }

    /// The newest job about an agent; none about a former agent of that name.
    pub(crate) fn last_job_of(&self, agent: &AgentName) -> Option<&Job> {
        let newest = self.jobs.values().rev().find(|job| job.agent == *agent)?;
        let former = newest.kind == JobKind::Delete && newest.state == JobState::Succeeded;
        (!former).then_some(newest)
    }

    /// The newest unfinished job about an agent.
    pub(crate) fn job_of(&self, agent: &AgentName) -> Option<&Job> {
        self.jobs
            .values()
            .rev()
            .find(|job| job.agent == *agent && !job.state.is_final())
    }

    /// Jobs newest first, without dead letters.
    pub(crate) fn recent_jobs(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self
            .jobs
            .values()
            .filter(|job| job.state != JobState::Dead)
            .cloned()
            .collect();
        jobs.sort_by_key(|job| (job.state.is_final(), std::cmp::Reverse(job.created)));
        jobs
    }

    /// Jobs that were given up, newest first.
    pub(crate) fn dead_letters(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self
            .jobs
            .values()
            .filter(|job| job.state == JobState::Dead)
            .cloned()
            .collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.created));
        jobs
    }

    /// Jobs that are not finished.
    pub(crate) fn unfinished_jobs(&self) -> usize {
        self.jobs
            .values()
            .filter(|job| !job.state.is_final())
            .count()
    }

    /// Conversations with an agent, the latest first.
    pub(crate) fn sessions_of(&self, agent: &AgentName) -> Vec<ChatSession> {
        let mut sessions: Vec<ChatSession> = self
            .sessions
            .values()
            .filter(|session| session.agent == *agent)
            .cloned()
            .collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.updated));
        sessions
    }
}

/// A record out of an event or a job. Read as answers are, so that the page carries one reader of each type.
pub(crate) fn record<T: DeserializeOwned>(data: &Value) -> Option<T> {
    let text = serde_json::to_vec(data).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests;
