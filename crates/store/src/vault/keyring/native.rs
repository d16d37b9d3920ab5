//! The Keychain of macOS, the Credential Manager of Windows.
//!
//! Both ask the person by themselves where they want to; a question under way cannot be taken back, only no longer be
//! waited for.

use std::{sync::Arc, thread};

use futures::stream::BoxStream;
use keyring_core::{Entry as Credential, Error, api::CredentialStoreApi};
use secrecy::zeroize::Zeroizing;
use tokio::sync::oneshot;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;

use super::{Asking, Entry, SERVICE, locked, unavailable};
use crate::StoreError;

/// The one there is.
#[derive(Debug, Clone)]
pub(super) struct Address;

impl Address {
    pub(super) fn of_session(_: Option<&str>) -> Option<Self> {
        Some(Self)
    }

    #[expect(clippy::unused_async, reason = "other systems have to ask")]
    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        let _store: Arc<Store> = Store::new().map_err(failed)?;
        Ok(())
    }

    async fn find_secret(entry: &Entry) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let name = entry.installation.clone();
        match aside(move || credential(&name)?.get_secret()).await {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn find(
        &self,
        entry: &Entry,
        asking: Asking<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        asking
            .unlock(Self::find_secret(entry))
            .await?
            .map_err(failed)
            .inspect(|_| asking.answered())
    }

    pub(super) async fn store(
        &self,
        entry: &Entry,
        secret: &str,
        asking: Asking<'_>,
    ) -> Result<(), StoreError> {
        let (name, secret) = (
            entry.installation.clone(),
            Zeroizing::new(secret.as_bytes().to_vec()),
        );
        let storing = aside(move || credential(&name)?.set_secret(&secret));
        asking
            .unlock(storing)
            .await?
            .map_err(failed)
            .inspect(|()| asking.answered())
    }

    pub(super) async fn forget(&self, entry: &Entry, asking: Asking<'_>) -> Result<(), StoreError> {
        let name = entry.installation.clone();
        let forgetting = aside(move || match credential(&name)?.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            done => done,
        });
        asking
            .unlock(forgetting)
            .await?
            .map_err(failed)
            .inspect(|()| asking.answered())
    }

    #[expect(clippy::unused_async, reason = "other systems have to ask")]
    pub(super) async fn changes(&self) -> Option<BoxStream<'static, ()>> {
        None
    }
}

fn credential(name: &str) -> Result<Credential, Error> {
    Store::new()?.build(SERVICE, name, None)
}

/// On a thread of its own: one that waits for a person must not keep the process from ending.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (send, receive) = oneshot::channel();
    thread::spawn(move || drop(send.send(work())));
    receive
        .await
        .unwrap_or_else(|_| Err(Error::BadStoreFormat("it broke off".to_owned())))
}

fn failed(error: Error) -> StoreError {
    match error {
        Error::NoStorageAccess(reason) => locked(&reason.to_string()),
        other => unavailable(&other.to_string()),
    }
}
