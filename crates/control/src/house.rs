//! Where this control plane's store is.

use std::{ffi::OsString, sync::Arc};

use nasiko_contract::Fault;
use nasiko_store::{
    Store,
    mongo::{Mongo, MongoAddress, MongoOptions},
    streams::RedisAddress,
};

use crate::home::Home;

/// A MongoDB that holds the store, as a URL. It wins over what the settings say.
const STORE_URL: &str = "NASIKO_STORE_URL";
/// The Redis beside it, as a URL.
const REDIS_URL: &str = "NASIKO_REDIS_URL";

/// Where the store is.
pub(crate) struct House {
    place: Place,
    /// The Redis server beside it.
    redis: Option<RedisAddress>,
}

enum Place {
    /// In the data directory.
    File,
    /// In a database that other control planes may share.
    Mongo(MongoAddress),
}

impl House {
    /// Reads where it is.
    pub(crate) fn find(environment: &[(OsString, OsString)]) -> Self {
        let named = |name: &str| {
            let found = environment.iter().find(|(variable, _)| variable == name);
            found
                .and_then(|(_, value)| value.to_str())
                .filter(|value| !value.is_empty())
        };
        Self {
            place: match named(STORE_URL) {
                Some(url) => Place::Mongo(MongoAddress::new(url)),
                None => Place::File,
            },
            redis: named(REDIS_URL).map(RedisAddress::new),
        }
    }

    /// Opens it.
    pub(crate) async fn open(&self, home: &Home) -> Result<Store, Fault> {
        match &self.place {
            Place::File => Ok(Store::open(home.store_file()).await?),
            Place::Mongo(address) => {
                let mut options = MongoOptions::new(address.clone());
                options.redis.clone_from(&self.redis);
                let clock = Arc::clone(&options.clock);
                Ok(Store::with_backend(
                    Arc::new(Mongo::open(options).await?),
                    clock,
                ))
            }
        }
    }

    /// The Redis server beside the store, which also carries a platform's commands.
    pub(crate) fn redis(&self) -> Option<&RedisAddress> {
        self.redis.as_ref()
    }

    /// Whether other control planes may work on the same store.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.place, Place::Mongo(_))
    }
}
