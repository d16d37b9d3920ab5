//! Owns agents as containers of an engine. Must never let a type of the engine's client leave.
//!
//! A container's environment can be read by everybody who may use the engine (`docker inspect`); that is the engine's
//! nature. Values reach nothing else: no label, argument or log of ours.

mod build;
mod container;
mod context;
mod events;
mod gate;
mod listening;
mod logs;
mod network;
mod observe;
mod overlay;
mod preload;
mod reach;
mod standby;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use async_trait::async_trait;
use bollard::query_parameters::{
    ListImagesOptionsBuilder, RemoveImageOptionsBuilder, StopContainerOptionsBuilder,
};
use futures::stream::BoxStream;
use nasiko_engine::{Engine, EngineConfig, NOT_FOUND, status, unchanged};
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use self::observe::CpuSample;
use crate::error::RuntimeError;
use crate::instance::{
    Exit, Instance, InstanceId, LogLine, LogQuery, RuntimeEvent, RuntimeKind, Stats,
};
use crate::spec::{Overlay, PreparePlan, Prepared, ProgressSink, StartSpec, WarmUp};
use crate::{Runtime, Standby};

/// Events kept for a receiver that is behind.
const EVENT_QUEUE: usize = 1024;

/// Labels on what we make. The first four are a convention shared with other tools of the platform.
mod label {
    pub(super) const TYPE: &str = "nasiko.type";
    pub(super) const NAME: &str = "nasiko.name";
    pub(super) const OWNER: &str = "nasiko.owner";
    pub(super) const VERSION: &str = "nasiko.version";
    /// The deployment a container was made for: only containers of ours have it.
    pub(super) const DEPLOYMENT: &str = "nasiko.deployment";
    /// The data directory it belongs to.
    pub(super) const INSTALLATION: &str = "nasiko.installation";
    /// The port that a container of somebody else listens on.
    pub(super) const PORT: &str = "nasiko.port";
    /// On a container that waited, or still waits, before it became an instance.
    pub(super) const STANDBY: &str = "nasiko.standby";
    /// The value of [`TYPE`].
    pub(super) const AGENT: &str = "agent";
}

/// Which engine, and what is ours in it.
#[derive(Debug, Clone)]
pub struct DockerConfig {
    /// Where the engine is looked for.
    pub engine: EngineConfig,
    /// The network that agents share; made when first needed.
    pub network: String,
    /// Identifies the data directory.
    pub installation: String,
}

impl DockerConfig {
    /// The network agents share unless something else is asked for.
    pub const NETWORK: &'static str = "nasiko-network";

    /// The usual engine and network.
    pub fn new(installation: impl Into<String>) -> Self {
        Self {
            engine: EngineConfig::default(),
            network: Self::NETWORK.to_owned(),
            installation: installation.into(),
        }
    }
}

/// Runs agents as containers.
pub struct DockerRuntime {
    shared: Arc<Shared>,
    /// Whether the engine's events are followed yet.
    following: AtomicBool,
}

struct Shared {
    config: DockerConfig,
    engine: Arc<Engine>,
    events: broadcast::Sender<RuntimeEvent>,
    closed: CancellationToken,
    /// Held while the network is looked for and made.
    network: tokio::sync::Mutex<()>,
    /// Whose end was asked for.
    stopping: Mutex<HashSet<InstanceId>>,
    cpu: Mutex<HashMap<InstanceId, CpuSample>>,
    /// It is said once that there is no gate.
    without_gate: Once,
}

impl DockerRuntime {
    /// A runtime over an engine that need not be there yet: it is looked for when it is needed, and followed, coming and
    /// going, from the first call of [`Runtime::events`] on.
    pub fn new(config: DockerConfig) -> Self {
        let shared = Arc::new(Shared {
            engine: Arc::new(Engine::new(config.engine.clone())),
            config,
            events: broadcast::Sender::new(EVENT_QUEUE),
            closed: CancellationToken::new(),
            network: tokio::sync::Mutex::default(),
            stopping: Mutex::default(),
            cpu: Mutex::default(),
            without_gate: Once::new(),
        });
        Self {
            shared,
            following: AtomicBool::new(false),
        }
    }

    /// The connection, for others who talk to the same engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.shared.engine
    }

    /// The address at which containers reach this machine: where the network's gateway listens. None where the engine
    /// runs in a machine of its own and tells no such address. Makes the network when it is not there.
    pub async fn network_gateway(&self) -> Result<Option<IpAddr>, RuntimeError> {
        network::gateway(&self.shared).await
    }

    /// Agents on our network, or named `agent-*`, that this installation did not start.
    pub async fn foreign(&self) -> Result<Vec<Instance>, RuntimeError> {
        observe::foreign(&self.shared).await
    }

    /// The names of the images that this installation built.
    pub async fn images(&self) -> Result<Vec<String>, RuntimeError> {
        let client = self.shared.engine.client().await?;
        let mine = format!(
            "{}={}",
            label::INSTALLATION,
            self.shared.config.installation
        );
        let filters = HashMap::from([("label".to_owned(), vec![mine])]);
        let images = client
            .list_images(Some(
                ListImagesOptionsBuilder::default()
                    .filters(&filters)
                    .build(),
            ))
            .await
            .map_err(|error| self.shared.failed("listing images", error))?;
        Ok(images
            .into_iter()
            .flat_map(|image| image.repo_tags)
            .collect())
    }

    /// Deletes an image by name. One that is not there is fine; one that is in use is an error.
    pub async fn remove_image(&self, reference: &str) -> Result<(), RuntimeError> {
        let client = self.shared.engine.client().await?;
        let options = RemoveImageOptionsBuilder::default().build();
        match client.remove_image(reference, Some(options), None).await {
            Err(error) if status(&error) != Some(NOT_FOUND) => {
                Err(self.shared.failed("removing an image", error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for DockerRuntime {
    fn drop(&mut self) {
        self.shared.closed.cancel();
    }
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Docker
    }

    async fn prepare(
        &self,
        plan: &PreparePlan,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<Prepared, RuntimeError> {
        build::prepare(&self.shared, plan, progress, cancel).await
    }

    async fn start(
        &self,
        spec: &StartSpec,
        cancel: &CancellationToken,
    ) -> Result<Instance, RuntimeError> {
        container::start(&self.shared, spec, cancel).await
    }

    async fn standby(
        &self,
        spec: &StartSpec,
        warm_up: &WarmUp,
        cancel: &CancellationToken,
    ) -> Result<Option<Box<dyn Standby>>, RuntimeError> {
        let held = standby::make(&self.shared, spec, warm_up, cancel).await?;
        Ok(held.map(|held| Box::new(held) as Box<dyn Standby>))
    }

    async fn sync(
        &self,
        instance: &InstanceId,
        overlay: Arc<dyn Overlay>,
        cancel: &CancellationToken,
    ) -> Result<(), RuntimeError> {
        overlay::sync(&self.shared, instance, overlay, cancel).await
    }

    async fn stop(&self, instance: &InstanceId, grace: Duration) -> Result<(), RuntimeError> {
        /// Beyond the grace: what the engine itself may need.
        const MARGIN: Duration = Duration::from_secs(30);
        let Some(id) = container::find(&self.shared, instance).await? else {
            return Ok(());
        };
        self.shared.will_end(instance);
        let client = self
            .shared
            .engine
            .client()
            .await?
            .with_timeout(grace + MARGIN);
        // The engine counts in seconds.
        let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        match client
            .stop_container(
                &id,
                Some(StopContainerOptionsBuilder::default().t(seconds).build()),
            )
            .await
        {
            Err(error) if status(&error) != Some(NOT_FOUND) && !unchanged(&error) => {
                Err(self.shared.failed("stopping a container", error))
            }
            _ => Ok(()),
        }
    }

    async fn remove(&self, instance: &InstanceId) -> Result<(), RuntimeError> {
        let Some(id) = container::find(&self.shared, instance).await? else {
            return Ok(());
        };
        self.shared.end(instance, &id).await
    }

    async fn promote(&self, instance: &InstanceId) -> Result<(), RuntimeError> {
        container::promote(&self.shared, instance).await
    }

    async fn list(&self) -> Result<Vec<Instance>, RuntimeError> {
        observe::list(&self.shared).await
    }

    async fn wait_exit(
        &self,
        instance: &InstanceId,
        cancel: &CancellationToken,
    ) -> Result<Exit, RuntimeError> {
        tokio::select! {
            exit = observe::wait_exit(&self.shared, instance) => exit,
            () = cancel.cancelled() => Err(RuntimeError::Cancelled { what: "waiting for the end" }),
        }
    }

    async fn logs(
        &self,
        instance: &InstanceId,
        query: LogQuery,
    ) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
        let id = container::known(&self.shared, instance).await?;
        logs::read(&self.shared, &id, query).await
    }

    async fn stats(&self, instance: &InstanceId) -> Result<Stats, RuntimeError> {
        observe::stats(&self.shared, instance).await
    }

    fn events(&self) -> broadcast::Receiver<RuntimeEvent> {
        // Subscribed before the first event can happen: whether the engine is there.
        let receiver = self.shared.events.subscribe();
        if !self.following.swap(true, Ordering::AcqRel) {
            tokio::spawn(events::watch(Arc::clone(&self.shared)));
        }
        receiver
    }

    async fn listening(&self, instance: &InstanceId) -> Vec<u16> {
        match container::known(&self.shared, instance).await {
            Ok(id) => listening::ports(&self.shared, &id).await,
            Err(_) => Vec::new(),
        }
    }
}

impl Shared {
    /// Marks that an end is asked for, so that its event says so.
    fn will_end(&self, instance: &InstanceId) {
        self.stopping.lock().insert(instance.clone());
    }

    /// Ends and deletes an instance by its container, and forgets what is known of it.
    async fn end(&self, instance: &InstanceId, id: &str) -> Result<(), RuntimeError> {
        self.will_end(instance);
        let removed = self.force_remove(id).await;
        self.stopping.lock().remove(instance);
        self.cpu.lock().remove(instance);
        removed
    }

    /// Deletes a container that nobody has heard of yet.
    async fn drop_container(&self, id: &str) {
        if let Err(error) = self.force_remove(id).await {
            tracing::warn!(container = %id, %error, "a container that did not start could not be removed");
        }
    }

    /// Says in our words what went wrong, and forgets a connection that broke.
    fn failed(&self, what: &'static str, error: bollard::errors::Error) -> RuntimeError {
        self.engine.failed(what, error).into()
    }

    async fn force_remove(&self, id: &str) -> Result<(), RuntimeError> {
        Ok(self.engine.remove_container(id, true).await?)
    }
}
