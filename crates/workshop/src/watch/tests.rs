//! Watches over real folders of this machine. What a watch says is held to what a new snapshot finds.

#[cfg(target_os = "linux")]
mod mounts;
mod native;
mod polling;
mod random;
mod roots;
mod scale;

use std::collections::BTreeSet;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::snapshot::Snapshot;

/// Longer than anything that is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A watched folder and the snapshot that is kept in step with it.
struct Folder {
    temp: TempDir,
    watcher: Watcher,
    watch: Watch,
    snapshot: Snapshot,
}

impl Folder {
    /// Watched, and in step.
    async fn new(files: &[&str]) -> Self {
        Self::with(WatcherConfig::default(), files).await
    }

    async fn with(config: WatcherConfig, files: &[&str]) -> Self {
        Self::at(tempfile::tempdir().unwrap(), config, files).await
    }

    async fn at(temp: TempDir, config: WatcherConfig, files: &[&str]) -> Self {
        for path in files {
            write(&temp.path().join(path), path);
        }
        let watcher = Watcher::new(config).unwrap();
        let mut watch = watcher.watch(temp.path().to_owned(), SnapshotOptions::default());
        assert!(next(&mut watch).await.rescan, "the first batch");
        let snapshot = take(temp.path());
        Self {
            temp,
            watcher,
            watch,
            snapshot,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.temp.path().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        write(&self.path(path), content);
    }

    /// Takes batches until the snapshot is what is on disk now, and returns all of them.
    async fn in_step(&mut self) -> Vec<Batch> {
        let expected = take(self.temp.path());
        let mut batches = Vec::new();
        while self.snapshot != expected {
            let Ok(batch) = tokio::time::timeout(PATIENCE, self.watch.next()).await else {
                panic!(
                    "lost {:?} after {batches:#?}",
                    self.snapshot.changes(&expected)
                );
            };
            let batch = batch.expect("the watcher is alive");
            self.snapshot = follow(&self.snapshot, self.temp.path(), &batch);
            batches.push(batch);
        }
        batches
    }

    /// The one batch that is handed out until the folder is in step.
    async fn one(&mut self) -> Batch {
        let mut batches = self.in_step().await;
        assert_eq!(batches.len(), 1, "{batches:#?}");
        batches.remove(0)
    }

    /// Holds that no batch comes for longer than any would take.
    async fn silent(&mut self) {
        let wait = Duration::from_millis(300);
        let unexpected = tokio::time::timeout(wait, self.watch.next()).await;
        assert!(unexpected.is_err(), "{unexpected:?}");
    }
}

async fn next(watch: &mut Watch) -> Batch {
    let batch = tokio::time::timeout(PATIENCE, watch.next()).await;
    batch
        .expect("a batch in time")
        .expect("the watcher is alive")
}

async fn until(watch: &Watch, holds: impl FnMut(&WatchState) -> bool) -> WatchState {
    let mut state = watch.state();
    let found = tokio::time::timeout(PATIENCE, state.wait_for(holds)).await;
    found.expect("the state in time").unwrap().clone()
}

fn take(root: &Path) -> Snapshot {
    Snapshot::take(
        root,
        &SnapshotOptions::default(),
        None,
        &CancellationToken::new(),
    )
    .unwrap()
}

/// What a consumer of batches does.
fn follow(snapshot: &Snapshot, root: &Path, batch: &Batch) -> Snapshot {
    if batch.rescan {
        return take(root);
    }
    let options = SnapshotOptions::default();
    snapshot
        .refresh(root, &options, &batch.paths, &CancellationToken::new())
        .unwrap()
}

fn write(path: &Path, content: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, content).unwrap();
}

fn paths(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

/// Directories that the system watches for this process.
#[cfg(target_os = "linux")]
fn system_watches() -> usize {
    let infos = fs_err::read_dir("/proc/self/fdinfo").unwrap();
    let texts = infos.filter_map(|info| fs_err::read_to_string(info.unwrap().path()).ok());
    texts
        .map(|text| {
            text.lines()
                .filter(|line| line.starts_with("inotify wd:"))
                .count()
        })
        .sum()
}
