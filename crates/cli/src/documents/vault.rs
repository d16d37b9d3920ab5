//! The document of the key that seals secrets.

use nasiko_contract::{KeyPlace, VaultInfo, VaultState};
use serde::Serialize;

use super::ErrorDocument;

/// `secret key`, `secret keep-in`, `secret unlock`, `secret reset`
#[derive(Debug, Serialize)]
pub(crate) struct VaultDocument {
    kept_in: Option<KeyPlace>,
    reason: String,
    location: Option<String>,
    state: VaultState,
    key_id: Option<String>,
    error: Option<ErrorDocument>,
    keyring: String,
}

impl From<VaultInfo> for VaultDocument {
    fn from(vault: VaultInfo) -> Self {
        Self {
            kept_in: vault.kept_in,
            reason: vault.reason,
            location: vault.location,
            state: vault.state,
            key_id: vault.key_id,
            error: vault.fault.map(Into::into),
            keyring: vault.keyring,
        }
    }
}
