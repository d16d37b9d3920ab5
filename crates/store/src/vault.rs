//! Sealed secrets: one random key, held outside of the store; the store keeps only what it sealed.
//!
//! Values are sealed with XChaCha20-Poly1305; scope and name are authenticated with them, so that a sealed value cannot
//! be passed off under another name or given to another agent.

mod envelope;
mod file;
mod keeper;
mod key;
mod keyring;
mod opening;
mod seal;
mod sealed_file;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::{OnceCell, watch};

use crate::{Batch, Expected, Query, Record, Store, StoreError};
pub use envelope::Envelope;
pub use file::KeyFile;
pub use keeper::{Keeping, KeyKeeper, KeyPlaces};
pub use key::{Access, KeyHolder, KeyTier, VaultKey};
pub use keyring::Keyring;
pub use opening::KeyState;

/// Who gets a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Every agent.
    Global,
    /// One agent, by name.
    Agent(String),
}

impl Scope {
    fn key(&self) -> String {
        match self {
            Self::Global => "global".to_owned(),
            Self::Agent(name) => format!("agent:{name}"),
        }
    }
}

/// A secret as the store keeps it.
#[derive(Clone, Serialize, Deserialize)]
struct SealedSecret {
    id: String,
    scope: String,
    name: String,
    /// Tells a wrong key from altered bytes.
    key_id: String,
    /// Nonce and sealed value, in hex.
    sealed: String,
}

impl Record for SealedSecret {
    const KIND: &'static str = "secret";

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> Option<&str> {
        Some(&self.scope)
    }
}

/// Keeps secrets. Cheap to clone. The key is fetched from its holder when it is first needed.
#[derive(Clone)]
pub struct Vault {
    store: Store,
    holder: Arc<dyn KeyHolder>,
    key: Arc<OnceCell<VaultKey>>,
    state: watch::Sender<KeyState>,
}

impl Vault {
    /// The topic of the event that tells of a secret set or removed; its data names it, its subject is the scope.
    pub const CHANGED: &'static str = "secret.changed";
    /// The largest value in bytes.
    pub const MAX_VALUE_BYTES: usize = 64 << 10;
    /// The longest name.
    pub const MAX_NAME_LENGTH: usize = 128;

    /// A vault whose key is with `holder`.
    pub fn new(store: Store, holder: impl KeyHolder) -> Self {
        Self {
            store,
            holder: Arc::new(holder),
            key: Arc::default(),
            state: watch::Sender::default(),
        }
    }

    /// Where the key is kept, to be shown to people; none before there is one.
    pub fn tier(&self) -> Option<KeyTier> {
        self.holder.tier()
    }

    /// Forgets everything that is sealed, in every scope: for a key that is lost.
    pub async fn forget_everything(&self) -> Result<(), StoreError> {
        loop {
            let query = Query::all().limit(Batch::MAX_CHANGES.min(Query::MAX_LIMIT));
            let page = self.store.list::<SealedSecret>(query).await?;
            if page.items.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for secret in page.items {
                batch.delete::<SealedSecret>(secret.value.id, Expected::Any);
            }
            self.store.commit(batch).await?;
        }
    }

    /// Sets a secret, in place of one of the same scope and name.
    pub async fn put_secret(
        &self,
        scope: &Scope,
        name: &str,
        value: &SecretString,
    ) -> Result<(), StoreError> {
        self.seal(scope, name, value, Expected::Any).await
    }

    /// Sets a secret that is not there yet. [`StoreError::Conflict`] if it is.
    pub async fn put_new_secret(
        &self,
        scope: &Scope,
        name: &str,
        value: &SecretString,
    ) -> Result<(), StoreError> {
        self.seal(scope, name, value, Expected::New).await
    }

    async fn seal(
        &self,
        scope: &Scope,
        name: &str,
        value: &SecretString,
        expected: Expected,
    ) -> Result<(), StoreError> {
        check_name(name)?;
        if value.expose_secret().len() > Self::MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge {
                what: format!("secret {name}"),
                limit: Self::MAX_VALUE_BYTES,
            });
        }
        let key = self.key().await?;
        let id = id(scope, name);
        let sealed = seal::seal(key, &id, value)?;
        let record = SealedSecret {
            id,
            scope: scope.key(),
            name: name.to_owned(),
            key_id: key.id(),
            sealed,
        };
        let mut batch = Batch::new();
        batch.put(&record, expected).event(
            Self::CHANGED,
            scope.key(),
            serde_json::json!({ "name": name, "set": true }),
        );
        self.store.commit(batch).await.map(|_| ())
    }

    /// The names in a scope, in order.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = self
            .sealed(scope)
            .await?
            .into_iter()
            .map(|secret| secret.name)
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The agents that have secrets of their own, in order.
    pub async fn agents(&self) -> Result<Vec<String>, StoreError> {
        let mut agents = std::collections::BTreeSet::new();
        let mut after = None;
        loop {
            let page = self
                .store
                .list::<SealedSecret>(Query::all().after(after).limit(Query::MAX_LIMIT))
                .await?;
            agents.extend(page.items.into_iter().filter_map(|secret| {
                let agent = secret.value.scope.strip_prefix("agent:")?;
                Some(agent.to_owned())
            }));
            after = page.next;
            if after.is_none() {
                return Ok(agents.into_iter().collect());
            }
        }
    }

    /// Removes a secret. [`StoreError::SecretNotFound`] if there is none.
    pub async fn remove(&self, scope: &Scope, name: &str) -> Result<(), StoreError> {
        check_name(name)?;
        let id = id(scope, name);
        let missing = || StoreError::SecretNotFound {
            name: name.to_owned(),
        };
        let found = self
            .store
            .get::<SealedSecret>(&id)
            .await?
            .ok_or_else(missing)?;
        let mut batch = Batch::new();
        batch
            .delete::<SealedSecret>(id, Expected::Exactly(found.version))
            .event(
                Self::CHANGED,
                scope.key(),
                serde_json::json!({ "name": name, "set": false }),
            );
        self.store.commit(batch).await.map(|_| ())
    }

    /// Removes all secrets of a scope as part of a batch, e.g. with the agent they belong to.
    pub fn remove_all(scope: &Scope, batch: &mut Batch) {
        batch.delete_children::<SealedSecret>(scope.key());
    }

    /// Opens one secret.
    pub async fn reveal(&self, scope: &Scope, name: &str) -> Result<SecretString, StoreError> {
        check_name(name)?;
        let found = self.store.get::<SealedSecret>(&id(scope, name)).await?;
        let secret = found
            .ok_or_else(|| StoreError::SecretNotFound {
                name: name.to_owned(),
            })?
            .value;
        self.open(&secret).await
    }

    /// Opens what an agent gets: the global secrets, and its own over them; by name.
    pub async fn reveal_for(&self, agent: &str) -> Result<Vec<(String, SecretString)>, StoreError> {
        let mut secrets = BTreeMap::new();
        for scope in [Scope::Global, Scope::Agent(agent.to_owned())] {
            for secret in self.sealed(&scope).await? {
                let value = self.open(&secret).await?;
                secrets.insert(secret.name, value);
            }
        }
        Ok(secrets.into_iter().collect())
    }

    async fn open(&self, secret: &SealedSecret) -> Result<SecretString, StoreError> {
        let key = self.key().await?;
        if secret.key_id != key.id() {
            return Err(StoreError::WrongKey {
                name: secret.name.clone(),
                sealed_with: secret.key_id.clone(),
                present: key.id(),
            });
        }
        seal::open(key, &secret.id, &secret.sealed).ok_or_else(|| StoreError::SecretUnreadable {
            name: secret.name.clone(),
        })
    }

    async fn sealed(&self, scope: &Scope) -> Result<Vec<SealedSecret>, StoreError> {
        let mut secrets = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .store
                .list::<SealedSecret>(Query::of(scope.key()).after(after).limit(Query::MAX_LIMIT))
                .await?;
            secrets.extend(page.items.into_iter().map(|secret| secret.value));
            after = page.next;
            if after.is_none() {
                return Ok(secrets);
            }
        }
    }
}

fn id(scope: &Scope, name: &str) -> String {
    format!("{}/{name}", scope.key())
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let fits = (1..=Vault::MAX_NAME_LENGTH).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if fits {
        Ok(())
    } else {
        Err(StoreError::InvalidSecretName {
            name: name.chars().take(Vault::MAX_NAME_LENGTH).collect(),
        })
    }
}
