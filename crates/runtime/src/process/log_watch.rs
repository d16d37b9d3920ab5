//! Tells each living instance that its output grew: one watch of the file system for all, no polling.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::logs;

type Changes = Arc<Mutex<HashMap<PathBuf, watch::Sender<u64>>>>;

/// Watches the folders of living instances.
pub(super) struct LogWatch {
    /// None where the system offers no watch: then followers see new lines when the instance ends.
    watcher: Mutex<Option<RecommendedWatcher>>,
    changes: Changes,
}

impl LogWatch {
    pub(super) fn new() -> Self {
        let changes: Changes = Arc::default();
        let told = Arc::clone(&changes);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event {
                tell(&told, &event);
            }
        })
        .inspect_err(|error| tracing::warn!(%error, "cannot watch log files"))
        .ok();
        Self {
            watcher: Mutex::new(watcher),
            changes,
        }
    }

    /// Starts watching a folder.
    pub(super) fn add(&self, folder: &Path) -> watch::Receiver<u64> {
        let (sender, receiver) = watch::channel(0);
        self.changes.lock().insert(folder.to_owned(), sender);
        if let Some(watcher) = self.watcher.lock().as_mut()
            && let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
        {
            tracing::warn!(folder = %folder.display(), %error, "cannot watch log files");
        }
        receiver
    }

    /// Stops watching it.
    pub(super) fn remove(&self, folder: &Path) {
        self.changes.lock().remove(folder);
        if let Some(watcher) = self.watcher.lock().as_mut() {
            // It fails when the folder is gone, and then there is nothing to end.
            let _ = watcher.unwatch(folder);
        }
    }
}

fn tell(changes: &Changes, event: &notify::Event) {
    let written = matches!(
        event.kind,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) | EventKind::Any
    );
    if !written && !event.need_rescan() {
        return;
    }
    let changes = changes.lock();
    if event.need_rescan() {
        changes
            .values()
            .for_each(|change| change.send_modify(|count| *count += 1));
        return;
    }
    for path in event
        .paths
        .iter()
        .filter(|path| path.file_name().is_some_and(logs::is_log_file))
    {
        if let Some(change) = path.parent().and_then(|folder| changes.get(folder)) {
            change.send_modify(|count| *count += 1);
        }
    }
}
