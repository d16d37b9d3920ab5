//! The first stretch of a folder's road: acquire, snapshot, describe.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nasiko_contract::{AgentDescription, ErrorCode, Fault, RuntimeKind};
use nasiko_workshop::{
    Description, IntakeProgress, Limits, Outline, Snapshot, SnapshotCache, SnapshotOptions,
    acquire, describe, describe_outline,
};
use tokio_util::sync::CancellationToken;

use crate::{plane::internal, plans, records::Source};

/// What a source was understood to be.
pub(crate) struct Read {
    /// The folder.
    pub(crate) root: PathBuf,
    /// What is in it.
    pub(crate) snapshot: Arc<Snapshot>,
    /// What it is.
    pub(crate) description: Description,
}

/// Reads a source. An archive or repository is unpacked below `into`, a folder stays where it is. With `cache`, files
/// that did not change since the last time are not read again.
pub(crate) async fn read(
    source: &Source,
    into: &Path,
    cache: Option<PathBuf>,
    progress: &(dyn Fn(IntakeProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<Read, Fault> {
    let root = bring(source, into, progress, cancel).await?;
    let cancel = cancel.clone();
    tokio::task::spawn_blocking(move || understand(root, cache.as_deref(), &cancel))
        .await
        .map_err(|error| internal("a folder could not be read", &error))?
}

/// What a source is, told at once: only what says so is read.
pub(crate) async fn preview(
    source: &Source,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<AgentDescription, Fault> {
    let root = bring(source, into, &|_| {}, cancel).await?;
    let cancel = cancel.clone();
    let looking = move || {
        let outline = Outline::of(&root, &SnapshotOptions::default(), &cancel)?;
        let description = describe_outline(&root, &outline)?;
        Ok(AgentDescription {
            files: outline.files() as u64,
            bytes: outline.bytes(),
            ..plans::to_contract(&description)
        })
    };
    tokio::task::spawn_blocking(looking)
        .await
        .map_err(|error| internal("a folder could not be read", &error))?
}

/// Has the source as a folder of this machine.
async fn bring(
    source: &Source,
    into: &Path,
    progress: &(dyn Fn(IntakeProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<PathBuf, Fault> {
    let source = match source {
        Source::Folder { path } => nasiko_workshop::Source::Folder(path.clone()),
        Source::Archive { path } | Source::Upload { path, .. } => {
            nasiko_workshop::Source::Archive(path.clone())
        }
        Source::Git { url, branch } => nasiko_workshop::Source::Git {
            url: url.clone(),
            branch: branch.clone(),
        },
        Source::Container { .. } => {
            return Err(Fault::new(
                ErrorCode::NotAnAgentSource,
                "A container has no source to be read",
            ));
        }
    };
    Ok(acquire(&source, into, &Limits::default(), progress, cancel).await?)
}

fn understand(
    root: PathBuf,
    cache_file: Option<&Path>,
    cancel: &CancellationToken,
) -> Result<Read, Fault> {
    let mut cache = cache_file.map(SnapshotCache::load);
    let snapshot = Snapshot::take(&root, &SnapshotOptions::default(), cache.as_mut(), cancel)?;
    if let (Some(file), Some(cache)) = (cache_file, cache)
        && let Err(error) = cache.save(file)
    {
        // Only a memory of hashes: without it the next reading is slower.
        tracing::debug!(%error, "the snapshot cache was not written");
    }
    let description = describe(&root, &snapshot)?;
    Ok(Read {
        root,
        snapshot: Arc::new(snapshot),
        description,
    })
}

/// What makes a described folder impossible to deploy there.
pub(crate) fn refuse_if_hopeless(
    description: &Description,
    runtime: RuntimeKind,
) -> Result<(), Fault> {
    description
        .refusal(runtime)
        .map_or(Ok(()), |fault| Err(fault.clone()))
}
