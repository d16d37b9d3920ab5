//! Where a MongoDB server is, and how it is named to people.

use std::{fmt, time::Duration};

use mongodb::options::ClientOptions;
use secrecy::{ExposeSecret, SecretString};

use crate::StoreError;

/// The database used when the address names none.
const DEFAULT_DATABASE: &str = "nasiko";
/// How long to look for a server that can be written to.
const SELECTION: Duration = Duration::from_secs(3);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// Connections at most: reads at once, and one write.
const POOL: u32 = 12;

/// The address of a MongoDB database, e.g. `mongodb://user:password@localhost:27017/nasiko`. Never shows its password.
#[derive(Clone)]
pub struct MongoAddress(SecretString);

impl MongoAddress {
    /// Takes an address as it was typed; it is looked at when the backend is opened.
    pub fn new(url: impl Into<String>) -> Self {
        Self(SecretString::from(url.into()))
    }

    /// The driver's options, the database's name, and what to call the server.
    pub(super) async fn resolve(&self) -> Result<(ClientOptions, String, String), StoreError> {
        let mut options = ClientOptions::parse(self.0.expose_secret())
            .await
            .map_err(|error| StoreError::BadAddress {
                kind: "MongoDB",
                reason: self.without_url(&error.kind.to_string()),
            })?;
        options.app_name = Some("nasiko".to_owned());
        options.server_selection_timeout.get_or_insert(SELECTION);
        options.connect_timeout.get_or_insert(CONNECT);
        options.max_pool_size.get_or_insert(POOL);
        let database = options
            .default_database
            .clone()
            .unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        let hosts: Vec<String> = options.hosts.iter().map(ToString::to_string).collect();
        let label = format!("MongoDB at {}/{database}", hosts.join(","));
        Ok((options, database, label))
    }

    /// The driver quotes parts of what it could not read.
    fn without_url(&self, reason: &str) -> String {
        let secret = self.0.expose_secret();
        let quotes_credentials = secret
            .split(['/', '@', ':', '?', '&'])
            .any(|part| part.len() > 3 && !part.starts_with("mongodb") && reason.contains(part));
        if quotes_credentials {
            "write it as mongodb://user:password@host:port/database, with special characters percent-encoded".to_owned()
        } else {
            reason.to_owned()
        }
    }
}

impl fmt::Debug for MongoAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MongoAddress(..)")
    }
}
