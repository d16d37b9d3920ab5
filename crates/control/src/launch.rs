//! From a plan to an instance that answers, and the switch to it.
//!
//! Order matters, because this process may die between any two steps. The deployment is written down before its
//! instance exists; the agent points to it only once it answers; the old instance ends only after that. So whatever
//! runs and is not some agent's `current` can be ended at the next start, and nothing that serves is ever forgotten.

use std::{collections::HashSet, net::SocketAddr, sync::Arc, time::Instant};

use nasiko_contract::{
    AgentName, AgentState, BuildState, Deployment, DeploymentId, DeploymentState, Fault, Protocol,
};
use nasiko_gateway::Upstream;
use nasiko_store::{Batch, Expected};
use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    live::Waiting,
    plane::Shared,
    records::{AgentRecord, BuildRecord, DeploymentRecord, RunPlan},
    start,
};

/// What is to be started, and how.
pub(crate) struct Launch<'a> {
    pub(crate) agent: &'a AgentName,
    pub(crate) plan: &'a RunPlan,
    /// Shown where the instance serves none.
    pub(crate) known_card: &'a KnownCard,
    /// An instance of this plan that waits to be let go; without one, one is started.
    pub(crate) standby: Option<Waiting>,
    /// Committed together with the deployment, before the instance is let go.
    pub(crate) also: Batch,
    /// Hears what happens on the way.
    pub(crate) note: &'a (dyn Fn(String) + Send + Sync),
}

/// An instance that answers and is not yet routed to.
pub(crate) struct Launched {
    pub(crate) deployment: DeploymentRecord,
    pub(crate) address: SocketAddr,
    /// Its card: served live, else the folder's, else a generated one.
    pub(crate) card: Value,
    pub(crate) card_generated: bool,
    pub(crate) protocol: Protocol,
    /// It had waited.
    pub(crate) warm: bool,
    /// The one that served before was ended first: only one can run.
    pub(crate) alone: bool,
    /// When its own code began to load.
    pub(crate) let_go: Instant,
    /// The port of its container that is reached, where it runs in one.
    port: Option<u16>,
    /// Held until the agent points to it.
    in_hand: InHand,
}

/// An instance that no agent points to, yet or any more, and that is not to be ended for it.
pub(crate) struct InHand {
    all: Arc<Mutex<HashSet<DeploymentId>>>,
    deployment: DeploymentId,
}

impl InHand {
    pub(crate) fn new(shared: &Shared, deployment: &DeploymentId) -> Self {
        shared.in_hand.lock().insert(deployment.clone());
        Self {
            all: Arc::clone(&shared.in_hand),
            deployment: deployment.clone(),
        }
    }
}

#[cfg(test)]
impl InHand {
    /// Of an instance that there is not.
    pub(crate) fn of_nobody() -> Self {
        Self {
            all: Arc::default(),
            deployment: DeploymentId(String::new()),
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.all.lock().remove(&self.deployment);
    }
}

/// A card and whether we made it up.
#[derive(Debug, Clone)]
pub(crate) struct KnownCard {
    pub(crate) json: Value,
    pub(crate) generated: bool,
}

impl Shared {
    /// Starts an instance of a plan and waits until it answers. On failure nothing of it is left but its record.
    pub(crate) async fn launch(
        self: &Arc<Self>,
        launch: Launch<'_>,
        cancel: &CancellationToken,
    ) -> Result<Launched, Fault> {
        let Launch {
            agent,
            plan,
            known_card,
            standby,
            mut also,
            note,
        } = launch;
        let (id, env_fingerprint) = match &standby {
            Some(waiting) => (waiting.deployment(), waiting.env_fingerprint.clone()),
            None => (
                start::new_deployment(),
                self.plan_fingerprint(agent, plan).await?,
            ),
        };
        // An instance that waits is in hand already, and stays so.
        let (in_hand, standby) = match standby {
            Some(Waiting {
                in_hand, standby, ..
            }) => (in_hand, Some(standby)),
            None => (InHand::new(self, &id), None),
        };
        let mut deployment = DeploymentRecord {
            id,
            agent: agent.clone(),
            version: plan.version.clone(),
            content_hash: plan.content_hash.clone(),
            runtime: plan.runtime,
            state: DeploymentState::Starting,
            instance: String::new(),
            env_fingerprint,
            started: crate::time::now_ms(),
            ended: None,
            fault: None,
            plane: Some(self.peers.me().clone()),
        };
        add_deployment(&mut also, &deployment);
        self.store.commit(also).await?;
        let started = self
            .start_and_probe(plan, &mut deployment, standby, note, cancel)
            .await;
        match started {
            Ok(begun) => {
                let (card, card_generated) = match begun.answering.card {
                    Some(card) => (card, false),
                    None => (known_card.json.clone(), known_card.generated),
                };
                Ok(Launched {
                    deployment,
                    address: begun.answering.address,
                    card,
                    card_generated,
                    protocol: begun.answering.protocol,
                    warm: begun.warm,
                    alone: false,
                    let_go: begun.let_go,
                    port: begun.port,
                    in_hand,
                })
            }
            Err(fault) => {
                self.remove_instance(&deployment).await;
                deployment.state = DeploymentState::Failed;
                deployment.ended = Some(crate::time::now_ms());
                deployment.fault = Some(fault.clone());
                deployment.plane = None;
                self.put_deployment(&deployment).await?;
                Err(fault)
            }
        }
    }

    /// Makes a launched instance the one that serves: route, record, and the end of the one before.
    pub(crate) async fn switch(
        self: &Arc<Self>,
        name: &AgentName,
        plan: &RunPlan,
        launched: Launched,
        mut also: impl FnMut(&mut AgentRecord, &mut Batch),
    ) -> Result<(), Fault> {
        let Launched {
            in_hand: _in_hand,
            mut deployment,
            address,
            card,
            card_generated,
            protocol,
            port,
            warm: _,
            alone: _,
            let_go: _,
        } = launched;
        let plan = plan.listening_on(port);
        deployment.state = DeploymentState::Running;
        let mut previous = None;
        let mut previous_artifact = None;
        let id = deployment.id.clone();
        let changed = self
            .change_agent(name, |agent, batch| {
                previous = agent
                    .current
                    .replace(id.clone())
                    .filter(|previous| *previous != id);
                also(agent, batch);
                previous_artifact = agent.plan.replace(plan.clone()).map(|plan| plan.artifact);
                agent.plane = Some(self.peers.me().clone());
                agent.address = Some(address);
                agent.runtime = plan.runtime;
                agent.version.clone_from(&plan.version);
                agent.card = card.clone();
                agent.card_generated = card_generated;
                agent.protocol = protocol;
                agent.state = AgentState::Active;
                agent.activity.clear();
                agent.fault = None;
                add_deployment(batch, &deployment);
            })
            .await;
        if let Err(fault) = changed {
            // Nobody points to it: it would only be ended at the next start.
            self.remove_instance(&deployment).await;
            return Err(fault);
        }
        let drain = self
            .routes
            .set(name.as_str(), upstream(&deployment.id, address, &card));
        self.retire(name.clone(), previous, previous_artifact, drain);
        Ok(())
    }

    /// Writes a deployment down, with an event.
    pub(crate) async fn put_deployment(&self, deployment: &DeploymentRecord) -> Result<(), Fault> {
        let mut batch = Batch::new();
        add_deployment(&mut batch, deployment);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Writes a build down, with an event.
    pub(crate) async fn put_build(&self, build: &BuildRecord) -> Result<(), Fault> {
        debug_assert!(
            build.state != BuildState::Queued,
            "a build is written once it begins"
        );
        let mut batch = Batch::new();
        batch.put(build, Expected::Any);
        batch.event(
            "build.changed",
            build.agent.as_str(),
            nasiko_contract::Build::from(build.clone()),
        );
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Shows what an agent is doing.
    pub(crate) async fn show_activity(
        &self,
        agent: &AgentName,
        activity: &str,
    ) -> Result<(), Fault> {
        self.change_agent(agent, |record, _| record.be_at(activity))
            .await
            .map(drop)
    }
}

/// Adds a deployment's change to a batch, with its event.
pub(crate) fn add_deployment(batch: &mut Batch, deployment: &DeploymentRecord) {
    batch.put(deployment, Expected::Any).event(
        "deployment.changed",
        deployment.agent.as_str(),
        Deployment::from(deployment.clone()),
    );
}

/// The upstream of an instance.
pub(crate) fn upstream(deployment: &DeploymentId, address: SocketAddr, card: &Value) -> Upstream {
    Upstream {
        card: Some(Arc::new(card.clone())),
        ..Upstream::new(address, deployment.as_str())
    }
}
