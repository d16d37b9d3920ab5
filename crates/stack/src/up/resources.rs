//! Makes networks and volumes.

use std::collections::HashMap;

use bollard::query_parameters::ListContainersOptionsBuilder;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use nasiko_engine::{CONFLICT, FORBIDDEN, NOT_FOUND, status};

use super::Job;
use crate::plan::{Plan, ResourceAction, ResourceStep};
use crate::progress::Progress;
use crate::stack::Stack;
use crate::{StackError, spec};

const PARALLEL_RESOURCES: usize = 8;

impl Job<'_> {
    pub(super) async fn resources(&self, plan: &Plan) -> Result<(), StackError> {
        let networks: Vec<_> = plan
            .networks
            .iter()
            .map(|step| self.network(step))
            .collect();
        let networks = stream::iter(networks)
            .buffer_unordered(PARALLEL_RESOURCES)
            .try_collect::<()>();
        let volumes: Vec<_> = plan.volumes.iter().map(|step| self.volume(step)).collect();
        let volumes = stream::iter(volumes)
            .buffer_unordered(PARALLEL_RESOURCES)
            .try_collect::<()>();
        tokio::try_join!(networks, volumes)?;
        Ok(())
    }

    async fn network(&self, step: &ResourceStep) -> Result<(), StackError> {
        let Some(network) = self.project.networks.get(&step.key) else {
            return Ok(());
        };
        match step.action {
            ResourceAction::Keep => return Ok(()),
            ResourceAction::Create => {}
            ResourceAction::Recreate => {
                self.empty_network(&step.name).await?;
                self.stack.remove_network(&step.name).await?;
            }
        }
        let (request, _) = spec::network(self.project, &step.key, network, &self.stack.key);
        let client = self.stack.engine.client().await?;
        let making = async move { client.create_network(request).await };
        match self.unbroken(making).await {
            // Made by somebody else meanwhile.
            Err(error) if status(&error) == Some(CONFLICT) => {}
            Err(error) => return Err(self.stack.engine.failed("making a network", error).into()),
            Ok(_) => {}
        }
        self.progress.report(Progress::Network {
            name: step.name.clone(),
            made: true,
        });
        Ok(())
    }

    /// Takes the project's containers off a network that is made anew: all of them are replaced anyway.
    async fn empty_network(&self, name: &str) -> Result<(), StackError> {
        let client = self.stack.engine.client().await?;
        let mut filters = crate::observe::of_project(&self.project.name);
        filters.insert("network".to_owned(), vec![name.to_owned()]);
        let options = ListContainersOptionsBuilder::default()
            .filters(&filters)
            .build();
        let on_it = client
            .list_containers(Some(options))
            .await
            .map_err(|error| self.stack.engine.failed("listing containers", error))?;
        let stops = on_it.into_iter().filter_map(|container| container.id);
        stream::iter(stops)
            .map(|id| async move { self.stack.stop_container(&id).await })
            .buffer_unordered(PARALLEL_RESOURCES)
            .try_collect()
            .await
    }

    async fn volume(&self, step: &ResourceStep) -> Result<(), StackError> {
        let volume = self.project.volumes.get(&step.key);
        let Some(volume) = volume.filter(|_| step.action != ResourceAction::Keep) else {
            return Ok(());
        };
        let (request, _) = spec::volume(self.project, &step.key, volume, &self.stack.key);
        let client = self.stack.engine.client().await?;
        client
            .create_volume(request)
            .await
            .map_err(|error| self.stack.engine.failed("making a volume", error))?;
        self.progress.report(Progress::Volume {
            name: step.name.clone(),
            made: true,
        });
        Ok(())
    }
}

impl Stack {
    /// One that is gone is removed already. The error names the containers that still use it.
    pub(crate) async fn remove_network(&self, name: &str) -> Result<(), StackError> {
        let client = self.engine.client().await?;
        match client.remove_network(name).await {
            Ok(()) => Ok(()),
            Err(error) if status(&error) == Some(NOT_FOUND) => Ok(()),
            Err(error) if matches!(status(&error), Some(FORBIDDEN | CONFLICT)) => {
                let (kind, users) = ("network", self.users("network", name).await);
                let name = name.to_owned();
                Err(StackError::InUse { kind, name, users })
            }
            Err(error) => Err(self.engine.failed("removing a network", error).into()),
        }
    }

    /// The names of containers that use a network or a volume; empty when they cannot be had.
    pub(crate) async fn users(&self, filter: &str, name: &str) -> Vec<String> {
        let Ok(client) = self.engine.client().await else {
            return Vec::new();
        };
        let filters = HashMap::from([(filter, vec![name])]);
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let listed = client.list_containers(Some(options)).await;
        listed
            .unwrap_or_default()
            .into_iter()
            .filter_map(|container| container.names?.into_iter().next())
            .map(|name| name.trim_start_matches('/').to_owned())
            .collect()
    }
}
