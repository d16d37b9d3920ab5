//! What can go wrong with telemetry.

use std::{io, path::PathBuf, sync::Arc};

use nasiko_contract::{ErrorCode, Fault};

/// A failure of the store or the intake. Cheap to clone, since one failed commit fails everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The directory cannot be used.
    #[error("Cannot use the telemetry directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// A day's file cannot be opened.
    #[error("Cannot open the telemetry file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// A day's file was written by a newer version.
    #[error("The telemetry file {} was written by a newer version ({found})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// A commit failed; nothing of it was kept.
    #[error("Telemetry could not be written")]
    Write(#[source] Arc<rusqlite::Error>),
    /// A question failed.
    #[error("Telemetry could not be read")]
    Read(#[source] Arc<rusqlite::Error>),
    /// The bytes that all files may take are taken.
    #[error("Telemetry takes its {limit} bytes")]
    Full {
        /// The limit.
        limit: u64,
    },
    /// The writer did not get to it in time.
    #[error("Telemetry could not be written in time")]
    Busy,
    /// A question took longer than allowed.
    #[error("The question took too long")]
    TooSlow,
    /// Nothing can be forwarded.
    #[error("Traces cannot be forwarded: {reason}")]
    Forward {
        /// Why.
        reason: String,
    },
    /// The store was closed.
    #[error("Telemetry is closed")]
    Closed,
    /// Not what a request should hold.
    #[error("Not a telemetry document: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// An encoding that is not understood.
    #[error("Telemetry comes as protobuf or JSON, plain or gzip, not as `{given}`")]
    Unsupported {
        /// What was sent.
        given: String,
    },
    /// There is no such signal.
    #[error("Telemetry has no signal at `{path}`")]
    NoSignal {
        /// The path that was asked for.
        path: String,
    },
    /// A request beyond its limit.
    #[error("The request is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

impl TelemetryError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Directory { .. } | Self::Read(_) | Self::Closed => ErrorCode::StoreFailed,
            Self::Open { source, .. } | Self::Write(source) => {
                let full = source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
                if full {
                    ErrorCode::DiskFull
                } else {
                    ErrorCode::StoreFailed
                }
            }
            Self::Newer { .. } => ErrorCode::NewerData,
            Self::Full { .. } => ErrorCode::LimitReached,
            Self::Busy | Self::TooSlow => ErrorCode::TimedOut,
            Self::Malformed { .. } | Self::Unsupported { .. } => ErrorCode::InvalidRequest,
            Self::NoSignal { .. } => ErrorCode::NotFound,
            Self::Forward { .. } => ErrorCode::Internal,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
        }
    }
}

impl From<TelemetryError> for Fault {
    fn from(error: TelemetryError) -> Self {
        let fault = Fault::new(error.code(), error.to_string());
        match &error {
            TelemetryError::Directory { source, .. } => fault
                .hint("Make the directory writable, or choose another")
                .evidence([source.to_string()]),
            TelemetryError::Open { source, .. } | TelemetryError::Write(source) => fault
                .hint("Check the disk's space and permissions")
                .evidence([source.to_string()]),
            TelemetryError::Read(source) => fault.evidence([source.to_string()]),
            TelemetryError::Newer { .. } => {
                fault.hint("Update this program, or move the file away")
            }
            TelemetryError::Full { .. } => fault.hint("Raise the limit or shorten the retention"),
            TelemetryError::TooSlow => fault.hint("Narrow the time range").retryable(),
            TelemetryError::Busy => fault.retryable(),
            _ => fault,
        }
    }
}
