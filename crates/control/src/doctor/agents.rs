//! The agents: whether each answers, has what it needs, listens where it should, and is watched as asked.

use std::collections::HashMap;

use nasiko_contract::{
    AgentName, AgentState, Check, CheckGroup, CheckState, DeploymentId, ErrorCode, Fault,
    RuntimeKind, Severity, WatchMode, WatchStatus,
};
use nasiko_runtime::{Artifact, Instance};

use super::{
    engine::dockers_word,
    finding::{Finding, Spec},
};
use crate::{plane::Shared, records::AgentRecord};

const fn spec(id: &'static str, title: &'static str) -> Spec {
    Spec {
        id,
        title,
        group: CheckGroup::Agents,
    }
}

pub(super) const HEALTH: Spec = spec("agent.health", "Answers");
pub(super) const VARIABLES: Spec = spec("agent.variables", "Has the variables it needs");
pub(super) const PORT: Spec = spec("agent.port", "Listens where it is told to");
pub(super) const CARD: Spec = spec("agent.card", "Has a card that can be read");
pub(super) const WATCH: Spec = spec("agent.watch", "Its folder is watched");
pub(super) const IMAGE: Spec = spec("agent.image", "Its image is made for the engine's machine");

/// The checks of each agent, in order.
pub(super) const SPECS: [&Spec; 6] = [&HEALTH, &VARIABLES, &PORT, &CARD, &WATCH, &IMAGE];

/// Starts in a row after which an agent crashes again and again.
const CRASH_LOOP: u32 = 3;
/// Agents whose troubles are told one by one.
const MAX_TOLD: usize = 100;

/// What is known of an agent.
struct Patient {
    agent: AgentRecord,
    /// Names of its secrets.
    secrets: Vec<String>,
    watch: WatchStatus,
    instance: Option<Instance>,
    /// What its image and its engine are made for, where both say so.
    architectures: Option<(String, String)>,
}

/// The checks of one agent, or what is wrong with any, and one line for all that are well.
pub(super) async fn checks(shared: &Shared, only: Option<&AgentName>) -> Result<Vec<Check>, Fault> {
    let agents = match only {
        Some(name) => vec![shared.agent(name).await?.value],
        None => shared.all_agents().await?,
    };
    let total = agents.len();
    let instances = instances(shared, &agents).await;
    let engine = engine_architecture(shared, &agents).await;
    let mut checks = Vec::new();
    let mut troubled = HashMap::<&str, usize>::new();
    for agent in agents {
        let patient = patient(shared, agent, &instances, engine.as_deref()).await?;
        for (spec, judge) in JUDGES {
            let finding = judge(&patient);
            let is_well = matches!(finding.state, CheckState::Ok | CheckState::Skipped);
            if !is_well {
                *troubled.entry(spec.id).or_default() += 1;
            }
            if only.is_some() || (!is_well && checks.len() < MAX_TOLD) {
                checks.push(finding.of(spec, Some(patient.agent.name.clone())));
            }
        }
    }
    if only.is_none() {
        let well = SPECS
            .into_iter()
            .filter(|spec| !troubled.contains_key(spec.id));
        let cause = match total {
            0 => "There are no agents yet".to_owned(),
            1 => "Nothing is wrong with the one agent".to_owned(),
            many => format!("Nothing is wrong with any of {many} agents"),
        };
        checks.extend(well.map(|spec| Finding::ok(cause.clone()).of(spec, None)));
    }
    Ok(checks)
}

type Judge = fn(&Patient) -> Finding;
const JUDGES: [(&Spec, Judge); 6] = [
    (&HEALTH, health),
    (&VARIABLES, variables),
    (&PORT, port),
    (&CARD, card),
    (&WATCH, watch),
    (&IMAGE, image),
];

async fn instances(shared: &Shared, agents: &[AgentRecord]) -> HashMap<DeploymentId, Instance> {
    let mut all = HashMap::new();
    for kind in [RuntimeKind::Process, RuntimeKind::Docker] {
        if !agents.iter().any(|agent| agent.runtime == kind) {
            continue;
        }
        // No engine, no containers.
        let listed = shared.runtime(kind).list().await.unwrap_or_default();
        all.extend(
            listed
                .into_iter()
                .map(|instance| (DeploymentId(instance.deployment_id.clone()), instance)),
        );
    }
    all
}

async fn engine_architecture(shared: &Shared, agents: &[AgentRecord]) -> Option<String> {
    let in_container = |agent: &AgentRecord| agent.runtime == RuntimeKind::Docker;
    if !agents.iter().any(in_container) {
        return None;
    }
    let particulars = shared.docker.engine().particulars().await.ok()?;
    Some(dockers_word(&particulars.architecture).to_owned())
}

async fn patient(
    shared: &Shared,
    agent: AgentRecord,
    instances: &HashMap<DeploymentId, Instance>,
    engine: Option<&str>,
) -> Result<Patient, Fault> {
    let secrets = shared.secrets_of(&agent.name).await?.into_iter();
    let image = agent
        .plan
        .as_ref()
        .and_then(|plan| match plan.artifact.parse() {
            Ok(Artifact::Image { reference }) => Some(reference),
            _ => None,
        });
    let architectures = match (image, engine) {
        (Some(image), Some(engine)) => {
            let of_image = shared.docker.engine().image_architecture(&image).await;
            of_image
                .ok()
                .flatten()
                .map(|of_image| (dockers_word(&of_image).to_owned(), engine.to_owned()))
        }
        _ => None,
    };
    let instance = agent
        .current
        .as_ref()
        .and_then(|current| instances.get(current).cloned());
    Ok(Patient {
        secrets: secrets.map(|secret| secret.name).collect(),
        watch: shared.watch_of(&agent),
        instance,
        architectures,
        agent,
    })
}

fn health(patient: &Patient) -> Finding {
    let agent = &patient.agent;
    let finding = match (agent.state, &agent.fault) {
        (AgentState::Failed, Some(fault)) => Finding::of_fault(CheckState::Failed, fault.clone()),
        (AgentState::Failed, None) => Finding::failed("No version of it answers"),
        (state, fault) if agent.restarts >= CRASH_LOOP => {
            let finding = Finding::failed_if(
                state != AgentState::Active,
                format!(
                    "It ended by itself and was started again {} times",
                    agent.restarts
                ),
            );
            let evidence = fault.iter().flat_map(|fault| {
                std::iter::once(fault.message.clone()).chain(fault.evidence.iter().cloned())
            });
            finding
                .evidence(evidence)
                .hint(format!("Look at its log: `nasiko logs {}`", agent.name))
        }
        (AgentState::Active, Some(fault)) => {
            let finding = Finding::of_fault(CheckState::Warning, fault.clone());
            return finding.evidence(["The version before it goes on answering"]);
        }
        (AgentState::Active, None) => return Finding::ok("It answers"),
        (AgentState::Stopped, _) => return Finding::ok("It was stopped"),
        (AgentState::SettingUp, _) => return Finding::ok("It is being set up"),
    };
    // There is nothing to start of one that never came up, nor of one that others started.
    if agent.plan.is_some() && !agent.source.is_foreign() {
        finding.fix(
            "Start it again",
            "Starts the last version that answered, in a job of its own",
        )
    } else {
        finding
    }
}

fn variables(patient: &Patient) -> Finding {
    let agent = &patient.agent;
    let missing = agent
        .env_needs
        .iter()
        .filter(|need| need.required && !need.satisfied && !patient.secrets.contains(&need.name));
    let missing: Vec<_> = missing.collect();
    let asked_for = agent
        .fault
        .as_ref()
        .filter(|fault| fault.code == ErrorCode::MissingVariable);
    let Some(first) = missing.first() else {
        return match asked_for {
            Some(fault) => Finding::of_fault(CheckState::Failed, fault.clone()),
            None => Finding::ok("It has all that its code asks for"),
        };
    };
    let names: Vec<&str> = missing.iter().map(|need| need.name.as_str()).collect();
    Finding::failed_if(
        agent.state == AgentState::Failed,
        format!("Nothing says what {} is", names.join(", ")),
    )
    .evidence(missing.iter().map(|need| format!("{} at {}", need.name, need.source)))
    .hint("Keep each as a secret of this agent, or write it into the folder's .env; then start it again")
    .command(format!("nasiko secret set {} {}", agent.name, first.name))
}

fn port(patient: &Patient) -> Finding {
    let agent = &patient.agent;
    if let Some(fault) = &agent.fault
        && matches!(fault.code, ErrorCode::NeverListened | ErrorCode::PortTaken)
    {
        return Finding::of_fault(CheckState::Failed, fault.clone());
    }
    let told = patient
        .instance
        .as_ref()
        .and_then(|instance| instance.address);
    match (agent.runtime, told, agent.address) {
        (RuntimeKind::Process, Some(told), Some(answers)) if told.port() != answers.port() => {
            Finding::warning(format!(
                "It listens on {} instead of {}, which it is told in PORT: two versions of it cannot run side by side, so that each update has a gap",
                answers.port(),
                told.port()
            ))
            .hint("Let it listen on the port in the variable PORT")
        }
        _ => Finding::ok("It listens where it is told to"),
    }
}

fn card(patient: &Patient) -> Finding {
    let agent = &patient.agent;
    if let Some(fault) = &agent.fault
        && fault.code == ErrorCode::CardBroken
    {
        return Finding::of_fault(CheckState::Failed, fault.clone());
    }
    let of_card = agent
        .findings
        .iter()
        .filter(|finding| finding.code.starts_with("card.") && finding.severity == Severity::Error);
    let of_card: Vec<_> = of_card.collect();
    let Some(worst) = of_card.first() else {
        return Finding::ok(if agent.card_generated {
            "It brings none, so one was made"
        } else {
            "It can be read"
        });
    };
    let finding = Finding::warning(worst.message.clone()).evidence(of_card.iter().map(|finding| {
        let place = finding.file.clone().unwrap_or_default();
        let line = finding
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        format!("{place}{line} {}", finding.message)
            .trim()
            .to_owned()
    }));
    match &worst.hint {
        Some(hint) => finding.hint(hint.clone()),
        None => finding,
    }
}

fn watch(patient: &Patient) -> Finding {
    let watch = &patient.watch;
    if !patient.agent.watched {
        return Finding::ok("It is not to be watched");
    }
    if let Some(fault) = &watch.fault {
        return Finding::of_fault(CheckState::Failed, fault.clone());
    }
    match watch.mode {
        WatchMode::Polling => Finding::warning(
            "The system does not tell of changes in its folder: saves are noticed seconds late",
        )
        .evidence([watch.why.clone()])
        .hint("Look at the checks of the machine: the limits of inotify, drives of Windows, file systems of other machines"),
        WatchMode::Off if watch.why.is_empty() => {
            Finding::failed("Its folder is to be watched, and is not")
                .hint(format!("Begin anew: `nasiko watch {}`", patient.agent.name))
        }
        WatchMode::Off => Finding::ok(watch.why.clone()),
        WatchMode::Native => Finding::ok("The system tells of each save"),
    }
}

fn image(patient: &Patient) -> Finding {
    match &patient.architectures {
        Some((image, engine)) if image != engine => Finding::warning(format!(
            "Its image is made for {image}, and the engine runs on {engine}: it is emulated and slow, or does not start"
        ))
        .hint("Name a base image that is made for both in the Dockerfile's FROM, then rebuild")
        .command(format!("nasiko rebuild {}", patient.agent.name)),
        Some((image, _)) => Finding::ok(format!("Both are {image}")),
        None => Finding::ok("It runs as a process, or nothing says otherwise"),
    }
}
