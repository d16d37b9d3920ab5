//! The one watch of the operating system, and which directories it covers for whom.
//!
//! Directories are watched one by one, so that those that do not count cost nothing. Where the system watches whole trees for
//! the same price (macOS, Windows) a folder is watched at once.
//!
//! No lock of the [`Table`] is held while the system's watch is called: its thread may be waiting for that lock.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::{Mutex, RwLock};

use super::events;
use super::mailbox::Mailbox;
use crate::snapshot::Rules;

/// Whether one watch covers a tree.
const WHOLE_TREES: bool = cfg!(any(target_os = "macos", windows));

/// How the directories of folders are watched; what is above folders never is as a tree.
const OF_FOLDERS: RecursiveMode = if WHOLE_TREES {
    RecursiveMode::Recursive
} else {
    RecursiveMode::NonRecursive
};

pub(super) struct Hub {
    /// Why there is none, where there is none.
    system: Result<Mutex<RecommendedWatcher>, String>,
    table: Arc<RwLock<Table>>,
    max_directories: usize,
}

/// Who is told of what.
#[derive(Default)]
pub(super) struct Table {
    registrations: HashMap<Id, Registration>,
    /// Folders, as the system spells them without links.
    roots: HashMap<PathBuf, Vec<Route>>,
    /// Paths whose coming and going concerns a folder: itself and what is above it.
    above: HashMap<PathBuf, Vec<Arc<Mailbox>>>,
    /// Directories under watch.
    watched: BTreeSet<PathBuf>,
    /// Those of them of which nothing counts but the file that says so.
    marked: HashSet<PathBuf>,
}

/// Which folder: the address of its mailbox.
type Id = usize;

#[derive(Default)]
struct Registration {
    root: Option<PathBuf>,
    above: Vec<PathBuf>,
}

/// One folder that is told of what happens in it.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) rules: Arc<Rules>,
}

/// Why a directory is not under watch.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not there, or may not be read; the walk will find that out too.
    Absent,
    /// Nothing more can be watched, for the reason given.
    Exhausted(String),
}

impl Hub {
    pub(super) fn new(max_directories: usize) -> Self {
        let table = Arc::new(RwLock::new(Table::default()));
        let told = Arc::clone(&table);
        let system = notify::recommended_watcher(move |event| events::tell(&told, event))
            .map(Mutex::new)
            .map_err(|error| reason(&error));
        if let Err(why) = &system {
            tracing::warn!(%why, "folders are polled");
        }
        Self {
            system,
            table,
            max_directories,
        }
    }

    /// Why nothing can be watched, where that is so.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.system.as_ref().err().map(String::as_str)
    }

    pub(super) fn table(&self) -> &Arc<RwLock<Table>> {
        &self.table
    }

    /// Tells `mailbox` from now on of what happens in `root`, if it is there, and to the paths `above`, whose directories are
    /// watched as far as they are there. Replaces what it was told of before.
    pub(super) fn register(
        &self,
        mailbox: &Arc<Mailbox>,
        root: Option<(PathBuf, Arc<Rules>)>,
        above: Vec<PathBuf>,
    ) {
        let parents: BTreeSet<PathBuf> = above.iter().filter_map(|path| parent(path)).collect();
        let before = self.table.write().register(mailbox, root, above);
        for directory in parents {
            if let Err(refusal) = self.add(&directory, RecursiveMode::NonRecursive) {
                tracing::debug!(directory = %directory.display(), ?refusal, "cannot watch above a folder");
            }
        }
        self.sweep(&before);
    }

    /// Tells `mailbox` of nothing any more, and ends the watches that nobody else needs.
    pub(super) fn remove(&self, mailbox: &Arc<Mailbox>) {
        let before = self.table.write().remove(mailbox);
        self.sweep(&before);
    }

    /// Watches a directory of a folder, whether it was watched or not: another one may be in its place by now.
    pub(super) fn watch(&self, directory: &Path) -> Result<(), Refusal> {
        let mut table = self.table.write();
        table.marked.remove(directory);
        if WHOLE_TREES && table.is_in_watched_tree(directory) {
            return Ok(());
        }
        drop(table);
        self.add(directory, OF_FOLDERS)
    }

    /// Watches whether a directory of a folder goes on to be left out for a file in it.
    pub(super) fn watch_marked(&self, directory: &Path) -> Result<(), Refusal> {
        self.table.write().marked.insert(directory.to_owned());
        if WHOLE_TREES {
            return Ok(());
        }
        self.add(directory, RecursiveMode::NonRecursive)
    }

    fn add(&self, directory: &Path, mode: RecursiveMode) -> Result<(), Refusal> {
        let system = self
            .system
            .as_ref()
            .map_err(|why| Refusal::Exhausted(why.clone()))?;
        let mut table = self.table.write();
        let max = self.max_directories;
        if table.watched.len() >= max && !table.watched.contains(directory) {
            let why = format!("the limit of {max} directories under watch is reached");
            return Err(Refusal::Exhausted(why));
        }
        table.watched.insert(directory.to_owned());
        drop(table);
        let added = system.lock().watch(directory, mode);
        added.map_err(|error| {
            self.table.write().forget(directory);
            refusal(&error)
        })
    }

    /// Ends the watches of a directory of `root` that is gone or does not count any more, and of all below it.
    pub(super) fn unwatch_below(&self, root: &Path, directory: &Path) {
        let gone = directory.symlink_metadata().is_err();
        let mut table = self.table.write();
        table.marked.retain(|marked| !marked.starts_with(directory));
        let below = table.below(directory);
        drop(table);
        self.unwatch(if gone {
            below
        } else {
            self.superfluous(below, Some(root))
        });
    }

    /// Ends the watches below a root that are not in `keep`.
    pub(super) fn retain(&self, root: &Path, keep: &HashSet<PathBuf>) {
        let mut below = self.table.read().below(root);
        below.retain(|directory| !keep.contains(directory));
        self.unwatch(self.superfluous(below, Some(root)));
    }

    /// Ends what only a former registration needed.
    fn sweep(&self, before: &Registration) {
        let mut candidates: Vec<PathBuf> = before
            .above
            .iter()
            .filter_map(|path| parent(path))
            .collect();
        if let Some(root) = &before.root {
            candidates.extend(self.table.read().below(root));
        }
        self.unwatch(self.superfluous(candidates, None));
    }

    /// Which of the directories no folder needs, leaving aside the one at `own`. What is below another folder counts as
    /// needed by it: a watch more than necessary does no harm.
    fn superfluous(&self, mut directories: Vec<PathBuf>, own: Option<&Path>) -> Vec<PathBuf> {
        let table = self.table.read();
        let needed: HashSet<&Path> = table
            .above
            .keys()
            .filter_map(|path| path.parent())
            .collect();
        let others = |root: &Path| {
            let folders = table.roots.get(root).map_or(0, Vec::len);
            folders > usize::from(own == Some(root))
        };
        directories.retain(|directory| {
            !needed.contains(directory.as_path()) && !directory.ancestors().any(others)
        });
        directories
    }

    fn unwatch(&self, directories: Vec<PathBuf>) {
        let Ok(system) = &self.system else {
            return;
        };
        for directory in directories {
            // It fails where the system has ended the watch itself, because the directory is gone.
            let _ = system.lock().unwatch(&directory);
            self.table.write().forget(&directory);
        }
    }
}

impl Table {
    fn register(
        &mut self,
        mailbox: &Arc<Mailbox>,
        root: Option<(PathBuf, Arc<Rules>)>,
        above: Vec<PathBuf>,
    ) -> Registration {
        let before = self.remove(mailbox);
        for path in &above {
            let told = self.above.entry(path.clone()).or_default();
            told.push(Arc::clone(mailbox));
        }
        let root = root.map(|(root, rules)| {
            let mailbox = Arc::clone(mailbox);
            self.roots
                .entry(root.clone())
                .or_default()
                .push(Route { mailbox, rules });
            root
        });
        self.registrations
            .insert(id(mailbox), Registration { root, above });
        before
    }

    fn remove(&mut self, mailbox: &Arc<Mailbox>) -> Registration {
        let before = self.registrations.remove(&id(mailbox)).unwrap_or_default();
        if let Some(root) = &before.root
            && let Some(routes) = self.roots.get_mut(root)
        {
            routes.retain(|route| !Arc::ptr_eq(&route.mailbox, mailbox));
            if routes.is_empty() {
                self.roots.remove(root);
            }
        }
        for path in &before.above {
            if let Some(told) = self.above.get_mut(path) {
                told.retain(|other| !Arc::ptr_eq(other, mailbox));
                if told.is_empty() {
                    self.above.remove(path);
                }
            }
        }
        before
    }

    /// The folders that a path is in or is, with the path of each.
    pub(super) fn routes<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl Iterator<Item = (&'a Path, &'a Route)> {
        path.ancestors().flat_map(|root| {
            let routes = self.roots.get(root).into_iter().flatten();
            routes.map(move |route| (root, route))
        })
    }

    /// The folders that are below a path, or are it.
    pub(super) fn above(&self, path: &Path) -> &[Arc<Mailbox>] {
        self.above.get(path).map_or(&[], Vec::as_slice)
    }

    /// Every folder and where it is.
    pub(super) fn roots(&self) -> impl Iterator<Item = (&Path, &Mailbox)> {
        self.roots.iter().flat_map(|(root, routes)| {
            let all = routes.iter();
            all.map(|route| (root.as_path(), &*route.mailbox))
        })
    }

    /// Whether a path is known to be a directory, for being under watch.
    pub(super) fn is_watched(&self, path: &Path) -> bool {
        self.watched.contains(path)
    }

    /// How many directories are under watch.
    #[cfg(test)]
    pub(super) fn watched(&self) -> usize {
        self.watched.len()
    }

    /// Whether a directory is left out for a file in it.
    pub(super) fn is_marked(&self, directory: &Path) -> bool {
        self.marked.contains(directory)
    }

    /// Whether a directory is below a folder that is watched with all that is in it.
    fn is_in_watched_tree(&self, directory: &Path) -> bool {
        let mut above = directory.ancestors().skip(1);
        above.any(|path| self.roots.contains_key(path) && self.watched.contains(path))
    }

    fn forget(&mut self, directory: &Path) {
        self.watched.remove(directory);
        self.marked.remove(directory);
    }

    fn below(&self, directory: &Path) -> Vec<PathBuf> {
        let from = self.watched.range(directory.to_owned()..);
        from.take_while(|path| path.starts_with(directory))
            .cloned()
            .collect()
    }
}

fn id(mailbox: &Arc<Mailbox>) -> Id {
    Arc::as_ptr(mailbox).addr()
}

fn parent(path: &Path) -> Option<PathBuf> {
    path.parent().map(Path::to_owned)
}

fn refusal(error: &notify::Error) -> Refusal {
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => Refusal::Absent,
        ErrorKind::Io(error) if is_absent(error) => Refusal::Absent,
        _ => Refusal::Exhausted(reason(error)),
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied
    )
}

/// What the system's refusal means, with the limit that was reached.
fn reason(error: &notify::Error) -> String {
    let limit = |name: &str| {
        let value = fs_err::read_to_string(format!("/proc/sys/fs/inotify/{name}"));
        let value = value.map_or_else(|_| String::new(), |value| format!(" = {}", value.trim()));
        format!("(fs.inotify.{name}{value}) is reached")
    };
    match &error.kind {
        ErrorKind::MaxFilesWatch => format!(
            "the system's limit of watches {}",
            limit("max_user_watches")
        ),
        ErrorKind::Io(error) if is_out_of_instances(error) => {
            format!(
                "the system's limit of inotify instances {}",
                limit("max_user_instances")
            )
        }
        _ => format!("the system refuses to watch: {error}"),
    }
}

#[cfg(unix)]
fn is_out_of_instances(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error())
}

#[cfg(not(unix))]
fn is_out_of_instances(_error: &std::io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_named() {
        let watches = reason(&notify::Error::new(ErrorKind::MaxFilesWatch));
        assert!(
            watches.starts_with("the system's limit of watches (fs.inotify.max_user_watches"),
            "{watches}"
        );
        #[cfg(unix)]
        {
            let error = std::io::Error::from(rustix::io::Errno::MFILE);
            let instances = reason(&notify::Error::io(error));
            assert!(
                instances.contains("fs.inotify.max_user_instances"),
                "{instances}"
            );
        }
    }
}
