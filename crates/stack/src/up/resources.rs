//! Makes networks and volumes.

use std::collections::HashMap;

use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use nasiko_engine::{CONFLICT, FORBIDDEN, NOT_FOUND, status};

use super::Job;
use crate::compose::Project;
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
        if step.action != ResourceAction::Create && !network.external {
            // Left by an `up` that was broken off.
            self.stack.remove_twins(self.project, &step.name).await?;
        }
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
            Ok(_) => {
                self.stack.remove_twins(self.project, &step.name).await?;
            }
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
    /// Removes networks of a project that have the name of another of it. Engines before 25 make several where two ask at the
    /// same time, and then start no container on any of them. All who look choose the same one to stay. Answers whether there
    /// were any.
    pub(crate) async fn remove_twins(
        &self,
        project: &Project,
        name: &str,
    ) -> Result<bool, StackError> {
        let client = self.engine.client().await?;
        let failed = |error| {
            self.engine
                .failed("looking for networks of one name", error)
        };
        let mut filters = crate::observe::of_project(&project.name);
        filters.insert("name".to_owned(), vec![name.to_owned()]);
        let options = ListNetworksOptionsBuilder::default()
            .filters(&filters)
            .build();
        let mut found = client.list_networks(Some(options)).await.map_err(failed)?;
        // The engine takes a part of a name for it.
        found.retain(|network| network.name.as_deref() == Some(name));
        found.sort_by(|one, two| (&one.created, &one.id).cmp(&(&two.created, &two.id)));
        let ids: Vec<String> = found.into_iter().filter_map(|network| network.id).collect();
        let Some((first, twins)) = ids.split_first() else {
            return Ok(false);
        };
        for twin in twins {
            match client.remove_network(twin).await {
                // This one is in use already, so the first is not.
                Err(error) if status(&error) == Some(FORBIDDEN) => {
                    self.remove_network(first).await?;
                }
                Err(error) if status(&error) != Some(NOT_FOUND) => return Err(failed(error).into()),
                _ => {}
            }
        }
        Ok(!twins.is_empty())
    }

    /// One that is gone is removed already. The error names the containers that still use it.
    pub(crate) async fn remove_network(&self, name: &str) -> Result<(), StackError> {
        self.remove_network_by(name, name).await
    }

    /// The same, by what the engine takes for it, for one whose name is told.
    pub(crate) async fn remove_network_by(&self, id: &str, name: &str) -> Result<(), StackError> {
        let client = self.engine.client().await?;
        match client.remove_network(id).await {
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
