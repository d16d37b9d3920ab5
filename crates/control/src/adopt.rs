//! After a start, or when the engine is back: what runs is compared with what should run.
//!
//! What an agent points to is routed again; what nobody points to is ended; what should run and does not is started by a
//! job. Nothing here decides by time: only by who points to what. An agent that a job is at work on is looked at once
//! that job is done, and an instance that somebody has in hand is theirs.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use futures::FutureExt;
use nasiko_contract::{
    AgentName, AgentState, DeploymentId, DeploymentState, ErrorCode, Fault, RuntimeKind,
};
use nasiko_runtime::{Instance, InstanceState, Runtime as _};

use crate::{
    launch,
    plane::{Shared, cancelled},
    probe,
    records::{AgentRecord, DeploymentRecord, Desired, RunPlan},
};

/// At the start: processes before anybody is let in, containers as soon as the engine answers.
pub(crate) async fn at_start(shared: &Arc<Shared>) -> Result<(), Fault> {
    for agent in shared.all_agents().await? {
        let _nothing_is_open_yet = shared.routes.suspend(agent.name.as_str());
        // What an earlier run was at shows again once its job goes on.
        if shared.peers.is_ours(&agent) {
            shared.come_to_rest(&agent.name, &cancelled()).await;
        }
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

/// Compares, and says so if that was not possible.
pub(crate) async fn compare(shared: &Arc<Shared>, kind: RuntimeKind) {
    if let Err(fault) = reconcile(shared, kind).await {
        tracing::warn!(%fault, kind = kind.as_str(), "what runs could not be compared with what should");
    }
}

/// Compares what runs in one place with what should.
pub(crate) async fn reconcile(shared: &Arc<Shared>, kind: RuntimeKind) -> Result<(), Fault> {
    let _one_at_a_time = shared.comparing.lock().await;
    let runtime = shared.runtime(kind);
    let instances = runtime.list().await?;
    // Before the agents: an instance that is listed and no longer in hand is then seen to be some agent's.
    let in_hand = shared.in_hand.lock().clone();
    let agents = shared.all_agents().await?.into_iter();
    let agents: Vec<AgentRecord> = agents
        .filter(|agent| agent.runtime == kind && !agent.source.is_foreign())
        .filter(|agent| shared.peers.is_ours(agent))
        .collect();
    let mut by_deployment: HashMap<String, Instance> = instances
        .into_iter()
        .filter(|instance| !instance.deployment_id.is_empty())
        .map(|instance| (instance.deployment_id.clone(), instance))
        .collect();
    if kind == RuntimeKind::Docker && agents.iter().any(|agent| agent.current.is_some()) {
        // Containers that run already send their spans and calls here.
        if let Err(fault) = shared.network_gateway().await {
            tracing::warn!(%fault, "containers that run cannot reach the gateway");
        }
    }
    let mut busy = Vec::new();
    for agent in &agents {
        let instance = agent
            .current
            .as_ref()
            .and_then(|current| by_deployment.remove(current.as_str()));
        match settle(shared, agent, instance).await {
            Ok(Settled::Done) => {}
            Ok(Settled::Busy) => busy.push(agent.name.clone()),
            Err(fault) => {
                tracing::warn!(%fault, agent = %agent.name, "an agent could not be taken over");
            }
        }
    }
    if !busy.is_empty() {
        look_again(shared, kind, busy);
    }
    for (deployment, instance) in by_deployment {
        let deployment = DeploymentId(deployment);
        if in_hand.contains(&deployment) || shared.in_hand.lock().contains(&deployment) {
            continue;
        }
        tracing::info!(%deployment, agent = instance.agent, "an instance that belongs to no agent is ended");
        shared
            .end_deployment(&deployment, DeploymentState::Stopped)
            .await;
        // Its record may never have been written: it is removed all the same.
        if let Err(error) = runtime.remove(&instance.id).await {
            tracing::warn!(%error, %deployment, "an instance that belongs to no agent could not be removed");
        }
    }
    close_records(shared, &agents).await
}

/// Compares once more when the jobs at work on these agents are done.
fn look_again(shared: &Arc<Shared>, kind: RuntimeKind, busy: Vec<AgentName>) {
    let later = Arc::clone(shared);
    let waiting = async move {
        for agent in &busy {
            if later.lock_agent(agent, &later.stop).await.is_err() {
                return;
            }
        }
        compare(&later, kind).await;
    };
    shared.spawn(waiting.boxed());
}

/// What came of bringing an agent to where it should be.
enum Settled {
    Done,
    /// A job is at work on it, or was since it was looked at.
    Busy,
}

/// Brings one agent to where it should be.
async fn settle(
    shared: &Arc<Shared>,
    seen: &AgentRecord,
    instance: Option<Instance>,
) -> Result<Settled, Fault> {
    let Some(_one_at_a_time) = shared.try_lock_agent(&seen.name) else {
        return Ok(Settled::Busy);
    };
    let Some(found) = shared.store.get::<AgentRecord>(seen.name.as_str()).await? else {
        return Ok(Settled::Done);
    };
    let agent = &found.value;
    if (&agent.current, agent.desired) != (&seen.current, seen.desired) {
        return Ok(Settled::Busy);
    }
    let running = instance.filter(|instance| instance.state == InstanceState::Running);
    let (Some(plan), Some(current)) = (&agent.plan, &agent.current) else {
        return Ok(Settled::Done);
    };
    match (running, agent.desired) {
        (Some(instance), Desired::Running) => {
            let Some(address) = answering_address(shared, plan, &instance).await else {
                return Ok(Settled::Done);
            };
            let _nothing_to_drain = shared.routes.set(
                agent.name.as_str(),
                launch::upstream(current, address, &agent.card),
            );
            shared
                .change_agent(&agent.name, |agent, _| {
                    agent.plane = Some(shared.peers.me().clone());
                    agent.address = Some(address);
                    agent.state = AgentState::Active;
                    agent.activity.clear();
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
            shared
                .start_again(&agent.name, current, Duration::ZERO)
                .await?;
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
    Ok(Settled::Done)
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
            let wanted = agent.current.as_ref() == Some(&deployment.id)
                || shared.in_hand.lock().contains(&deployment.id);
            let others = shared.peers.is_other(deployment.plane.as_ref());
            if deployment.is_open() && !wanted && !others {
                deployment.state = DeploymentState::Stopped;
                deployment.plane = None;
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
            && !agent.source.is_foreign()
            && shared.peers.is_ours(&agent)
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
pub(crate) fn is_passing(fault: &Fault) -> bool {
    matches!(
        fault.code,
        ErrorCode::EngineAbsent | ErrorCode::EngineRefused | ErrorCode::EngineStopped
    )
}
