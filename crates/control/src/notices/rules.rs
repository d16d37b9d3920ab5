//! Which changes are worth a notice, and what it says. Pure: events in, notices out.

use std::collections::{BTreeMap, BTreeSet};

use nasiko_contract::{
    AgentName, AgentState, AgentSummary, Check, ErrorCode, Fault, Job, JobKind, JobState,
    NoticeKind, Stack, StackService,
};
use serde::{Deserialize, Serialize};

use super::Told;

/// Letters of a notice's text at most: it is shown in a corner of the screen.
const LONGEST_TEXT: usize = 240;

/// What the event log tells of that may be worth a notice.
pub(super) enum Happened {
    Agent(Box<AgentSummary>),
    AgentRemoved(AgentName),
    Job(Box<Job>),
    Stack(Box<Stack>),
    Update(UpdateReady),
    Finding(Finding),
}

/// A newer version can be installed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UpdateReady {
    /// `x.y.z`
    pub(crate) version: String,
    /// Something else installs it.
    #[serde(default)]
    pub(crate) managed: bool,
}

/// Something is wrong with the machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// Stable; the same finding is told once a minute at most.
    code: String,
    /// A few words.
    title: String,
    /// Its cause.
    #[serde(default)]
    text: String,
}

impl Finding {
    /// What a check found.
    pub(crate) fn new(check: Check) -> Self {
        Self {
            code: check.check,
            title: check.title,
            text: check.cause,
        }
    }

    /// Its stable code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }
}

/// How things stood before.
#[derive(Default)]
pub(super) struct Memory {
    agents: BTreeMap<AgentName, Seen>,
    /// Services of the stack that were told to be unwell.
    unwell: BTreeSet<String>,
    /// The engine answers; not known before anything told of it.
    engine: Option<bool>,
}

#[derive(Clone, Copy)]
struct Seen {
    state: AgentState,
    /// It was told to have crashed, and not to have recovered since.
    crashed: bool,
    /// It went with the engine, and has not come back since.
    engine_lost: bool,
}

impl Memory {
    /// An agent as it is at the start.
    pub(super) fn know(&mut self, agent: &AgentSummary) {
        let seen = Seen {
            state: agent.state,
            crashed: false,
            engine_lost: false,
        };
        self.agents.insert(agent.name.clone(), seen);
    }

    /// Takes in what happened, and says what is to be told of it.
    pub(super) fn learn(&mut self, seq: u64, at: i64, happened: Happened) -> Option<Told> {
        let told = |cause: String, kind, title: String, text: &str, target: String| Told {
            seq,
            at,
            cause,
            kind,
            title,
            text: short(text),
            target,
            agent: None,
        };
        match happened {
            Happened::Agent(agent) => {
                let (cause, kind, title, text) = self.agent(&agent)?;
                let target = match kind {
                    NoticeKind::AgentCrashed | NoticeKind::AgentRecovered => page_of(&agent.name),
                    _ => "/doctor".to_owned(),
                };
                let about = target.starts_with("/agents/").then_some(agent.name);
                let mut told = told(cause, kind, title, &text, target);
                told.agent = about;
                Some(told)
            }
            Happened::AgentRemoved(name) => {
                self.agents.remove(&name);
                None
            }
            Happened::Job(job) => {
                let (cause, kind, title, text) = ended(&job)?;
                let known = !job.agent.as_str().is_empty();
                let target = match (job.kind, known) {
                    (JobKind::StackUp, _) => "/stack".to_owned(),
                    (_, true) => page_of(&job.agent),
                    (_, false) => "/activity".to_owned(),
                };
                let mut told = told(cause, kind, title, &text, target);
                told.agent = known.then_some(job.agent);
                Some(told)
            }
            Happened::Stack(stack) => {
                let (cause, kind, title, text) = self.stack(&stack)?;
                Some(told(cause, kind, title, &text, "/stack".to_owned()))
            }
            Happened::Update(UpdateReady { version, managed }) => {
                let (title, text) = if managed {
                    (
                        format!("Nasiko {version} is out"),
                        "Install it the way you installed this one",
                    )
                } else {
                    (
                        format!("Nasiko {version} is ready"),
                        "It is installed when you quit; your agents keep serving",
                    )
                };
                let cause = format!("update:{version}");
                let kind = NoticeKind::UpdateReady;
                Some(told(cause, kind, title, text, "/settings".to_owned()))
            }
            Happened::Finding(Finding { code, title, text }) => Some(told(
                format!("doctor:{code}"),
                NoticeKind::DoctorFinding,
                title,
                &text,
                "/doctor".to_owned(),
            )),
        }
    }

    fn agent(&mut self, agent: &AgentSummary) -> Option<Words> {
        let before = self.agents.get(&agent.name).copied();
        let mut seen = Seen {
            state: agent.state,
            crashed: before.is_some_and(|before| before.crashed),
            engine_lost: before.is_some_and(|before| before.engine_lost),
        };
        let was_active = before.is_some_and(|before| before.state == AgentState::Active);
        let words = match agent.state {
            AgentState::Failed if was_active && is_engine(agent.fault.as_ref()) => {
                seen.engine_lost = true;
                self.engine_went(agent.fault.as_ref())
            }
            AgentState::Failed if was_active => {
                seen.crashed = true;
                Some((
                    format!("agent:{}:crashed", agent.name),
                    NoticeKind::AgentCrashed,
                    format!("{} crashed", agent.name),
                    sentence(agent.fault.as_ref()),
                ))
            }
            AgentState::Active if seen.crashed => {
                seen.crashed = false;
                Some((
                    format!("agent:{}:recovered", agent.name),
                    NoticeKind::AgentRecovered,
                    format!("{} recovered", agent.name),
                    "It answers again".to_owned(),
                ))
            }
            AgentState::Active if seen.engine_lost => {
                seen.engine_lost = false;
                self.engine_answers()
            }
            AgentState::Stopped => {
                (seen.crashed, seen.engine_lost) = (false, false);
                None
            }
            _ => None,
        };
        self.agents.insert(agent.name.clone(), seen);
        words
    }

    fn stack(&mut self, stack: &Stack) -> Option<Words> {
        if is_engine(stack.fault.as_ref()) {
            let was_there = self.engine == Some(true);
            let words = self.engine_went(stack.fault.as_ref());
            // One that never was there is told by what was tried without it.
            return words.filter(|_| stack.on && was_there);
        }
        let engine_answers = self.engine_answers();
        if !stack.on {
            self.unwell.clear();
            return None;
        }
        let unwell: Vec<&StackService> = stack.services.iter().filter(|s| s.is_unwell()).collect();
        let names: BTreeSet<String> = unwell.iter().map(|s| s.service.clone()).collect();
        let newly = unwell.iter().find(|s| !self.unwell.contains(&s.service));
        if let Some(service) = newly {
            let words = (
                "stack:degraded".to_owned(),
                NoticeKind::StackDegraded,
                "The stack degraded".to_owned(),
                said_of(service),
            );
            self.unwell = names;
            return Some(words);
        }
        // Whatever still starts may fail yet.
        if names.is_empty() && !self.unwell.is_empty() && !stack.services.iter().any(starts) {
            self.unwell.clear();
            return Some((
                "stack:recovered".to_owned(),
                NoticeKind::StackRecovered,
                "The stack recovered".to_owned(),
                "All services are well".to_owned(),
            ));
        }
        engine_answers
    }

    /// Told once for all that comes back with it.
    fn engine_answers(&mut self) -> Option<Words> {
        let came_back = self.engine.replace(true) == Some(false);
        came_back.then(|| {
            (
                "engine:recovered".to_owned(),
                NoticeKind::StackRecovered,
                "The container engine answered again".to_owned(),
                String::new(),
            )
        })
    }

    /// Told once for all that is gone with it.
    fn engine_went(&mut self, fault: Option<&Fault>) -> Option<Words> {
        if self.engine.replace(false) == Some(false) {
            return None;
        }
        Some((
            "engine:away".to_owned(),
            NoticeKind::StackDegraded,
            "The container engine stopped answering".to_owned(),
            fault
                .and_then(|fault| fault.hint.clone())
                .unwrap_or_default(),
        ))
    }
}

/// Cause, kind, title, text.
type Words = (String, NoticeKind, String, String);

fn ended(job: &Job) -> Option<Words> {
    let about = match (job.agent.as_str(), job.source.as_str()) {
        ("", "") => "An agent",
        ("", source) => source,
        (agent, _) => agent,
    };
    let unchanged = job.result.get("unchanged") == Some(&serde_json::Value::Bool(true));
    match (job.kind, job.state) {
        (JobKind::Deploy | JobKind::Rebuild, JobState::Succeeded) if !unchanged => {
            let text = |name| job.result.get(name).and_then(serde_json::Value::as_str);
            let text = match (text("version"), text("url")) {
                (Some(version), Some(url)) => format!("Version {version} answers at {url}"),
                _ => String::new(),
            };
            Some((
                format!("deploy:{about}:done"),
                NoticeKind::DeployDone,
                format!("{about} was deployed"),
                text,
            ))
        }
        (JobKind::Deploy | JobKind::Rebuild, JobState::Failed | JobState::Dead) => Some((
            format!("deploy:{about}:failed"),
            NoticeKind::DeployFailed,
            format!("Deploying {about} failed"),
            sentence(job.fault.as_ref()),
        )),
        (JobKind::StackUp, JobState::Failed | JobState::Dead) => Some((
            "stack:up".to_owned(),
            NoticeKind::StackDegraded,
            "Bringing the stack up failed".to_owned(),
            sentence(job.fault.as_ref()),
        )),
        _ => None,
    }
}

fn is_engine(fault: Option<&Fault>) -> bool {
    fault.is_some_and(|fault| {
        matches!(
            fault.code,
            ErrorCode::EngineStopped | ErrorCode::EngineAbsent
        )
    })
}

fn starts(service: &StackService) -> bool {
    use nasiko_contract::{ServiceHealth, ServiceState};
    matches!(
        (service.state, service.health),
        (ServiceState::Created, _) | (ServiceState::Running, ServiceHealth::Starting)
    )
}

/// `redis is unhealthy: …`
fn said_of(service: &StackService) -> String {
    use nasiko_contract::ServiceState;
    let how = match (service.state, service.exit_code) {
        (ServiceState::Exited, Some(code)) => format!("exited with {code}"),
        (ServiceState::Exited, None) => "died".to_owned(),
        (ServiceState::Restarting, _) => "ends and is started again".to_owned(),
        _ => "is unhealthy".to_owned(),
    };
    let why = service.why.as_deref().and_then(|why| why.lines().last());
    match why {
        Some(why) => format!("{} {how}: {why}", service.service),
        None => format!("{} {how}", service.service),
    }
}

fn page_of(agent: &AgentName) -> String {
    format!("/agents/{agent}")
}

fn sentence(fault: Option<&Fault>) -> String {
    fault.map(|fault| fault.message.clone()).unwrap_or_default()
}

fn short(text: &str) -> String {
    let mut letters = text.chars();
    let mut short: String = letters.by_ref().take(LONGEST_TEXT).collect();
    if letters.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}
