//! A new instance where another one serves: beside it, or in its place where only one can run.

use std::{sync::Arc, time::Duration};

use nasiko_contract::{AgentState, DeploymentState, ErrorCode, Fault, RuntimeKind};
use nasiko_runtime::{InstanceId, Runtime as _};
use nasiko_store::Batch;
use tokio_util::sync::CancellationToken;

use crate::{
    launch::{Launch, Launched},
    plane::Shared,
    records::AgentRecord,
};

/// How long requests that are open on an instance may go on when it is replaced in place.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

impl Shared {
    /// Starts an instance beside the one that serves. A program that insists on a port, which the one that serves holds,
    /// is started in its place.
    pub(crate) async fn launch_beside(
        self: &Arc<Self>,
        agent: &AgentRecord,
        launch: Launch<'_>,
        cancel: &CancellationToken,
    ) -> Result<Launched, Fault> {
        let once_more = Launch {
            standby: None,
            also: Batch::new(),
            ..launch
        };
        let beside = Launch {
            standby: launch.standby,
            also: launch.also,
            ..once_more
        };
        match self.launch(beside, cancel).await {
            Err(fault)
                if fault.code == ErrorCode::PortTaken && self.insists_on_a_port(agent).await =>
            {
                (once_more.note)(
                    "It insists on a port that the one that serves holds: it takes its place"
                        .to_owned(),
                );
                // Seldom, and large.
                Box::pin(self.launch_in_place(agent, once_more)).await
            }
            launched => launched,
        }
    }

    /// Ends the instance that serves first, since only one can run; new requests wait meanwhile. Cannot be cancelled: there
    /// is no way back, since the files of the old version are gone.
    pub(crate) async fn launch_in_place(
        self: &Arc<Self>,
        agent: &AgentRecord,
        launch: Launch<'_>,
    ) -> Result<Launched, Fault> {
        let name = &agent.name;
        let limit = DRAIN_LIMIT + launch.plan.start_timeout(&self.settings.load());
        let drain = self.routes.hold(name.as_str(), limit);
        drain.finished(DRAIN_LIMIT).await;
        if let Some(current) = &agent.current {
            self.stop_deployment(current, DeploymentState::Stopped)
                .await;
        }
        let launched = self.launch(launch, &CancellationToken::new()).await;
        if let Err(fault) = &launched {
            let _nothing_answers = self.routes.suspend(name.as_str());
            self.change_agent(name, |agent, _| {
                agent.state = AgentState::Failed;
                agent.fault = Some(fault.clone());
            })
            .await?;
        }
        let mut launched = launched?;
        launched.alone = true;
        Ok(launched)
    }

    /// Whether the instance that serves listens where it was not told to: then another one beside it cannot.
    async fn insists_on_a_port(&self, agent: &AgentRecord) -> bool {
        let (RuntimeKind::Process, Some(current)) = (agent.runtime, &agent.current) else {
            return false;
        };
        // Another control plane's instance cannot be asked, and what we start is told a free port.
        if !self.peers.is_ours(agent) {
            return true;
        }
        let id = InstanceId::new(current.as_str());
        let told = self.process.list().await.ok().and_then(|instances| {
            let mine = instances.into_iter().find(|instance| instance.id == id)?;
            Some(mine.address?.port())
        });
        let listens = self.process.listening(&id).await;
        listens.iter().any(|port| Some(*port) != told)
    }
}
