//! The connection: commands with a time limit, failures in our words, and whether the server answers.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt;
use mongodb::{
    Client, Collection, Database,
    bson::{Bson, Document, doc},
    change_stream::{ChangeStream, event::ChangeStreamEvent},
    error::{Error, ErrorKind},
    options::FindOptions,
};
use tokio::sync::watch;

use super::address::MongoAddress;
use crate::{Health, StoreError};

/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(15);
/// The server's code for a key that is there already.
const DUPLICATE_KEY: i32 = 11_000;
/// The server's codes for a user that is not let in: authentication failed, not authorized, authentication required.
const NOT_LET_IN: [i32; 3] = [18, 13, 8_000];

/// A database on a server.
#[derive(Clone)]
pub(super) struct Server {
    database: Database,
    label: Arc<str>,
    name: Arc<str>,
    health: Arc<watch::Sender<Health>>,
}

impl Server {
    pub(super) async fn connect(address: &MongoAddress) -> Result<Self, StoreError> {
        let (options, database, label) = address.resolve().await?;
        let refused = |error: Error| StoreError::BadAddress {
            kind: "MongoDB",
            reason: error.kind.to_string(),
        };
        let client = Client::with_options(options).map_err(refused)?;
        Ok(Self {
            database: client.database(&database),
            health: Arc::new(watch::Sender::new(Health::up(&label))),
            label: label.into(),
            name: database.into(),
        })
    }

    pub(super) fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }

    /// The database's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// Runs one command. A connection that broke since its last use is replaced and the command sent once more: every
    /// command of ours may be repeated.
    pub(super) async fn run(&self, command: Document) -> Result<Document, StoreError> {
        let send = || self.limited(async { self.database.run_command(command.clone()).await });
        match send().await {
            Err(StoreError::Unavailable { .. }) => send().await,
            answer => answer,
        }
    }

    /// Runs one command that must not be repeated.
    pub(super) async fn run_once(&self, command: Document) -> Result<Document, StoreError> {
        self.limited(async { self.database.run_command(command).await })
            .await
    }

    /// All documents that a query finds, which has a limit of its own or is bounded by what is kept.
    pub(super) async fn find(
        &self,
        collection: &str,
        filter: Document,
        options: FindOptions,
    ) -> Result<Vec<Document>, StoreError> {
        self.limited(async {
            let cursor = self
                .collection(collection)
                .find(filter)
                .with_options(options)
                .await?;
            cursor.try_collect().await
        })
        .await
    }

    /// Follows what happens in a collection.
    pub(super) async fn watch(
        &self,
        collection: &str,
        pipeline: impl IntoIterator<Item = Document>,
    ) -> Result<ChangeStream<ChangeStreamEvent<Document>>, StoreError> {
        let pipeline: Vec<Document> = pipeline.into_iter().collect();
        self.limited(async { self.collection(collection).watch().pipeline(pipeline).await })
            .await
    }

    /// Runs a write command whose parts may have been done before: what is there already counts as done.
    pub(super) async fn write_again(&self, command: Document) -> Result<(), StoreError> {
        let answer = self.run(command).await?;
        let errors = answer
            .get_array("writeErrors")
            .map_or(&[][..], Vec::as_slice);
        let real = errors
            .iter()
            .filter_map(Bson::as_document)
            .find(|error| error.get_i32("code").ok() != Some(DUPLICATE_KEY));
        match real.or(answer.get_document("writeConcernError").ok()) {
            None => Ok(()),
            Some(error) => Err(self.failed(error.get_str("errmsg").unwrap_or("a write failed"))),
        }
    }

    /// Whether the server knows replication, and with it change streams.
    pub(super) async fn is_replica_set(&self) -> Result<bool, StoreError> {
        let hello = self.run(doc! { "hello": 1 }).await?;
        Ok(
            hello.contains_key("setName")
                || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid"),
        )
    }

    pub(super) fn failed(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Server {
            server: self.label.to_string(),
            reason: reason.into(),
        }
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unavailable {
            server: self.label.to_string(),
            reason: reason.into(),
        }
    }

    async fn limited<T>(
        &self,
        asking: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let answer = match tokio::time::timeout(COMMAND, asking).await {
            Ok(answer) => answer.map_err(|error| self.fault(&error)),
            Err(_) => Err(self.unavailable(format!("no answer within {} s", COMMAND.as_secs()))),
        };
        let reason = match &answer {
            Err(StoreError::Unavailable { reason, .. } | StoreError::Refused { reason, .. }) => {
                Some(reason.clone())
            }
            _ => None,
        };
        self.health.send_if_modified(|health| health.note(reason));
        answer
    }

    /// What the driver's error means to us. Its text may name hosts, never credentials.
    fn fault(&self, error: &Error) -> StoreError {
        let refused = |reason: String| StoreError::Refused {
            server: self.label.to_string(),
            reason,
        };
        match error.kind.as_ref() {
            ErrorKind::Authentication { message, .. } => refused(message.clone()),
            ErrorKind::Command(command) if NOT_LET_IN.contains(&command.code) => {
                refused(command.message.clone())
            }
            // Not the primary any more, shutting down, interrupted by either.
            ErrorKind::Command(command)
                if matches!(
                    command.code,
                    91 | 189 | 10_107 | 11_600 | 11_602 | 13_435 | 13_436
                ) =>
            {
                self.unavailable(command.message.clone())
            }
            ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. } => match refused_underneath(error) {
                Some(message) => refused(message),
                None => self.unavailable(error.kind.to_string()),
            },
            other => self.failed(other.to_string()),
        }
    }
}

/// A pool that was cleared because the server did not let us in says so in its cause.
fn refused_underneath(error: &Error) -> Option<String> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let error: &Error = error.downcast_ref()?;
        if let ErrorKind::Authentication { message, .. } = error.kind.as_ref() {
            return Some(message.clone());
        }
        cause = std::error::Error::source(error);
    }
    None
}
