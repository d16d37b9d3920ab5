//! Notices that folders change, on whatever file system they are. Knows paths and nothing of contents: whether a change means
//! anything is for [`Snapshot::refresh`](crate::Snapshot::refresh) to say. Must never lose an edit: in any doubt a batch says
//! so, and the folder is compared as a whole.
//!
//! One watch of the operating system serves all folders. Each folder has a mailbox, into which the system's thread puts what
//! happened and out of which [`Watch::next`] takes it, and a task that follows its directories as they come and go.

mod events;
mod hub;
mod keeper;
mod mailbox;
mod mounts;
mod polling;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use nasiko_contract::WatchMode;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::WorkshopError;
use crate::snapshot::SnapshotOptions;
use hub::Hub;
use keeper::Keeper;
use mailbox::Mailbox;

/// How folders are watched. The defaults are for people who save files.
#[derive(Debug, Clone)]
pub struct WatcherConfig {
    /// From the first event of a batch to its handing out.
    pub gather: Duration,
    /// While events are this close to each other, a batch that is due is kept back, up to `gather_limit`.
    pub quiet: Duration,
    /// From the first event of a batch to its handing out at most.
    pub gather_limit: Duration,
    /// How long what looks like an editor's temporary file (`x.tmp`) waits for an event of substance, if none comes.
    pub temporary: Duration,
    /// A batch of more paths than this becomes a rescan.
    pub max_paths: usize,
    /// Directories watched at most, all folders together; the system has a limit of its own. Folders beyond it are polled.
    pub max_directories: usize,
    /// Whether every folder is polled.
    pub force_polling: bool,
    /// How often a polled folder is looked at shortly after a change.
    pub poll_fast: Duration,
    /// How often a polled folder is looked at when nothing has changed for long, and a missing folder is looked for.
    pub poll_slow: Duration,
}

impl Default for WatcherConfig {
    fn default() -> Self {
        Self {
            gather: Duration::from_millis(20),
            quiet: Duration::from_millis(10),
            gather_limit: Duration::from_millis(200),
            temporary: Duration::from_millis(500),
            max_paths: 10_000,
            max_directories: 500_000,
            force_polling: false,
            poll_fast: Duration::from_millis(250),
            poll_slow: Duration::from_secs(2),
        }
    }
}

/// Watches folders. Dropping it ends all of its watches.
pub struct Watcher {
    config: Arc<WatcherConfig>,
    hub: Arc<Hub>,
    runtime: Handle,
    ended: CancellationToken,
    _end: DropGuard,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Watcher");
        debug.field("config", &self.config).finish_non_exhaustive()
    }
}

/// Changes of one folder. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watch {
    mailbox: Arc<Mailbox>,
    state: watch::Receiver<WatchState>,
    _end: DropGuard,
}

/// Paths that may have changed at about the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// When its first event was noticed, by the wall clock.
    pub first_at: SystemTime,
    /// The same moment, for measuring.
    pub seen: Instant,
    /// Relative to the root, `/`-separated; characters that are not Unicode are replaced. A directory stands for all that is
    /// in it.
    pub paths: BTreeSet<String>,
    /// What changed is not known for sure: the whole folder must be compared. `paths` need not be complete then.
    pub rescan: bool,
}

/// How changes are noticed, and why so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// `Off` until the watch is set up and while the folder is missing.
    pub kind: WatchMode,
    /// Why it polls; empty otherwise.
    pub why: String,
}

/// What is known of a watch.
#[derive(Debug, Clone)]
pub struct WatchState {
    /// How changes are noticed.
    pub mode: Mode,
    /// Why the folder cannot be watched now; it is looked for again by itself.
    pub fault: Option<Arc<WorkshopError>>,
}

impl Watcher {
    /// A watcher without folders. Call it within a Tokio runtime: not being in one is the only error. Where the system offers
    /// no watch, folders are polled.
    pub fn new(config: WatcherConfig) -> Result<Self, WorkshopError> {
        let runtime = Handle::try_current().map_err(|error| {
            WorkshopError::io("Watching", PathBuf::from("."), io::Error::other(error))
        })?;
        let ended = CancellationToken::new();
        let hub = Arc::new(Hub::new(config.max_directories));
        let mounts = mounts::follow(Arc::clone(hub.table()));
        runtime.spawn(ended.clone().run_until_cancelled_owned(mounts));
        Ok(Self {
            config: Arc::new(config),
            hub,
            runtime,
            _end: ended.clone().drop_guard(),
            ended,
        })
    }

    /// Starts watching what a snapshot of `root` with these `options` would read. Never fails and never blocks: the watch is
    /// set up in the background, and a folder that is not there is looked for until it is.
    ///
    /// The first batch is a rescan, handed out as soon as no later change can be missed. So is the first after any trouble.
    pub fn watch(&self, root: PathBuf, options: SnapshotOptions) -> Watch {
        let cancel = self.ended.child_token();
        let mailbox = Arc::new(Mailbox::new(Arc::clone(&self.config)));
        let (told, state) = watch::channel(WatchState {
            mode: Mode {
                kind: WatchMode::Off,
                why: String::new(),
            },
            fault: None,
        });
        let keeper = Keeper {
            root: std::path::absolute(&root).unwrap_or(root),
            options: Arc::new(options),
            config: Arc::clone(&self.config),
            hub: Arc::clone(&self.hub),
            mailbox: Arc::clone(&mailbox),
            state: told,
            cancel: cancel.clone(),
        };
        self.runtime.spawn(keeper.run());
        Watch {
            mailbox,
            state,
            _end: cancel.drop_guard(),
        }
    }
}

impl Watch {
    /// The next changes; none when the [`Watcher`] has ended. Cancel-safe: what is not handed out stays for the next call.
    pub async fn next(&mut self) -> Option<Batch> {
        self.mailbox.next().await
    }

    /// How changes are noticed now.
    pub fn mode(&self) -> Mode {
        self.state.borrow().mode.clone()
    }

    /// Why the folder cannot be watched now.
    pub fn fault(&self) -> Option<Arc<WorkshopError>> {
        self.state.borrow().fault.clone()
    }

    /// Tells of every change of mode and fault.
    pub fn state(&self) -> watch::Receiver<WatchState> {
        self.state.clone()
    }
}

#[cfg(test)]
mod tests;
