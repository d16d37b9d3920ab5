//! What `vault.json` says: where the key is.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    vault::{file, key::KeyTier},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// Where the key is.
    pub(super) tier: KeyTier,
    /// Why, for people.
    pub(super) reason: String,
    /// Where else a copy may be, of a move under way or interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<KeyTier>,
}

impl Marker {
    /// Of a key that was made in the best place there was.
    pub(super) fn made(tier: KeyTier) -> Self {
        Self {
            tier,
            reason: match tier {
                KeyTier::Keyring => "a keyring was unlocked when it was made",
                KeyTier::Passphrase => "NASIKO_VAULT_PASSPHRASE_FILE was set when it was made",
                KeyTier::File => "it was made there",
            }
            .to_owned(),
            stale: None,
        }
    }

    pub(super) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(text) = file::read_limited(path).map_err(StoreError::io(path))? else {
            return Ok(None);
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|_| StoreError::VaultKey {
                reason: format!("{} does not say where it is", path.display()),
            })
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(StoreError::json("the place of the vault's key"))?;
        file::replace(path, &text).map_err(StoreError::io(path))
    }
}
