//! Owns the connection to a container engine that speaks Docker's API: which of those on this machine is used and why, whether it
//! is there, its events, and what is sent to it while it is still being written. Must never know what runs in it.
//!
//! An engine need not be there. It is looked for when it is needed, forgotten when it breaks, and found again. Nothing is polled
//! while it is up: its stream of events says what happens, and the stream's end says that it is gone.

mod candidates;
mod error;
mod follow;
mod logs;
mod particulars;
mod remove;
#[cfg(all(unix, any(test, feature = "testing")))]
pub mod testing;
#[cfg(test)]
mod tests;
mod upload;

use std::path::PathBuf;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use parking_lot::Mutex;

pub use self::candidates::{Candidate, Source, Verdict};
pub use self::error::{
    BAD_REQUEST, CONFLICT, EngineError, FORBIDDEN, NOT_FOUND, status, unchanged,
};
pub use self::follow::{Filters, Follow, Signal};
pub use self::logs::{Line, log_options, moment, stamped};
pub use self::particulars::Particulars;
pub use self::upload::{Chunks, tar_entry, written};

use self::error::classify;
#[cfg(any(unix, test))]
use self::error::unreachable_engine;

/// How long the engine may take to answer an ordinary question.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Where an engine is looked for. What is said first is used alone; what is said by none is found out.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// An address, as in `DOCKER_HOST`.
    pub host: Option<String>,
    /// The name of a Docker context, as in `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// The folder of Docker's own settings, as in `DOCKER_CONFIG`; none for `.docker` in `socket_folders`.
    pub config_folder: Option<PathBuf>,
    /// TLS is asked for, as by `DOCKER_TLS_VERIFY`. It is not spoken here: an address that would need it is refused with that
    /// reason, instead of being spoken to in clear.
    pub tls: bool,
    /// The person's home directory and runtime directory, where engines without root put their socket.
    pub socket_folders: Vec<PathBuf>,
}

impl EngineConfig {
    /// The engine at this address and no other.
    pub fn at(host: impl Into<String>) -> Self {
        Self {
            host: Some(host.into()),
            ..Self::default()
        }
    }
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `docker` or `podman`.
    pub kind: &'static str,
    /// E.g. `20.10.24 (API 1.41)`.
    pub version: String,
}

/// A connection to the engine of this machine. One is shared by all who talk to it.
pub struct Engine {
    config: EngineConfig,
    /// An address that is used whatever is configured.
    instead: Mutex<Option<String>>,
    connected: Mutex<Option<Connected>>,
    /// What the last search found out about each place.
    searched: Mutex<Vec<Candidate>>,
}

#[derive(Clone)]
struct Connected {
    client: Docker,
    address: String,
}

impl Engine {
    /// An engine that need not be there yet.
    pub fn new(config: EngineConfig) -> Self {
        Self {
            config,
            instead: Mutex::default(),
            connected: Mutex::default(),
            searched: Mutex::default(),
        }
    }

    /// The client of an engine that answered.
    pub async fn client(&self) -> Result<Docker, EngineError> {
        if let Some(connected) = self.connected.lock().clone() {
            return Ok(connected.client);
        }
        let mut candidates = self.configured().await;
        let mut failure = None;
        let mut found = None;
        for candidate in &mut candidates {
            let error = match &candidate.verdict {
                Verdict::Unsupported { reason } => EngineError::AddressInvalid {
                    address: candidate.address.clone(),
                    reason: reason.clone(),
                },
                _ => match connect(&candidate.address).await {
                    Ok(client) => {
                        candidate.verdict = Verdict::Chosen;
                        let address = candidate.address.clone();
                        found = Some(Connected { client, address });
                        break;
                    }
                    Err(error) => {
                        candidate.verdict = Verdict::of(&error);
                        error
                    }
                },
            };
            // What is worth telling most: an engine that is there and cannot be used.
            let nothing_yet = matches!(failure, None | Some(EngineError::Absent { .. }));
            if failure.is_none() || (nothing_yet && !matches!(error, EngineError::Absent { .. })) {
                failure = Some(error);
            }
        }
        let tried = tried(&candidates);
        *self.searched.lock() = candidates;
        if let Some(connected) = found {
            *self.connected.lock() = Some(connected.clone());
            return Ok(connected.client);
        }
        Err(match failure {
            Some(EngineError::Absent { .. }) | None => EngineError::Absent { tried },
            Some(other) => other,
        })
    }

    /// What the last search found out about each place an engine may be at, in the order in which they are tried; the one
    /// that was chosen says so. Empty before the first search.
    pub fn candidates(&self) -> Vec<Candidate> {
        self.searched.lock().clone()
    }

    /// All that is known of the places an engine may be at: those of the last search with what was found there, then those
    /// that were not even looked at since one was given by name, and that have a socket. Nobody opens such a socket: that
    /// alone may start an engine.
    pub async fn places(&self) -> Vec<Candidate> {
        let searched = self.candidates().into_iter();
        let (mut places, passed_over): (Vec<_>, Vec<_>) =
            searched.partition(|place| place.verdict != Verdict::NotTried);
        let never_meant = candidates::beside(&self.config()).await;
        for place in passed_over.into_iter().chain(never_meant) {
            if candidates::is_another(&place, &places).await {
                places.push(place);
            }
        }
        places
    }

    /// Where it is looked for now.
    fn config(&self) -> EngineConfig {
        let mut config = self.config.clone();
        if let Some(address) = self.instead.lock().clone() {
            config.host = Some(address);
        }
        config
    }

    async fn configured(&self) -> Vec<Candidate> {
        let mut candidates = candidates::of(&self.config()).await;
        if self.instead.lock().is_some() {
            for candidate in &mut candidates {
                candidate.source = Source::Instead;
            }
        }
        candidates
    }

    /// The engine that is used, and why it is that one. None while there is no connection.
    pub fn chosen(&self) -> Option<Candidate> {
        self.connected.lock().as_ref()?;
        let searched = self.searched.lock();
        let chosen = |candidate: &&Candidate| candidate.verdict == Verdict::Chosen;
        searched.iter().find(chosen).cloned()
    }

    /// Whether the engine shares this machine's files and addresses, as far as its address tells.
    pub fn is_local(&self) -> bool {
        self.connected.lock().as_ref().is_some_and(|connected| {
            let address = &connected.address;
            address.starts_with("unix://") || address.starts_with("npipe://")
        })
    }

    /// What the engine is.
    pub async fn about(&self) -> Result<About, EngineError> {
        let client = self.client().await?;
        let told = client
            .version()
            .await
            .map_err(|error| self.failed("its version", error))?;
        let components = told.components.unwrap_or_default();
        let is_podman = components.iter().any(|part| part.name.contains("Podman"));
        let unknown = || "unknown".to_owned();
        Ok(About {
            kind: if is_podman { "podman" } else { "docker" },
            version: format!(
                "{} (API {})",
                told.version.unwrap_or_else(unknown),
                told.api_version.unwrap_or_else(unknown)
            ),
        })
    }

    /// Says in our words what went wrong with `what`, and forgets a connection that broke.
    pub fn failed(&self, what: &'static str, error: Error) -> EngineError {
        let failure = classify(what, &self.address(), error);
        if failure.is_broken_connection() {
            self.connected.lock().take();
        }
        failure
    }

    /// The engine ended under a call, which failed with `reason`.
    pub fn broke_off(&self, reason: String) -> EngineError {
        let address = self.address();
        self.connected.lock().take();
        EngineError::Stopped { address, reason }
    }

    fn address(&self) -> String {
        match self.connected.lock().as_ref() {
            Some(connected) => connected.address.clone(),
            None => tried(&self.searched.lock()),
        }
    }
}

fn tried(candidates: &[Candidate]) -> String {
    let addresses: Vec<&str> = candidates
        .iter()
        .map(|candidate| candidate.address.as_str())
        .collect();
    addresses.join(", ")
}

async fn connect(address: &str) -> Result<Docker, EngineError> {
    #[cfg(unix)]
    if let Some(path) = address.strip_prefix("unix://") {
        reach_socket(address, std::path::Path::new(path)).await?;
    }
    let local = address.starts_with("unix://") || address.starts_with("npipe://");
    let client = if local {
        Docker::connect_with_local(address, REQUEST_LIMIT.as_secs(), API_DEFAULT_VERSION)
    } else {
        Docker::connect_with_host(address).map(|client| client.with_timeout(REQUEST_LIMIT))
    };
    let client = client.map_err(|error| classify("the connection", address, error))?;
    match tokio::time::timeout(CONNECT_LIMIT, client.negotiate_version()).await {
        Ok(negotiated) => negotiated.map_err(|error| classify("the connection", address, error)),
        Err(_) => Err(EngineError::Stopped {
            address: address.to_owned(),
            reason: format!("no answer within {} s", CONNECT_LIMIT.as_secs()),
        }),
    }
}

/// Opens and closes the socket, which tells absent, refused and stopped apart.
#[cfg(unix)]
async fn reach_socket(address: &str, path: &std::path::Path) -> Result<(), EngineError> {
    match tokio::time::timeout(CONNECT_LIMIT, tokio::net::UnixStream::connect(path)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(unreachable_engine(address, &error)),
        Err(_) => Err(unreachable_engine(
            address,
            &std::io::ErrorKind::TimedOut.into(),
        )),
    }
}
