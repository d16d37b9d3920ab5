//! From a plan to an instance that answers, and the switch to it.
//!
//! Order matters, because this process may die between any two steps. The deployment is written down before its
//! instance exists; the agent points to it only once it answers; the old instance ends only after that. So whatever
//! runs and is not some agent's `current` can be ended at the next start, and nothing that serves is ever forgotten.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use nasiko_contract::{
    AgentName, AgentState, BuildState, Deployment, DeploymentId, DeploymentState, Fault, Protocol,
    RuntimeKind,
};
use nasiko_gateway::{Drain, Upstream};
use nasiko_runtime::{Artifact, InstanceId, StartSpec};
use nasiko_store::{Batch, Expected};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    plane::Shared,
    plans,
    probe::{self, Answering},
    records::{AgentRecord, BuildRecord, DeploymentRecord, RunPlan},
    report::Report,
};

/// How long requests that are open on an old instance may go on after the switch.
const DRAIN_LIMIT: Duration = Duration::from_secs(300);

/// An instance that answers and is not yet routed to.
pub(crate) struct Launched {
    pub(crate) deployment: DeploymentRecord,
    pub(crate) address: SocketAddr,
    /// Its card: served live, else the folder's, else a generated one.
    pub(crate) card: Value,
    pub(crate) card_generated: bool,
    pub(crate) protocol: Protocol,
    /// Held until the agent points to it.
    in_hand: InHand,
}

/// An instance that no agent points to, yet or any more, and that is not to be ended for it.
pub(crate) struct InHand {
    shared: Arc<Shared>,
    deployment: DeploymentId,
}

impl InHand {
    fn new(shared: &Arc<Shared>, deployment: &DeploymentId) -> Self {
        shared.in_hand.lock().insert(deployment.clone());
        Self {
            shared: Arc::clone(shared),
            deployment: deployment.clone(),
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.shared.in_hand.lock().remove(&self.deployment);
    }
}

/// A card and whether we made it up.
#[derive(Debug, Clone)]
pub(crate) struct KnownCard {
    pub(crate) json: Value,
    pub(crate) generated: bool,
}

impl Shared {
    /// Starts an instance of `plan` and waits until it answers. On failure nothing of it is left but its record.
    pub(crate) async fn launch(
        self: &Arc<Self>,
        agent: &AgentName,
        plan: &RunPlan,
        known_card: &KnownCard,
        report: &Report,
        cancel: &CancellationToken,
    ) -> Result<Launched, Fault> {
        let mut deployment = DeploymentRecord {
            id: DeploymentId(uuid::Uuid::now_v7().to_string()),
            agent: agent.clone(),
            version: plan.version.clone(),
            content_hash: plan.content_hash.clone(),
            runtime: plan.runtime,
            state: DeploymentState::Starting,
            instance: String::new(),
            env_fingerprint: {
                let folder_env = self.folder_env(agent, plan).await?;
                self.env_fingerprint(agent, &folder_env).await?
            },
            started: crate::time::now_ms(),
            ended: None,
            fault: None,
        };
        let in_hand = InHand::new(self, &deployment.id);
        self.put_deployment(&deployment).await?;
        let started = self
            .start_and_probe(plan, &mut deployment, report, cancel)
            .await;
        match started {
            Ok(answering) => {
                let (card, generated) = match answering.card {
                    Some(card) => (card, false),
                    None => (known_card.json.clone(), known_card.generated),
                };
                Ok(Launched {
                    deployment,
                    address: answering.address,
                    card,
                    card_generated: generated,
                    protocol: answering.protocol,
                    in_hand,
                })
            }
            Err(fault) => {
                self.remove_instance(&deployment).await;
                deployment.state = DeploymentState::Failed;
                deployment.ended = Some(crate::time::now_ms());
                deployment.fault = Some(fault.clone());
                self.put_deployment(&deployment).await?;
                Err(fault)
            }
        }
    }

    /// Starts on the most trusted port; when the program turns out to listen on another one inside of its container,
    /// starts it once more with that one published.
    async fn start_and_probe(
        &self,
        plan: &RunPlan,
        deployment: &mut DeploymentRecord,
        report: &Report,
        cancel: &CancellationToken,
    ) -> Result<Answering, Fault> {
        let runtime = self.runtime(plan.runtime);
        let id = InstanceId::new(deployment.id.as_str());
        let mut port = match plan.runtime {
            RuntimeKind::Process => None,
            RuntimeKind::Docker => Some(plan.ports.first().copied().unwrap_or(8000)),
        };
        let env = self.environment_of(deployment, plan).await?;
        for second_try in [false, true] {
            let spec = StartSpec {
                agent: deployment.agent.to_string(),
                deployment_id: deployment.id.to_string(),
                owner: crate::environment::OWNER.to_owned(),
                version: plan.version.clone(),
                artifact: plan.artifact.parse().map_err(|error| {
                    crate::plane::internal("what was prepared is not understood", &error)
                })?,
                command: plan.command.clone(),
                workdir: plan.workdir.clone(),
                env: env.clone(),
                port,
                labels: std::collections::BTreeMap::new(),
                limits: nasiko_runtime::Limits::default(),
                overlay: None,
            };
            let instance = runtime.start(&spec, cancel).await?;
            deployment.instance.clone_from(&instance.handle);
            self.put_deployment(deployment).await?;
            match probe::until_it_answers(self, &*runtime, &instance, plan, port, cancel).await? {
                probe::Outcome::Answers(answering) => return Ok(answering),
                probe::Outcome::ListensElsewhere(other) if !second_try => {
                    report.line(format!(
                        "It listens on {other}, not on {}: starting it again with that port",
                        port.unwrap_or_default()
                    ));
                    runtime.remove(&id).await?;
                    port = Some(other);
                }
                probe::Outcome::ListensElsewhere(other) => {
                    return Err(probe::wrong_port(port.unwrap_or_default(), other));
                }
            }
        }
        Err(probe::wrong_port(port.unwrap_or_default(), 0))
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
        } = launched;
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

    /// Ends the instance that was replaced once its open requests are done, and forgets what no start needs any more: of
    /// images, the new one and the one before are kept.
    fn retire(
        self: &Arc<Self>,
        agent: AgentName,
        previous: Option<DeploymentId>,
        previous_artifact: Option<String>,
        drain: Drain,
    ) {
        let shared = Arc::clone(self);
        let in_hand = previous
            .as_ref()
            .map(|previous| InHand::new(self, previous));
        // If this process ends meanwhile, the next start finds the old one unreferenced and ends it.
        self.spawn(async move {
            drain.finished(DRAIN_LIMIT).await;
            if let Some(previous) = previous {
                shared
                    .end_deployment(&previous, DeploymentState::Stopped)
                    .await;
            }
            drop(in_hand);
            shared.promote_current(&agent).await;
            shared.trim_history(&agent).await;
            let had_image = previous_artifact
                .as_ref()
                .is_some_and(|artifact| matches!(artifact.parse(), Ok(Artifact::Image { .. })));
            // Whoever is at work on the agent may just have made an image: then that job's end sees to the old ones.
            if had_image
                && let Some(_nobody_else_is_at_it) = shared.try_lock_agent(&agent)
                && let Ok(found) = shared.agent(&agent).await
            {
                let now = found.value.plan.map(|plan| plan.artifact);
                let kept: Vec<String> = now.into_iter().chain(previous_artifact).collect();
                shared.forget_images(&agent, &kept).await;
            }
        });
    }

    /// The instance that serves now gets the agent's plain name: perhaps not the one that was switched to when this was
    /// planned.
    async fn promote_current(&self, agent: &AgentName) {
        let _one_at_a_time = self.promoting.lock().await;
        let Ok(found) = self.agent(agent).await else {
            return;
        };
        let Some(current) = found.value.current else {
            return;
        };
        let instance = InstanceId::new(current.as_str());
        if let Err(error) = self.runtime(found.value.runtime).promote(&instance).await {
            tracing::debug!(%error, %agent, "the new instance did not get the agent's plain name");
        }
    }

    /// Deletes the images of an agent but for those that the artifacts `kept` name.
    pub(crate) async fn forget_images(&self, agent: &AgentName, kept: &[String]) {
        // Without an engine there is nothing to delete from.
        let images = self.docker.images().await.unwrap_or_default();
        let of_agent = plans::image_name(agent);
        for reference in images {
            let image = Artifact::Image { reference };
            let Artifact::Image { reference } = &image else {
                continue;
            };
            if !reference.starts_with(&of_agent) || kept.contains(&image.to_string()) {
                continue;
            }
            if let Err(error) = self.docker.remove_image(reference).await {
                tracing::debug!(%error, reference, "an image that is not needed any more was left");
            }
        }
    }

    /// Deletes the instance of a deployment that failed, with what let it in at the gateway.
    async fn remove_instance(&self, deployment: &DeploymentRecord) {
        let instance = InstanceId::new(deployment.id.as_str());
        if let Err(error) = self.runtime(deployment.runtime).remove(&instance).await {
            tracing::warn!(%error, %instance, "a failed instance could not be removed");
        }
        self.forget_credential(&deployment.agent, &deployment.id)
            .await;
    }

    /// Stops the instance of a deployment, deletes it with its logs, and writes down its end.
    pub(crate) async fn end_deployment(&self, id: &DeploymentId, state: DeploymentState) {
        let Some(runtime) = self.stop_deployment(id, state).await else {
            return;
        };
        let instance = InstanceId::new(id.as_str());
        if let Err(error) = self.runtime(runtime).remove(&instance).await {
            tracing::warn!(%error, %instance, "an instance could not be removed");
        }
    }

    /// Stops the instance of a deployment and writes down its end; its logs stay readable.
    pub(crate) async fn stop_deployment(
        &self,
        id: &DeploymentId,
        state: DeploymentState,
    ) -> Option<RuntimeKind> {
        let mut deployment = self
            .store
            .get::<DeploymentRecord>(id.as_str())
            .await
            .ok()??
            .value;
        let instance = InstanceId::new(id.as_str());
        let grace = self.stop_timeout(&deployment.agent).await;
        if let Err(error) = self
            .runtime(deployment.runtime)
            .stop(&instance, grace)
            .await
        {
            tracing::warn!(%error, %instance, "an instance could not be stopped");
        }
        self.dialects.lock().remove(id);
        self.forget_credential(&deployment.agent, id).await;
        if matches!(
            deployment.state,
            DeploymentState::Starting | DeploymentState::Running
        ) {
            deployment.state = state;
            deployment.ended = Some(crate::time::now_ms());
            if let Err(error) = self.put_deployment(&deployment).await {
                tracing::warn!(%error, %instance, "the end of a deployment was not written down");
            }
        }
        Some(deployment.runtime)
    }

    async fn stop_timeout(&self, agent: &AgentName) -> Duration {
        let settings = self.settings.load();
        let found = self.store.get::<AgentRecord>(agent.as_str()).await;
        found
            .ok()
            .flatten()
            .and_then(|found| found.value.plan)
            .map_or(
                Duration::from_secs(settings.stop_timeout_seconds.into()),
                |plan| plan.stop_timeout(&settings),
            )
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
