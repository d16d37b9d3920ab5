//! Where the key of a data directory is kept, and how it gets from one place to another.
//!
//! A small file, `vault.json`, says where; writing it is the one step in which a move happens. Before it the old place
//! is the one that counts, after it the new one is, and either way it names the other one, to be cleared by whoever finds
//! it so. A data directory without that file is one of earlier days, with its key in `vault.key`, or has no key yet.

mod marker;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures::stream::BoxStream;
use secrecy::{SecretString, zeroize::Zeroize};

use self::marker::Marker;
use super::{
    file::{self, KeyFile, blocking},
    key::{Access, KeyHolder, KeyTier, VaultKey},
    keyring::{Entry, Keyring},
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
            shared.write_marker(&leaves_traces)?;
        }
        shared.put(to, &key, passphrase.as_ref()).await?;
        let mut marker = Marker {
            tier: to,
            reason: "it was moved there".to_owned(),
            stale: old,
        };
        shared.write_marker(&marker)?;
        if let Some(old) = old {
            shared.clear(old, &Access::AskNow).await?;
            marker.stale = None;
            shared.write_marker(&marker)?;
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
            shared.write_marker(&Marker::made(KeyTier::Keyring))?;
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

    fn write_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        marker.write(&self.marker)
    }

    /// Puts the first key where it is kept best without anybody's doing.
    async fn place_first(&self, key: &VaultKey) -> Result<(), StoreError> {
        if let Some(passphrase) = self.passphrase_of_file().await? {
            self.put(KeyTier::Passphrase, key, Some(&passphrase))
                .await?;
            return self.write_marker(&Marker::made(KeyTier::Passphrase));
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
        self.write_marker(&marker)
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

    /// The key that is in a place.
    async fn read(&self, tier: KeyTier, access: &Access) -> Result<Option<VaultKey>, StoreError> {
        match tier {
            KeyTier::File => {
                let file = self.file.clone();
                blocking(move || file.read_private()).await
            }
            KeyTier::Passphrase => {
                let passphrase = match access {
                    Access::Passphrase(passphrase) => Some(passphrase.clone()),
                    _ => self.passphrase_of_file().await?,
                };
                let sealed = self.sealed.clone();
                blocking(move || sealed.read(passphrase.as_ref())).await
            }
            KeyTier::Keyring => self.places.keyring.find(&self.entry(), access).await,
        }
    }

    /// Puts the key in a place and sees that the place gives it back. A key that is there already and another one is left
    /// alone: nobody knows what it opens.
    async fn put(
        &self,
        tier: KeyTier,
        key: &VaultKey,
        passphrase: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        let same = |found: Option<&VaultKey>| found.is_some_and(|found| found.id() == key.id());
        match tier {
            KeyTier::File => {
                let present = self.file.read()?;
                if present.is_some() && !same(present.as_ref()) {
                    return Err(self.in_the_way(tier));
                }
                self.file.write(key)?;
                if !same(self.file.read()?.as_ref()) {
                    return Err(self.not_given_back(tier));
                }
            }
            KeyTier::Passphrase => {
                let Some(passphrase) = passphrase.cloned() else {
                    return Err(StoreError::KeyLocked {
                        tier,
                        reason: "no passphrase was given".to_owned(),
                    });
                };
                let (sealed, key) = (self.sealed.clone(), key.copy()?);
                let given_back = blocking(move || {
                    sealed.write(&key, &passphrase)?;
                    let found = sealed.read(Some(&passphrase))?;
                    Ok(found.is_some_and(|found| found.id() == key.id()))
                });
                if !given_back.await? {
                    return Err(self.not_given_back(tier));
                }
            }
            KeyTier::Keyring => {
                let (keyring, entry) = (&self.places.keyring, self.entry());
                let present = keyring.find(&entry, &Access::AskNow).await?;
                if present.is_some() && !same(present.as_ref()) {
                    return Err(self.in_the_way(tier));
                }
                keyring.store(&entry, key, &Access::AskNow).await?;
                let given_back = keyring.find(&entry, &Access::AskNow).await?;
                if !same(given_back.as_ref()) {
                    return Err(self.not_given_back(tier));
                }
            }
        }
        Ok(())
    }

    /// Removes the key from a place.
    async fn clear(&self, tier: KeyTier, access: &Access) -> Result<(), StoreError> {
        let path = match tier {
            KeyTier::File => self.file.path(),
            KeyTier::Passphrase => self.sealed.path(),
            KeyTier::Keyring => return self.places.keyring.forget(&self.entry(), access).await,
        };
        file::remove(path)
            .and_then(|()| file::remove(&file::draft_of(path)))
            .map_err(StoreError::io(path))
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
            self.write_marker(&Marker {
                stale: None,
                ..marker
            })
        };
        if let Err(error) = clearing.await {
            tracing::warn!(%error, "what a move of the vault's key left behind is not cleared yet");
        }
    }

    async fn passphrase_of_file(&self) -> Result<Option<SecretString>, StoreError> {
        let Some(path) = self.places.passphrase_file.clone() else {
            return Ok(None);
        };
        blocking(move || {
            let Some(bytes) = file::read_limited(&path).map_err(StoreError::io(&path))? else {
                return Err(StoreError::KeyLocked {
                    tier: KeyTier::Passphrase,
                    reason: format!(
                        "there is no file {}, which NASIKO_VAULT_PASSPHRASE_FILE names",
                        path.display()
                    ),
                });
            };
            let mut text = String::from_utf8_lossy(&bytes).into_owned();
            let passphrase = text.trim_end_matches(['\r', '\n']).to_owned();
            text.zeroize();
            if passphrase.is_empty() {
                return Err(StoreError::KeyLocked {
                    tier: KeyTier::Passphrase,
                    reason: format!("the file {} is empty", path.display()),
                });
            }
            Ok(Some(SecretString::from(passphrase)))
        })
        .await
    }

    fn entry(&self) -> Entry {
        Entry {
            installation: self.places.installation.clone(),
            label: format!("Nasiko: key of {}", self.places.directory.display()),
        }
    }

    fn location(&self, tier: KeyTier) -> String {
        match tier {
            KeyTier::File => self.file.path().display().to_string(),
            KeyTier::Passphrase => self.sealed.path().display().to_string(),
            KeyTier::Keyring => self.entry().label,
        }
    }

    fn missing(&self, tier: KeyTier) -> StoreError {
        let location = self.location(tier);
        StoreError::KeyMissing {
            reason: match tier {
                KeyTier::Keyring => format!("the keyring has no entry `{location}`"),
                KeyTier::File | KeyTier::Passphrase => format!("there is no file {location}"),
            },
        }
    }

    fn in_the_way(&self, tier: KeyTier) -> StoreError {
        StoreError::KeyNotMovable {
            reason: format!("another key is there already: {}", self.location(tier)),
        }
    }

    fn not_given_back(&self, tier: KeyTier) -> StoreError {
        StoreError::KeyNotMovable {
            reason: format!("it was not given back by {}", self.location(tier)),
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
