//! The key in a file, and how files with secrets are written: whole or not at all, for their owner's eyes.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use secrecy::zeroize::Zeroizing;

use super::key::{Access, KeyHolder, KeyTier, VaultKey};
use crate::StoreError;

/// The most that is read of a file that should hold a key, in bytes.
const MOST_BYTES: u64 = 4096;

/// Holds the key in a file of mode 0600: whoever can read the owner's files can read the secrets.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key in this file; its directory must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The key, with the file left as it is. May block.
    pub(super) fn read(&self) -> Result<Option<VaultKey>, StoreError> {
        match read_limited(&self.path).map_err(StoreError::io(&self.path))? {
            Some(bytes) => VaultKey::parse(&bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The key, once nobody but its owner may read the file. May block.
    pub(super) fn read_private(&self) -> Result<Option<VaultKey>, StoreError> {
        let key = self.read()?;
        if key.is_some() {
            make_private(&self.path).map_err(StoreError::io(&self.path))?;
        }
        Ok(key)
    }

    /// Puts the key there. May block.
    pub(super) fn write(&self, key: &VaultKey) -> Result<(), StoreError> {
        replace(&self.path, key.bytes()).map_err(StoreError::io(&self.path))
    }
}

#[async_trait]
impl KeyHolder for KeyFile {
    fn tier(&self) -> Option<KeyTier> {
        Some(KeyTier::File)
    }

    async fn load(&self, _: Access) -> Result<Option<VaultKey>, StoreError> {
        let file = self.clone();
        blocking(move || file.read_private()).await
    }

    async fn create(&self) -> Result<VaultKey, StoreError> {
        let file = self.clone();
        blocking(move || {
            let key = VaultKey::generate()?;
            file.write(&key)?;
            Ok(key)
        })
        .await
    }
}

/// Runs what blocks where that does no harm.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Closed)?
}

/// The content of a small file with secrets in it; none if there is no file.
pub(super) fn read_limited(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    use io::Read;
    let file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Puts a private file there, in place of one that may be there: a crash at any instant leaves the one or the other.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_of(path);
    write_private(&draft, bytes)?;
    fs_err::rename(&draft, path)?;
    sync_directory(path)
}

/// What a file is called until it is complete.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Ok(()) => sync_directory(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use fs_err::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    make_private(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if fs_err::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_path: &Path) -> io::Result<()> {
    Ok(()) // A user's profile directory is private by inheritance.
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs_err::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
