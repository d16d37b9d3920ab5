//! After a start, or when the engine is back: what runs is compared with what should run.
//!
//! What an agent points to is routed again; what nobody points to is ended; what should run and does not is started by a
//! job. Nothing here decides by time: only by who points to what.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use nasiko_contract::{AgentState, DeploymentId, DeploymentState, ErrorCode, Fault, RuntimeKind};
use nasiko_runtime::{Instance, InstanceState, Runtime as _};

use crate::{
    jobs::Work,
    launch,
    plane::Shared,
    probe,
    records::{AgentRecord, DeploymentRecord, Desired, RunPlan},
};

/// How often one and the same end of a deployment is answered with a start: each time the engine came back and went.
const MOST_STARTS: usize = 100;

/// At the start: processes before anybody is let in, containers as soon as the engine answers.
pub(crate) async fn at_start(shared: &Arc<Shared>) -> Result<(), Fault> {
    for agent in shared.all_agents().await? {
        let _nothing_is_open_yet = shared.routes.suspend(agent.name.as_str());
        shared.admit_earlier_credentials(&agent.name).await?;
    }
    reconcile(shared, RuntimeKind::Process).await?;
    let later = Arc::clone(shared);
    shared.spawn(async move {
        if let Err(fault) = reconcile(&later, RuntimeKind::Docker).await {
            tracing::debug!(%fault, "containers are looked at once the engine answers");
            mark_unreachable(&later, &fault).await;
        }
    });
    Ok(())
}

/// Compares what runs in one place with what should.
pub(crate) async fn reconcile(shared: &Arc<Shared>, kind: RuntimeKind) -> Result<(), Fault> {
    let runtime = shared.runtime(kind);
    let instances = runtime.list().await?;
    let agents: Vec<AgentRecord> = shared
        .all_agents()
        .await?
        .into_iter()
        .filter(|agent| agent.runtime == kind)
        .collect();
    let mut by_deployment: HashMap<String, Instance> = instances
        .into_iter()
        .filter(|instance| !instance.deployment_id.is_empty())
        .map(|instance| (instance.deployment_id.clone(), instance))
        .collect();
    if kind == RuntimeKind::Docker && agents.iter().any(|agent| agent.current.is_some()) {
        // Containers that run already send their spans and calls here.
        shared.network_gateway().await?;
    }
    for agent in &agents {
        let instance = agent
            .current
            .as_ref()
            .and_then(|current| by_deployment.remove(current.as_str()));
        if let Err(fault) = settle(shared, agent, instance).await {
            tracing::warn!(%fault, agent = %agent.name, "an agent could not be taken over");
        }
    }
    for (deployment, instance) in by_deployment {
        let deployment = DeploymentId(deployment);
        if shared.launching.lock().contains(&deployment) {
            continue;
        }
        tracing::info!(%deployment, agent = instance.agent, "an instance that belongs to no agent is ended");
        shared
            .end_deployment(&deployment, DeploymentState::Stopped)
            .await;
        // Its record may never have been written: it is removed all the same.
        runtime.remove(&instance.id).await?;
    }
    close_records(shared, &agents).await
}

/// Brings one agent to where it should be.
async fn settle(
    shared: &Arc<Shared>,
    agent: &AgentRecord,
    instance: Option<Instance>,
) -> Result<(), Fault> {
    let running = instance.filter(|instance| instance.state == InstanceState::Running);
    let (Some(plan), Some(current)) = (&agent.plan, &agent.current) else {
        return Ok(());
    };
    match (running, agent.desired) {
        (Some(instance), Desired::Running) => {
            let Some(address) = answering_address(shared, plan, &instance).await else {
                return Ok(());
            };
            let _nothing_to_drain = shared.routes.set(
                agent.name.as_str(),
                launch::upstream(current, address, plan, &agent.card),
            );
            shared
                .change_agent(&agent.name, |agent, _| {
                    agent.state = AgentState::Active;
                    if agent.fault.as_ref().is_some_and(is_passing) {
                        agent.fault = None;
                    }
                })
                .await?;
        }
        (Some(_), Desired::Stopped) => {
            shared
                .stop_deployment(current, DeploymentState::Stopped)
                .await;
            shared
                .change_agent(&agent.name, |agent, _| agent.state = AgentState::Stopped)
                .await?;
        }
        (None, Desired::Running) => {
            let _nothing_to_drain = shared.routes.suspend(agent.name.as_str());
            shared
                .change_agent(&agent.name, |agent, _| {
                    if agent.state == AgentState::Active {
                        agent.state = AgentState::SettingUp;
                    }
                })
                .await?;
            start_once(shared, agent, current).await?;
        }
        (None, Desired::Stopped) => {
            shared
                .change_agent(&agent.name, |agent, _| {
                    if agent.state == AgentState::Active {
                        agent.state = AgentState::Stopped;
                    }
                    agent.activity.clear();
                })
                .await?;
        }
    }
    Ok(())
}

/// One start per end of a deployment, however often this is run; another one once that was given up.
async fn start_once(
    shared: &Arc<Shared>,
    agent: &AgentRecord,
    ended: &DeploymentId,
) -> Result<(), Fault> {
    let work = Work::Start {
        agent: agent.name.clone(),
    };
    let mut occasion = format!("after {ended} at {}", shared.started);
    for _ in 0..MOST_STARTS {
        let job = shared.accept_own(&work, occasion, Duration::ZERO).await?;
        if !job.state.is_final() {
            break;
        }
        occasion = format!("after {}", job.id);
    }
    Ok(())
}

/// Where a running instance answers: on the port it was given, else where it listens.
async fn answering_address(
    shared: &Shared,
    plan: &RunPlan,
    instance: &Instance,
) -> Option<SocketAddr> {
    let mut address = instance.address?;
    if plan.runtime == RuntimeKind::Process {
        let ports = shared.process.listening(&instance.id).await;
        if !ports.contains(&address.port()) {
            address.set_port(probe::best(&ports, &plan.ports).unwrap_or(address.port()));
        }
    }
    Some(address)
}

/// Deployments that an earlier run left open and that nobody serves from.
async fn close_records(shared: &Arc<Shared>, agents: &[AgentRecord]) -> Result<(), Fault> {
    for agent in agents {
        for mut deployment in shared.history::<DeploymentRecord>(&agent.name).await? {
            let open = matches!(
                deployment.state,
                DeploymentState::Starting | DeploymentState::Running
            );
            let wanted = agent.current.as_ref() == Some(&deployment.id)
                || shared.launching.lock().contains(&deployment.id);
            if open && !wanted {
                deployment.state = DeploymentState::Stopped;
                deployment.ended = Some(crate::time::now_ms());
                shared.put_deployment(&deployment).await?;
            }
        }
    }
    Ok(())
}

/// While the engine does not answer, nobody knows how its agents are.
pub(crate) async fn mark_unreachable(shared: &Arc<Shared>, fault: &Fault) {
    let Ok(agents) = shared.all_agents().await else {
        return;
    };
    for agent in agents {
        let concerned = agent.runtime == RuntimeKind::Docker
            && agent.desired == Desired::Running
            && agent.current.is_some();
        if !concerned {
            continue;
        }
        let _open_requests_end_by_themselves = shared.routes.suspend(agent.name.as_str());
        let noted = shared
            .change_agent(&agent.name, |agent, _| {
                agent.state = AgentState::Failed;
                agent.fault = Some(fault.clone());
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, agent = %agent.name, "the loss of the engine could not be noted");
        }
    }
}

/// A fault that is over once the instance answers.
fn is_passing(fault: &Fault) -> bool {
    matches!(
        fault.code,
        ErrorCode::EngineAbsent | ErrorCode::EngineRefused | ErrorCode::EngineStopped
    )
}
