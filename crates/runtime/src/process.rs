//! Owns agents as programs of this machine. Must never know a container or an engine.
//!
//! Programs outlive the control plane: each leads a process group of its own, writes its output to files itself, and
//! carries marks in its environment by which another control plane over the same home finds and adopts it.

mod ask;
mod base_environment;
mod command;
mod environment;
mod follow;
mod gate;
mod inspect;
mod launch;
mod log_watch;
mod logs;
mod node;
mod python;
mod record;
#[cfg(unix)]
mod standby;
mod system;
mod terminate;
#[cfg(test)]
mod tests;
mod tool;
mod tracked;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

pub use self::ask::{FoundTool, ask_tool};
pub(crate) use self::inspect::listening_in_namespace_of;
pub use self::inspect::{PortOwner, port_owner};
use self::record::Record;
use self::tracked::{CpuSample, Shared};
use crate::error::RuntimeError;
use crate::instance::{
    Exit, Instance, InstanceId, LogLine, LogQuery, RuntimeEvent, RuntimeKind, Stats,
};
use crate::spec::{Overlay, PreparePlan, Prepared, ProgressSink, StartSpec, WarmUp};
use crate::{Runtime, Standby};

/// Lines a follower may be behind before the reading waits for it.
const FOLLOW_QUEUE: usize = 256;

/// Where a process runtime keeps its things, and what it may pass on.
#[derive(Clone)]
pub struct ProcessConfig {
    /// The data directory: `environments/` and `instances/` are made in it.
    pub home: PathBuf,
    /// Identifies the data directory: tells our programs from those of another installation.
    pub installation: String,
    /// The control plane's own environment. Agents get a few of these, package tools a few more.
    pub environment: Vec<(OsString, OsString)>,
}

/// Runs agents as programs of this machine.
pub struct ProcessRuntime {
    shared: Arc<Shared>,
}

impl ProcessRuntime {
    /// Opens the runtime over a home and adopts what still runs there. Needs a Tokio runtime.
    pub async fn open(config: ProcessConfig) -> Result<Self, RuntimeError> {
        let shared = Shared::new(&config)?;
        let runtime = Self { shared };
        if !record::all(&runtime.shared.instances).is_empty() {
            runtime.list().await?;
        }
        Ok(runtime)
    }

    /// Where this machine has a program that agents' commands name; `python` stands for any of its usual names.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.shared.base.path();
        if command::is_python(name) {
            python::find_system_interpreter(&path).ok()
        } else {
            base_environment::find_program(name, &path)
        }
    }

    /// Ends what runs on this machine of an instance of another installation whose control plane is gone: politely first,
    /// by force after `grace`. One that has ended is fine. What is kept of it stays with that installation.
    pub async fn stop_abandoned(
        &self,
        installation: &str,
        instance: &InstanceId,
        grace: Duration,
    ) -> Result<(), RuntimeError> {
        terminate::stop_abandoned(installation, instance, grace).await
    }

    /// Waits until the programs on standby that were dropped are gone. For the end of a control plane: what it dropped until
    /// then does not outlive it.
    pub async fn given_up(&self) {
        self.shared.given_up.close();
        self.shared.given_up.wait().await;
    }

    /// The record of an instance, whether it runs or has ended.
    fn record(&self, instance: &InstanceId) -> Result<Record, RuntimeError> {
        let unknown = || RuntimeError::InstanceUnknown {
            id: instance.to_string(),
        };
        if !launch::is_safe_name(instance.as_str()) {
            return Err(unknown());
        }
        Record::read(&self.shared.folder(instance.as_str())).ok_or_else(unknown)
    }
}

impl Drop for ProcessRuntime {
    /// Ends the watching, not the watched.
    fn drop(&mut self) {
        self.shared.closed.cancel();
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Process
    }

    async fn prepare(
        &self,
        plan: &PreparePlan,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<Prepared, RuntimeError> {
        environment::prepare(
            &self.shared.environments,
            &self.shared.base,
            plan,
            progress,
            cancel,
        )
        .await
    }

    async fn start(
        &self,
        spec: &StartSpec,
        cancel: &CancellationToken,
    ) -> Result<Instance, RuntimeError> {
        launch::start(&self.shared, spec, cancel).await
    }

    async fn standby(
        &self,
        spec: &StartSpec,
        warm_up: &WarmUp,
        cancel: &CancellationToken,
    ) -> Result<Option<Box<dyn Standby>>, RuntimeError> {
        #[cfg(unix)]
        return standby::standby(&self.shared, spec, warm_up, cancel).await;
        // The gate is a pair of Unix sockets: elsewhere every start is an ordinary one.
        #[cfg(not(unix))]
        {
            let _ = (spec, warm_up, cancel);
            Ok(None)
        }
    }

    async fn sync(
        &self,
        _instance: &InstanceId,
        _overlay: Arc<dyn Overlay>,
        _cancel: &CancellationToken,
    ) -> Result<(), RuntimeError> {
        Ok(())
    }

    async fn stop(&self, instance: &InstanceId, grace: Duration) -> Result<(), RuntimeError> {
        terminate::stop(&self.shared, instance, grace).await
    }

    async fn remove(&self, instance: &InstanceId) -> Result<(), RuntimeError> {
        terminate::remove(&self.shared, instance).await
    }

    async fn promote(&self, _instance: &InstanceId) -> Result<(), RuntimeError> {
        // Programs carry no name that two of them could want.
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Instance>, RuntimeError> {
        tracked::list(&self.shared).await
    }

    async fn wait_exit(
        &self,
        instance: &InstanceId,
        cancel: &CancellationToken,
    ) -> Result<Exit, RuntimeError> {
        let Some(tracked) = self.shared.live(instance) else {
            let record = self.record(instance)?;
            return Ok(tracked::recorded_exit(&self.shared, &record));
        };
        let mut exit = tracked.exit.subscribe();
        let ended = tokio::select! {
            ended = exit.wait_for(Option::is_some) => ended.ok().and_then(|exit| exit.clone()),
            () = cancel.cancelled() => return Err(RuntimeError::Cancelled { what: "waiting for the end" }),
        };
        ended.ok_or_else(|| RuntimeError::InstanceUnknown {
            id: instance.to_string(),
        })
    }

    async fn logs(
        &self,
        instance: &InstanceId,
        query: LogQuery,
    ) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
        self.record(instance)?;
        let folder = self.shared.folder(instance.as_str());
        // Subscribed before the history is read, so that nothing falls in between.
        let signals = query
            .follow
            .then(|| self.shared.live(instance))
            .flatten()
            .map(|tracked| follow::Signals {
                changed: tracked.changed.clone(),
                exit: tracked.exit.subscribe(),
                turns: Arc::clone(&tracked.turns),
            });
        let read_from = folder.clone();
        let query = LogQuery {
            follow: signals.is_some(),
            ..query
        };
        let turns = signals.as_ref().map(|signals| Arc::clone(&signals.turns));
        let (lines, ends) =
            blocking(move || logs::history(&read_from, &query, turns.as_deref())).await?;
        let history = stream::iter(lines);
        let Some(signals) = signals else {
            return Ok(history.boxed());
        };
        let (sender, receiver) = mpsc::channel(FOLLOW_QUEUE);
        self.shared
            .tasks
            .spawn(follow::follow(folder, ends, signals, sender));
        Ok(history.chain(ReceiverStream::new(receiver)).boxed())
    }

    async fn stats(&self, instance: &InstanceId) -> Result<Stats, RuntimeError> {
        let tracked = self
            .shared
            .live(instance)
            .ok_or_else(|| RuntimeError::InstanceUnknown {
                id: instance.to_string(),
            })?;
        let members = self.shared.members(&tracked).await?;
        let (used, memory_bytes) = inspect::usage(&members);
        let now = CpuSample {
            at: Instant::now(),
            used,
        };
        let before = tracked.cpu.lock().replace(now);
        let (spent, passed) = match before {
            Some(before) => (
                used.saturating_sub(before.used),
                now.at.duration_since(before.at),
            ),
            None => (
                used,
                SystemTime::now()
                    .duration_since(tracked.record.lock().started_at())
                    .unwrap_or_default(),
            ),
        };
        let cpu_percent = if passed.is_zero() {
            0.0
        } else {
            100.0 * spent.as_secs_f64() / passed.as_secs_f64()
        };
        Ok(Stats {
            cpu_percent,
            memory_bytes,
            memory_limit_bytes: None,
            tasks: members.len() as u64,
        })
    }

    fn events(&self) -> broadcast::Receiver<RuntimeEvent> {
        self.shared.events.subscribe()
    }

    async fn listening(&self, instance: &InstanceId) -> Vec<u16> {
        let Some(tracked) = self.shared.live(instance) else {
            return Vec::new();
        };
        let Ok(members) = self.shared.members(&tracked).await else {
            return Vec::new();
        };
        blocking(move || inspect::listening(&members))
            .await
            .unwrap_or_default()
    }
}

/// Runs what blocks away from the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RuntimeError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| RuntimeError::Internal(format!("a blocking task failed: {error}")))
}
