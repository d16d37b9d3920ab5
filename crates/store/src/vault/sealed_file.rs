//! The key in a file that is sealed with a passphrase: for servers without a keyring.

use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use super::{
    file,
    key::{KeyTier, VaultKey},
    seal,
};
use crate::StoreError;

/// What one guess at a passphrase costs: memory in KiB, passes over it, lanes. Twice over what OWASP asks of Argon2id.
const COST: Cost = Cost {
    memory_kib: 64 << 10,
    passes: 3,
    lanes: 1,
};
/// What opening a file may cost at most: the file says how much, and may have been altered.
const MOST_COST: Cost = Cost {
    memory_kib: 1 << 20,
    passes: 64,
    lanes: 16,
};
const SALT_BYTES: usize = 16;
const FORM: u32 = 1;
/// Authenticated with the key, so that a sealed secret cannot be passed off as one.
const CONTEXT: &str = "nasiko vault key";

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    form: u32,
    argon2id: Cost,
    /// In hex.
    salt: String,
    /// See [`seal::seal`].
    sealed: String,
}

/// A file with the key, sealed.
#[derive(Debug, Clone)]
pub(super) struct SealedFile {
    path: PathBuf,
}

impl SealedFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it; none if there is no file. Blocks for as long as a guess costs.
    pub(super) fn read(
        &self,
        passphrase: Option<&SecretString>,
    ) -> Result<Option<VaultKey>, StoreError> {
        let Some(bytes) = file::read_limited(&self.path).map_err(StoreError::io(&self.path))?
        else {
            return Ok(None);
        };
        let damaged = || StoreError::VaultKey {
            reason: format!("{} is damaged", self.path.display()),
        };
        let document: Document = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        if document.form != FORM {
            return Err(StoreError::NewerData {
                found: document.form,
                known: FORM,
            });
        }
        let Some(passphrase) = passphrase else {
            return Err(StoreError::KeyLocked {
                tier: KeyTier::Passphrase,
                reason: "its passphrase was not given yet".to_owned(),
            });
        };
        let salt = seal::unhex(&document.salt).ok_or_else(damaged)?;
        let wrapping = stretch(passphrase, &salt, document.argon2id).ok_or_else(damaged)?;
        let text =
            seal::open(&wrapping, CONTEXT, &document.sealed).ok_or(StoreError::WrongPassphrase)?;
        VaultKey::parse(text.expose_secret().as_bytes()).map(Some)
    }

    /// Puts the key there. Blocks for as long as a guess costs.
    pub(super) fn write(
        &self,
        key: &VaultKey,
        passphrase: &SecretString,
    ) -> Result<(), StoreError> {
        let salt: [u8; SALT_BYTES] = rand::random();
        let wrapping = stretch(passphrase, &salt, COST).ok_or_else(|| StoreError::VaultKey {
            reason: "a key could not be made of the passphrase".to_owned(),
        })?;
        let document = Document {
            form: FORM,
            argon2id: COST,
            salt: seal::hex(&salt),
            sealed: seal::seal(&wrapping, CONTEXT, &key.to_text())?,
        };
        let text = serde_json::to_vec_pretty(&document)
            .map_err(StoreError::json("the sealed key of the vault"))?;
        file::replace(&self.path, &text).map_err(StoreError::io(&self.path))
    }
}

/// The key that a passphrase makes; none for a cost or salt that is out of bounds, and if there is not that much memory.
fn stretch(passphrase: &SecretString, salt: &[u8], cost: Cost) -> Option<VaultKey> {
    let bounded = cost.memory_kib <= MOST_COST.memory_kib
        && cost.passes <= MOST_COST.passes
        && cost.lanes <= MOST_COST.lanes;
    let mut key = Zeroizing::new([0_u8; 32]);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(key.len())).ok()?;
    if !bounded {
        return None;
    }
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose_secret().as_bytes(), salt, key.as_mut())
        .ok()?;
    VaultKey::from_bytes(key.as_ref()).ok()
}
