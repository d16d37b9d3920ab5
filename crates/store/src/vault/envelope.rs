//! A sealed value that is kept outside of the store, such as what is needed to open it.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    SealedSecret, Vault,
    key::{Access, KeyHolder},
    seal,
};
use crate::{Query, StoreError};

/// What only the vault's key opens, and only for what it was sealed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Tells a wrong key from altered bytes.
    key_id: String,
    /// Nonce and sealed value, in hex.
    sealed: String,
}

impl Vault {
    /// Seals a value that the caller keeps. `name` says what it is and is needed again to open it.
    pub async fn envelope(&self, name: &str, value: &SecretString) -> Result<Envelope, StoreError> {
        let key = self.key().await?;
        Ok(Envelope {
            key_id: key.id(),
            sealed: seal::seal(key, name, value)?,
        })
    }
}

impl Vault {
    /// Whether the present key opens what is sealed in the store: tries one value. With nothing sealed it does.
    ///
    /// Errors: those of [`KeyHolder::load`], [`StoreError::KeyMissing`], [`StoreError::WrongKey`].
    pub async fn check_key(&self) -> Result<(), StoreError> {
        let any = self
            .store
            .list::<SealedSecret>(Query::all().limit(1))
            .await?;
        match any.items.first() {
            Some(secret) => self.open(&secret.value).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

impl Envelope {
    /// Opens it with the key that `holder` has, for which the person may be asked; no vault and no store is needed.
    ///
    /// Errors: those of [`KeyHolder::load`], [`StoreError::KeyMissing`], [`StoreError::WrongKey`],
    /// [`StoreError::SecretUnreadable`].
    pub async fn open(
        &self,
        holder: &impl KeyHolder,
        name: &str,
    ) -> Result<SecretString, StoreError> {
        let key = holder.load(Access::AskOnce).await?;
        let key = key.ok_or_else(|| StoreError::KeyMissing {
            reason: format!("{name} is sealed with key {}", self.key_id),
        })?;
        if key.id() != self.key_id {
            return Err(StoreError::WrongKey {
                name: name.to_owned(),
                sealed_with: self.key_id.clone(),
                present: key.id(),
            });
        }
        seal::open(&key, name, &self.sealed).ok_or_else(|| StoreError::SecretUnreadable {
            name: name.to_owned(),
        })
    }
}
