//! What was seen to change and is not looked at, or not live, yet.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Instant, SystemTime},
};

use nasiko_workshop::{Snapshot, watch::Batch};

/// More paths than these are looked at as a whole folder.
const MOST_PATHS: usize = 10_000;

/// Changes of one folder.
pub(super) struct Pending {
    /// When the first of them was noticed, by the wall clock.
    pub(super) at: SystemTime,
    /// The same moment.
    pub(super) noticed: Instant,
    /// To be looked at.
    unseen: BTreeSet<String>,
    /// The whole folder is to be looked at.
    rescan: bool,
    /// The folder may have been away: what was started in it or failed meanwhile says nothing.
    pub(super) anew: bool,
    /// Looked at already.
    seen: BTreeSet<String>,
    /// What an instance was started with while these changes came.
    pub(super) started_with: Option<Arc<Snapshot>>,
}

impl Pending {
    pub(super) fn of(batch: Batch) -> Self {
        Self {
            at: batch.first_at,
            noticed: batch.seen,
            unseen: batch.paths,
            rescan: batch.rescan,
            anew: batch.rescan,
            seen: BTreeSet::new(),
            started_with: None,
        }
    }

    /// Nothing was seen; all is to be compared.
    pub(super) fn everything() -> Self {
        Self {
            at: SystemTime::now(),
            noticed: Instant::now(),
            unseen: BTreeSet::new(),
            rescan: true,
            anew: false,
            seen: BTreeSet::new(),
            started_with: None,
        }
    }

    /// More of them.
    pub(super) fn add(&mut self, newer: Self) {
        self.unseen.extend(newer.unseen);
        self.rescan |= newer.rescan;
        self.anew |= newer.anew;
        if self.unseen.len() > MOST_PATHS {
            self.unseen.clear();
            self.rescan = true;
        }
    }

    pub(super) fn is_unseen(&self) -> bool {
        self.rescan || !self.unseen.is_empty()
    }

    /// Whether any path is known to have changed.
    pub(super) fn has_paths(&self) -> bool {
        !(self.unseen.is_empty() && self.seen.is_empty())
    }

    /// What is to be looked at now: these paths, or everything.
    pub(super) fn take(&mut self) -> (BTreeSet<String>, bool) {
        let paths = std::mem::take(&mut self.unseen);
        if self.seen.len() < MOST_PATHS {
            self.seen.extend(paths.iter().cloned());
        }
        (paths, std::mem::take(&mut self.rescan))
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.unseen.iter().chain(&self.seen)
    }

    /// Files that are what an instance was started with, but were something else in between: it may have read that.
    pub(super) fn torn(&self, now: &Snapshot) -> Vec<String> {
        let Some(started_with) = &self.started_with else {
            return Vec::new();
        };
        let torn = |path: &&String| match (started_with.file(path), now.file(path)) {
            (Some(before), Some(now)) => {
                before.hash == now.hash && before.modified_ns != now.modified_ns
            }
            _ => false,
        };
        self.seen.iter().filter(torn).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use nasiko_workshop::SnapshotOptions;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn snapshot(folder: &Path) -> Arc<Snapshot> {
        let never = CancellationToken::new();
        Arc::new(Snapshot::take(folder, &SnapshotOptions::default(), None, &never).unwrap())
    }

    fn of(paths: &[&str]) -> Pending {
        Pending {
            unseen: paths.iter().map(|path| (*path).to_owned()).collect(),
            rescan: false,
            ..Pending::everything()
        }
    }

    #[test]
    fn what_was_something_else_while_an_instance_started_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.py");
        fs_err::write(&main, "one").unwrap();
        fs_err::write(folder.path().join("other.py"), "one").unwrap();
        let started_with = snapshot(folder.path());
        let there_and_back = || {
            fs_err::write(&main, "two").unwrap();
            fs_err::write(&main, "one").unwrap();
            snapshot(folder.path())
        };
        let mut now = there_and_back();
        while now.file("main.py") == started_with.file("main.py") {
            now = there_and_back();
        }
        assert_eq!(now.hash, started_with.hash);
        let mut pending = of(&["main.py", "other.py", "gone.py"]);
        assert!(pending.take().0.len() == 3 && !pending.is_unseen());
        assert!(pending.torn(&now).is_empty(), "nothing was started");
        pending.started_with = Some(started_with);
        assert_eq!(pending.torn(&now), ["main.py"]);
    }

    #[test]
    fn too_many_paths_are_a_whole_folder() {
        let mut pending = of(&["main.py"]);
        let many: Vec<String> = (0..MOST_PATHS).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        pending.add(of(&many));
        let (paths, everything) = pending.take();
        assert!(paths.is_empty() && everything);
        assert!(!pending.is_unseen());
    }
}
