//! Where the key of a data directory is kept, and how it gets from one place to another.
//!
//! A small file, `vault.json`, says where; writing it is the one step in which a move happens. Before it the old place
//! is the one that counts, after it the new one is, and either way it names the other one, to be cleared by whoever finds
//! it so. A data directory without that file is one of earlier days, with its key in `vault.key`, or has no key yet.

mod marker;
mod places;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures::stream::BoxStream;
use secrecy::SecretString;

use self::marker::Marker;
use super::{
    file::{KeyFile, blocking},
    key::{Access, KeyHolder, KeyTier, VaultKey},
    keyring::Keyring,
    sealed_file::SealedFile,
};
use crate::StoreError;

/// Where a data directory's key may be.
#[derive(Debug, Clone)]
pub struct KeyPlaces {
    /// The data directory; it exists.
    pub directory: PathBuf,
    /// Its id, which names its entry in the keyring.
    pub installation: String,
    /// A file with the key that somebody else provides: it is used and never written, and wins over all other places.
    pub provided: Option<PathBuf>,
    /// A file with the passphrase of a sealed key. Where there is no key yet, the new one is sealed with it.
    pub passphrase_file: Option<PathBuf>,
    /// The keyring.
    pub keyring: Keyring,
}

/// Where the key is, to be shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// How well it is kept; none while there is no key.
    pub tier: Option<KeyTier>,
    /// Why it is there, as a clause.
    pub reason: String,
    /// The file, or the name of the entry.
    pub location: Option<String>,
}

/// Holds the key of a data directory: in the keyring where one runs and is unlocked when the key is made, else in a file;
/// or where the person wants it. Cheap to clone.
#[derive(Clone)]
pub struct KeyKeeper {
    shared: Arc<Shared>,
}

struct Shared {
    places: KeyPlaces,
    file: KeyFile,
    sealed: SealedFile,
    marker: PathBuf,
    /// Held while the key changes its place or is made.
    moving: tokio::sync::Mutex<()>,
    /// The key, once it was read: a sealed one is moved on without its passphrase.
    known: parking_lot::Mutex<Option<Arc<VaultKey>>>,
}

impl KeyKeeper {
    /// The keeper of a data directory. Nothing is looked at yet.
    pub fn new(places: KeyPlaces) -> Self {
        let within = |name: &str| places.directory.join(name);
        Self {
            shared: Arc::new(Shared {
                file: KeyFile::new(within("vault.key")),
                sealed: SealedFile::new(within("vault.sealed")),
                marker: within("vault.json"),
                moving: tokio::sync::Mutex::default(),
                known: parking_lot::Mutex::default(),
                places,
            }),
        }
    }

    /// Where the key is, and why, without asking for it.
    pub fn keeping(&self) -> Result<Keeping, StoreError> {
        let shared = &*self.shared;
        if let Some(path) = &shared.places.provided {
            return Ok(Keeping {
                tier: Some(KeyTier::File),
                reason: "NASIKO_VAULT_KEY_FILE names it".to_owned(),
                location: Some(path.display().to_string()),
            });
        }
        Ok(match shared.marker()? {
            Some(marker) => Keeping {
                tier: Some(marker.tier),
                location: Some(shared.location(marker.tier)),
                reason: marker.reason,
            },
            None => Keeping {
                tier: None,
                reason: "no secret was kept yet".to_owned(),
                location: None,
            },
        })
    }

    /// The keyring that could hold the key.
    pub fn keyring(&self) -> &Keyring {
        &self.shared.places.keyring
    }

    /// Moves the key to another place; makes it there if there is none yet. The old place is cleared once the new one has
    /// given the key back. May ask the person to unlock the keyring. `passphrase` is for [`KeyTier::Passphrase`] alone,
    /// which takes it from the passphrase file otherwise; the same place with another passphrase changes it.
    ///
    /// Dropping the future, a crash, and a failure leave the key readable where it was, or where it was to go.
    pub async fn keep_in(
        &self,
        to: KeyTier,
        passphrase: Option<SecretString>,
    ) -> Result<(), StoreError> {
        let shared = &*self.shared;
        if shared.places.provided.is_some() {
            return Err(StoreError::KeyNotMovable {
                reason: "NASIKO_VAULT_KEY_FILE says where it is".to_owned(),
            });
        }
        let _one_at_a_time = shared.moving.lock().await;
        let from = shared.marker()?;
        let known = shared.known.lock().clone();
        let key = match (known, &from) {
            (Some(known), _) => known,
            (None, Some(marker)) => shared.known_from(marker, &Access::AskNow).await?,
            (None, None) => Arc::new(VaultKey::generate()?),
        };
        let passphrase = match passphrase {
            Some(passphrase) => Some(passphrase),
            None => shared.passphrase_of_file().await?,
        };
        let old = from
            .as_ref()
            .map(|marker| marker.tier)
            .filter(|old| *old != to);
        if let (Some(marker), Some(_)) = (from, old) {
            let leaves_traces = Marker {
                stale: Some(to),
                ..marker
            };
            shared.write_marker(&leaves_traces).await?;
        }
        shared.put(to, &key, passphrase.as_ref()).await?;
        let mut marker = Marker {
            tier: to,
            reason: "it was moved there".to_owned(),
            stale: old,
        };
        shared.write_marker(&marker).await?;
        if let Some(old) = old {
            shared.clear(old, &Access::AskNow).await?;
            marker.stale = None;
            shared.write_marker(&marker).await?;
        }
        Ok(())
    }

    /// Makes another key for one that is lost, in the same place. What was sealed with the lost one stays closed. A key
    /// that is there is not replaced, but for one whose passphrase is lost: the new one is sealed with `passphrase`.
    pub async fn renew(&self, passphrase: Option<SecretString>) -> Result<(), StoreError> {
        let shared = &*self.shared;
        if shared.places.provided.is_some() {
            return Err(StoreError::KeyNotMovable {
                reason: "NASIKO_VAULT_KEY_FILE says where it is".to_owned(),
            });
        }
        let _one_at_a_time = shared.moving.lock().await;
        *shared.known.lock() = None;
        let key = VaultKey::generate()?;
        match shared.marker()?.map(|marker| marker.tier) {
            Some(tier) => {
                let passphrase = match passphrase {
                    Some(passphrase) => Some(passphrase),
                    None => shared.passphrase_of_file().await?,
                };
                shared.put(tier, &key, passphrase.as_ref()).await
            }
            None => shared.place_first(&key).await,
        }
    }
}

#[async_trait]
impl KeyHolder for KeyKeeper {
    fn tier(&self) -> Option<KeyTier> {
        self.keeping().ok()?.tier
    }

    async fn load(&self, access: Access) -> Result<Option<VaultKey>, StoreError> {
        let shared = &*self.shared;
        if let Some(path) = &shared.places.provided {
            let file = KeyFile::new(path);
            let key = blocking(move || file.read()).await?;
            return key.map(Some).ok_or_else(|| StoreError::KeyMissing {
                reason: format!(
                    "there is no file {}, which NASIKO_VAULT_KEY_FILE names",
                    path.display()
                ),
            });
        }
        let _one_at_a_time = shared.moving.lock().await;
        let Some(marker) = shared.marker()? else {
            return Ok(None);
        };
        let key = shared.known_from(&marker, &access).await?;
        if marker.stale.is_some() {
            shared.clear_stale(marker, &key).await;
        }
        key.copy().map(Some)
    }

    async fn create(&self) -> Result<VaultKey, StoreError> {
        let shared = &*self.shared;
        let _one_at_a_time = shared.moving.lock().await;
        // Of a run that was killed before it could say where it had put the key.
        if shared.places.passphrase_file.is_none()
            && shared.places.keyring.ready().await.is_ok()
            && let Ok(Some(key)) = shared.read(KeyTier::Keyring, &Access::AskOnce).await
        {
            shared.write_marker(&Marker::made(KeyTier::Keyring)).await?;
            return Ok(key);
        }
        let key = VaultKey::generate()?;
        shared.place_first(&key).await?;
        Ok(key)
    }

    async fn changes(&self) -> BoxStream<'static, ()> {
        self.shared.places.keyring.changes().await
    }
}

impl Shared {
    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        if let Some(marker) = Marker::read(&self.marker)? {
            return Ok(Some(marker));
        }
        let earlier = self
            .file
            .path()
            .try_exists()
            .map_err(StoreError::io(self.file.path()))?;
        Ok(earlier.then(|| Marker {
            tier: KeyTier::File,
            reason: "it was made there".to_owned(),
            stale: None,
        }))
    }

    async fn write_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        let (marker, path) = (marker.clone(), self.marker.clone());
        blocking(move || marker.write(&path)).await
    }

    /// Puts the first key where it is kept best without anybody's doing.
    async fn place_first(&self, key: &VaultKey) -> Result<(), StoreError> {
        if let Some(passphrase) = self.passphrase_of_file().await? {
            self.put(KeyTier::Passphrase, key, Some(&passphrase))
                .await?;
            return self.write_marker(&Marker::made(KeyTier::Passphrase)).await;
        }
        let in_keyring = match self.places.keyring.ready().await {
            Ok(()) => self.put(KeyTier::Keyring, key, None).await,
            Err(error) => Err(error),
        };
        let marker = match in_keyring {
            Ok(()) => Marker::made(KeyTier::Keyring),
            Err(error) => {
                self.put(KeyTier::File, key, None).await?;
                Marker {
                    tier: KeyTier::File,
                    reason: format!("no keyring could take it when it was made: {}", why(&error)),
                    stale: None,
                }
            }
        };
        self.write_marker(&marker).await
    }

    /// The key where it is to be, remembered from then on.
    async fn known_from(
        &self,
        marker: &Marker,
        access: &Access,
    ) -> Result<Arc<VaultKey>, StoreError> {
        let key = self
            .read(marker.tier, access)
            .await?
            .ok_or_else(|| self.missing(marker.tier))?;
        let key = Arc::new(key);
        *self.known.lock() = Some(Arc::clone(&key));
        Ok(key)
    }

    /// Clears what a move that was interrupted left elsewhere, as far as that can be done without asking anybody.
    async fn clear_stale(&self, marker: Marker, key: &VaultKey) {
        let Some(old) = marker.stale else { return };
        let clearing = async {
            let left_over = match old {
                // Its passphrase may be known to nobody any more.
                KeyTier::Passphrase => true,
                // None may have come further than its draft.
                other => self
                    .read(other, &Access::Quiet)
                    .await?
                    .is_none_or(|found| found.id() == key.id()),
            };
            if left_over {
                self.clear(old, &Access::Quiet).await?;
            }
            let settled = Marker {
                stale: None,
                ..marker
            };
            self.write_marker(&settled).await
        };
        if let Err(error) = clearing.await {
            tracing::warn!(%error, "what a move of the vault's key left behind is not cleared yet");
        }
    }
}

/// The reason in a failure, where it has one.
fn why(error: &StoreError) -> String {
    match error {
        StoreError::KeyLocked { reason, .. } => format!("it is locked ({reason})"),
        StoreError::KeyringUnavailable { reason } => reason.clone(),
        other => other.to_string(),
    }
}
