//! Connections to a Redis server, with limits, redacted names, and failures in our words.

use std::{fmt, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline,
    RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use crate::{Health, StoreError};

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(3);
/// How long a blocking read lasts before it is repeated, so that a connection that died unnoticed is found.
pub(super) const BLOCK: Duration = Duration::from_secs(20);
/// The server's words for a user that is not let in.
const NOT_LET_IN: [&str; 3] = ["NOAUTH", "WRONGPASS", "NOPERM"];

/// The address of a Redis server, e.g. `redis://:password@localhost:6379/0`. Never shows its password.
#[derive(Clone)]
pub struct RedisAddress(SecretString);

impl RedisAddress {
    /// Takes an address as it was typed; it is looked at when a connection is made.
    pub fn new(url: impl Into<String>) -> Self {
        Self(SecretString::from(url.into()))
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedisAddress(..)")
    }
}

/// A duration as the server takes it; never 0, which would mean for ever.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

/// One server: a connection for short questions that comes back by itself, and more for reads that block.
#[derive(Clone)]
pub(crate) struct Link {
    client: Client,
    commands: ConnectionManager,
    label: Arc<str>,
    health: Arc<watch::Sender<Health>>,
}

impl Link {
    /// Connects, and finds out whether we are let in.
    pub(crate) async fn open(address: &RedisAddress) -> Result<Self, StoreError> {
        // The library's words may quote the address.
        let bad = |_| {
            StoreError::BadAddress {
            kind: "Redis",
            reason: "write it as redis://user:password@host:port/number, with special characters percent-encoded"
                .to_owned(),
        }
        };
        let info = address
            .0
            .expose_secret()
            .into_connection_info()
            .map_err(bad)?;
        let label = format!("Redis at {}", info.addr());
        let client = Client::open(info).map_err(bad)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200))
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let commands =
            ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(bad)?;
        let link = Self {
            client,
            commands,
            health: Arc::new(watch::Sender::new(Health::up(&label))),
            label: label.into(),
        };
        let _pong: String = link.ask(&redis::cmd("PING")).await?;
        Ok(link)
    }

    pub(crate) fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// Asks one question.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut connection = self.commands.clone();
        self.note(command.query_async(&mut connection).await)
    }

    /// Asks several at once.
    pub(crate) async fn ask_all<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, StoreError> {
        let mut connection = self.commands.clone();
        self.note(pipeline.query_async(&mut connection).await)
    }

    /// Runs a script, which the server remembers.
    pub(crate) async fn run_script<T: FromRedisValue>(
        &self,
        script: &redis::ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut connection = self.commands.clone();
        self.note(script.invoke_async(&mut connection).await)
    }

    /// A connection for one that blocks: nobody else has to wait behind it.
    pub(crate) async fn blocking(&self) -> Result<Blocking, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(BLOCK + ANSWER));
        let made = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        Ok(Blocking {
            connection: self.note(made)?,
            link: self.clone(),
        })
    }

    fn note<T>(&self, answer: Result<T, RedisError>) -> Result<T, StoreError> {
        let answer = answer.map_err(|error| self.fault(&error));
        let trouble = match &answer {
            Err(StoreError::Unavailable { reason, .. } | StoreError::Refused { reason, .. }) => {
                Some(reason.clone())
            }
            _ => None,
        };
        self.health.send_if_modified(|health| health.note(trouble));
        answer
    }

    fn fault(&self, error: &RedisError) -> StoreError {
        let server = self.label.to_string();
        let reason = error.to_string();
        let is_refused = error.kind() == ErrorKind::AuthenticationFailed
            || error.code().is_some_and(|code| NOT_LET_IN.contains(&code));
        if is_refused {
            StoreError::Refused { server, reason }
        } else if matches!(error.kind(), ErrorKind::Io | ErrorKind::Client)
            || error.is_unrecoverable_error()
            || error
                .code()
                .is_some_and(|code| ["LOADING", "MASTERDOWN", "READONLY"].contains(&code))
        {
            StoreError::Unavailable { server, reason }
        } else {
            StoreError::Server { server, reason }
        }
    }
}

/// A connection on which a read may block.
pub(crate) struct Blocking {
    connection: MultiplexedConnection,
    link: Link,
}

impl Blocking {
    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, StoreError> {
        let answer = command.query_async(&mut self.connection).await;
        self.link.note(answer)
    }
}
