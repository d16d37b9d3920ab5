//! What the tray knows of a control plane: little, since it is kept for as long as a person is logged in.

use std::collections::{BTreeMap, BTreeSet};

use nasiko_client::context::ContextName;
use nasiko_contract::{
    AgentName, AgentState, AgentSummary, Event, Job, JobId, JobKind, JobState, Notice, NoticeId,
    ServiceHealth, ServiceState, Stack, StackService,
};
use serde::de::DeserializeOwned;

/// Jobs that are remembered at most.
const MOST_JOBS: usize = 200;
/// Unread notices that are counted at most: as many as the inbox keeps.
const MOST_UNREAD: usize = 550;

/// How it stands with the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Link {
    /// The first connection is being made.
    #[default]
    Connecting,
    /// Events arrive.
    Live,
    /// It does not answer, for this reason; it is being tried again.
    Lost(String),
}

/// The state at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    /// Nothing runs, or no control plane answers.
    Stopped,
    /// Something is on its way.
    Starting,
    /// All that should run does.
    Healthy,
    /// Agents answer, and something beside them is not well.
    Degraded,
    /// An agent should answer and does not.
    Failing,
}

/// The picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Picture {
    pub(crate) link: Link,
    /// The context that is shown; none before any was read.
    pub(crate) context: Option<ContextName>,
    /// All contexts there are.
    pub(crate) contexts: Vec<ContextName>,
    pub(crate) agents: BTreeMap<AgentName, Agent>,
    /// Those that are not finished.
    pub(crate) jobs: BTreeMap<JobId, Work>,
    pub(crate) stack: StackPicture,
    /// The newest notice that nobody has read, and all of them by number.
    pub(crate) unread: BTreeSet<NoticeId>,
    /// Why what was asked for last was not done.
    pub(crate) refusal: Option<String>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) state: AgentState,
    pub(crate) activity: String,
    pub(crate) url: String,
    /// Why it failed last.
    pub(crate) error: Option<String>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) kind: JobKind,
    pub(crate) about: String,
    /// Whole percents: finer steps would redraw the menu for nothing.
    pub(crate) percent: u8,
    pub(crate) cancelling: bool,
}

/// The local stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StackPicture {
    pub(crate) on: bool,
    /// Groups of services, and whether they are on.
    pub(crate) profiles: Vec<(String, bool)>,
    /// Some services belong to no group: they come up with whatever else does.
    pub(crate) has_plain: bool,
    pub(crate) services: Vec<Service>,
    /// Why it cannot be looked at.
    pub(crate) fault: Option<String>,
    /// Why it was not brought up or taken down the last time.
    pub(crate) failed: Option<String>,
}

/// A service of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) words: &'static str,
    pub(crate) runs: bool,
    pub(crate) starts: bool,
    pub(crate) unwell: bool,
}

impl Picture {
    /// Takes in an event; whether anything changed by it. A `gap` is not for here: everything must be read anew.
    pub(crate) fn apply(&mut self, event: &Event) -> bool {
        let subject = event.subject.as_str();
        match event.topic.as_str() {
            "agent.changed" => read(event).is_some_and(|agent| self.put_agent(agent)),
            "agent.removed" => self.agents.remove(&AgentName::from(subject)).is_some(),
            "job.changed" => read(event).is_some_and(|job| self.put_job(job)),
            "stack.changed" => read(event).is_some_and(|stack| self.put_stack(stack)),
            "notice.added" | "notice.changed" => {
                read(event).is_some_and(|notice| self.put_notice(&notice))
            }
            "notice.removed" => self.unread.remove(&NoticeId::from(subject)),
            _ => false,
        }
    }

    /// Takes in an agent; whether anything changed by it.
    pub(crate) fn put_agent(&mut self, agent: AgentSummary) -> bool {
        let seen = Agent {
            state: agent.state,
            activity: agent.activity,
            url: agent.url,
            error: agent.fault.map(|fault| fault.message),
        };
        let changed = self.agents.get(&agent.name) != Some(&seen);
        self.agents.insert(agent.name, seen);
        changed
    }

    /// Takes in a job; whether anything changed by it.
    pub(crate) fn put_job(&mut self, job: Job) -> bool {
        let of_stack = matches!(job.kind, JobKind::StackUp | JobKind::StackDown);
        if of_stack {
            // Also of a try that is followed by another one.
            self.stack.failed = match job.state {
                JobState::Succeeded | JobState::Cancelled => None,
                _ => job.fault.map(|fault| fault.message),
            };
        }
        if job.state.is_final() {
            return self.jobs.remove(&job.id).is_some() || of_stack;
        }
        let told = of_stack && self.stack.failed.is_some();
        let work = Work {
            kind: job.kind,
            about: match (job.agent.as_str(), job.source.as_str()) {
                ("", source) => source.to_owned(),
                (agent, _) => agent.to_owned(),
            },
            percent: percent(job.progress),
            cancelling: job.cancelling,
        };
        if self.jobs.get(&job.id) == Some(&work) {
            return told;
        }
        self.jobs.insert(job.id, work);
        if self.jobs.len() > MOST_JOBS {
            self.jobs.pop_first();
        }
        true
    }

    /// Takes in the stack; whether anything changed by it.
    pub(crate) fn put_stack(&mut self, stack: Stack) -> bool {
        let is_on = |name: &String| {
            let mut profiles = stack.profiles.iter();
            profiles.any(|profile| profile.enabled && profile.name == *name)
        };
        // What is off with its profile is started by that profile's name.
        let services = stack.services.iter().filter(|service| {
            service.profiles.is_empty()
                || !service.container.is_empty()
                || service.profiles.iter().any(is_on)
        });
        let seen = StackPicture {
            on: stack.on,
            profiles: (stack.profiles.iter())
                .map(|profile| (profile.name.clone(), profile.enabled))
                .collect(),
            has_plain: stack
                .services
                .iter()
                .any(|service| service.profiles.is_empty()),
            services: services.map(Service::of).collect(),
            fault: stack.fault.map(|fault| fault.message),
            failed: self.stack.failed.take(),
        };
        std::mem::replace(&mut self.stack, seen) != self.stack
    }

    /// Takes in a notice; whether anything changed by it.
    pub(crate) fn put_notice(&mut self, notice: &Notice) -> bool {
        if notice.read {
            return self.unread.remove(&notice.id);
        }
        let new = self.unread.insert(notice.id.clone());
        if self.unread.len() > MOST_UNREAD {
            self.unread.pop_first();
        }
        new
    }

    /// The state at a glance: the worst there is.
    pub(crate) fn standing(&self) -> Standing {
        match self.link {
            Link::Connecting => return Standing::Starting,
            Link::Lost(_) => return Standing::Stopped,
            Link::Live => {}
        }
        let is = |state| self.agents.values().any(|agent| agent.state == state);
        let stack = &self.stack;
        let stack_unwell = stack.on
            && (stack.fault.is_some() || stack.services.iter().any(|service| service.unwell));
        let starting = is(AgentState::SettingUp)
            || !self.jobs.is_empty()
            || stack.services.iter().any(|service| service.starts);
        if is(AgentState::Failed) {
            Standing::Failing
        } else if stack_unwell {
            Standing::Degraded
        } else if starting {
            Standing::Starting
        } else if is(AgentState::Active) || stack.services.iter().any(|service| service.runs) {
            Standing::Healthy
        } else {
            Standing::Stopped
        }
    }

    /// The same in words, for the menu and for whoever cannot see the icon.
    pub(crate) fn words(&self) -> String {
        match &self.link {
            Link::Connecting => return "Connecting".to_owned(),
            Link::Lost(reason) => return reason.clone(),
            Link::Live => {}
        }
        let count = |state| {
            let agents = self.agents.values();
            agents.filter(|agent| agent.state == state).count()
        };
        let (active, failed) = (count(AgentState::Active), count(AgentState::Failed));
        let unwell = self.stack.services.iter().filter(|service| service.unwell);
        let unwell: Vec<&str> = unwell.map(|service| service.name.as_str()).collect();
        match self.standing() {
            Standing::Stopped => "Stopped: nothing runs".to_owned(),
            Standing::Starting => format!("Starting: {}", answer(active)),
            Standing::Healthy => format!("Healthy: {}", answer(active)),
            Standing::Degraded if unwell.is_empty() => {
                "Degraded: the stack cannot be looked at".to_owned()
            }
            Standing::Degraded => format!("Degraded: {} not well", unwell.join(", ")),
            Standing::Failing if failed == 1 => {
                format!("Failing: 1 agent failed, {}", answer(active))
            }
            Standing::Failing => format!("Failing: {failed} agents failed, {}", answer(active)),
        }
    }
}

impl Service {
    fn of(service: &StackService) -> Self {
        let unwell = service.is_unwell();
        Self {
            name: service.service.clone(),
            words: match (service.state, service.health) {
                (ServiceState::Absent, _) => "not running",
                (ServiceState::Created, _) | (ServiceState::Running, ServiceHealth::Starting) => {
                    "starting"
                }
                (ServiceState::Running, ServiceHealth::None) => "running",
                (ServiceState::Running, ServiceHealth::Healthy) => "healthy",
                (ServiceState::Running, ServiceHealth::Unhealthy) => "unhealthy",
                (ServiceState::Restarting, _) => "restarting",
                (ServiceState::Paused, _) => "paused",
                (ServiceState::Exited, _) if unwell => "ended with an error",
                (ServiceState::Exited, _) => "stopped",
            },
            runs: service.state == ServiceState::Running,
            starts: service.state == ServiceState::Running
                && service.health == ServiceHealth::Starting,
            unwell,
        }
    }
}

fn answer(agents: usize) -> String {
    match agents {
        0 => "no agent answers".to_owned(),
        1 => "1 agent answers".to_owned(),
        many => format!("{many} agents answer"),
    }
}

fn percent(progress: f64) -> u8 {
    // Between 0 and 100 by the clamp; a number that is none becomes 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 100"
    )]
    let percent = (progress.clamp(0.0, 1.0) * 100.0) as u8;
    percent
}

fn read<T: DeserializeOwned>(event: &Event) -> Option<T> {
    T::deserialize(&event.data).ok()
}

#[cfg(test)]
pub(crate) mod tests;
