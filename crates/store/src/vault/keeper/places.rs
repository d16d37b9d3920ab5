//! The places themselves: what is in one, putting the key there, clearing it.

use secrecy::{SecretString, zeroize::Zeroize};

use super::Shared;
use crate::{
    StoreError,
    vault::{
        file::{self, blocking},
        key::{Access, KeyTier, VaultKey},
        keyring::Entry,
    },
};

impl Shared {
    /// The key that is in a place.
    pub(super) async fn read(
        &self,
        tier: KeyTier,
        access: &Access,
    ) -> Result<Option<VaultKey>, StoreError> {
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
    pub(super) async fn put(
        &self,
        tier: KeyTier,
        key: &VaultKey,
        passphrase: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        let same = |found: Option<&VaultKey>| found.is_some_and(|found| found.id() == key.id());
        match tier {
            KeyTier::File => {
                let file = self.file.clone();
                let present = blocking(move || file.read()).await?;
                if present.is_some() && !same(present.as_ref()) {
                    return Err(self.in_the_way(tier));
                }
                let (file, key) = (self.file.clone(), key.copy()?);
                let given_back = blocking(move || {
                    file.write(&key)?;
                    file.read()
                });
                if !same(given_back.await?.as_ref()) {
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
    pub(super) async fn clear(&self, tier: KeyTier, access: &Access) -> Result<(), StoreError> {
        let path = match tier {
            KeyTier::File => self.file.path(),
            KeyTier::Passphrase => self.sealed.path(),
            KeyTier::Keyring => return self.places.keyring.forget(&self.entry(), access).await,
        };
        let path = path.to_owned();
        blocking(move || {
            file::remove(&path)
                .and_then(|()| file::remove(&file::draft_of(&path)))
                .map_err(StoreError::io(&path))
        })
        .await
    }

    pub(super) async fn passphrase_of_file(&self) -> Result<Option<SecretString>, StoreError> {
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

    pub(super) fn location(&self, tier: KeyTier) -> String {
        match tier {
            KeyTier::File => self.file.path().display().to_string(),
            KeyTier::Passphrase => self.sealed.path().display().to_string(),
            KeyTier::Keyring => self.entry().label,
        }
    }

    pub(super) fn missing(&self, tier: KeyTier) -> StoreError {
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
