//! Why an engine could not do what it was asked for.

use std::error::Error as _;
use std::io;

use bollard::errors::Error;
use nasiko_contract::{ErrorCode, Fault};

/// The request makes no sense to the engine.
pub const BAD_REQUEST: u16 = 400;
/// The request is understood and not allowed.
pub const FORBIDDEN: u16 = 403;
/// There is no such thing.
pub const NOT_FOUND: u16 = 404;
/// The name is taken, or the thing is in use.
pub const CONFLICT: u16 = 409;
const NOT_MODIFIED: u16 = 304;

/// An engine's failure. Converts into a [`Fault`] with a sentence, a hint and the lines that show it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No engine on this machine.
    #[error("no container engine was found at {tried}")]
    Absent {
        /// The addresses tried.
        tried: String,
    },
    /// Its socket may not be opened.
    #[error("the container engine at {address} may not be used by this account")]
    Refused {
        /// Its address.
        address: String,
    },
    /// It stopped, or broke off half-way.
    #[error("the container engine at {address} does not answer")]
    Stopped {
        /// Its address.
        address: String,
        /// What was seen.
        reason: String,
    },
    /// It answered with an error.
    #[error("the container engine refused {what}")]
    Failed {
        /// What was asked for.
        what: &'static str,
        /// The HTTP status of its answer, 0 if none.
        status: u16,
        /// Its words.
        message: String,
    },
    /// What was given as its address, or as a context, cannot be used.
    #[error("no container engine can be reached by {address}: {reason}")]
    AddressInvalid {
        /// What was given.
        address: String,
        /// Why not.
        reason: String,
    },
}

impl EngineError {
    /// The code that programs branch on.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Absent { .. } => ErrorCode::EngineAbsent,
            Self::Refused { .. } => ErrorCode::EngineRefused,
            Self::Stopped { .. } => ErrorCode::EngineStopped,
            Self::Failed { message, .. } if names_full_disk(message) => ErrorCode::DiskFull,
            Self::Failed { .. } => ErrorCode::EngineFailed,
            Self::AddressInvalid { .. } => ErrorCode::InvalidRequest,
        }
    }

    /// Whether a connection that failed so is of no use any more.
    pub fn is_broken_connection(&self) -> bool {
        matches!(
            self,
            Self::Absent { .. } | Self::Refused { .. } | Self::Stopped { .. }
        )
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Absent { .. } => "Install and start Docker or another engine that speaks its API",
            Self::Refused { .. } => {
                "Let this account use the engine (on Linux: add it to the group docker and log in again)"
            }
            Self::Stopped { .. } => "Start the container engine; work goes on when it answers",
            Self::Failed { .. } if self.code() == ErrorCode::DiskFull => {
                "Free some space on this disk, then try again"
            }
            Self::Failed { .. } => return None,
            Self::AddressInvalid { .. } => {
                "Give an address like unix:///var/run/docker.sock or tcp://127.0.0.1:2375"
            }
        })
    }

    /// The exact lines that show it.
    pub fn evidence(&self) -> Vec<String> {
        match self {
            Self::Absent { tried: address } | Self::Refused { address } => vec![address.clone()],
            Self::Stopped { reason, .. } => vec![reason.clone()],
            Self::Failed { message, .. } => message.lines().map(str::to_owned).collect(),
            Self::AddressInvalid { .. } => Vec::new(),
        }
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        let code = error.code();
        let mut fault = Fault::of_error(code, &error).evidence(error.evidence());
        fault.hint = error.hint().map(str::to_owned);
        fault.retryable = matches!(
            code,
            ErrorCode::EngineAbsent | ErrorCode::EngineStopped | ErrorCode::DiskFull
        );
        fault
    }
}

/// Engines tell of a full disk only in their words.
fn names_full_disk(text: &str) -> bool {
    text.to_ascii_lowercase()
        .contains("no space left on device")
}

pub(crate) fn unreachable_engine(address: &str, error: &io::Error) -> EngineError {
    match error.kind() {
        io::ErrorKind::NotFound => EngineError::Absent {
            tried: address.to_owned(),
        },
        io::ErrorKind::PermissionDenied => EngineError::Refused {
            address: address.to_owned(),
        },
        _ => EngineError::Stopped {
            address: address.to_owned(),
            reason: error.to_string(),
        },
    }
}

pub(crate) fn classify(what: &'static str, address: &str, error: Error) -> EngineError {
    match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => EngineError::Failed {
            what,
            status: status_code,
            message,
        },
        Error::DockerStreamError { error } => EngineError::Failed {
            what,
            status: 0,
            message: error,
        },
        Error::SocketNotFoundError(_) => EngineError::Absent {
            tried: address.to_owned(),
        },
        Error::UnsupportedURISchemeError { uri } => EngineError::AddressInvalid {
            address: uri,
            reason: "such an address is not understood".to_owned(),
        },
        Error::RequestTimeoutError
        | Error::IOError { .. }
        | Error::HyperResponseError { .. }
        | Error::HyperLegacyError { .. } => match io_cause(&error) {
            Some(cause) => unreachable_engine(address, cause),
            None => EngineError::Stopped {
                address: address.to_owned(),
                reason: error.to_string(),
            },
        },
        other => EngineError::Failed {
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
pub fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the engine had nothing to do.
pub fn unchanged(error: &Error) -> bool {
    status(error) == Some(NOT_MODIFIED)
}
