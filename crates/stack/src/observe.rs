//! Asks the engine what it has of a project.

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, HealthStatusEnum, PortMap,
};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use nasiko_engine::{NOT_FOUND, moment, status};

use crate::compose::Project;
use crate::observed::{Container, Health, Observed, Published, Resource, State};
use crate::stack::Stack;
use crate::{StackError, label, spec};

/// Questions asked at the same time.
const PARALLEL_QUESTIONS: usize = 8;

impl Stack {
    /// Everything the engine has of a project and of what its services name.
    pub(crate) async fn observe(&self, project: &Project) -> Result<Observed, StackError> {
        let client = self.engine.client().await?;
        let references = project
            .services
            .values()
            .map(|service| spec::image_of(project, service));
        let volumes = project.volumes.values().map(|volume| volume.name.clone());
        let (containers, networks, volumes, images) = tokio::try_join!(
            containers(&client, &project.name),
            networks(&client),
            volumes_of(&client, volumes.collect()),
            images(&client, references.collect()),
        )
        .map_err(|error| self.engine.failed("looking at what is there", error))?;
        Ok(Observed {
            containers,
            networks,
            volumes,
            images,
        })
    }

    /// The containers of a project, whoever made them.
    pub(crate) async fn containers(&self, project: &str) -> Result<Vec<Container>, StackError> {
        let client = self.engine.client().await?;
        containers(&client, project)
            .await
            .map_err(|error| self.engine.failed("listing containers", error).into())
    }

    /// A container by its id; none when it is gone.
    pub(crate) async fn container(&self, id: &str) -> Result<Option<Container>, StackError> {
        let client = self.engine.client().await?;
        let found = inspect(&client, id)
            .await
            .map_err(|error| self.engine.failed("looking at a container", error))?;
        Ok(found.as_ref().and_then(container_of))
    }
}

/// The filter for what is labelled as a project's.
pub(crate) fn of_project(project: &str) -> HashMap<String, Vec<String>> {
    let label = format!("{}={project}", label::PROJECT);
    HashMap::from([("label".to_owned(), vec![label])])
}

async fn containers(client: &Docker, project: &str) -> Result<Vec<Container>, Error> {
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&of_project(project))
        .build();
    let listed = client.list_containers(Some(options)).await?;
    let ids = listed.into_iter().filter_map(|container| container.id);
    let found: Vec<Option<Container>> = stream::iter(ids)
        .map(|id| async move {
            // None was removed since it was listed.
            let found = inspect(client, &id).await?;
            Ok::<_, Error>(found.as_ref().and_then(container_of))
        })
        .buffered(PARALLEL_QUESTIONS)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

pub(crate) async fn inspect(
    client: &Docker,
    id: &str,
) -> Result<Option<ContainerInspectResponse>, Error> {
    match client
        .inspect_container(id, None::<InspectContainerOptions>)
        .await
    {
        Ok(found) => Ok(Some(found)),
        Err(error) if status(&error) == Some(NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn networks(client: &Docker) -> Result<HashMap<String, Resource>, Error> {
    let listed = client.list_networks(None).await?;
    let named = listed.into_iter().filter_map(|network| {
        let labels = network.labels.unwrap_or_default();
        Some((network.name?, resource(&labels)))
    });
    Ok(named.collect())
}

async fn volumes_of(
    client: &Docker,
    names: Vec<String>,
) -> Result<HashMap<String, Resource>, Error> {
    let found: Vec<Option<(String, Resource)>> = stream::iter(names)
        .map(|name| async move {
            match client.inspect_volume(&name).await {
                Ok(volume) => Ok(Some((name, resource(&volume.labels)))),
                Err(error) if status(&error) == Some(NOT_FOUND) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .buffered(PARALLEL_QUESTIONS)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn images(
    client: &Docker,
    mut references: Vec<String>,
) -> Result<HashMap<String, String>, Error> {
    references.sort();
    references.dedup();
    let found: Vec<Option<(String, String)>> = stream::iter(references)
        .map(|reference| async move {
            match client.inspect_image(&reference).await {
                Ok(image) => Ok(image.id.map(|id| (reference, id))),
                Err(error) if status(&error) == Some(NOT_FOUND) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .buffered(PARALLEL_QUESTIONS)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

fn resource(labels: &HashMap<String, String>) -> Resource {
    Resource {
        project: labels.get(label::PROJECT).cloned(),
        config_hash: labels.get(label::HASH).cloned(),
    }
}

/// A container of a project in plain words; none for one that is of no service, or of one command alone.
pub(crate) fn container_of(found: &ContainerInspectResponse) -> Option<Container> {
    let config = found.config.as_ref()?;
    let labels = config.labels.as_ref()?;
    let is_oneoff = labels
        .get(label::ONEOFF)
        .is_some_and(|value| value == "True");
    let service = labels.get(label::SERVICE).filter(|_| !is_oneoff)?;
    let state = found.state.clone().unwrap_or_default();
    let health = state.health.and_then(|health| health.status);
    let ports = found
        .network_settings
        .as_ref()
        .and_then(|settings| settings.ports.as_ref());
    let waits = labels.get(label::DEPENDS_ON).map(String::as_str);
    Some(Container {
        id: found.id.clone()?,
        name: found.name.clone()?.trim_start_matches('/').to_owned(),
        service: service.clone(),
        config_hash: labels.get(label::HASH).cloned(),
        image: config.image.clone().unwrap_or_default(),
        image_id: found.image.clone().unwrap_or_default(),
        state: match state.status {
            Some(ContainerStateStatusEnum::CREATED) => State::Created,
            Some(ContainerStateStatusEnum::RUNNING) => State::Running,
            Some(ContainerStateStatusEnum::PAUSED) => State::Paused,
            Some(ContainerStateStatusEnum::RESTARTING) => State::Restarting,
            Some(ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD) => {
                State::Dead
            }
            _ => State::Exited(state.exit_code.unwrap_or_default()),
        },
        health: match health {
            Some(HealthStatusEnum::STARTING) => Some(Health::Starting),
            Some(HealthStatusEnum::HEALTHY) => Some(Health::Healthy),
            Some(HealthStatusEnum::UNHEALTHY) => Some(Health::Unhealthy),
            _ => None,
        },
        created_at: found.created.as_deref().and_then(moment),
        started_at: state.started_at.as_deref().and_then(moment),
        restarts: found
            .restart_count
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0),
        ports: ports.map(published).unwrap_or_default(),
        nameless_volumes: found
            .mounts
            .iter()
            .flatten()
            .filter_map(|point| point.name.clone())
            .filter(|name| is_generated(name))
            .collect(),
        depends_on: waits
            .unwrap_or_default()
            .split(',')
            .filter_map(|wait| wait.split(':').next())
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        labels: labels
            .iter()
            .filter(|(name, _)| !label::is_of_tools(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    })
}

fn published(ports: &PortMap) -> Vec<Published> {
    let mut all: Vec<Published> = ports
        .iter()
        .flat_map(|(target, bindings)| {
            bindings.iter().flatten().filter_map(move |binding| {
                Some(Published {
                    address: binding.host_ip.as_deref().and_then(|ip| ip.parse().ok()),
                    port: binding.host_port.as_deref()?.parse().ok()?,
                    target: target.clone(),
                })
            })
        })
        .collect();
    all.sort();
    all
}

/// Whether the engine made a volume's name up.
pub(crate) fn is_generated(name: &str) -> bool {
    name.len() == 64 && name.chars().all(|character| character.is_ascii_hexdigit())
}
