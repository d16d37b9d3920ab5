//! What the engine says of containers, in our words.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerStatsResponse, ContainerSummary,
};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, StatsOptionsBuilder, WaitContainerOptionsBuilder,
};
use futures::{StreamExt as _, stream};
use nasiko_engine::{NOT_FOUND, status};

use super::{Shared, container, label, logs, reach};
use crate::error::RuntimeError;
use crate::instance::{Exit, Instance, InstanceId, InstanceState, RuntimeKind, Stats};

/// Containers asked about at the same time.
const PARALLEL_INSPECTIONS: usize = 8;
/// Exit codes above this are a signal's number on top of it.
const SIGNAL_BASE: i64 = 128;
const HIGHEST_SIGNAL: i64 = 31;
const SIGKILL: i64 = 9;
/// How long the engine may take to hear why the system killed a container.
const CAUSE_LIMIT: Duration = Duration::from_secs(2);
/// How often it is asked meanwhile: no event tells of it in time.
const CAUSE_STEP: Duration = Duration::from_millis(50);

/// What was used up to a moment.
#[derive(Clone, Copy)]
pub(super) struct CpuSample {
    at: SystemTime,
    used: Duration,
}

pub(super) async fn inspect(
    shared: &Shared,
    id_or_name: &str,
) -> Result<Option<ContainerInspectResponse>, RuntimeError> {
    let client = shared.engine.client().await?;
    match client.inspect_container(id_or_name, None).await {
        Ok(container) => Ok(Some(container)),
        Err(error) if status(&error) == Some(NOT_FOUND) => Ok(None),
        Err(error) => Err(shared.failed("looking at a container", error)),
    }
}

pub(super) fn label_of(container: &ContainerInspectResponse, name: &str) -> Option<String> {
    container
        .config
        .as_ref()?
        .labels
        .as_ref()?
        .get(name)
        .cloned()
}

/// The instance that a container is.
pub(super) fn instance_of(container: &ContainerInspectResponse) -> Option<Instance> {
    let id = container.id.clone()?;
    let label = |name| label_of(container, name).unwrap_or_default();
    let deployment_id = label(label::DEPLOYMENT);
    let state = container.state.as_ref()?;
    let running = state.running.unwrap_or(false);
    let started_at = state
        .started_at
        .as_deref()
        .and_then(nasiko_engine::moment)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let named = label(label::NAME);
    let agent = if named.is_empty() {
        container::name_of(container)
            .trim_start_matches("agent-")
            .to_owned()
    } else {
        named
    };
    Some(Instance {
        id: InstanceId::new(if deployment_id.is_empty() {
            id.clone()
        } else {
            deployment_id.clone()
        }),
        agent,
        owner: label(label::OWNER),
        version: label(label::VERSION),
        deployment_id,
        kind: RuntimeKind::Docker,
        state: match state.status {
            _ if running => InstanceState::Running,
            Some(ContainerStateStatusEnum::CREATED) => InstanceState::Created,
            _ => InstanceState::Exited {
                code: split_code(state.exit_code).0,
            },
        },
        address: running.then(|| container::address_of(container)).flatten(),
        started_at,
        handle: id,
        foreign: None,
    })
}

/// The instance that a container of somebody else is, running on our network.
pub(super) async fn foreign_of(
    shared: &Shared,
    container: &ContainerInspectResponse,
) -> Option<Instance> {
    let instance = instance_of(container).filter(|found| found.state == InstanceState::Running)?;
    let foreign = reach::foreign(shared, container).await?;
    Some(Instance {
        // Deployments of other installations mean nothing here.
        id: InstanceId::new(&instance.handle),
        deployment_id: String::new(),
        address: foreign.addresses.first().copied(),
        foreign: Some(Box::new(foreign)),
        ..instance
    })
}

/// Exit code and signal. Docker tells of a signal by a code above 128.
pub(super) fn split_code(code: Option<i64>) -> (Option<i32>, Option<i32>) {
    match code {
        Some(code) if (SIGNAL_BASE + 1..=SIGNAL_BASE + HIGHEST_SIGNAL).contains(&code) => {
            (None, i32::try_from(code - SIGNAL_BASE).ok())
        }
        code => (code.and_then(|code| i32::try_from(code).ok()), None),
    }
}

/// Everything of this installation.
pub(super) async fn list(shared: &Shared) -> Result<Vec<Instance>, RuntimeError> {
    let mine = format!("{}={}", label::INSTALLATION, shared.config.installation);
    let labels = vec![mine, label::DEPLOYMENT.to_owned()];
    let found = containers(shared, true, HashMap::from([("label".to_owned(), labels)])).await?;
    inspect_all(shared, found).await
}

/// Running agents that this installation did not start: on our network with the label or the name of one.
pub(super) async fn foreign(shared: &Shared) -> Result<Vec<Instance>, RuntimeError> {
    let filters = HashMap::from([("network".to_owned(), vec![shared.config.network.clone()])]);
    let mut found = containers(shared, false, filters).await?;
    found.retain(|container| {
        let labels = container.labels.clone().unwrap_or_default();
        let names = container.names.iter().flatten();
        let is_agent = is_agent(&labels, names.map(|name| name.trim_start_matches('/')));
        is_agent && !is_ours(shared, &labels)
    });
    let mut instances = Vec::with_capacity(found.len());
    for container in inspect_each(shared, found).await? {
        instances.extend(foreign_of(shared, &container).await);
    }
    Ok(instances)
}

/// Whether labels and names are those of an agent. One that was on standby is told by its name: its labels stay.
pub(super) fn is_agent<'a>(
    labels: &HashMap<String, String>,
    mut names: impl Iterator<Item = &'a str>,
) -> bool {
    let is_labelled = labels
        .get(label::TYPE)
        .is_some_and(|kind| kind == label::AGENT);
    (is_labelled && !labels.contains_key(label::STANDBY))
        || names.any(|name| name.starts_with("agent-"))
}

/// Whether labels are those of a container of this installation.
pub(super) fn is_ours(shared: &Shared, labels: &HashMap<String, String>) -> bool {
    labels.contains_key(label::DEPLOYMENT)
        && labels
            .get(label::INSTALLATION)
            .is_some_and(|installation| *installation == shared.config.installation)
}

async fn containers(
    shared: &Shared,
    all: bool,
    filters: HashMap<String, Vec<String>>,
) -> Result<Vec<ContainerSummary>, RuntimeError> {
    let client = shared.engine.client().await?;
    let options = ListContainersOptionsBuilder::default()
        .all(all)
        .filters(&filters)
        .build();
    client
        .list_containers(Some(options))
        .await
        .map_err(|error| shared.failed("listing containers", error))
}

async fn inspect_all(
    shared: &Shared,
    found: Vec<ContainerSummary>,
) -> Result<Vec<Instance>, RuntimeError> {
    let inspected = inspect_each(shared, found).await?;
    Ok(inspected.iter().filter_map(instance_of).collect())
}

/// Those of the containers listed that are still there.
async fn inspect_each(
    shared: &Shared,
    found: Vec<ContainerSummary>,
) -> Result<Vec<ContainerInspectResponse>, RuntimeError> {
    let ids: Vec<String> = found
        .into_iter()
        .filter_map(|container| container.id)
        .collect();
    let inspected: Vec<_> = stream::iter(ids)
        .map(|id| async move { inspect(shared, &id).await })
        .buffered(PARALLEL_INSPECTIONS)
        .collect()
        .await;
    inspected
        .into_iter()
        .filter_map(Result::transpose)
        .collect()
}

/// Waits for the end and tells of it.
pub(super) async fn wait_exit(
    shared: &Shared,
    instance: &InstanceId,
) -> Result<Exit, RuntimeError> {
    let id = container::known(shared, instance).await?;
    let client = shared.engine.client().await?;
    let options = WaitContainerOptionsBuilder::default()
        .condition("not-running")
        .build();
    let mut ended = Box::pin(client.wait_container(&id, Some(options)));
    match ended.next().await {
        // A code other than zero comes as an error; inspecting tells it better.
        None | Some(Ok(_) | Err(bollard::errors::Error::DockerContainerWaitError { .. })) => {}
        Some(Err(error)) => return Err(shared.failed("waiting for a container", error)),
    }
    let container = inspect(shared, &id).await?;
    let container = container.ok_or_else(|| RuntimeError::InstanceUnknown {
        id: instance.to_string(),
    })?;
    Ok(Box::pin(exit_of(shared, instance, &container)).await)
}

/// The end of a container, with its last lines.
pub(super) async fn exit_of(
    shared: &Shared,
    instance: &InstanceId,
    container: &ContainerInspectResponse,
) -> Exit {
    let requested = shared.stopping.lock().contains(instance);
    let oom = !requested && is_out_of_memory(shared, container).await;
    let state = container.state.clone().unwrap_or_default();
    let (code, signal) = split_code(state.exit_code);
    let moment = |text: &Option<String>| text.as_deref().and_then(nasiko_engine::moment);
    let ran_for = moment(&state.started_at)
        .zip(moment(&state.finished_at))
        .and_then(|(started, finished)| finished.duration_since(started).ok());
    let last_lines = logs::last_lines(shared, container.id.as_deref().unwrap_or_default()).await;
    Exit {
        instance: instance.clone(),
        agent: label_of(container, label::NAME).unwrap_or_default(),
        code,
        signal,
        oom,
        requested,
        ran_for: ran_for.unwrap_or_default(),
        last_lines,
    }
}

/// Whether it was killed for want of memory. The engine hears of an end and of its cause in either order.
async fn is_out_of_memory(shared: &Shared, container: &ContainerInspectResponse) -> bool {
    let state_of =
        |container: &ContainerInspectResponse| container.state.clone().unwrap_or_default();
    let is_known =
        |container: &ContainerInspectResponse| state_of(container).oom_killed == Some(true);
    let ended = state_of(container);
    let limit = container
        .host_config
        .as_ref()
        .and_then(|config| config.memory);
    let may_be =
        ended.exit_code == Some(SIGNAL_BASE + SIGKILL) && limit.is_some_and(|limit| limit > 0);
    if is_known(container) || !may_be {
        return is_known(container);
    }
    let id = container.id.as_deref().unwrap_or_default();
    let deadline = tokio::time::Instant::now() + CAUSE_LIMIT;
    while tokio::time::Instant::now() < deadline {
        tokio::time::sleep(CAUSE_STEP).await;
        match inspect(shared, id).await {
            Ok(Some(again)) if state_of(&again).finished_at != ended.finished_at => return false,
            Ok(Some(again)) if is_known(&again) => return true,
            Ok(Some(_)) => {}
            _ => return false,
        }
    }
    false
}

pub(super) async fn stats(shared: &Shared, instance: &InstanceId) -> Result<Stats, RuntimeError> {
    let id = container::known(shared, instance).await?;
    let client = shared.engine.client().await?;
    // One answer without the engine's own pause of a second for a second sample: ours is the one before.
    let options = StatsOptionsBuilder::default()
        .stream(false)
        .one_shot(true)
        .build();
    let answer = Box::pin(client.stats(&id, Some(options))).next().await;
    let answer = match answer {
        Some(Ok(answer)) => answer,
        Some(Err(error)) => return Err(shared.failed("reading figures", error)),
        None => {
            return Err(RuntimeError::InstanceUnknown {
                id: instance.to_string(),
            });
        }
    };
    let now = CpuSample {
        at: SystemTime::now(),
        used: cpu_used(&answer),
    };
    let before = shared.cpu.lock().insert(instance.clone(), now);
    let since = match before {
        Some(before) => Some(before),
        None => inspect(shared, &id)
            .await?
            .and_then(|container| instance_of(&container))
            .map(|instance| CpuSample {
                at: instance.started_at,
                used: Duration::ZERO,
            }),
    };
    let cpu_percent = since.map_or(0.0, |since| percent(since, now));
    let memory = answer.memory_stats.unwrap_or_default();
    Ok(Stats {
        cpu_percent,
        memory_bytes: memory
            .usage
            .unwrap_or(0)
            .saturating_sub(page_cache(memory.stats.as_ref())),
        memory_limit_bytes: memory.limit,
        tasks: answer.pids_stats.and_then(|pids| pids.current).unwrap_or(0),
    })
}

fn cpu_used(answer: &ContainerStatsResponse) -> Duration {
    let usage = answer
        .cpu_stats
        .as_ref()
        .and_then(|cpu| cpu.cpu_usage.as_ref())
        .and_then(|usage| usage.total_usage);
    Duration::from_nanos(usage.unwrap_or(0))
}

fn percent(since: CpuSample, now: CpuSample) -> f64 {
    let passed = now.at.duration_since(since.at).unwrap_or_default();
    if passed.is_zero() {
        return 0.0;
    }
    100.0 * now.used.saturating_sub(since.used).as_secs_f64() / passed.as_secs_f64()
}

/// Memory the kernel would give back at once, named differently by the two generations of control groups.
fn page_cache(figures: Option<&HashMap<String, u64>>) -> u64 {
    let figure = |name| figures.and_then(|figures| figures.get(name)).copied();
    figure("total_inactive_file")
        .or_else(|| figure("inactive_file"))
        .unwrap_or(0)
}
