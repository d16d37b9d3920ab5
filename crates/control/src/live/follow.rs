//! The task of one watched agent: it notices what changed and makes it live, one update after the other, so that after any
//! storm the last content runs. A newer save overtakes an update that is not live yet.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use nasiko_contract::{AgentName, ErrorCode, Fault, UpdateAction, UpdateState};
use nasiko_workshop::{Snapshot, SnapshotOptions, describe, watch::Watch};
use tokio::{sync::OwnedMutexGuard, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Handle,
    apply::{Attempt, Done},
    content::{self, Content},
    guard::Guard,
    pending::Pending,
};
use crate::{plane::Shared, plans};

/// How often in a row an update is given up for a newer one. Then it goes through, so that a slow agent is live some time.
const MOST_OVERTAKEN: u32 = 3;
/// For how long updates that need no build are given up for newer ones.
const OVERTAKEN_LIMIT: Duration = Duration::from_secs(2);
/// Old updates are forgotten each time so many were made.
const TRIM_EVERY: usize = 50;

/// Why a folder is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Somebody asked for it just now, and so is about to edit it.
    Asked,
    /// It was watched before the control plane ended.
    CatchUp,
}

/// The task.
pub(super) struct Follower {
    pub(super) shared: Arc<Shared>,
    pub(super) name: AgentName,
    pub(super) root: PathBuf,
    pub(super) handle: Handle,
    /// The folder as it was last seen.
    pub(super) seen: Option<Arc<Snapshot>>,
    /// The content that failed and is not tried again by itself.
    pub(super) failed: Option<String>,
    pub(super) guard: Guard,
    /// See [`super::apply::Attempt`].
    pub(super) alone: bool,
    /// What the folder is understood to be, being read again after an update that did not need to know.
    reading: Option<JoinHandle<Option<Content>>>,
    since_trim: usize,
}

/// How often and since when updates were given up for newer ones.
#[derive(Default)]
struct Overtaken {
    times: u32,
    since: Option<Instant>,
}

impl Overtaken {
    /// Whether one more may be; counts it.
    fn once_more(&mut self, by_job: bool) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        let in_time = by_job || since.elapsed() < OVERTAKEN_LIMIT;
        let may = self.times < MOST_OVERTAKEN && in_time;
        self.times += u32::from(may);
        may
    }
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, name: AgentName, root: &Path, handle: Handle) -> Self {
        Self {
            shared,
            name,
            root: root.to_owned(),
            handle,
            seen: None,
            failed: None,
            guard: Guard::default(),
            alone: false,
            reading: None,
            since_trim: 0,
        }
    }

    /// Follows the folder until the watch ends.
    pub(super) async fn run(mut self, mut watch: Watch, reason: Reason) {
        if let Err(fault) = self.take_up(reason).await {
            tracing::warn!(%fault, agent = %self.name, "earlier updates could not be looked at");
        }
        let mut state = watch.state();
        // Whoever asked for the watch is about to save.
        let mut to_warm_up = reason == Reason::Asked;
        let mut is_first = true;
        loop {
            self.show(&watch).await;
            let expiry = self.shared.live.pool.kept_until(&self.name);
            let pending = tokio::select! {
                batch = watch.next() => match batch {
                    Some(batch) => {
                        let mut pending = Pending::of(batch);
                        pending.anew &= !std::mem::take(&mut is_first);
                        pending
                    }
                    None => return,
                },
                () = self.handle.wake.notified() => Pending::everything(),
                changed = state.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                read = finished(&mut self.reading) => {
                    self.reading = None;
                    if let Some(read) = read.flatten() {
                        self.take_in(read).await;
                    }
                    continue;
                }
                () = crate::time::until(expiry) => {
                    self.shared.outdate_standby(&self.name).await;
                    continue;
                }
            };
            to_warm_up |= pending.anew;
            self.keep_up(&mut watch, pending).await;
            if std::mem::take(&mut to_warm_up) {
                self.warm_up();
            }
        }
    }

    async fn take_up(&mut self, reason: Reason) -> Result<(), Fault> {
        if reason == Reason::Asked {
            self.shared
                .live
                .pool
                .saved(&self.name, tokio::time::Instant::now());
        }
        self.shared.close_updates(&self.name).await?;
        self.failed = self.shared.failed_content(&self.name).await?;
        Ok(())
    }

    /// Has an instance wait for the next save, unless one does already.
    fn warm_up(&self) {
        if !self.shared.live.pool.is_warm(&self.name)
            && let Some(content) = self.shared.live.contents.get(&self.name)
        {
            self.shared.warm_up(&self.name, content);
        }
    }

    /// Makes the folder live, until it is and nothing came meanwhile.
    async fn keep_up(&mut self, watch: &mut Watch, mut pending: Pending) {
        let mut overtaken = Overtaken::default();
        loop {
            let Some(lock) = self.lock(watch, &mut pending).await else {
                return;
            };
            if pending.anew {
                self.shared.outdate_standby(&self.name).await;
            }
            let attempt = match self.find(&mut pending, lock).await {
                Ok(Some(attempt)) => attempt,
                Ok(None) => return,
                Err(fault) => return self.cannot_look(fault),
            };
            let first_time = pending.started_with.is_none();
            let target = Arc::clone(&attempt.now.snapshot);
            let (done, newer) = self.apply(watch, attempt, &mut overtaken).await;
            self.after(&done);
            let superseded = done.update.state == UpdateState::Superseded;
            pending = match newer {
                Some(newer) => newer,
                // It gave way to a change that is still to be seen.
                None if superseded => Pending::everything(),
                None => return,
            };
            if done.started.is_some() && first_time {
                pending.started_with = Some(target);
            }
        }
    }

    /// Waits until nobody else is at work on the agent; what changes meanwhile is gathered.
    async fn lock(
        &mut self,
        watch: &mut Watch,
        pending: &mut Pending,
    ) -> Option<OwnedMutexGuard<()>> {
        self.notice(pending);
        let shared = Arc::clone(&self.shared);
        let name = self.name.clone();
        let locking = shared.lock_agent(&name, &shared.stop);
        tokio::pin!(locking);
        loop {
            tokio::select! {
                biased;
                lock = &mut locking => return lock.ok(),
                batch = watch.next() => {
                    let batch = Pending::of(batch?);
                    self.notice(&batch);
                    pending.add(batch);
                }
            }
        }
    }

    /// Makes one difference live, and gives what changed meanwhile. A change of content overtakes it.
    async fn apply(
        &mut self,
        watch: &mut Watch,
        attempt: Attempt,
        overtaken: &mut Overtaken,
    ) -> (Done, Option<Pending>) {
        let by_job = attempt.update.action >= UpdateAction::Environment;
        let target = attempt.now.snapshot.hash;
        let cancel = CancellationToken::new();
        let applying = attempt.run(cancel.clone());
        tokio::pin!(applying);
        let mut newer: Option<Pending> = None;
        let mut looking: Option<JoinHandle<Result<Snapshot, Fault>>> = None;
        let done = loop {
            tokio::select! {
                biased;
                done = &mut applying => break done,
                looked = finished(&mut looking) => {
                    looking = None;
                    self.saw(looked);
                    let differs = self.seen.as_ref().is_some_and(|seen| seen.hash != target);
                    if differs && !cancel.is_cancelled() && overtaken.once_more(by_job) {
                        cancel.cancel();
                    }
                }
                Some(batch) = watch.next() => {
                    let batch = Pending::of(batch);
                    self.notice(&batch);
                    match &mut newer {
                        Some(newer) => newer.add(batch),
                        None => newer = Some(batch),
                    }
                }
            }
            if looking.is_none()
                && let Some(newer) = newer.as_mut().filter(|newer| newer.is_unseen())
            {
                looking = Some(self.look(newer));
            }
        };
        if looking.is_some() {
            let looked = finished(&mut looking).await;
            self.saw(looked);
        }
        (done, newer)
    }

    /// Looks at what changed, in the background.
    pub(super) fn look(&self, pending: &mut Pending) -> JoinHandle<Result<Snapshot, Fault>> {
        let (paths, rescan) = pending.take();
        let root = self.root.clone();
        let cache = self.shared.home.snapshot_cache_of(&root);
        let before = self.seen.clone().filter(|_| !rescan);
        // Ends with the control plane alone: what was taken from `pending` must not be lost.
        let cancel = self.shared.stop.clone();
        tokio::task::spawn_blocking(move || {
            Ok(match before {
                Some(before) => {
                    before.refresh(&root, &SnapshotOptions::default(), &paths, &cancel)?
                }
                None => content::take(&root, &cache, &cancel)?,
            })
        })
    }

    /// Takes in what was looked at. What could not be is looked at as a whole the next time.
    pub(super) fn saw(&mut self, looked: Option<Result<Snapshot, Fault>>) {
        self.seen = match looked {
            Some(Ok(snapshot)) => Some(Arc::new(snapshot)),
            Some(Err(_)) | None => None,
        };
    }

    fn notice(&mut self, pending: &Pending) {
        self.guard.changed(pending.noticed, pending.paths());
    }

    /// Remembers what an attempt showed.
    fn after(&mut self, done: &Done) {
        self.alone = done.alone;
        if let Some(started) = done.started {
            self.guard.started(started);
        }
        let update = &done.update;
        self.failed = match (&update.state, &update.fault) {
            (UpdateState::Failed, Some(fault)) if !fault.retryable => {
                Some(update.content_hash.clone())
            }
            _ => None,
        };
        if matches!(update.state, UpdateState::Live | UpdateState::Unchanged) && !done.read_again {
            self.read_again(&done.now);
        }
        self.since_trim += 1;
        if self.since_trim >= TRIM_EVERY {
            self.since_trim = 0;
            let (shared, name) = (Arc::clone(&self.shared), self.name.clone());
            self.shared.spawn(async move {
                if let Err(fault) = shared.trim_updates(&name).await {
                    tracing::warn!(%fault, agent = %name, "old updates were left");
                }
            });
        }
    }

    /// Describes what runs now in the background: nothing that decides has changed, but what is shown of it may have.
    fn read_again(&mut self, now: &Content) {
        let (root, snapshot) = (self.root.clone(), Arc::clone(&now.snapshot));
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let description = describe(&root, &snapshot).ok()?;
            Some(Content {
                snapshot,
                description: Arc::new(description),
            })
        }));
    }

    async fn take_in(&mut self, content: Content) {
        let running = self.shared.live.contents.get(&self.name);
        if running.is_none_or(|running| running.snapshot.hash != content.snapshot.hash) {
            return;
        }
        let described = plans::described(&content.description);
        let card = plans::known_card(&content.description);
        self.shared.live.contents.set(&self.name, content);
        let taken_in = self
            .shared
            .change_agent(&self.name, |agent, _| {
                described.apply(agent);
                if agent.card_generated && card.generated {
                    agent.card = card.json.clone();
                }
            })
            .await;
        if let Err(fault) = taken_in {
            tracing::warn!(%fault, agent = %self.name, "what the folder says was not taken in");
        }
    }

    fn cannot_look(&mut self, fault: Fault) {
        if fault.code != ErrorCode::Cancelled {
            tracing::debug!(%fault, agent = %self.name, "a watched folder could not be read");
            self.handle.status.lock().now.fault = Some(fault);
        }
    }

    /// Shows how the folder is watched.
    async fn show(&mut self, watch: &Watch) {
        {
            let mut status = self.handle.status.lock();
            let mode = watch.mode();
            status.now.mode = mode.kind;
            status.now.why = mode.why;
            if let Some(seen) = &self.seen {
                status.now.files = seen.files.len() as u64;
                status.now.fault = None;
            }
            if let Some(fault) = watch.fault() {
                status.now.fault = Some(Fault::from(fault.as_ref()));
            }
        }
        self.shared.tell_watch(&self.name).await;
    }
}

/// What a task came to; waits for ever while there is none.
async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> Option<T> {
    match task {
        Some(task) => task.await.ok(),
        None => std::future::pending().await,
    }
}
