//! The key that secrets are sealed with: where it is kept, and getting at it.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// Where the key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyPlace {
    /// In the system's keyring.
    Keyring,
    /// In a file that only its owner may read: whoever reads the owner's files reads the secrets.
    File,
    /// In a file sealed with a passphrase, which is needed at each start.
    Passphrase,
}

/// Whether what is sealed can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VaultState {
    /// Nothing needed the key since the start.
    NotNeeded,
    /// The key is at hand.
    Open,
    /// A person has to unlock what holds the key, or start it.
    Locked,
    /// The key is gone, or is none.
    Failed,
}

/// `GET /vault`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetVault {}

/// How secrets are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VaultInfo {
    /// Where the key is; absent before there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<KeyPlace>,
    /// Why it is there.
    pub reason: String,
    /// The file, or the name of the keyring's entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whether what is sealed can be opened.
    pub state: VaultState,
    /// Names the key without telling it, once it was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Why the key could not be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// `ready`, or why the keyring could not take the key now.
    pub keyring: String,
}

/// `PUT /vault/place`: moves the key. The old place is cleared once the new one has given it back.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeepVaultKey {
    /// Where to.
    pub place: KeyPlace,
    /// For [`KeyPlace::Passphrase`]; the one in the resident's passphrase file if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for KeepVaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeepVaultKey")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// `POST /vault/unlock`: asks the person to unlock the keyring, or opens a sealed key with its passphrase. Waits for the
/// person, but answers after 45 s with the key not at hand while the question stays open.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnlockVault {
    /// Of a sealed key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for UnlockVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnlockVault").finish_non_exhaustive()
    }
}

/// `POST /vault/reset`: forgets everything that is sealed, and makes another key if the present one is lost.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResetVault {
    /// For a key that is sealed with one; a new one if the old one is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for ResetVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResetVault").finish_non_exhaustive()
    }
}
