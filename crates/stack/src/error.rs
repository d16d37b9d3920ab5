//! Why something could not be done with a stack.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nasiko_contract::{ErrorCode, Fault};
use nasiko_engine::EngineError;

use crate::compose::{ComposeError, Span};

/// A stack's failure. Converts into a [`Fault`] with a sentence, a hint and the lines that show it.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The files cannot be used, or do not fit what is there.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The caller cancelled. What was done stays; the next `up` goes on from there.
    #[error("{what} was cancelled")]
    Cancelled {
        /// What was under way.
        what: &'static str,
    },
    /// A wait reached its limit.
    #[error("{what} took longer than {} s", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// A file of a config or secret cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A port that a service publishes is held by something else.
    #[error("port {port}, which {service} publishes, is held by {owner}")]
    PortTaken {
        /// The service.
        service: String,
        /// As the engine would say it, e.g. `127.0.0.1:6379/tcp`.
        port: String,
        /// Who holds it, in words.
        owner: String,
        /// How to take another.
        other: Box<OtherPort>,
    },
    /// An image is neither here nor could it be fetched.
    #[error("the image {reference} could not be had: {message}")]
    ImageMissing {
        /// Its reference.
        reference: String,
        /// The registry's or the engine's words.
        message: String,
    },
    /// An image could not be built.
    #[error("the image of {service} could not be built: {message}")]
    BuildFailed {
        /// The service.
        service: String,
        /// The builder's words.
        message: String,
        /// Its last lines.
        lines: Vec<String>,
    },
    /// A container's name is another container's.
    #[error("the container name {name}, which {service} is to have, is taken by another container")]
    NameTaken {
        /// The service.
        service: String,
        /// The name.
        name: String,
    },
    /// A network or a volume is used by containers that are not of the project.
    #[error("the {kind} {name} is still used by {}", users.join(", "))]
    InUse {
        /// `network` or `volume`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Containers that use it.
        users: Vec<String>,
    },
    /// A service's health check failed too often.
    #[error("{service} is not healthy")]
    Unhealthy {
        /// The service.
        service: String,
        /// What the last check said.
        output: Vec<String>,
    },
    /// A service that has to be healthy has no health check.
    #[error("{service} has no health check, so it never counts as healthy")]
    NoHealthcheck {
        /// The service.
        service: String,
    },
    /// A service ended that should not have, or not so.
    #[error("{service} ended with code {code}")]
    Exited {
        /// The service.
        service: String,
        /// Its exit code.
        code: i64,
        /// Its last lines.
        lines: Vec<String>,
    },
    /// A service was not started because one that it waits for failed.
    #[error("{service} was not started: {dependency}, which it waits for, failed")]
    DependencyFailed {
        /// The service.
        service: String,
        /// The one that failed.
        dependency: String,
    },
    /// Several services failed; the first is the cause or as good as any.
    #[error("{} services failed: {}", failures.len(), sentences(failures))]
    Several {
        /// In the plan's order, causes before what they caused.
        failures: Vec<StackError>,
    },
    /// The project has no container of that service.
    #[error("{project} has no container of {service}")]
    ServiceUnknown {
        /// The project.
        project: String,
        /// The service.
        service: String,
    },
}

/// How to take another port.
#[derive(Debug)]
pub struct OtherPort {
    /// The next one that nothing holds.
    pub free: Option<u16>,
    /// Where the files say which one it is.
    pub at: Span,
    /// The variable that says so.
    pub variable: Option<String>,
    /// The file of variables that counts there.
    pub variables: PathBuf,
}

impl OtherPort {
    fn hint(&self) -> String {
        match (self.free, &self.variable) {
            (Some(free), Some(variable)) => format!(
                "Stop what holds it, or take another port: put {variable}={free} into {}",
                self.variables.display()
            ),
            (Some(free), None) => format!(
                "Stop what holds it, or publish another port in line {} of {}: {free} is free",
                self.at.line(),
                self.at.file().display()
            ),
            (None, _) => "Stop what holds it, or publish another port".to_owned(),
        }
    }
}

fn sentences(failures: &[StackError]) -> String {
    let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl StackError {
    /// The code that programs branch on.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Compose(_) => ErrorCode::InvalidRequest,
            Self::Engine(error) => error.code(),
            Self::Cancelled { .. } => ErrorCode::Cancelled,
            Self::TimedOut { .. } => ErrorCode::TimedOut,
            Self::File { .. } => ErrorCode::PathUnreadable,
            Self::PortTaken { .. } => ErrorCode::PortTaken,
            Self::ImageMissing { .. } => ErrorCode::BaseImageMissing,
            Self::BuildFailed { .. } => ErrorCode::BuildStepFailed,
            Self::NameTaken { .. } | Self::InUse { .. } => ErrorCode::Conflict,
            Self::Unhealthy { .. }
            | Self::NoHealthcheck { .. }
            | Self::Exited { .. }
            | Self::DependencyFailed { .. } => ErrorCode::StartFailed,
            Self::Several { failures } => failures
                .first()
                .map_or(ErrorCode::Internal, StackError::code),
            Self::ServiceUnknown { .. } => ErrorCode::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::PortTaken { other, .. } => other.hint(),
            Self::ImageMissing { reference, .. } => {
                format!(
                    "Check the image's name and the network, or load it yourself: docker pull {reference}"
                )
            }
            Self::BuildFailed { .. } => {
                "Fix the step that failed, then bring the stack up again".to_owned()
            }
            Self::NameTaken { name, .. } => {
                format!("Remove that container (docker rm {name}), or take container_name out")
            }
            Self::InUse { .. } => "Remove these containers first".to_owned(),
            Self::Unhealthy { .. } => "See what the check says, and the service's log".to_owned(),
            Self::NoHealthcheck { service } => {
                format!("Give {service} a healthcheck, or wait for service_started")
            }
            Self::Exited { .. } => "See the last lines of its log".to_owned(),
            Self::Cancelled { .. } => "Bring the stack up again to go on".to_owned(),
            Self::Several { failures } => return failures.first()?.hint(),
            _ => return None,
        })
    }

    fn evidence(&self) -> Vec<String> {
        match self {
            Self::BuildFailed { lines, message, .. } => {
                lines.iter().cloned().chain([message.clone()]).collect()
            }
            Self::ImageMissing { message, .. } => vec![message.clone()],
            Self::PortTaken { other, .. } => vec![other.at.to_string()],
            Self::Unhealthy { output: lines, .. } | Self::Exited { lines, .. } => lines.clone(),
            Self::Several { failures } => failures
                .iter()
                .flat_map(|failure| [vec![failure.to_string()], failure.evidence()].concat())
                .collect(),
            _ => Vec::new(),
        }
    }
}

impl From<StackError> for Fault {
    fn from(error: StackError) -> Self {
        match error {
            StackError::Compose(error) => return error.into(),
            StackError::Engine(error) => return error.into(),
            _ => {}
        }
        let code = error.code();
        let mut fault = Fault::of_error(code, &error).evidence(error.evidence());
        fault.hint = error.hint();
        fault.retryable = matches!(
            code,
            ErrorCode::EngineAbsent
                | ErrorCode::EngineStopped
                | ErrorCode::TimedOut
                | ErrorCode::DiskFull
        );
        fault
    }
}
