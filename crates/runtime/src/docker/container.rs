//! Makes, names, finds and removes containers.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HostConfig,
    HostConfigLogConfig, NetworkingConfig, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, RenameContainerOptionsBuilder,
};
use nasiko_engine::{CONFLICT, status};
use tokio_util::sync::CancellationToken;

use super::{Shared, label, network, observe, overlay, reach, standby};
use crate::error::RuntimeError;
use crate::instance::{Instance, InstanceId};
use crate::placeholder;
use crate::spec::{Artifact, StartSpec};

/// Within a container a program has to listen on every address to be reached from outside of it.
const HOST: &str = "0.0.0.0";
const DEFAULT_PORT: u16 = 8000;
/// Log files the engine keeps of a container, each of the limit's size.
const LOG_FILES: &str = "2";
/// How much of a deployment id tells two containers of one agent apart.
const SHORT_ID: usize = 8;

pub(super) async fn start(
    shared: &Arc<Shared>,
    spec: &StartSpec,
    cancel: &CancellationToken,
) -> Result<Instance, RuntimeError> {
    let laid = spec.overlay.clone().filter(|laid| !laid.is_empty());
    if laid
        .as_ref()
        .is_some_and(|laid| !overlay::is_plain(laid.as_ref()))
    {
        return standby::start(shared, spec, cancel).await;
    }
    let image = image(spec)?;
    claim(shared, spec).await?;
    check(cancel)?;
    let client = shared.engine.client().await?;
    let id = create(shared, &client, &names(spec), body(shared, spec, image)).await?;
    let started = async {
        if let Some(laid) = laid {
            let putting = overlay::put(shared, &client, &id, move |out| laid.write_tar(out));
            tokio::select! {
                put = putting => put?,
                () = cancel.cancelled() => {}
            }
        }
        check(cancel)?;
        run(shared, &client, spec, &id).await
    };
    let started = started.await;
    if started.is_err() {
        shared.drop_container(&id).await;
    }
    started
}

/// The image to start from.
pub(super) fn image(spec: &StartSpec) -> Result<&str, RuntimeError> {
    match &spec.artifact {
        Artifact::Image { reference } => Ok(reference),
        _ => Err(RuntimeError::InvalidSpec {
            message: "a container needs an image".to_owned(),
        }),
    }
}

/// Sees to it that nothing else is called like this, and that there is a network to be on.
pub(super) async fn claim(shared: &Shared, spec: &StartSpec) -> Result<(), RuntimeError> {
    let instance = InstanceId::new(&spec.deployment_id);
    let (existing, _) = tokio::try_join!(find(shared, &instance), network::ensure(shared))?;
    if existing.is_some() {
        return Err(RuntimeError::InvalidSpec {
            message: format!("instance {instance} was started before"),
        });
    }
    Ok(())
}

/// Starts a container that was made and says what instance it is.
pub(super) async fn run(
    shared: &Shared,
    client: &Docker,
    spec: &StartSpec,
    id: &str,
) -> Result<Instance, RuntimeError> {
    let refused = |error| start_failure(shared, spec, error);
    client.start_container(id, None).await.map_err(refused)?;
    observe::inspect(shared, id)
        .await?
        .and_then(|inspected| observe::instance_of(&inspected))
        .ok_or_else(|| RuntimeError::InstanceUnknown {
            id: spec.deployment_id.clone(),
        })
}

pub(super) fn check(cancel: &CancellationToken) -> Result<(), RuntimeError> {
    if cancel.is_cancelled() {
        Err(RuntimeError::Cancelled { what: "starting" })
    } else {
        Ok(())
    }
}

/// Creates the container under the first of these names that is not taken.
pub(super) async fn create(
    shared: &Shared,
    client: &Docker,
    names: &[String],
    body: ContainerCreateBody,
) -> Result<String, RuntimeError> {
    let mut refused = None;
    for name in names {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        match client.create_container(Some(options), body.clone()).await {
            Ok(created) => return Ok(created.id),
            Err(error) if status(&error) == Some(CONFLICT) => refused = Some(error),
            Err(error) => return Err(shared.failed("making a container", error)),
        }
    }
    Err(refused.map_or_else(
        || RuntimeError::Internal("a container was neither made nor refused".to_owned()),
        |error| shared.failed("making a container", error),
    ))
}

/// The first of the engine's two steps alone.
#[cfg(test)]
pub(super) async fn create_only(shared: &Shared, spec: &StartSpec) -> Result<String, RuntimeError> {
    let client = shared.engine.client().await?;
    let body = body(shared, spec, image(spec)?);
    create(shared, &client, &names(spec), body).await
}

/// The agent's plain name, and a longer one for while that is taken.
pub(super) fn names(spec: &StartSpec) -> [String; 2] {
    [
        plain_name(&spec.agent),
        long_name(&spec.agent, &spec.deployment_id),
    ]
}

fn plain_name(agent: &str) -> String {
    format!("agent-{agent}")
}

fn long_name(agent: &str, deployment_id: &str) -> String {
    format!("{}-{}", plain_name(agent), short_id(deployment_id))
}

/// What a container is called until it is promoted, so that nobody takes it for an agent before.
pub(super) fn standby_name(agent: &str, deployment_id: &str) -> String {
    format!("standby-{agent}-{}", short_id(deployment_id))
}

fn short_id(deployment_id: &str) -> &str {
    // The end of an id is what differs: its beginning may be a time.
    let start = deployment_id
        .char_indices()
        .rev()
        .nth(SHORT_ID - 1)
        .map_or(0, |(index, _)| index);
    deployment_id
        .get(start..)
        .unwrap_or(deployment_id)
        .trim_start_matches(['-', '_'])
}

/// The command asked for; none runs the image's own.
pub(super) fn command(spec: &StartSpec) -> Option<Vec<String>> {
    let port = spec.port.unwrap_or(DEFAULT_PORT);
    let words = spec.command.iter();
    let command: Vec<String> = words
        .map(|word| placeholder::replace(word, HOST, port))
        .collect();
    (!command.is_empty()).then_some(command)
}

pub(super) fn body(shared: &Shared, spec: &StartSpec, image: &str) -> ContainerCreateBody {
    let port = spec.port.unwrap_or(DEFAULT_PORT);
    let published = format!("{port}/tcp");
    let binding = PortBinding {
        host_ip: Some("127.0.0.1".to_owned()),
        host_port: Some(String::new()),
    };
    let limits = &spec.limits;
    let log_config = HashMap::from([
        ("max-size".to_owned(), limits.log_bytes.to_string()),
        ("max-file".to_owned(), LOG_FILES.to_owned()),
    ]);
    ContainerCreateBody {
        image: Some(image.to_owned()),
        // Given as the entry point, a command stands for itself, whatever entry point the image has.
        entrypoint: command(spec),
        working_dir: Some(spec.workdir.to_string_lossy().into_owned())
            .filter(|folder| !folder.is_empty()),
        env: Some(environment(spec, port)),
        labels: Some(labels(shared, spec)),
        exposed_ports: Some(vec![published.clone()]),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(
                shared.config.network.clone(),
                EndpointSettings::default(),
            )])),
        }),
        host_config: Some(HostConfig {
            network_mode: Some(shared.config.network.clone()),
            port_bindings: Some(HashMap::from([(published, Some(vec![binding]))])),
            // What happens after an end is decided elsewhere, for all runtimes alike.
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::NO),
                maximum_retry_count: None,
            }),
            // A first process of ours, so that a program need not handle signals and orphans as one.
            init: Some(true),
            memory: limits
                .memory_bytes
                .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            nano_cpus: limits
                .milli_cpus
                .map(|milli_cpus| i64::from(milli_cpus) * 1_000_000),
            pids_limit: limits.pids.map(i64::from),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(log_config),
            }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn environment(spec: &StartSpec, port: u16) -> Vec<String> {
    let given = spec
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()));
    let port = port.to_string();
    let ours = [("PORT", port.as_str()), ("HOST", HOST)];
    let merged: BTreeMap<&str, &str> = [("PYTHONUNBUFFERED", "1")]
        .into_iter()
        .chain(given)
        .chain(ours)
        .collect();
    merged
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn labels(shared: &Shared, spec: &StartSpec) -> HashMap<String, String> {
    let ours = [
        (label::TYPE, label::AGENT),
        (label::NAME, &spec.agent),
        (label::OWNER, &spec.owner),
        (label::VERSION, &spec.version),
        (label::DEPLOYMENT, &spec.deployment_id),
        (label::INSTALLATION, &shared.config.installation),
    ];
    let given = spec
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    given
        .chain(ours.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}

/// An engine that answers and refuses tells that the image's program cannot be run; the status depends on its version.
fn start_failure(shared: &Shared, spec: &StartSpec, error: Error) -> RuntimeError {
    match error {
        Error::DockerResponseServerError { message, .. } => RuntimeError::StartFailed {
            program: format!("the container of {}", spec.agent),
            source: std::io::Error::other(message),
        },
        other => shared.failed("starting a container", other),
    }
}

/// The engine's id of an instance.
pub(super) async fn find(
    shared: &Shared,
    instance: &InstanceId,
) -> Result<Option<String>, RuntimeError> {
    let client = shared.engine.client().await?;
    let wanted = [
        format!("{}={instance}", label::DEPLOYMENT),
        format!("{}={}", label::INSTALLATION, shared.config.installation),
    ];
    let filters = HashMap::from([("label".to_owned(), wanted.to_vec())]);
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters)
        .build();
    let found = client
        .list_containers(Some(options))
        .await
        .map_err(|error| shared.failed("looking for a container", error))?;
    if let Some(id) = found.into_iter().find_map(|container| container.id) {
        return Ok(Some(id));
    }
    // Containers that somebody else started go by the engine's own id.
    let is_engine_id = instance.as_str().len() == 64
        && instance
            .as_str()
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit());
    if !is_engine_id {
        return Ok(None);
    }
    Ok(observe::inspect(shared, instance.as_str())
        .await?
        .and_then(|container| container.id))
}

/// The engine's id of an instance that has to be there.
pub(super) async fn known(shared: &Shared, instance: &InstanceId) -> Result<String, RuntimeError> {
    find(shared, instance)
        .await?
        .ok_or_else(|| RuntimeError::InstanceUnknown {
            id: instance.to_string(),
        })
}

/// Gives a container its agent's plain name, moving a container of ours out of the way that still has it.
pub(super) async fn promote(shared: &Shared, instance: &InstanceId) -> Result<(), RuntimeError> {
    let id = known(shared, instance).await?;
    let Some(container) = observe::inspect(shared, &id).await? else {
        return Ok(());
    };
    let agent = observe::label_of(&container, label::NAME).unwrap_or_default();
    let name = plain_name(&agent);
    if name_of(&container) == name {
        return Ok(());
    }
    let client = shared.engine.client().await?;
    if let Some(holder) = observe::inspect(shared, &name).await? {
        let deployment = observe::label_of(&holder, label::DEPLOYMENT);
        let ours = observe::label_of(&holder, label::INSTALLATION).as_ref()
            == Some(&shared.config.installation);
        match (deployment, holder.id) {
            (Some(deployment), Some(holder)) if ours => {
                rename(shared, &client, &holder, &long_name(&agent, &deployment)).await?;
            }
            // The name belongs to somebody else; ours keeps its longer one.
            _ => return Ok(()),
        }
    }
    rename(shared, &client, &id, &name).await
}

async fn rename(
    shared: &Shared,
    client: &Docker,
    id: &str,
    name: &str,
) -> Result<(), RuntimeError> {
    let options = RenameContainerOptionsBuilder::default().name(name).build();
    client
        .rename_container(id, options)
        .await
        .map_err(|error| shared.failed("renaming a container", error))
}

pub(super) fn name_of(container: &ContainerInspectResponse) -> &str {
    container
        .name
        .as_deref()
        .unwrap_or_default()
        .trim_start_matches('/')
}

/// Where this machine reaches a published port of the container.
pub(super) fn address_of(container: &ContainerInspectResponse) -> Option<SocketAddr> {
    let ports = container.network_settings.as_ref()?.ports.as_ref()?;
    ports.values().flatten().flatten().find_map(reach::binding)
}
