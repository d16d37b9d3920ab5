//! Agents of a control plane that is gone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use nasiko_contract::{AgentState, ErrorCode, Fault, RuntimeKind};
use nasiko_gateway::Drain;
use nasiko_runtime::{Artifact, InstanceId, Runtime as _};
use tokio::net::TcpStream;

use super::{PlaneId, record::Left};
use crate::{
    jobs::{Work, new_job},
    plane::Shared,
    records::{AgentRecord, DeploymentRecord, Desired, RunPlan},
};

/// How long an instance may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

impl Shared {
    /// Looks at the agents of control planes that are gone: one of them may have ended, and nobody else would notice.
    pub(super) async fn look_at_orphans(self: &Arc<Self>) -> Result<(), Fault> {
        for agent in self.all_agents().await? {
            let plane = agent.plane.as_ref();
            if plane.is_some_and(|plane| *plane != *self.peers.me() && !self.peers.is_alive(plane))
            {
                self.look_soon(agent.name);
            }
        }
        Ok(())
    }

    /// An agent of a control plane that is gone: what answers goes on, what does not is started by a job. Gives the drain
    /// of the route before, if it changed. Nobody else may be at work on the agent here.
    pub(super) async fn look_after(&self, agent: &AgentRecord) -> Result<Option<Drain>, Fault> {
        let Some(plane) = &agent.plane else {
            return Ok(None);
        };
        if agent.desired == Desired::Stopped || agent.state != AgentState::Active {
            return Ok(Some(self.routes.suspend(agent.name.as_str())));
        }
        if let Some(address) = agent.address
            && self.peers.is_beside(plane)
            && answers(address).await
        {
            return Ok(self.route_to(agent, address));
        }
        let other = self.peers.others.lock().get(plane).cloned();
        let seen = other.as_ref().map_or(0, |other| other.seen);
        if other.and_then(|other| other.left) == Some(Left::AgentsEnded) {
            // Wanted all the same: it is back with its control plane, or when somebody starts it.
            self.change_agent(&agent.name, |now, _| {
                if now.state == AgentState::Active && now.current == agent.current {
                    now.state = AgentState::Stopped;
                }
            })
            .await?;
        } else {
            self.take_over(agent, seen).await?;
        }
        Ok(Some(self.routes.suspend(agent.name.as_str())))
    }

    /// Has it started again. Of several survivors one gets through: state and job are written together.
    async fn take_over(&self, agent: &AgentRecord, seen: i64) -> Result<(), Fault> {
        let Some(ended) = &agent.current else {
            return Ok(());
        };
        let work = Work::Start {
            agent: agent.name.clone(),
            after: Some(ended.clone()),
        };
        let job = new_job(&work, Some(&format!("orphan:{ended}:{seen}")))?;
        let taken = self
            .change_agent(&agent.name, |now, batch| {
                if now.state == AgentState::Active
                    && now.current == agent.current
                    && now.plane == agent.plane
                {
                    now.be_at("Starting again");
                    now.state = AgentState::SettingUp;
                    batch.enqueue(job.clone());
                }
            })
            .await;
        match taken {
            Ok(_) => {
                tracing::info!(agent = %agent.name, "an agent of a control plane that is gone is started again");
                Ok(())
            }
            // Another survivor was quicker.
            Err(fault) if fault.code == ErrorCode::Conflict => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Ends an instance of a control plane that is gone, if it is on this machine; else that one does, when it is back.
    pub(super) async fn end_abandoned(
        &self,
        mut deployment: DeploymentRecord,
        holder: &PlaneId,
        grace: Duration,
    ) {
        if !self.peers.is_beside(holder) {
            return;
        }
        let ended = match deployment.runtime {
            RuntimeKind::Process => {
                let instance = InstanceId::new(deployment.id.as_str());
                self.process
                    .stop_abandoned(&holder.0, &instance, grace)
                    .await
            }
            // By the engine's own id: it is the same engine.
            RuntimeKind::Docker => {
                let container = InstanceId::new(&deployment.instance);
                match self.docker.stop(&container, grace).await {
                    Ok(()) => self.docker.remove(&container).await,
                    failed => failed,
                }
            }
        };
        deployment.plane = None;
        let noted = match ended {
            Ok(()) => self.put_deployment(&deployment).await,
            Err(error) => Err(error.into()),
        };
        if let Err(fault) = noted {
            tracing::warn!(%fault, deployment = %deployment.id, "an instance of a control plane that is gone was not ended");
        }
    }

    /// Whether an instance of the agent's plan can be started here. What another control plane prepared may lie where this
    /// one does not reach it.
    pub(crate) async fn can_start_here(&self, agent: &AgentRecord) -> bool {
        let (Some(plane), Some(plan)) = (&agent.plane, &agent.plan) else {
            return true;
        };
        if self.peers.is_ours(agent) {
            return true;
        }
        if !self.peers.is_beside(plane) {
            return false;
        }
        match plan.runtime {
            // Laid over the image is what the other one's data directory holds.
            RuntimeKind::Docker => plan.overlay.is_none(),
            RuntimeKind::Process => has_files(plan).await,
        }
    }
}

async fn has_files(plan: &RunPlan) -> bool {
    let there = async |path| fs_err::tokio::try_exists(path).await.unwrap_or(false);
    let prepared = match plan.artifact.parse() {
        Ok(Artifact::Python { environment } | Artifact::Node { environment }) => {
            there(environment).await
        }
        Ok(_) => true,
        Err(_) => false,
    };
    prepared && there(plan.workdir.clone()).await
}

/// Whether something listens there.
async fn answers(address: SocketAddr) -> bool {
    let connecting = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address));
    connecting.await.is_ok_and(|connected| connected.is_ok())
}
