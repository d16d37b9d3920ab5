//! Brings an agent onto this machine: a folder as it is, an archive extracted entry by entry, a repository cloned.

mod archive;
mod extraction;
mod git;
mod source;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use source::Source;

use crate::error::WorkshopError;

/// Progress reports that may wait to be seen; further ones are dropped.
const PROGRESS_QUEUE: usize = 16;

/// What intake accepts.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Entries of an archive.
    pub entries: u64,
    /// Bytes an archive may inflate to.
    pub inflated_bytes: u64,
    /// How many times its size an archive may inflate to, once it is past `ratio_floor`.
    pub ratio: u64,
    /// Below this many inflated bytes the ratio is not looked at: small sources compress well.
    pub ratio_floor: u64,
    /// How long a clone may take.
    pub clone_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 10_000,
            inflated_bytes: 1 << 30,
            ratio: 200,
            ratio_floor: 64 << 20,
            clone_time: Duration::from_mins(10),
        }
    }
}

/// How far intake has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntakeProgress {
    /// Extracting: entries and inflated bytes so far.
    Extracting {
        /// Entries so far.
        entries: u64,
        /// Inflated bytes so far.
        bytes: u64,
    },
    /// Cloning: the step `git` names, and its percentage where it gives one.
    Cloning {
        /// E.g. `Receiving objects`.
        step: String,
        /// 0 to 100.
        percent: Option<u8>,
    },
}

/// Makes the source a folder on this machine and returns it. A folder is returned where it is; archives and repositories
/// become a folder below `into`, which the caller owns and which holds nothing else. On failure, on cancel and when dropped nothing is left below `into`.
pub async fn acquire(
    source: &Source,
    into: &Path,
    limits: &Limits,
    progress: &(dyn Fn(IntakeProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<PathBuf, WorkshopError> {
    match source {
        Source::Folder(path) => fs_err::tokio::canonicalize(path)
            .await
            .map_err(|error| WorkshopError::io("Opening", path, error)),
        Source::Archive(path) => {
            let target = into.join(source.suggested_name());
            extract(path.clone(), target, limits.clone(), progress, cancel).await
        }
        Source::Git { url, branch } => {
            let target = into.join(source.suggested_name());
            git::clone(url, branch.as_deref(), &target, limits, progress, cancel).await?;
            Ok(target)
        }
    }
}

/// Extracts on a blocking thread and hands its progress on.
async fn extract(
    archive: PathBuf,
    target: PathBuf,
    limits: Limits,
    progress: &(dyn Fn(IntakeProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<PathBuf, WorkshopError> {
    // The thread ends when the caller cancels, and also when this future is dropped.
    let stop = cancel.child_token();
    let _stop_on_drop = stop.clone().drop_guard();
    let (sender, mut reports) = mpsc::channel(PROGRESS_QUEUE);
    let mut work = tokio::task::spawn_blocking(move || {
        let report = |progress| drop(sender.try_send(progress));
        archive::extract(&archive, &target, &limits, &report, &stop)
    });
    loop {
        tokio::select! {
            Some(report) = reports.recv() => progress(report),
            done = &mut work => {
                return done.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(WorkshopError::Cancelled),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
