//! A place for a store: what its words mean, how it is opened, how it is shown.

use std::{path::PathBuf, sync::Arc};

use nasiko_contract::{ErrorCode, Fault, StoreKind, StorePlace};
use nasiko_store::{
    Backend, ExposeSecret, SecretString, StoreError,
    mongo::{Mongo, MongoAddress, MongoOptions},
    sqlite::{Sqlite, SqliteOptions},
    streams::RedisAddress,
};

/// A place for a store.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) database: Database,
    /// The Redis server beside it: it wakes those who share a database, and carries a platform's commands.
    pub(super) redis: Option<Url>,
    /// It is in the local stack.
    pub(super) in_stack: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Database {
    /// A file in the data directory.
    File(PathBuf),
    /// A MongoDB database.
    Mongo(Url),
}

/// An address that may have a password in it.
#[derive(Debug, Clone)]
pub(super) struct Url(SecretString);

impl Place {
    pub(super) fn file(path: PathBuf) -> Self {
        Self {
            database: Database::File(path),
            redis: None,
            in_stack: false,
        }
    }

    pub(super) fn mongo(url: Url, redis: Option<Url>) -> Self {
        Self {
            database: Database::Mongo(url),
            redis,
            in_stack: false,
        }
    }

    /// Opens what is there, or makes it.
    pub(super) async fn open(&self) -> Result<Arc<dyn Backend>, StoreError> {
        Ok(match &self.database {
            Database::File(path) => Arc::new(Sqlite::open(SqliteOptions::new(path)).await?),
            Database::Mongo(url) => {
                let mut options = MongoOptions::new(MongoAddress::new(url.expose()));
                options.redis = self.redis.as_ref().map(Url::redis);
                Arc::new(Mongo::open(options).await?)
            }
        })
    }

    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        match (&self.database, &other.database) {
            (Database::File(own), Database::File(other)) => own == other,
            _ => false,
        }
    }

    /// Whether other control planes may work on it.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.database, Database::Mongo(_))
    }

    /// For people: nothing in it is secret.
    pub(super) fn shown(&self) -> StorePlace {
        let (kind, location) = match &self.database {
            Database::File(path) => (StoreKind::Sqlite, path.display().to_string()),
            Database::Mongo(url) => (StoreKind::Mongodb, url.shown()),
        };
        StorePlace {
            kind,
            location,
            redis: self.redis.as_ref().map(Url::shown),
            in_stack: self.in_stack,
        }
    }
}

impl Url {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// A MongoDB server's.
    pub(super) fn mongo(text: &str) -> Result<Self, Fault> {
        Self::with_scheme(text, &["mongodb://", "mongodb+srv://"]).ok_or_else(|| {
            // What was typed may have a password in it.
            Fault::new(ErrorCode::InvalidRequest, "That is no place for a store")
                .hint("It is `sqlite`, `stack` or mongodb://user:password@host:port/database")
        })
    }

    /// A Redis server's.
    pub(super) fn of_redis(text: &str) -> Result<Self, Fault> {
        Self::with_scheme(text, &["redis://", "rediss://"]).ok_or_else(|| {
            Fault::new(
                ErrorCode::InvalidRequest,
                "That is no address of a Redis server",
            )
            .hint("Write it as redis://:password@host:port/number")
        })
    }

    fn with_scheme(text: &str, schemes: &[&str]) -> Option<Self> {
        let host = schemes
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))?;
        (!host.is_empty()).then(|| Self::new(text))
    }

    pub(super) fn redis(&self) -> RedisAddress {
        RedisAddress::new(self.expose())
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether it has parts that are nobody's business: a password, or options.
    pub(super) fn is_secret(&self) -> bool {
        self.expose().contains(['@', '?'])
    }

    /// Scheme, user, hosts and path. Whatever a password looks like, it ends at the last `@`.
    pub(super) fn shown(&self) -> String {
        let Some((scheme, rest)) = self.expose().split_once("://") else {
            return String::new();
        };
        let (user, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (credentials.split_once(':').map(|(user, _)| user), rest),
            None => (None, rest),
        };
        let rest = rest.split('?').next().unwrap_or_default();
        let user = match user {
            Some(user) if !user.is_empty() => format!("{user}@"),
            _ => String::new(),
        };
        format!("{scheme}://{user}{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn an_address_is_shown_without_its_password_and_options() {
        for (given, shown) in [
            ("mongodb://localhost/nasiko", "mongodb://localhost/nasiko"),
            ("mongodb://me:secret@a:1,b:2/x", "mongodb://me@a:1,b:2/x"),
            ("mongodb://me:se/cr?et@a/x", "mongodb://me@a/x"),
            ("mongodb://me:se@cret@a", "mongodb://me@a"),
            (
                "mongodb://a/x?tlsCertificateKeyFilePassword=secret",
                "mongodb://a/x",
            ),
            ("mongodb://secret@a/x", "mongodb://a/x"),
            ("redis://:secret@a:6379/1", "redis://a:6379/1"),
            ("secret", ""),
        ] {
            let url = Url::new(given);
            assert_eq!(url.shown(), shown, "{given}");
            assert!(
                !given.contains("cret") || !shown.contains("cret"),
                "{given}"
            );
            assert!(!format!("{url:?}").contains(given), "{given}");
        }
    }

    #[test]
    fn an_address_of_another_kind_is_refused_without_being_repeated() {
        for given in ["mongo://me:secret@a", "mongodb://", "", "secret"] {
            let fault = Url::mongo(given).unwrap_err();
            assert!(!format!("{fault:?}").contains("secret"));
        }
        assert!(Url::of_redis("redis://a").is_ok() && Url::of_redis("http://a").is_err());
    }
}
