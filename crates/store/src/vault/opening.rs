//! Getting at the key: when it is first needed, when a person wants to, and when it was locked and no longer is.

use std::time::Duration;

use futures::StreamExt;
use secrecy::SecretString;

use super::{Access, SealedSecret, Vault, VaultKey};
use crate::{Query, StoreError};

/// How long is gathered of what a keyring tells, before a locked key is tried again.
const GATHERING: Duration = Duration::from_millis(200);

/// How the key of a vault stands.
#[derive(Debug, Clone, Default)]
pub enum KeyState {
    /// Nothing needed it yet.
    #[default]
    NotNeeded,
    /// It is at hand.
    Open {
        /// Names the key without telling it.
        id: String,
    },
    /// It could not be had when it was last asked for.
    Closed(StoreError),
}

impl Vault {
    /// How the key stands, without asking for it.
    pub fn key_state(&self) -> KeyState {
        self.state.borrow().clone()
    }

    /// Gets at the key now: the person may be asked to unlock a keyring, even if they were before. A sealed key takes the
    /// passphrase, here or from its file.
    pub async fn unlock(&self, passphrase: Option<&SecretString>) -> Result<(), StoreError> {
        let access = passphrase
            .cloned()
            .map_or(Access::AskNow, Access::Passphrase);
        self.key_with(access).await.map(|_| ())
    }

    /// Completes once something that needed the key did not get it because it is locked.
    pub async fn until_locked(&self) {
        let locked =
            |state: &KeyState| matches!(state, KeyState::Closed(error) if error.is_locked());
        // The sender is ours: it cannot be gone.
        drop(self.state.subscribe().wait_for(locked).await);
    }

    /// Completes once a key that was locked is at hand. Tries whenever what holds it tells of a change, asks nobody.
    pub async fn until_open(&self) {
        let mut states = self.state.subscribe();
        loop {
            let mut changes = self.holder.changes().await;
            if self.key_with(Access::Quiet).await.is_ok() {
                return;
            }
            let opened = async {
                let open = |state: &KeyState| matches!(state, KeyState::Open { .. });
                drop(states.wait_for(open).await);
            };
            tokio::select! {
                () = opened => return,
                Some(()) = changes.next() => tokio::time::sleep(GATHERING).await,
            }
        }
    }

    pub(super) async fn key(&self) -> Result<&VaultKey, StoreError> {
        self.key_with(Access::AskOnce).await
    }

    /// A question to the person outlives who asked: they may have gone away before the person has answered.
    async fn key_with(&self, access: Access) -> Result<&VaultKey, StoreError> {
        if !self.key.initialized() {
            let vault = self.clone();
            let getting = async move { vault.load_key(access).await.map(|_| ()) };
            tokio::spawn(getting)
                .await
                .map_err(|_| StoreError::Closed)??;
        }
        self.key.get().ok_or(StoreError::Closed)
    }

    async fn load_key(&self, access: Access) -> Result<&VaultKey, StoreError> {
        self.key
            .get_or_try_init(|| async move {
                let key = match self.holder.load(access).await {
                    Ok(Some(key)) => Ok(key),
                    Ok(None) => self.first_key().await,
                    Err(error) => Err(error),
                };
                self.state.send_replace(match &key {
                    Ok(key) => KeyState::Open { id: key.id() },
                    Err(error) => KeyState::Closed(error.clone()),
                });
                key
            })
            .await
    }

    /// Makes the key of a vault in which nothing is sealed yet. Where something is, its key is elsewhere or lost: another
    /// one would only hide that.
    async fn first_key(&self) -> Result<VaultKey, StoreError> {
        let any = self
            .store
            .list::<SealedSecret>(Query::all().limit(1))
            .await?;
        if let Some(secret) = any.items.into_iter().next() {
            return Err(StoreError::KeyMissing {
                reason: format!(
                    "values are sealed with key {}, and there is none here",
                    secret.value.key_id
                ),
            });
        }
        self.holder.create().await
    }
}
