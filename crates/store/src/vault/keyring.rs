//! The system's keyring: one entry per data directory.
//!
//! Linux has the Secret Service over D-Bus (GNOME Keyring, KWallet, KeePassXC), macOS the Keychain, Windows the Credential
//! Manager. Nothing is kept open: each question makes a connection of its own, so that a keyring may come and go.

#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(not(any(target_os = "macos", windows)))]
mod secret_service;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream::BoxStream};
use secrecy::ExposeSecret;

use super::key::{Access, KeyTier, VaultKey};
use crate::StoreError;

#[cfg(any(target_os = "macos", windows))]
use native as system;
#[cfg(not(any(target_os = "macos", windows)))]
use secret_service as system;

/// By which our entries are told from others'.
const SERVICE: &str = "nasiko";
/// How long a keyring may take to answer what needs no person.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long a person may take to unlock it.
const PROMPT_LIMIT: Duration = Duration::from_secs(120);

/// The keyring of the person who runs this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keyring {
    place: Place,
    /// The person was asked to unlock it.
    asked: Arc<AtomicBool>,
}

#[derive(Debug, Clone)]
enum Place {
    System(system::Address),
    /// It is not to be used, and why.
    Nowhere(String),
}

/// Names the entry of a data directory.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The data directory's id.
    pub(super) installation: String,
    /// What the keyring's own program shows.
    pub(super) label: String,
}

impl Keyring {
    /// The keyring of this session. `bus` is the address of the session bus, where there is one: without, a system that
    /// has its keyring there has none.
    pub fn of_session(bus: Option<&str>) -> Self {
        Self::at(match system::Address::of_session(bus) {
            Some(address) => Place::System(address),
            None => Place::Nowhere("there is no session bus".to_owned()),
        })
    }

    /// No keyring; `why` is told to people.
    pub fn none(why: impl Into<String>) -> Self {
        Self::at(Place::Nowhere(why.into()))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            asked: Arc::default(),
        }
    }

    /// Whether it runs and is unlocked, or else what stands in the way. Asks nobody for anything.
    pub async fn ready(&self) -> Result<(), StoreError> {
        limited(ANSWER_LIMIT, self.address()?.ready()).await?
    }

    /// The key of an entry; none if there is no such entry.
    pub(super) async fn find(
        &self,
        entry: &Entry,
        access: &Access,
    ) -> Result<Option<VaultKey>, StoreError> {
        let found = self.address()?.find(entry, self.asking(access)).await?;
        found.map(|secret| VaultKey::parse(&secret)).transpose()
    }

    /// Makes an entry, or replaces what is in it.
    pub(super) async fn store(
        &self,
        entry: &Entry,
        key: &VaultKey,
        access: &Access,
    ) -> Result<(), StoreError> {
        // As text, so that a person can copy it out of the keyring's own program.
        let text = key.to_text();
        self.address()?
            .store(entry, text.expose_secret(), self.asking(access))
            .await
    }

    /// Removes an entry, if it is there.
    pub(super) async fn forget(&self, entry: &Entry, access: &Access) -> Result<(), StoreError> {
        self.address()?.forget(entry, self.asking(access)).await
    }

    /// Something each time it was locked, unlocked, started or ended.
    pub(super) async fn changes(&self) -> BoxStream<'static, ()> {
        let changes = match &self.place {
            Place::System(address) => address.changes().await,
            Place::Nowhere(_) => None,
        };
        changes.unwrap_or_else(|| futures::stream::empty().boxed())
    }

    fn address(&self) -> Result<&system::Address, StoreError> {
        match &self.place {
            Place::System(address) => Ok(address),
            Place::Nowhere(why) => Err(unavailable(why)),
        }
    }

    fn asking(&self, access: &Access) -> Asking<'_> {
        Asking {
            asked: &self.asked,
            now: matches!(access, Access::AskNow),
            once: matches!(access, Access::AskOnce),
        }
    }
}

/// Whether the person may be asked to unlock the keyring.
#[derive(Clone, Copy)]
struct Asking<'a> {
    asked: &'a AtomicBool,
    now: bool,
    once: bool,
}

impl Asking<'_> {
    /// They let us in: the next question is a new one.
    #[cfg(any(target_os = "macos", windows))]
    fn answered(self) {
        self.asked.store(false, Ordering::SeqCst);
    }

    /// Runs what asks the person, if they may be asked. That they were is noted before: a question that nobody waits for
    /// any more is not asked again.
    async fn unlock<T>(self, question: impl Future<Output = T>) -> Result<T, StoreError> {
        if !self.now && !self.once {
            return Err(locked("nobody has unlocked it yet"));
        }
        if self.asked.swap(true, Ordering::SeqCst) && !self.now {
            return Err(locked("you were asked to unlock it before"));
        }
        tokio::time::timeout(PROMPT_LIMIT, question)
            .await
            .map_err(|_| locked("nobody answered the question to unlock it"))
    }
}

async fn limited<T>(limit: Duration, question: impl Future<Output = T>) -> Result<T, StoreError> {
    tokio::time::timeout(limit, question)
        .await
        .map_err(|_| unavailable("it does not answer"))
}

fn locked(reason: &str) -> StoreError {
    StoreError::KeyLocked {
        tier: KeyTier::Keyring,
        reason: reason.to_owned(),
    }
}

fn unavailable(reason: &str) -> StoreError {
    StoreError::KeyringUnavailable {
        reason: reason.to_owned(),
    }
}
