//! The data directory: what lies where, and the lock that makes one control plane its owner.

use std::{
    fs::TryLockError,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nasiko_contract::{AgentName, ErrorCode, Fault, JobId};

/// How long the lock is waited for. An owner that was killed while it started a program leaves it held until that program
/// has begun.
const LOCK_LIMIT: Duration = Duration::from_millis(500);
/// How often it is tried.
const LOCK_STEP: Duration = Duration::from_millis(10);

/// A data directory that exists.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// Makes the directory, readable by its owner alone.
    pub(crate) fn new(root: PathBuf) -> Result<Self, Fault> {
        let failed = |error: std::io::Error| unwritable(&root, &error);
        fs_err::create_dir_all(&root).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs_err::set_permissions(&root, std::fs::Permissions::from_mode(0o700))
                .map_err(failed)?;
        }
        Ok(Self { root })
    }

    /// A directory that may be there, and stays as it is.
    pub(crate) fn existing(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn store_file(&self) -> PathBuf {
        self.root.join("nasiko.db")
    }

    pub(crate) fn traces(&self) -> PathBuf {
        self.root.join("traces")
    }

    /// Where uploads wait until their job has unpacked them.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// Where the content of an agent's archives and repositories is unpacked.
    pub(crate) fn sources(&self, agent: &AgentName) -> PathBuf {
        self.all_sources().join(agent.as_str())
    }

    /// Where the content of all agents' archives and repositories is unpacked.
    pub(crate) fn all_sources(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// What live updates of an agent keep: the list of files of what runs, and what is laid over its image.
    pub(crate) fn live(&self, agent: &AgentName) -> PathBuf {
        self.all_live().join(agent.as_str())
    }

    /// What live updates of all agents keep.
    pub(crate) fn all_live(&self) -> PathBuf {
        self.root.join("live")
    }

    /// Where jobs unpack.
    pub(crate) fn all_unpacked(&self) -> PathBuf {
        self.root.join("unpack")
    }

    /// The memories of hashes.
    pub(crate) fn snapshot_caches(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Where a job unpacks before it knows the agent's name.
    pub(crate) fn unpack(&self, job: &JobId) -> PathBuf {
        self.all_unpacked().join(job.as_str())
    }

    /// The memory of hashes of a folder.
    pub(crate) fn snapshot_cache_of(&self, folder: &Path) -> PathBuf {
        let name = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        self.snapshot_caches().join(&name.as_str()[..16])
    }

    /// Where the samples are that people start.
    pub(crate) fn samples(&self) -> PathBuf {
        self.root.join("samples")
    }

    /// The product's Compose file, and a person's `.env` for it.
    pub(crate) fn stack(&self) -> PathBuf {
        self.root.join("stack")
    }

    /// The port on which containers know the gateway.
    pub(crate) fn network_port(&self) -> Option<u16> {
        fs_err::read_to_string(self.root.join("network-port"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    pub(crate) fn remember_network_port(&self, port: u16) -> Result<(), Fault> {
        let path = self.root.join("network-port");
        fs_err::write(&path, port.to_string()).map_err(|error| unwritable(&path, &error))
    }

    /// Makes this process the owner of the directory until the file is dropped or the process ends, however it ends.
    pub(crate) async fn lock(&self) -> Result<std::fs::File, Fault> {
        self.lock_within(LOCK_LIMIT).await
    }

    /// As [`Home::lock`]; another owner is waited for that long, and no less than one that was killed may take.
    pub(crate) async fn lock_within(&self, patience: Duration) -> Result<std::fs::File, Fault> {
        let path = self.root.join("resident.lock");
        let file = fs_err::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| unwritable(&path, &error))?
            .into_parts()
            .0;
        let deadline = Instant::now() + patience.max(LOCK_LIMIT);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(LOCK_STEP).await;
                }
                Err(TryLockError::WouldBlock) => return Err(self.owned()),
                Err(TryLockError::Error(error)) => return Err(unwritable(&path, &error)),
            }
        }
    }

    fn owned(&self) -> Fault {
        Fault::new(
            ErrorCode::DataDirectoryOwned,
            "Another control plane owns this data directory",
        )
        .hint("Use the one that runs (`nasiko status`), or set NASIKO_HOME to another directory")
        .evidence([self.root.display().to_string()])
    }

    /// Tells what this data directory started from what others did; made once.
    pub(crate) fn installation(&self) -> Result<String, Fault> {
        let path = self.root.join("installation");
        match fs_err::read_to_string(&path) {
            Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
            Ok(_) => self.new_installation(&path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.new_installation(&path)
            }
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    fn new_installation(&self, path: &Path) -> Result<String, Fault> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        // Whole or not at all: an agent marked with half an id would be a stranger to the next start.
        let beside = self.root.join("installation.new");
        fs_err::write(&beside, &id).map_err(|error| unwritable(path, &error))?;
        fs_err::rename(&beside, path).map_err(|error| unwritable(path, &error))?;
        Ok(id)
    }
}

/// Deletes a file or folder that nobody needs any more. What cannot be deleted is tried again at a later start.
pub(crate) async fn discard(path: &Path) {
    let removed = match fs_err::tokio::symlink_metadata(path).await {
        Ok(found) if found.is_dir() => fs_err::tokio::remove_dir_all(path).await,
        Ok(_) => fs_err::tokio::remove_file(path).await,
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "what is no longer needed was left behind");
        }
        _ => {}
    }
}

/// Writes a file of `text`, whole or not at all, readable by its owner alone; one that stands there is replaced. Blocks.
pub(crate) fn write_whole(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use fs_err::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs_err::rename(&draft, path)?;
    // From here on it counts. Only a loss of power could still bring back what was there before.
    #[cfg(unix)]
    if let Some(directory) = path.parent()
        && let Err(error) = fs_err::File::open(directory).and_then(|folder| folder.sync_all())
    {
        tracing::warn!(%error, "what was written may not outlive a loss of power");
    }
    Ok(())
}

/// The fault of a data directory that cannot be written.
pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    let code = if error.kind() == std::io::ErrorKind::StorageFull {
        ErrorCode::DiskFull
    } else {
        ErrorCode::StoreFailed
    };
    Fault::new(code, "The data directory cannot be written")
        .hint("Free space, change its permissions, or set NASIKO_HOME to another directory")
        .evidence([path.display().to_string(), error.to_string()])
}
