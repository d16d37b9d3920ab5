//! The connection to the engine: found when first needed, forgotten when it breaks, found again.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use parking_lot::Mutex;

use super::DockerConfig;
use crate::error::RuntimeError;

pub(super) const BAD_REQUEST: u16 = 400;
pub(super) const NOT_FOUND: u16 = 404;
pub(super) const CONFLICT: u16 = 409;
const NOT_MODIFIED: u16 = 304;

/// How long the engine may take to answer an ordinary question.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

const SYSTEM_SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];
/// Below a home directory or a runtime directory.
const USER_SOCKETS: [&str; 5] = [
    ".docker/run/docker.sock",
    ".docker/desktop/docker.sock",
    ".colima/default/docker.sock",
    "docker.sock",
    "podman/podman.sock",
];

pub(super) struct Engine {
    /// Tried in this order.
    addresses: Vec<String>,
    connected: Mutex<Option<Connected>>,
}

#[derive(Clone)]
struct Connected {
    client: Docker,
    address: String,
}

impl Engine {
    pub(super) fn new(config: &DockerConfig) -> Self {
        let usual = || {
            let system = SYSTEM_SOCKETS.iter().map(PathBuf::from);
            let user = config
                .socket_folders
                .iter()
                .flat_map(|folder| USER_SOCKETS.iter().map(move |socket| folder.join(socket)));
            system
                .chain(user)
                .map(|path| format!("unix://{}", path.display()))
                .collect()
        };
        let addresses = config.host.clone().map_or_else(usual, |host| vec![host]);
        Self {
            addresses,
            connected: Mutex::new(None),
        }
    }

    /// The client of an engine that answered.
    pub(super) async fn client(&self) -> Result<Docker, RuntimeError> {
        if let Some(connected) = self.connected.lock().clone() {
            return Ok(connected.client);
        }
        let mut failure = None;
        for address in &self.addresses {
            match connect(address).await {
                Ok(client) => {
                    let connected = Connected {
                        client: client.clone(),
                        address: address.clone(),
                    };
                    *self.connected.lock() = Some(connected);
                    return Ok(client);
                }
                // What is worth telling most: an engine that is there and cannot be used.
                Err(error @ RuntimeError::EngineAbsent { .. }) => failure = failure.or(Some(error)),
                Err(error) => {
                    let absent = matches!(failure, None | Some(RuntimeError::EngineAbsent { .. }));
                    failure = if absent { Some(error) } else { failure };
                }
            }
        }
        Err(match failure {
            Some(RuntimeError::EngineAbsent { .. }) | None => RuntimeError::EngineAbsent {
                tried: self.addresses.join(", "),
            },
            Some(other) => other,
        })
    }

    /// Whether the engine shares this machine's processes, as far as its address tells.
    pub(super) fn is_local(&self) -> bool {
        self.connected
            .lock()
            .as_ref()
            .is_some_and(|connected| connected.address.starts_with("unix://"))
    }

    pub(super) async fn version(&self) -> Result<String, RuntimeError> {
        let client = self.client().await?;
        let version = client
            .version()
            .await
            .map_err(|error| self.failed("its version", error))?;
        Ok(format!(
            "{} (API {})",
            version.version.unwrap_or_else(|| "unknown".to_owned()),
            version.api_version.unwrap_or_else(|| "unknown".to_owned())
        ))
    }

    /// Says in our words what went wrong, and forgets a connection that broke.
    pub(super) fn failed(&self, what: &'static str, error: Error) -> RuntimeError {
        let failure = classify(what, &self.address(), error);
        let broken = matches!(
            failure,
            RuntimeError::EngineStopped { .. }
                | RuntimeError::EngineAbsent { .. }
                | RuntimeError::EngineRefused { .. }
        );
        if broken {
            self.connected.lock().take();
        }
        failure
    }

    /// The engine ended under a call, which failed with `reason`.
    pub(super) fn broke_off(&self, reason: String) -> RuntimeError {
        let address = self.address();
        self.connected.lock().take();
        RuntimeError::EngineStopped { address, reason }
    }

    fn address(&self) -> String {
        let connected = self.connected.lock();
        match connected.as_ref() {
            Some(connected) => connected.address.clone(),
            None => self.addresses.join(", "),
        }
    }
}

async fn connect(address: &str) -> Result<Docker, RuntimeError> {
    if let Some(path) = address.strip_prefix("unix://") {
        reach_socket(address, Path::new(path)).await?;
    }
    let client = match address.strip_prefix("unix://") {
        Some(_) => {
            Docker::connect_with_local(address, REQUEST_LIMIT.as_secs(), API_DEFAULT_VERSION)
        }
        None => Docker::connect_with_host(address).map(|client| client.with_timeout(REQUEST_LIMIT)),
    };
    let client = client.map_err(|error| classify("the connection", address, error))?;
    match tokio::time::timeout(CONNECT_LIMIT, client.negotiate_version()).await {
        Ok(negotiated) => negotiated.map_err(|error| classify("the connection", address, error)),
        Err(_) => Err(RuntimeError::EngineStopped {
            address: address.to_owned(),
            reason: format!("no answer within {} s", CONNECT_LIMIT.as_secs()),
        }),
    }
}

/// Opens and closes the socket, which tells absent, refused and stopped apart.
#[cfg(unix)]
async fn reach_socket(address: &str, path: &Path) -> Result<(), RuntimeError> {
    match tokio::time::timeout(CONNECT_LIMIT, tokio::net::UnixStream::connect(path)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(unreachable_engine(address, &error)),
        Err(_) => Err(unreachable_engine(address, &io::ErrorKind::TimedOut.into())),
    }
}

#[cfg(not(unix))]
async fn reach_socket(_address: &str, _path: &Path) -> Result<(), RuntimeError> {
    Ok(())
}

fn unreachable_engine(address: &str, error: &io::Error) -> RuntimeError {
    match error.kind() {
        io::ErrorKind::NotFound => RuntimeError::EngineAbsent {
            tried: address.to_owned(),
        },
        io::ErrorKind::PermissionDenied => RuntimeError::EngineRefused {
            address: address.to_owned(),
        },
        _ => RuntimeError::EngineStopped {
            address: address.to_owned(),
            reason: error.to_string(),
        },
    }
}

fn classify(what: &'static str, address: &str, error: Error) -> RuntimeError {
    match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => RuntimeError::EngineFailed {
            what,
            status: status_code,
            message,
        },
        Error::DockerStreamError { error } => RuntimeError::EngineFailed {
            what,
            status: 0,
            message: error,
        },
        Error::SocketNotFoundError(_) => RuntimeError::EngineAbsent {
            tried: address.to_owned(),
        },
        Error::UnsupportedURISchemeError { uri } => RuntimeError::InvalidSpec {
            message: format!("{uri} is no engine address that is understood"),
        },
        Error::RequestTimeoutError
        | Error::IOError { .. }
        | Error::HyperResponseError { .. }
        | Error::HyperLegacyError { .. } => match io_cause(&error) {
            Some(cause) => unreachable_engine(address, cause),
            None => RuntimeError::EngineStopped {
                address: address.to_owned(),
                reason: error.to_string(),
            },
        },
        other => RuntimeError::EngineFailed {
            what,
            status: 0,
            message: other.to_string(),
        },
    }
}

/// The system's error at the bottom of a client's error.
fn io_cause(error: &Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = current.source();
    }
    None
}

/// The HTTP status of an engine's refusal.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the engine had nothing to do.
pub(super) fn unchanged(error: &Error) -> bool {
    status(error) == Some(NOT_MODIFIED)
}

#[cfg(test)]
mod tests {
    use nasiko_contract::ErrorCode;

    use super::*;

    #[test]
    fn a_socket_that_cannot_be_opened_is_absent_refused_or_stopped() {
        for (kind, code) in [
            (io::ErrorKind::NotFound, ErrorCode::EngineAbsent),
            (io::ErrorKind::PermissionDenied, ErrorCode::EngineRefused),
            (io::ErrorKind::ConnectionRefused, ErrorCode::EngineStopped),
        ] {
            assert_eq!(
                unreachable_engine("unix:///x", &kind.into()).code(),
                code,
                "{kind}"
            );
        }
    }

    #[test]
    fn the_persons_own_sockets_are_tried_after_the_systems() {
        let config = DockerConfig {
            socket_folders: vec!["/home/me".into()],
            ..DockerConfig::new("x")
        };
        let addresses = Engine::new(&config).addresses;
        assert_eq!(addresses[0], "unix:///var/run/docker.sock");
        assert!(addresses.contains(&"unix:///home/me/.docker/run/docker.sock".to_owned()));
        let given = DockerConfig {
            host: Some("tcp://127.0.0.1:1".to_owned()),
            ..config
        };
        assert_eq!(Engine::new(&given).addresses, ["tcp://127.0.0.1:1"]);
    }
}
