//! The Secret Service of the session bus.

use std::collections::HashMap;

use ::secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use futures::{StreamExt, stream::BoxStream};
use secrecy::zeroize::Zeroizing;
use zbus::{MatchRule, MessageStream, message::Type};

use super::{ANSWER_LIMIT, Asking, Entry, SERVICE, limited, locked, unavailable};
use crate::StoreError;

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
/// Signals kept while nobody looks: any one of them tells the same.
const MOST_SIGNALS: usize = 8;

/// Where the session bus is.
#[derive(Debug, Clone)]
pub(super) struct Address(String);

impl Address {
    pub(super) fn of_session(bus: Option<&str>) -> Option<Self> {
        bus.map(|address| Self(address.to_owned()))
    }

    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        let service = self.connect().await?;
        let collection = collection(&service).await?;
        if collection.is_locked().await.map_err(failed)? {
            return Err(locked("nobody has unlocked it yet"));
        }
        Ok(())
    }

    pub(super) async fn find(
        &self,
        entry: &Entry,
        asking: Asking<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let service = self.connect().await?;
        match find_item(&service, entry, asking).await? {
            Some(item) => Ok(Some(Zeroizing::new(answer(item.get_secret()).await?))),
            None => Ok(None),
        }
    }

    pub(super) async fn store(
        &self,
        entry: &Entry,
        secret: &str,
        asking: Asking<'_>,
    ) -> Result<(), StoreError> {
        let service = self.connect().await?;
        let collection = limited(ANSWER_LIMIT, collection(&service)).await??;
        if answer(collection.is_locked()).await? {
            asking.unlock(collection.unlock()).await?.map_err(failed)?;
        }
        answer(collection.create_item(
            &entry.label,
            attributes(entry),
            secret.as_bytes(),
            true,
            "text/plain",
        ))
        .await?;
        Ok(())
    }

    pub(super) async fn forget(&self, entry: &Entry, asking: Asking<'_>) -> Result<(), StoreError> {
        let service = self.connect().await?;
        match find_item(&service, entry, asking).await? {
            Some(item) => answer(item.delete()).await,
            None => Ok(()),
        }
    }

    pub(super) async fn changes(&self) -> Option<BoxStream<'static, ()>> {
        limited(ANSWER_LIMIT, self.signals()).await.ok()?.ok()
    }

    async fn signals(&self) -> zbus::Result<BoxStream<'static, ()>> {
        let bus = self.bus().await?;
        let comes_and_goes = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .add_arg(NAME)?
            .build();
        // Which signal tells of unlocking differs from keyring to keyring.
        let of_its_own = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(NAME)?
            .path_namespace(PATH)?
            .build();
        let comes_and_goes =
            MessageStream::for_match_rule(comes_and_goes, &bus, Some(MOST_SIGNALS)).await?;
        let of_its_own =
            MessageStream::for_match_rule(of_its_own, &bus, Some(MOST_SIGNALS)).await?;
        Ok(futures::stream::select(comes_and_goes, of_its_own)
            .map(|_| ())
            .boxed())
    }

    async fn bus(&self) -> zbus::Result<zbus::Connection> {
        zbus::connection::Builder::address(self.0.as_str())?
            .build()
            .await
    }

    async fn connect(&self) -> Result<SecretService<'static>, StoreError> {
        let connecting = async {
            let bus = self.bus().await?;
            SecretService::connect_with_existing(EncryptionType::Dh, bus).await
        };
        answer(connecting).await
    }
}

/// The collection that new entries go to.
async fn collection<'a>(service: &'a SecretService<'_>) -> Result<Collection<'a>, StoreError> {
    match service.get_default_collection().await {
        Err(Error::NoResult) => Err(unavailable("it has no default collection")),
        found => found.map_err(failed),
    }
}

/// The item of an entry, unlocked.
async fn find_item<'a>(
    service: &'a SecretService<'_>,
    entry: &Entry,
    asking: Asking<'_>,
) -> Result<Option<Item<'a>>, StoreError> {
    let mut found = search(service, entry).await?;
    if found.unlocked.is_empty() && found.locked.is_empty() {
        // A keyring that is locked as a whole does not say what is in it.
        let collection = limited(ANSWER_LIMIT, collection(service)).await??;
        if !answer(collection.is_locked()).await? {
            return Ok(None);
        }
        asking.unlock(collection.unlock()).await?.map_err(failed)?;
        found = search(service, entry).await?;
    }
    if let Some(item) = found.unlocked.into_iter().next() {
        return Ok(Some(item));
    }
    let Some(item) = found.locked.into_iter().next() else {
        return Ok(None);
    };
    asking.unlock(item.unlock()).await?.map_err(failed)?;
    Ok(Some(item))
}

async fn search<'a>(
    service: &'a SecretService<'_>,
    entry: &Entry,
) -> Result<::secret_service::SearchItemsResult<Item<'a>>, StoreError> {
    answer(service.search_items(attributes(entry))).await
}

/// The names that keyring libraries use on every system.
fn attributes(entry: &Entry) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", &entry.installation)])
}

async fn answer<T>(question: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    limited(ANSWER_LIMIT, question).await?.map_err(failed)
}

fn failed(error: Error) -> StoreError {
    match error {
        Error::Locked => locked("it was locked meanwhile"),
        Error::Prompt => locked("the question to unlock it was dismissed, or could not be shown"),
        Error::Unavailable => unavailable("there is no session bus"),
        Error::Zbus(zbus::Error::MethodError(name, ..)) if nobody_there(&name) => {
            unavailable("no keyring runs")
        }
        Error::Zbus(other) => unavailable(&other.to_string()),
        other => unavailable(&other.to_string()),
    }
}

/// Whether the bus says that nothing has the name that was asked for, and that nothing could be started for it.
fn nobody_there(error: &str) -> bool {
    [
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NameHasNoOwner",
    ]
    .contains(&error)
}
