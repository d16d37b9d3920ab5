//! Why a runtime could not do what it was asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nasiko_contract::{ErrorCode, Fault};
use nasiko_engine::EngineError;

/// A runtime's failure. Converts into a [`Fault`] with a sentence, a hint and the lines that show it.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The caller cancelled.
    #[error("{what} was cancelled")]
    Cancelled {
        /// What was under way.
        what: &'static str,
    },
    /// A wait reached its limit.
    #[error("{what} took longer than {} s", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// No instance of that id.
    #[error("no instance {id}")]
    InstanceUnknown {
        /// The id asked for.
        id: String,
    },
    /// The request does not fit this runtime.
    #[error("{message}")]
    InvalidSpec {
        /// What does not fit.
        message: String,
    },
    /// Installing what the folder needs failed.
    #[error("{tool} could not install the requirements")]
    RequirementsFailed {
        /// The tool that failed.
        tool: String,
        /// Its last lines.
        lines: Vec<String>,
    },
    /// A program that is needed is not on this machine.
    #[error("{tool} is not installed on this machine")]
    ToolMissing {
        /// Its name.
        tool: String,
        /// How to get it.
        hint: String,
    },
    /// The program exists but could not be started.
    #[error("{program} could not be started: {source}")]
    StartFailed {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The port asked for is held by another program.
    #[error("port {port} is held by {owner}")]
    PortTaken {
        /// The port.
        port: u16,
        /// Who holds it, in words.
        owner: String,
    },
    /// A file of ours could not be read or written.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A step of an image build failed.
    #[error("build step {step} of {total} failed: {instruction}")]
    BuildStepFailed {
        /// Counts from one.
        step: u32,
        /// How many there are.
        total: u32,
        /// The instruction as the engine said it.
        instruction: String,
        /// The step's last lines, the engine's own sentence last.
        lines: Vec<String>,
    },
    /// A base image is neither here nor could it be fetched.
    #[error("the base image {image} could not be had")]
    BaseImageMissing {
        /// Its name.
        image: String,
        /// The engine's words.
        lines: Vec<String>,
    },
    /// `COPY` or `ADD` of something that is not in the context.
    #[error("the Dockerfile copies a file that is not in the build context: {instruction}")]
    CopyMissing {
        /// The instruction as the engine said it.
        instruction: String,
        /// The engine's words.
        lines: Vec<String>,
    },
    /// The engine cannot read the Dockerfile.
    #[error("the Dockerfile cannot be read: {message}")]
    DockerfileBroken {
        /// The engine's words.
        message: String,
    },
    /// The container engine could not do it, or is not there.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Changed files could not be laid over those of a container: an image with them has to be built.
    #[error("the changed files could not be laid over those of the container")]
    OverlayFailed {
        /// What stood in the way.
        evidence: Vec<String>,
    },
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl RuntimeError {
    /// For `map_err` on file operations.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }

    /// What stood in the way of laying files over a container's.
    pub(crate) fn overlay(said: impl AsRef<str>) -> Self {
        Self::OverlayFailed {
            evidence: said.as_ref().lines().map(str::to_owned).collect(),
        }
    }

    /// The code that programs branch on.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Cancelled { .. } => ErrorCode::Cancelled,
            Self::TimedOut { .. } => ErrorCode::TimedOut,
            Self::InstanceUnknown { .. } => ErrorCode::AgentNotRunning,
            Self::InvalidSpec { .. } => ErrorCode::InvalidRequest,
            Self::RequirementsFailed { lines, .. }
            | Self::BuildStepFailed { lines, .. }
            | Self::OverlayFailed { evidence: lines }
                if disk_full(lines) =>
            {
                ErrorCode::DiskFull
            }
            Self::RequirementsFailed { .. } => ErrorCode::RequirementsFailed,
            Self::ToolMissing { .. } => ErrorCode::ToolMissing,
            Self::StartFailed { .. } => ErrorCode::StartFailed,
            Self::PortTaken { .. } => ErrorCode::PortTaken,
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                ErrorCode::DiskFull
            }
            Self::File { .. } | Self::Internal(_) => ErrorCode::Internal,
            Self::BuildStepFailed { .. } => ErrorCode::BuildStepFailed,
            Self::BaseImageMissing { .. } => ErrorCode::BaseImageMissing,
            Self::CopyMissing { .. } => ErrorCode::CopyMissing,
            Self::DockerfileBroken { .. } => ErrorCode::DockerfileBroken,
            Self::Engine(error) => error.code(),
            Self::OverlayFailed { .. } => ErrorCode::EngineFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        if self.code() == ErrorCode::DiskFull {
            return Some("Free some space on this disk, then try again".to_owned());
        }
        Some(match self {
            Self::ToolMissing { hint, .. } => hint.clone(),
            Self::RequirementsFailed { .. } => {
                "Check the names and versions in the requirements; the last lines say which one failed".to_owned()
            }
            Self::PortTaken { port, .. } => {
                format!("Stop what holds port {port}, or let the agent listen on $PORT so that a free one is chosen")
            }
            Self::BuildStepFailed { .. } => "Fix this step of the Dockerfile, then deploy again".to_owned(),
            Self::BaseImageMissing { image, .. } => {
                format!("Check the name in FROM and the network, or load the image yourself: docker pull {image}")
            }
            Self::CopyMissing { .. } => {
                "Check the path, and that .dockerignore does not leave the file out".to_owned()
            }
            Self::DockerfileBroken { .. } => "Correct the Dockerfile, then deploy again".to_owned(),
            Self::Engine(EngineError::Absent { .. }) => {
                "Install and start Docker, or deploy with the process runtime, which needs no engine".to_owned()
            }
            Self::Engine(error) => return error.hint().map(str::to_owned),
            Self::OverlayFailed { .. } => "Deploy again: the image is then built with the changed files".to_owned(),
            _ => return None,
        })
    }

    fn evidence(&self) -> Vec<String> {
        match self {
            Self::RequirementsFailed { lines, .. }
            | Self::BuildStepFailed { lines, .. }
            | Self::BaseImageMissing { lines, .. }
            | Self::CopyMissing { lines, .. }
            | Self::OverlayFailed { evidence: lines } => lines.clone(),
            Self::DockerfileBroken { message } => message.lines().map(str::to_owned).collect(),
            Self::Engine(error) => error.evidence(),
            _ => Vec::new(),
        }
    }
}

/// Tools and engines tell of a full disk only in their words, spelled as their language's library does.
fn names_full_disk(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("no space left on device") || text.contains("enospc")
}

fn disk_full(lines: &[String]) -> bool {
    lines.iter().any(|line| names_full_disk(line))
}

impl From<RuntimeError> for Fault {
    fn from(error: RuntimeError) -> Self {
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
