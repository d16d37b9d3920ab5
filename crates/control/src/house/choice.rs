//! The choice that was made of a place for the store, in a file of its own in the data directory. Writing it is the one
//! step in which the store moves: before it the old place counts, after it the new one does.

use std::path::{Path, PathBuf};

use nasiko_contract::{ErrorCode, Fault, StorePlace};
use nasiko_store::{
    ExposeSecret, StoreError, Vault,
    vault::{Envelope, KeyHolder},
};
use serde::{Deserialize, Serialize};

use super::place::{Database, Place, Url};
use crate::home::{self, Home};

/// What sealed addresses are sealed for.
const NAME: &str = "the store's address";

/// The file's content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Choice {
    place: Written,
    /// Where it was before, for people.
    pub(super) before: Option<StorePlace>,
    /// How many files the data directory has had a store in. Each move to a file makes a new one.
    pub(super) files: u32,
    /// When the store came here, Unix milliseconds.
    pub(super) since: i64,
}

/// A place as it is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    #[serde(flatten)]
    database: WrittenDatabase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redis: Option<WrittenUrl>,
    #[serde(default)]
    in_stack: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum WrittenDatabase {
    /// By its name in the data directory, which may be moved.
    Sqlite {
        file: String,
    },
    Mongodb {
        url: WrittenUrl,
    },
}

/// An address: as it is where nothing in it is secret, else sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenUrl {
    Plain(String),
    Sealed(Envelope),
}

impl Choice {
    pub(super) fn path(home: &Home) -> PathBuf {
        home.root().join("store.json")
    }

    /// Reads what was chosen, if ever anything was.
    pub(super) fn read(home: &Home) -> Result<Option<Self>, Fault> {
        let path = Self::path(home);
        let broken = |error: &dyn std::error::Error| {
            Fault::new(
                ErrorCode::StoreFailed,
                "What says where the store is cannot be read",
            )
            .hint(format!(
                "Put {} back from a copy; without it the store is {}",
                path.display(),
                home.store_file().display()
            ))
            .evidence([error.to_string()])
        };
        match fs_err::read(&path) {
            Ok(text) => {
                let choice = serde_json::from_slice(&text).map_err(|error| broken(&error))?;
                Ok(Some(choice))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken(&error)),
        }
    }

    pub(super) async fn new(
        place: &Place,
        before: StorePlace,
        files: u32,
        vault: &Vault,
    ) -> Result<Self, StoreError> {
        let redis = match &place.redis {
            Some(url) => Some(WrittenUrl::new(url, vault).await?),
            None => None,
        };
        Ok(Self {
            place: Written {
                database: match &place.database {
                    Database::File(path) => WrittenDatabase::Sqlite {
                        file: file_name(path),
                    },
                    Database::Mongo(url) => WrittenDatabase::Mongodb {
                        url: WrittenUrl::new(url, vault).await?,
                    },
                },
                redis,
                in_stack: place.in_stack,
            },
            before: Some(before),
            files,
            since: crate::time::now_ms(),
        })
    }

    /// The place that was chosen. The key is asked for where it is needed.
    pub(super) async fn place(
        &self,
        home: &Home,
        holder: &impl KeyHolder,
    ) -> Result<Place, StoreError> {
        let redis = match &self.place.redis {
            Some(url) => Some(url.open(holder).await?),
            None => None,
        };
        Ok(Place {
            database: match &self.place.database {
                // Never outside of the data directory.
                WrittenDatabase::Sqlite { file } => {
                    Database::File(home.root().join(file_name(Path::new(file))))
                }
                WrittenDatabase::Mongodb { url } => Database::Mongo(url.open(holder).await?),
            },
            redis,
            in_stack: self.place.in_stack,
        })
    }

    /// Writes it down, whole or not at all. An error: nothing is changed.
    pub(super) async fn write(&self, home: &Home) -> Result<(), Fault> {
        let path = Self::path(home);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| crate::plane::internal("the choice of a store", &error))?;
        let written = tokio::task::spawn_blocking(move || {
            home::write_whole(&path, &text).map_err(|error| home::unwritable(&path, &error))
        });
        written
            .await
            .map_err(|error| crate::plane::internal("the choice of a store", &error))?
    }
}

impl WrittenUrl {
    async fn new(url: &Url, vault: &Vault) -> Result<Self, StoreError> {
        Ok(if url.is_secret() {
            Self::Sealed(vault.envelope(NAME, url.secret()).await?)
        } else {
            Self::Plain(url.expose().to_owned())
        })
    }

    async fn open(&self, holder: &impl KeyHolder) -> Result<Url, StoreError> {
        Ok(match self {
            Self::Plain(url) => Url::new(url),
            Self::Sealed(envelope) => Url::new(envelope.open(holder, NAME).await?.expose_secret()),
        })
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
