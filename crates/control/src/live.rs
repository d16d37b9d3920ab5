//! Live update: a watched agent is kept in step with its folder.
//!
//! One task per watched agent ([`follow`]) waits for changes, compares the folder with the content that runs
//! ([`content`]) and makes the difference live ([`apply`]), so that an update never touches what serves: a new instance
//! starts beside the old one, mostly from one that waits warm ([`standby`]). The durable truth is the comparison of the
//! folder's hash with [`RunPlan::content_hash`](crate::records::RunPlan): a crash at any point only means another
//! comparison.

mod apply;
mod clock;
mod content;
mod find;
mod follow;
mod guard;
mod history;
mod overlay;
mod pending;
mod replace;
mod standby;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use nasiko_contract::{
    AgentName, ErrorCode, Fault, GetWatch, StartWatch, StopWatch, WatchMode, WatchStatus,
};
use nasiko_store::Batch;
use nasiko_workshop::{
    SnapshotOptions,
    watch::{Watcher, WatcherConfig},
};
use parking_lot::Mutex;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;

pub(crate) use history::{CHANGED as UPDATE_CHANGED, UpdateRecord};
pub(crate) use standby::Waiting;

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
    records::{AgentRecord, Source},
};

/// The topic of a change of a watch; its data is a `WatchStatus`.
const WATCH_CHANGED: &str = "watch.changed";

/// All watches of a control plane.
#[derive(Default)]
pub(crate) struct Live {
    /// One for all folders, from the first watch on.
    watcher: OnceCell<Watcher>,
    watches: Mutex<HashMap<AgentName, Handle>>,
    contents: content::Contents,
    pool: standby::Pool,
}

/// The task that follows an agent's folder.
#[derive(Clone)]
struct Handle {
    cancel: CancellationToken,
    /// Compare the folder although nothing was seen to change.
    wake: Arc<Notify>,
    status: Arc<Mutex<Shown>>,
}

/// How a watch stands, and what everybody was told of that.
struct Shown {
    now: WatchStatus,
    told: Option<WatchStatus>,
}

impl Live {
    /// The agent's folder is compared again soon, if it is watched.
    pub(crate) fn wake(&self, agent: &AgentName) {
        if let Some(handle) = self.watches.lock().get(agent) {
            handle.wake.notify_one();
        }
    }

    /// All watched folders are compared again soon.
    pub(crate) fn wake_all(&self) {
        for handle in self.watches.lock().values() {
            handle.wake.notify_one();
        }
    }

    pub(crate) fn is_watched(&self, agent: &AgentName) -> bool {
        self.watches.lock().contains_key(agent)
    }
}

/// Watches again what was watched, and applies what was edited meanwhile.
pub(crate) async fn at_start(shared: &Arc<Shared>) -> Result<(), Fault> {
    for agent in shared.all_agents().await? {
        if agent.watched
            && shared.peers.is_ours(&agent)
            && let Err(fault) = shared.begin_watch(&agent, follow::Reason::CatchUp).await
        {
            tracing::warn!(%fault, agent = %agent.name, "a folder is not watched");
        }
    }
    Ok(())
}

/// The folder of an agent that can be watched.
pub(crate) fn folder_of(source: &Source) -> Result<&PathBuf, Fault> {
    match source {
        Source::Folder { path } => Ok(path),
        Source::Archive { .. }
        | Source::Upload { .. }
        | Source::Git { .. }
        | Source::Container { .. } => Err(Fault::new(
            ErrorCode::WrongState,
            "Only an agent from a folder of this machine can be watched",
        )
        .hint("Unpack or clone it into a folder, deploy that, and watch it there")
        .evidence([format!("It comes from {}", source.shown())])),
    }
}

impl Shared {
    /// Begins to follow an agent's folder; nothing to do when that is so already.
    async fn begin_watch(
        self: &Arc<Self>,
        agent: &AgentRecord,
        reason: follow::Reason,
    ) -> Result<(), Fault> {
        let root = folder_of(&agent.source)?;
        if self.live.is_watched(&agent.name) {
            return Ok(());
        }
        let watcher = self
            .live
            .watcher
            .get_or_try_init(|| async { Watcher::new(WatcherConfig::default()) })
            .await?;
        let watch = watcher.watch(root.clone(), SnapshotOptions::default());
        let handle = Handle {
            cancel: CancellationToken::new(),
            wake: Arc::default(),
            status: Arc::new(Mutex::new(Shown {
                now: off(&agent.name),
                told: None,
            })),
        };
        {
            let mut watches = self.live.watches.lock();
            if watches.contains_key(&agent.name) {
                return Ok(());
            }
            watches.insert(agent.name.clone(), handle.clone());
        }
        let cancel = handle.cancel.clone();
        let follower = follow::Follower::new(Arc::clone(self), agent.name.clone(), root, handle);
        self.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = follower.run(watch, reason) => {}
            }
        });
        Ok(())
    }

    /// Ends the watch over an agent's folder, with what waits for it.
    pub(crate) async fn end_watch(&self, agent: &AgentName) {
        let handle = self.live.watches.lock().remove(agent);
        if let Some(handle) = handle {
            handle.cancel.cancel();
        }
        self.live.contents.forget(agent);
        self.outdate_standby(agent).await;
    }

    /// A deploy succeeded: its folder is watched from now on, or no longer, if it was asked for.
    pub(crate) async fn watch_as_asked(self: &Arc<Self>, agent: &AgentName, watch: Option<bool>) {
        let done = match watch {
            Some(true) => self.start_watch(agent).await.map(drop),
            Some(false) => self.stop_watch(agent).await.map(drop),
            None => Ok(()),
        };
        if let Err(fault) = done {
            tracing::warn!(%fault, %agent, "the folder of a deploy is not watched as asked");
        }
    }

    /// An agent comes from somewhere else than before: if its folder was watched, the new one is.
    pub(crate) async fn watch_moved(self: &Arc<Self>, name: &AgentName) {
        let Ok(agent) = self.agent(name).await else {
            return;
        };
        if agent.value.watched {
            let is_folder = folder_of(&agent.value.source).is_ok();
            self.end_watch(name).await;
            self.watch_as_asked(name, Some(is_folder)).await;
        }
    }

    async fn start_watch(self: &Arc<Self>, name: &AgentName) -> Result<WatchStatus, Fault> {
        let agent = self.agent(name).await?.value;
        folder_of(&agent.source)?;
        let agent = self
            .change_agent(&agent.name, |agent, _| agent.watched = true)
            .await?;
        // Another control plane's agent is watched there, once it hears of it.
        if self.peers.is_ours(&agent) {
            self.begin_watch(&agent, follow::Reason::Asked).await?;
        }
        Ok(self.watch_of(&agent))
    }

    /// Watches an agent's folder, or no longer, as its record says: another control plane may have changed it.
    pub(crate) async fn watch_in_step(self: &Arc<Self>, agent: &AgentRecord) {
        let is_to_be = agent.watched && self.peers.is_ours(agent);
        let is_watched = self.live.is_watched(&agent.name);
        if is_watched && !is_to_be {
            self.end_watch(&agent.name).await;
        } else if is_to_be
            && !is_watched
            && let Err(fault) = self.begin_watch(agent, follow::Reason::Asked).await
        {
            tracing::warn!(%fault, agent = %agent.name, "a folder is not watched");
        }
    }

    async fn stop_watch(&self, name: &AgentName) -> Result<WatchStatus, Fault> {
        self.end_watch(name).await;
        self.change_agent(name, |agent, batch| {
            if std::mem::take(&mut agent.watched) {
                batch.event(WATCH_CHANGED, name.as_str(), off(name));
            }
        })
        .await?;
        Ok(off(name))
    }

    /// Like [`Shared::watch_status`]; of an agent that another control plane watches, it says so.
    pub(crate) fn watch_of(&self, agent: &AgentRecord) -> WatchStatus {
        let mut status = self.watch_status(&agent.name);
        if let Some(plane) = &agent.plane
            && agent.watched
            && self.peers.is_other(Some(plane))
        {
            status.why = format!("{} watches it", self.peers.name_of(plane));
        }
        status
    }

    fn watch_status(&self, name: &AgentName) -> WatchStatus {
        let handle = self.live.watches.lock().get(name).cloned();
        let Some(handle) = handle else {
            return off(name);
        };
        let mut status = handle.status.lock().now.clone();
        status.warm = self.live.pool.is_warm(name);
        status
    }

    /// Tells everybody how a watch stands, if that is news.
    async fn tell_watch(&self, name: &AgentName) {
        let Some(handle) = self.live.watches.lock().get(name).cloned() else {
            return;
        };
        let status = {
            let mut shown = handle.status.lock();
            if shown.told.as_ref() == Some(&shown.now) {
                return;
            }
            shown.told = Some(shown.now.clone());
            shown.now.clone()
        };
        let mut batch = Batch::new();
        batch.event(WATCH_CHANGED, name.as_str(), status);
        if let Err(error) = self.store.commit(batch).await {
            tracing::warn!(%error, agent = %name, "a change of a watch was not told");
        }
    }

    /// Tells everybody whether an instance waits. Not while one is let go and the next is on its way.
    async fn tell_warmth(&self, name: &AgentName) {
        let handle = self.live.watches.lock().get(name).cloned();
        if let Some(handle) = handle {
            handle.status.lock().now.warm = self.live.pool.is_warm(name);
            self.tell_watch(name).await;
        }
    }
}

/// The status of an agent that is not watched.
fn off(agent: &AgentName) -> WatchStatus {
    WatchStatus {
        agent: agent.clone(),
        mode: WatchMode::Off,
        why: String::new(),
        files: 0,
        warm: false,
        fault: None,
    }
}

impl Serve<StartWatch> for ControlPlane {
    async fn serve(&self, _: &Caller, request: StartWatch) -> Result<WatchStatus, Fault> {
        self.shared.start_watch(&request.agent).await
    }
}

impl Serve<StopWatch> for ControlPlane {
    async fn serve(&self, _: &Caller, request: StopWatch) -> Result<WatchStatus, Fault> {
        self.shared.agent(&request.agent).await?;
        self.shared.stop_watch(&request.agent).await
    }
}

impl Serve<GetWatch> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetWatch) -> Result<WatchStatus, Fault> {
        let agent = self.shared.agent(&request.agent).await?.value;
        Ok(self.shared.watch_of(&agent))
    }
}
