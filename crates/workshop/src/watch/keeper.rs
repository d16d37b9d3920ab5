//! The task that keeps the watch over one folder up: sets it up, follows its directories as they come and go, and finds the
//! folder again when it was gone. Sleeps while nothing happens, unless it has to poll.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nasiko_contract::WatchMode;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::hub::{Hub, Refusal};
use super::mailbox::Mailbox;
use super::polling::{Pace, Polled};
use super::{Mode, WatchState, WatcherConfig, mounts};
use crate::error::WorkshopError;
use crate::snapshot::{Directory, Found, LeftOut, Rules, SnapshotOptions, Visitor, walk};

/// Cheap to clone, as all the blocking work needs it.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) root: PathBuf,
    pub(super) options: Arc<SnapshotOptions>,
    pub(super) config: Arc<WatcherConfig>,
    pub(super) hub: Arc<Hub>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) state: watch::Sender<WatchState>,
    pub(super) cancel: CancellationToken,
}

/// A watch that was set up.
enum SetUp {
    Native(Arc<Native>),
    /// Why nothing better is possible.
    Polling(String),
}

/// A folder under the system's watch.
struct Native {
    /// Without links.
    root: PathBuf,
    rules: Arc<Rules>,
}

impl Keeper {
    /// Keeps the watch up until cancelled.
    pub(super) async fn run(self) {
        let mut pace = Pace::new(&self.config);
        while !self.cancel.is_cancelled() {
            // Never given up half-way: it would go on, and leave watches behind.
            let ended = match self.blocking(Self::set_up).await {
                Ok(SetUp::Native(native)) => {
                    pace.reset();
                    self.follow(native).await
                }
                Ok(SetUp::Polling(why)) => self.poll(why, &mut pace).await,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = ended {
                self.fail(fault);
                self.wait(pace.next()).await;
            }
        }
        let end = |keeper: Self| {
            keeper.hub.remove(&keeper.mailbox);
            Ok(())
        };
        // It cannot fail, and nobody would be there to hear of it.
        let _ = self.blocking(end).await;
        self.mailbox.close();
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, WorkshopError> + Send + 'static,
    ) -> Result<T, WorkshopError> {
        let keeper = self.clone();
        let done = tokio::task::spawn_blocking(move || work(keeper)).await;
        done.unwrap_or_else(|error| {
            Err(WorkshopError::io(
                "Watching",
                &self.root,
                io::Error::other(error),
            ))
        })
    }

    /// Waits, but not longer than until something happens where the folder should be.
    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = self.mailbox.work() => {}
            () = self.cancel.cancelled() => {}
        }
    }

    fn fail(&self, fault: WorkshopError) {
        if matches!(fault, WorkshopError::Cancelled) {
            return;
        }
        tracing::debug!(root = %self.root.display(), %fault, "a folder cannot be watched");
        self.tell(WatchMode::Off, String::new(), Some(fault));
    }

    fn tell(&self, kind: WatchMode, why: String, fault: Option<WorkshopError>) {
        self.state.send_replace(WatchState {
            mode: Mode { kind, why },
            fault: fault.map(Arc::new),
        });
    }

    /// Puts every directory that counts under watch, or finds out why that cannot be. Blocks.
    fn set_up(self) -> Result<SetUp, WorkshopError> {
        let real = fs_err::canonicalize(&self.root).and_then(|real| {
            if fs_err::metadata(&real)?.is_dir() {
                Ok(real)
            } else {
                Err(io::Error::from(io::ErrorKind::NotADirectory))
            }
        });
        let root = match real {
            Ok(real) => real,
            Err(error) => {
                self.hub
                    .register(&self.mailbox, None, above(&self.root, None));
                return Err(WorkshopError::io("Watching", &self.root, error));
            }
        };
        if let Some(why) = self.why_polling(&root) {
            self.hub.remove(&self.mailbox);
            return Ok(SetUp::Polling(why));
        }
        let rules = Arc::new(Rules::read(&root, &self.options));
        // Registered before the first directory is watched, so that no event finds nobody.
        let registered = Some((root.clone(), Arc::clone(&rules)));
        self.hub
            .register(&self.mailbox, registered, above(&self.root, Some(&root)));
        let mut directories = Directories::new(&self.hub);
        match walk(
            Directory::root(&root),
            &rules,
            &mut directories,
            &self.cancel,
        ) {
            Ok(()) => self.hub.retain(&root, &directories.watched),
            Err(Trouble::Exhausted(why)) => {
                self.hub.remove(&self.mailbox);
                return Ok(SetUp::Polling(why));
            }
            Err(Trouble::Folder(error)) => return Err(error),
        }
        Ok(SetUp::Native(Arc::new(Native { root, rules })))
    }

    fn why_polling(&self, root: &Path) -> Option<String> {
        if self.config.force_polling {
            return Some("polling was asked for".to_owned());
        }
        let silent = mounts::silent(root);
        let silent = silent.map(|kind| format!("{kind} does not tell of every change"));
        silent.or_else(|| self.hub.refusal().map(str::to_owned))
    }

    /// Follows a folder under the system's watch until it must be set up again.
    async fn follow(&self, native: Arc<Native>) -> Result<(), WorkshopError> {
        self.tell(WatchMode::Native, String::new(), None);
        self.mailbox.rescan();
        self.mailbox.done();
        while let Some(work) = self.cancel.run_until_cancelled(self.mailbox.work()).await {
            let native = Arc::clone(&native);
            let goes_on = move |keeper: Self| {
                Ok(!work.everything
                    && work
                        .directories
                        .iter()
                        .all(|directory| keeper.directory(&native, directory)))
            };
            if !self.blocking(goes_on).await? {
                return Ok(());
            }
            self.mailbox.done();
        }
        Ok(())
    }

    /// Sees to a directory that came, went or changed; false where everything must be set up again. Blocks.
    fn directory(&self, native: &Native, directory: &Path) -> bool {
        let Ok(relative) = directory.strip_prefix(&native.root) else {
            return true;
        };
        let find = || Directory::root(&native.root).below(relative, &native.rules);
        let found = find().or_else(|left_out| {
            self.hub.unwatch_below(&native.root, directory);
            let LeftOut::Marked(marked) = left_out else {
                return Err(left_out);
            };
            // The file that says so may have gone before it was watched.
            self.hub
                .watch_marked(&marked)
                .map_err(|_| LeftOut::Otherwise)?;
            find()
        });
        let Ok(start) = found else {
            return true;
        };
        let path = start.path().to_owned();
        let mut directories = Directories::new(&self.hub);
        let walked = walk(start, &native.rules, &mut directories, &self.cancel);
        // What was made in it before it was under watch is told by nobody else. Whoever took its path already reads it again.
        self.mailbox.path(path);
        walked.is_ok()
    }

    /// Looks at the folder again and again.
    async fn poll(&self, why: String, pace: &mut Pace) -> Result<(), WorkshopError> {
        let look = |before: Option<Polled>| {
            self.blocking(move |keeper| {
                Polled::look(
                    &keeper.root,
                    &keeper.options,
                    before,
                    &keeper.mailbox,
                    &keeper.cancel,
                )
            })
        };
        let mut polled = look(None).await?;
        pace.reset();
        self.tell(WatchMode::Polling, why, None);
        self.mailbox.rescan();
        self.mailbox.done();
        let wait = |time| self.cancel.run_until_cancelled(tokio::time::sleep(time));
        while wait(pace.next()).await.is_some() {
            polled = look(Some(polled)).await?;
            if polled.changed {
                pace.reset();
            }
        }
        Ok(())
    }
}

/// The paths that the folder comes and goes with: itself and all above it, with and without links, each in a directory spelled
/// without links, as that is how the system tells of it.
fn above(root: &Path, real: Option<&Path>) -> Vec<PathBuf> {
    let all = root
        .ancestors()
        .chain(real.into_iter().flat_map(Path::ancestors));
    let spelled = |path: &Path| {
        Some(
            fs_err::canonicalize(path.parent()?)
                .ok()?
                .join(path.file_name()?),
        )
    };
    // A change right below the root of the file system is as good as impossible, and that directory is never quiet.
    let deep = all
        .filter_map(spelled)
        .filter(|path| path.components().count() > 2);
    deep.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Puts every directory of a walk under watch before it is read, so that what comes into it meanwhile is either read or told.
struct Directories<'a> {
    hub: &'a Hub,
    watched: HashSet<PathBuf>,
}

enum Trouble {
    Folder(WorkshopError),
    Exhausted(String),
}

impl From<WorkshopError> for Trouble {
    fn from(error: WorkshopError) -> Self {
        Self::Folder(error)
    }
}

impl<'a> Directories<'a> {
    fn new(hub: &'a Hub) -> Self {
        let watched = HashSet::new();
        Self { hub, watched }
    }

    fn note(&mut self, disk: &Path, outcome: Result<(), Refusal>) -> Result<(), Trouble> {
        match outcome {
            Ok(()) => {
                self.watched.insert(disk.to_owned());
                Ok(())
            }
            // Reading it says what is wrong with it.
            Err(Refusal::Absent) => Ok(()),
            Err(Refusal::Exhausted(why)) => Err(Trouble::Exhausted(why)),
        }
    }
}

impl Visitor for Directories<'_> {
    type Error = Trouble;

    fn enter(&mut self, disk: &Path) -> Result<(), Trouble> {
        let outcome = self.hub.watch(disk);
        self.note(disk, outcome)
    }

    fn marked(&mut self, disk: &Path) -> Result<(), Trouble> {
        let outcome = self.hub.watch_marked(disk);
        self.note(disk, outcome)
    }

    fn directory(&mut self, _path: String) {}

    fn file(&mut self, _found: Found) -> Result<(), Trouble> {
        Ok(())
    }

    fn skip(&mut self, _path: String, _why: String) {}
}
