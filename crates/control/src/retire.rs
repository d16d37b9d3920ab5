//! The end of instances: of the one that was replaced, of one that failed, of all that belongs to a deployment.

use std::{sync::Arc, time::Duration};

use nasiko_contract::{AgentName, DeploymentId, DeploymentState, RuntimeKind};
use nasiko_gateway::Drain;
use nasiko_runtime::{Artifact, InstanceId};

use crate::{
    launch::InHand,
    plane::Shared,
    plans,
    records::{AgentRecord, DeploymentRecord},
};

/// How long requests that are open on an old instance may go on after the switch.
const DRAIN_LIMIT: Duration = Duration::from_secs(300);

impl Shared {
    /// Ends the instance that was replaced once its open requests are done, and forgets what no start needs any more: of
    /// images, the new one and the one before are kept.
    pub(crate) fn retire(
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
                shared.until_let_go(&previous, DRAIN_LIMIT).await;
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
    pub(crate) async fn remove_instance(&self, deployment: &DeploymentRecord) {
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

    /// Stops the instance of a deployment and writes down its end; its logs stay readable. Gives the place where it ran,
    /// if it is for this control plane to remove it there.
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
        if self.peers.is_other(deployment.plane.as_ref()) {
            self.ask_peer_to_end(deployment, state, grace).await;
            return None;
        }
        if let Err(error) = self
            .runtime(deployment.runtime)
            .stop(&instance, grace)
            .await
        {
            tracing::warn!(%error, %instance, "an instance could not be stopped");
        }
        self.dialects.lock().remove(id);
        self.forget_credential(&deployment.agent, id).await;
        let is_open = deployment.is_open();
        if is_open {
            deployment.state = state;
            deployment.ended = Some(crate::time::now_ms());
        }
        let had_instance = deployment.plane.take().is_some();
        if (is_open || had_instance)
            && let Err(error) = self.put_deployment(&deployment).await
        {
            tracing::warn!(%error, %instance, "the end of a deployment was not written down");
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
}
