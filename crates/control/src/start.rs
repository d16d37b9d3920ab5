//! How an instance comes to answer: let go from standby or started, on the port where it turns out to listen.

use std::{collections::BTreeMap, time::Instant};

use nasiko_contract::{AgentName, DeploymentId, Fault, RuntimeKind};
use nasiko_runtime::{Instance, InstanceId, Standby, StartSpec};
use tokio_util::sync::CancellationToken;

use crate::{
    plane::Shared,
    probe::{self, Answering},
    records::{DeploymentRecord, RunPlan},
};

/// Where a container is expected to listen when nothing says so.
const DEFAULT_PORT: u16 = 8000;

/// An instance that was let go and answers.
pub(crate) struct Begun {
    pub(crate) answering: Answering,
    /// The port of its container that is reached, where it runs in one.
    pub(crate) port: Option<u16>,
    /// It had waited.
    pub(crate) warm: bool,
    /// When its own code began to load.
    pub(crate) let_go: Instant,
}

impl Shared {
    /// Starts on the most trusted port; when the program turns out to listen on another one inside of its container,
    /// starts it once more with that one published.
    pub(crate) async fn start_and_probe(
        &self,
        plan: &RunPlan,
        deployment: &mut DeploymentRecord,
        mut standby: Option<Box<dyn Standby>>,
        note: &(dyn Fn(String) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<Begun, Fault> {
        let runtime = self.runtime(plan.runtime);
        let id = InstanceId::new(deployment.id.as_str());
        let mut port = published_port(plan);
        for second_try in [false, true] {
            let mut warm = standby.is_some();
            let released = match standby.take() {
                Some(standby) => {
                    self.release(standby, &deployment.agent, plan, note, cancel)
                        .await?
                }
                None => None,
            };
            let instance = match released {
                Some(instance) => {
                    deployment.instance.clone_from(&instance.handle);
                    instance
                }
                None => {
                    warm = false;
                    self.start_cold(plan, deployment, port, cancel).await?
                }
            };
            let let_go = Instant::now();
            match probe::until_it_answers(self, &*runtime, &instance, plan, port, cancel).await? {
                probe::Outcome::Answers(answering) => {
                    return Ok(Begun {
                        answering,
                        port,
                        warm,
                        let_go,
                    });
                }
                probe::Outcome::ListensElsewhere(other) if !second_try => {
                    note(format!(
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

    /// Lets an instance go that waited; none if that failed, and an ordinary start is the way.
    async fn release(
        &self,
        standby: Box<dyn Standby>,
        agent: &AgentName,
        plan: &RunPlan,
        note: &(dyn Fn(String) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<Option<Instance>, Fault> {
        let overlay = self.overlay_of(agent, plan).await?;
        match standby.release(overlay, cancel).await {
            Ok(instance) => Ok(Some(instance)),
            Err(error) if cancel.is_cancelled() => Err(error.into()),
            Err(error) => {
                note(format!(
                    "It did not start from standby ({error}): starting it anew"
                ));
                Ok(None)
            }
        }
    }

    /// Starts an instance the ordinary way.
    async fn start_cold(
        &self,
        plan: &RunPlan,
        deployment: &mut DeploymentRecord,
        port: Option<u16>,
        cancel: &CancellationToken,
    ) -> Result<Instance, Fault> {
        let spec = self
            .start_spec(&deployment.agent, &deployment.id, plan, port)
            .await?;
        let instance = self.runtime(plan.runtime).start(&spec, cancel).await?;
        deployment.instance.clone_from(&instance.handle);
        self.put_deployment(deployment).await?;
        Ok(instance)
    }

    /// All that a runtime needs to start an instance of a plan.
    pub(crate) async fn start_spec(
        &self,
        agent: &AgentName,
        deployment: &DeploymentId,
        plan: &RunPlan,
        port: Option<u16>,
    ) -> Result<StartSpec, Fault> {
        Ok(StartSpec {
            agent: agent.to_string(),
            deployment_id: deployment.to_string(),
            owner: self.owner_of(agent).await?,
            version: plan.version.clone(),
            artifact: plan.artifact.parse().map_err(|error| {
                crate::plane::internal("what was prepared is not understood", &error)
            })?,
            command: plan.command.clone(),
            workdir: plan.workdir.clone(),
            env: self.environment_of(agent, deployment, plan).await?,
            port,
            labels: BTreeMap::new(),
            limits: nasiko_runtime::Limits::default(),
            overlay: self.overlay_of(agent, plan).await?,
        })
    }

    /// Tells the environment that an instance of a plan would get now from any other.
    pub(crate) async fn plan_fingerprint(
        &self,
        agent: &AgentName,
        plan: &RunPlan,
    ) -> Result<String, Fault> {
        let folder_env = self.folder_env(agent, plan).await?;
        self.env_fingerprint(agent, &folder_env).await
    }
}

/// The id of an instance that does not exist yet.
pub(crate) fn new_deployment() -> DeploymentId {
    DeploymentId(uuid::Uuid::now_v7().to_string())
}

/// The port of a container that can be reached; a process is told one.
pub(crate) fn published_port(plan: &RunPlan) -> Option<u16> {
    match plan.runtime {
        RuntimeKind::Process => None,
        RuntimeKind::Docker => Some(plan.ports.first().copied().unwrap_or(DEFAULT_PORT)),
    }
}
