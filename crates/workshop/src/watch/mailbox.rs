//! What happened in one folder and has not been handed out yet. Bounded: too many paths become a rescan.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Batch, WatcherConfig};

/// Filled by the system's thread and the folder's keeper, emptied by [`super::Watch::next`].
#[derive(Debug)]
pub(super) struct Mailbox {
    config: Arc<WatcherConfig>,
    content: Mutex<Content>,
    /// Something was put in for [`Mailbox::next`].
    filled: Notify,
    /// Something was put in for [`Mailbox::work`].
    called: Notify,
}

#[derive(Debug, Default)]
struct Content {
    batch: Option<Gathering>,
    /// Paths that look temporary, since when; they go along with the next batch.
    temporary: BTreeSet<String>,
    temporary_since: Option<(Instant, SystemTime)>,
    work: Work,
    /// The keeper is at work, and the batch is not complete before it is done.
    working: bool,
    /// The first rescan has come; what came before is part of it.
    started: bool,
    closed: bool,
}

#[derive(Debug)]
struct Gathering {
    first_at: SystemTime,
    seen: Instant,
    last: Instant,
    paths: BTreeSet<String>,
    rescan: bool,
}

/// What the keeper must see to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Directories that came, went, or changed their rights.
    pub(super) directories: BTreeSet<PathBuf>,
    /// Events were lost, or the rules changed: everything must be set up again.
    pub(super) everything: bool,
}

impl Work {
    fn is_empty(&self) -> bool {
        self.directories.is_empty() && !self.everything
    }
}

impl Mailbox {
    pub(super) fn new(config: Arc<WatcherConfig>) -> Self {
        Self {
            config,
            content: Mutex::default(),
            filled: Notify::new(),
            called: Notify::new(),
        }
    }

    /// A path, relative to the root, may have changed.
    pub(super) fn path(&self, path: String) {
        let mut content = self.content.lock();
        let opened = content.batch.is_none();
        let batch = content.open();
        if !batch.rescan {
            batch.paths.insert(path);
            if batch.paths.len() > self.config.max_paths {
                batch.rescan();
            }
        }
        drop(content);
        if opened {
            self.filled.notify_one();
        }
    }

    /// A path that looks temporary may have changed.
    pub(super) fn temporary(&self, path: String) {
        let mut content = self.content.lock();
        if content.temporary.len() > self.config.max_paths {
            content.open().rescan();
        }
        content.temporary.insert(path);
        if content.temporary_since.is_none() {
            content.temporary_since = Some((Instant::now(), SystemTime::now()));
            drop(content);
            self.filled.notify_one();
        }
    }

    /// Anything may have changed.
    pub(super) fn rescan(&self) {
        let mut content = self.content.lock();
        content.started = true;
        content.open().rescan();
        drop(content);
        self.filled.notify_one();
    }

    /// The keeper has to look at a directory.
    pub(super) fn directory(&self, directory: PathBuf) {
        self.call(|work| {
            work.directories.insert(directory);
            if work.directories.len() > self.config.max_paths {
                work.directories.clear();
                work.everything = true;
            }
        });
    }

    /// The keeper has to set everything up again.
    pub(super) fn everything(&self) {
        self.call(|work| work.everything = true);
    }

    fn call(&self, change: impl FnOnce(&mut Work)) {
        change(&mut self.content.lock().work);
        self.called.notify_one();
    }

    /// Waits for work and takes it; batches are kept back until [`Mailbox::done`]. Cancel-safe.
    pub(super) async fn work(&self) -> Work {
        loop {
            if let Some(work) = self.take_work() {
                return work;
            }
            self.called.notified().await;
        }
    }

    fn take_work(&self) -> Option<Work> {
        let mut content = self.content.lock();
        if content.work.is_empty() {
            return None;
        }
        content.working = true;
        Some(std::mem::take(&mut content.work))
    }

    /// The keeper has done its work.
    pub(super) fn done(&self) {
        self.content.lock().working = false;
        self.filled.notify_one();
    }

    /// No batch will come any more.
    pub(super) fn close(&self) {
        self.content.lock().closed = true;
        self.filled.notify_one();
    }

    /// Waits for a batch to be due and takes it; none when closed. Cancel-safe.
    pub(super) async fn next(&self) -> Option<Batch> {
        loop {
            let due = match self.take(Instant::now()) {
                Taken::Batch(batch) => return Some(batch),
                Taken::Closed => return None,
                Taken::Due(due) => due,
            };
            match due {
                Some(due) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due.into()) => {}
                        () = self.filled.notified() => {}
                    }
                }
                None => self.filled.notified().await,
            }
        }
    }

    fn take(&self, now: Instant) -> Taken {
        let mut content = self.content.lock();
        if content.closed {
            return Taken::Closed;
        }
        if !content.started {
            return Taken::Due(None);
        }
        if let Some((since, at)) = content.temporary_since
            && content.batch.is_none()
        {
            let due = since + self.config.temporary;
            if now < due {
                return Taken::Due(Some(due));
            }
            let batch = content.open();
            batch.seen = since;
            batch.first_at = at;
        }
        let Some(batch) = &content.batch else {
            return Taken::Due(None);
        };
        let limit = batch.seen + self.config.gather_limit;
        let settled = (batch.seen + self.config.gather).max(batch.last + self.config.quiet);
        let unfinished = content.working || !content.work.is_empty();
        let due = if unfinished {
            limit
        } else {
            settled.min(limit)
        };
        if now < due {
            return Taken::Due(Some(due));
        }
        content.temporary_since = None;
        let mut temporary = std::mem::take(&mut content.temporary);
        match content.batch.take() {
            None => Taken::Due(None),
            Some(mut batch) => {
                batch.paths.append(&mut temporary);
                Taken::Batch(Batch {
                    first_at: batch.first_at,
                    seen: batch.seen,
                    paths: batch.paths,
                    rescan: batch.rescan,
                })
            }
        }
    }
}

enum Taken {
    Batch(Batch),
    /// Nothing to hand out before this moment, if any.
    Due(Option<Instant>),
    Closed,
}

impl Content {
    fn open(&mut self) -> &mut Gathering {
        let now = Instant::now();
        let batch = self.batch.get_or_insert_with(|| Gathering {
            first_at: SystemTime::now(),
            seen: now,
            last: now,
            paths: BTreeSet::new(),
            rescan: false,
        });
        batch.last = now;
        batch
    }
}

impl Gathering {
    fn rescan(&mut self) {
        self.rescan = true;
        self.paths.clear();
    }
}
