//! A stack in an engine: brought up, brought down, controlled service by service.

use std::sync::Arc;

use bollard::Docker;
use bollard::query_parameters::{RestartContainerOptionsBuilder, StopContainerOptionsBuilder};
use nasiko_engine::{Engine, NOT_FOUND, status, unchanged};

use crate::StackError;
use crate::observed::{Container, State};
use crate::spec::HashKey;

/// What the engine itself may need beyond a container's grace.
const STOP_MARGIN: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// All stacks of an engine. Cheap to make; whatever is known of a stack is the engine's.
#[derive(Clone)]
pub struct Stack {
    pub(crate) engine: Arc<Engine>,
    pub(crate) key: HashKey,
}

impl Stack {
    /// `key` belongs to the installation: see [`HashKey`].
    pub fn new(engine: Arc<Engine>, key: HashKey) -> Self {
        Self { engine, key }
    }

    /// The containers of a project, whoever made them, by service.
    pub async fn status(&self, project: &str) -> Result<Vec<Container>, StackError> {
        let mut containers = self.containers(project).await?;
        containers.sort_by(|one, two| (&one.service, &one.name).cmp(&(&two.service, &two.name)));
        Ok(containers)
    }

    /// Starts a service's container as it is.
    pub async fn start(&self, project: &str, service: &str) -> Result<(), StackError> {
        let container = self.of_service(project, service).await?;
        match container.state {
            State::Paused => self.resume_container(&container.id).await,
            _ => self.start_container(&container.id).await,
        }
    }

    /// Stops a service's container, giving it the grace it was made with. It stays, and is not started again by itself.
    pub async fn stop(&self, project: &str, service: &str) -> Result<(), StackError> {
        let container = self.of_service(project, service).await?;
        self.stop_container(&container.id).await
    }

    /// Stops and starts a service's container.
    pub async fn restart(&self, project: &str, service: &str) -> Result<(), StackError> {
        let container = self.of_service(project, service).await?;
        self.restart_container(&container.id).await
    }

    /// The container of a service: the one that runs, or the newest.
    pub(crate) async fn of_service(
        &self,
        project: &str,
        service: &str,
    ) -> Result<Container, StackError> {
        let containers = self.containers(project).await?;
        containers
            .into_iter()
            .filter(|container| container.service == service)
            .max_by_key(|container| (container.state == State::Running, container.created_at))
            .ok_or_else(|| StackError::ServiceUnknown {
                project: project.to_owned(),
                service: service.to_owned(),
            })
    }

    /// A client for calls that take as long as a container takes to end.
    async fn patient_client(&self) -> Result<Docker, StackError> {
        Ok(self.engine.client().await?.with_timeout(STOP_MARGIN))
    }

    pub(crate) async fn start_container(&self, id: &str) -> Result<(), StackError> {
        let client = self.engine.client().await?;
        match client.start_container(id, None).await {
            Err(error) if !unchanged(&error) => {
                Err(self.engine.failed("starting a container", error).into())
            }
            _ => Ok(()),
        }
    }

    pub(crate) async fn resume_container(&self, id: &str) -> Result<(), StackError> {
        let client = self.engine.client().await?;
        client
            .unpause_container(id)
            .await
            .map_err(|error| self.engine.failed("resuming a container", error).into())
    }

    pub(crate) async fn restart_container(&self, id: &str) -> Result<(), StackError> {
        let client = self.patient_client().await?;
        let options = RestartContainerOptionsBuilder::default().build();
        client
            .restart_container(id, Some(options))
            .await
            .map_err(|error| self.engine.failed("restarting a container", error).into())
    }

    /// One that is gone or does not run is stopped already.
    pub(crate) async fn stop_container(&self, id: &str) -> Result<(), StackError> {
        let client = self.patient_client().await?;
        let options = StopContainerOptionsBuilder::default().build();
        match client.stop_container(id, Some(options)).await {
            Err(error) if status(&error) != Some(NOT_FOUND) && !unchanged(&error) => {
                Err(self.engine.failed("stopping a container", error).into())
            }
            _ => Ok(()),
        }
    }

    /// Its volumes stay. One that is gone is removed already.
    pub(crate) async fn remove_container(&self, id: &str) -> Result<(), StackError> {
        Ok(self.engine.remove_container(id, false).await?)
    }
}
