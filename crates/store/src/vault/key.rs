//! The vault's key and where it is held.

use std::{
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
};

use chacha20poly1305::{XChaCha20Poly1305, aead};
use secrecy::{ExposeSecret, SecretBox};
use serde::{Deserialize, Serialize};

use super::seal::hex;
use crate::StoreError;

const KEY_BYTES: usize = 32;

/// How well the key is kept, shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyTier {
    /// In a file that only its owner may read.
    File,
    /// In a file sealed with a passphrase.
    Passphrase,
    /// In the system's keyring.
    Keyring,
}

/// Holds the one key of a vault.
pub trait KeyHolder: Send + Sync + 'static {
    /// Where it is.
    fn tier(&self) -> KeyTier;

    /// The key; made at random the first time. May block, may ask the person.
    fn load_or_create(&self) -> Result<VaultKey, StoreError>;
}

/// A 256-bit key, wiped from memory when dropped.
pub struct VaultKey(SecretBox<[u8; KEY_BYTES]>);

impl VaultKey {
    /// A random key.
    pub fn generate() -> Result<Self, StoreError> {
        use aead::Generate;
        let key =
            aead::Key::<XChaCha20Poly1305>::try_generate().map_err(|_| StoreError::VaultKey {
                reason: "the system gives no random numbers".to_owned(),
            })?;
        Ok(Self(SecretBox::new(Box::new(key.into()))))
    }

    /// A key from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let key: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| StoreError::VaultKey {
            reason: format!("it has {} bytes instead of {KEY_BYTES}", bytes.len()),
        })?;
        Ok(Self(SecretBox::new(Box::new(key))))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.expose_secret()
    }

    /// Names the key without telling it.
    pub(super) fn id(&self) -> String {
        hex(&blake3::derive_key("nasiko vault key id", self.bytes())[..8])
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VaultKey(..)")
    }
}

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

    fn create(&self) -> Result<VaultKey, StoreError> {
        let key = VaultKey::generate()?;
        // Complete under another name first: a crash half-way must not leave a key that is none.
        let draft = self.path.with_extension("new");
        let written =
            write_private(&draft, key.bytes()).and_then(|()| fs_err::rename(&draft, &self.path));
        written
            .and_then(|()| sync_directory(&self.path))
            .map_err(StoreError::io(&self.path))?;
        Ok(key)
    }
}

impl KeyHolder for KeyFile {
    fn tier(&self) -> KeyTier {
        KeyTier::File
    }

    fn load_or_create(&self) -> Result<VaultKey, StoreError> {
        match fs_err::read(&self.path) {
            Ok(bytes) => {
                let bytes = secrecy::zeroize::Zeroizing::new(bytes);
                make_private(&self.path).map_err(StoreError::io(&self.path))?;
                VaultKey::from_bytes(&bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.create(),
            Err(error) => Err(StoreError::io(&self.path)(error)),
        }
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
