//! Owns where agents run: local processes and Docker containers, behind one object-safe [`Runtime`]. Must never know the
//! HTTP API, a store or the gateway, and lets no engine type leave the crate.
//!
//! A runtime prepares (environment or image), starts instances beside each other, stops and watches them. It neither
//! probes nor restarts: which instance serves, and what happens after a crash, is decided in one place elsewhere.

mod diagnose;
mod docker;
mod error;
mod instance;
mod machine;
mod placeholder;
mod process;
#[cfg(test)]
mod skipping;
mod sockets;
mod spec;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::sync::broadcast;
pub use tokio_util::sync::CancellationToken;

pub use crate::diagnose::{Diagnosis, diagnose};
pub use crate::docker::{DockerConfig, DockerRuntime};
pub use crate::error::RuntimeError;
pub use crate::instance::{
    Exit, Foreign, Instance, InstanceId, InstanceState, LogLine, LogQuery, LogStream, RuntimeEvent,
    RuntimeKind, Stats,
};
pub use crate::machine::Machine;
pub use crate::process::{
    FoundTool, PortOwner, ProcessConfig, ProcessRuntime, ask_tool, port_owner,
};
pub use crate::spec::{
    Artifact, BuildContext, EnvValue, Limits, Overlay, PreparePlan, Prepared, Progress,
    ProgressSink, Requirements, RequirementsKind, StartSpec, WarmUp,
};

/// One place where agents run.
///
/// Every call is bounded in time. Calls that can take long end with [`RuntimeError::Cancelled`] soon after their token
/// is cancelled, and leave nothing half-made behind. A future that is dropped instead may leave an instance behind,
/// which [`Runtime::list`] finds.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Which place this is.
    fn kind(&self) -> RuntimeKind;

    /// Makes what the instances of this plan need: an environment or an image. The same fingerprint again is immediate
    /// and answers `reused`. Cancelling ends the tools or the build.
    async fn prepare(
        &self,
        plan: &PreparePlan,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<Prepared, RuntimeError>;

    /// Starts one more instance beside any other of the agent and returns as soon as it exists. Does not probe.
    /// A `deployment_id` can be started once; after a failure or a cancellation nothing of it is left.
    async fn start(
        &self,
        spec: &StartSpec,
        cancel: &CancellationToken,
    ) -> Result<Instance, RuntimeError>;

    /// Starts an instance that loads what `warm_up` names and then waits, before any of the agent's own code runs, to be
    /// let go. None where that cannot be done for this command: then an ordinary start is the way. It ends by itself
    /// when this process does. Returns as soon as it exists; it need not have finished loading to be released.
    async fn standby(
        &self,
        spec: &StartSpec,
        warm_up: &WarmUp,
        cancel: &CancellationToken,
    ) -> Result<Option<Box<dyn Standby>>, RuntimeError>;

    /// Puts files where a running instance reads them, without starting it anew; whole files, one after another. The
    /// process runtime has nothing to do.
    async fn sync(
        &self,
        instance: &InstanceId,
        overlay: Arc<dyn Overlay>,
        cancel: &CancellationToken,
    ) -> Result<(), RuntimeError>;

    /// Ends an instance with everything it started: politely first, by force after `grace`. What it wrote stays
    /// readable until [`Runtime::remove`]. An instance that is unknown or has ended is fine.
    async fn stop(&self, instance: &InstanceId, grace: Duration) -> Result<(), RuntimeError>;

    /// Deletes an instance with its logs; one that still runs is killed first. An unknown one is fine.
    async fn remove(&self, instance: &InstanceId) -> Result<(), RuntimeError>;

    /// Tells the runtime that this instance now is the agent's serving one, so that it may carry the agent's plain name
    /// (container `agent-<name>`). Call it once the instance before it is removed; doing so again is fine.
    async fn promote(&self, instance: &InstanceId) -> Result<(), RuntimeError>;

    /// Every instance of this installation that exists now, running or ended, whoever's memory forgot it.
    async fn list(&self) -> Result<Vec<Instance>, RuntimeError>;

    /// Waits until an instance has ended; immediate when it already has.
    async fn wait_exit(
        &self,
        instance: &InstanceId,
        cancel: &CancellationToken,
    ) -> Result<Exit, RuntimeError>;

    /// The lines an instance wrote. With `follow` the stream ends when the instance does; dropping it ends the reading.
    async fn logs(
        &self,
        instance: &InstanceId,
        query: LogQuery,
    ) -> Result<BoxStream<'static, LogLine>, RuntimeError>;

    /// What an instance uses now.
    async fn stats(&self, instance: &InstanceId) -> Result<Stats, RuntimeError>;

    /// What happens from now on: ask for it first and then [`Runtime::list`], so that nothing falls in between. Bounded:
    /// a receiver that lags misses the oldest events and has to list again.
    fn events(&self) -> broadcast::Receiver<RuntimeEvent>;

    /// The TCP ports the instance's programs listen on (inside of the container for Docker), ascending. Empty when that
    /// cannot be found out.
    async fn listening(&self, instance: &InstanceId) -> Vec<u16>;
}

/// An instance that has everything loaded but the agent's own code, and waits. Dropped, it is ended and deleted in the
/// background; [`Standby::discard`] waits for that.
#[async_trait]
pub trait Standby: Send + Sync {
    /// Names it, as after its release.
    fn instance(&self) -> &InstanceId;

    /// Whether it can still be released: its process lives.
    fn is_alive(&self) -> bool;

    /// Lays `overlay` over its files (Docker; all that differs from the image, also what was laid over it at its start)
    /// and lets it go: the agent's code is read from now on, never earlier. From then on it is an instance like any other.
    /// On failure nothing of it is left.
    async fn release(
        self: Box<Self>,
        overlay: Option<Arc<dyn Overlay>>,
        cancel: &CancellationToken,
    ) -> Result<Instance, RuntimeError>;

    /// Ends and deletes it.
    async fn discard(self: Box<Self>);
}
