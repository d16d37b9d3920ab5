//! The vault's key, and what holds it.

use std::fmt;

use async_trait::async_trait;
use chacha20poly1305::{XChaCha20Poly1305, aead};
use futures::{StreamExt, stream::BoxStream};
use secrecy::{ExposeSecret, SecretBox, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use super::seal::{hex, unhex};
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

impl KeyTier {
    /// As it is written down and shown: `file`, `passphrase`, `keyring`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Passphrase => "passphrase",
            Self::Keyring => "keyring",
        }
    }
}

/// How far a holder may go to get at its key.
#[derive(Debug, Clone)]
pub enum Access {
    /// Nobody is asked for anything.
    Quiet,
    /// The person may be asked to unlock a keyring, unless they were before.
    AskOnce,
    /// The person wants to be asked.
    AskNow,
    /// With this passphrase, where one is needed; nobody is asked.
    Passphrase(SecretString),
}

/// Holds the one key of a vault.
#[async_trait]
pub trait KeyHolder: Send + Sync + 'static {
    /// Where it is; none before there is one and its place was chosen.
    fn tier(&self) -> Option<KeyTier>;

    /// The key; none if there never was one. Waits for the person where `access` lets it ask them, and for a keyring that
    /// does not answer no longer than a named limit. Dropping the future takes a question back.
    ///
    /// [`StoreError::KeyLocked`] and [`StoreError::KeyringUnavailable`] pass by themselves or by what a person does;
    /// [`StoreError::KeyMissing`] if there was a key and it is gone.
    async fn load(&self, access: Access) -> Result<Option<VaultKey>, StoreError>;

    /// Makes the key at random and keeps it. To be called after [`KeyHolder::load`] found none; asks nobody.
    async fn create(&self) -> Result<VaultKey, StoreError>;

    /// Something each time it is worth trying again to load a key that was locked; ends if that will never be told.
    async fn changes(&self) -> BoxStream<'static, ()> {
        futures::stream::empty().boxed()
    }
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

    /// A key as a file or a keyring has it: its bytes, or their hex digits with white space around them.
    pub(super) fn parse(content: &[u8]) -> Result<Self, StoreError> {
        let text = content.trim_ascii();
        if text.len() != 2 * KEY_BYTES {
            return Self::from_bytes(content);
        }
        let bytes = std::str::from_utf8(text).ok().and_then(unhex);
        let bytes = Zeroizing::new(bytes.ok_or_else(|| StoreError::VaultKey {
            reason: "its text is not made of hex digits".to_owned(),
        })?);
        Self::from_bytes(&bytes)
    }

    pub(super) fn copy(&self) -> Result<Self, StoreError> {
        Self::from_bytes(self.bytes())
    }

    /// Its bytes as hex digits.
    pub(super) fn to_text(&self) -> SecretString {
        SecretString::from(hex(self.bytes()))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.expose_secret()
    }

    /// Names the key without telling it.
    pub fn id(&self) -> String {
        hex(&blake3::derive_key("nasiko vault key id", self.bytes())[..8])
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VaultKey(..)")
    }
}
