//! What each failure becomes at the edge: sentence, hint, evidence.

use nasiko_contract::{Culprit, Fault};

use super::WorkshopError;

impl WorkshopError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::PathNotFound { nearest: Some(nearest), .. } => format!("Did you mean {}?", nearest.display()),
            Self::PathNotFound { .. } => "Check the spelling of the path".to_owned(),
            Self::PathUnreadable { .. } => "Give your user the right to read it".to_owned(),
            Self::FolderChanged { .. } => "Try again once nothing changes the folder any more".to_owned(),
            Self::NotAnAgentSource { .. } => {
                "Give a folder, a .zip, .tar or .tar.gz file, or the https or ssh address of a git repository".to_owned()
            }
            Self::FolderEmpty { .. } => "Put an agent into it, or start from an example with `nasiko new`".to_owned(),
            Self::NoEntry { .. } => {
                "Add a main.py, a package.json with a start script, a Procfile or a Dockerfile, or name the command under [run] in nasiko.toml".to_owned()
            }
            Self::SeveralAgents { agents, .. } => {
                format!("Deploy one of them, for example {}", agents.first().map_or("the first", String::as_str))
            }
            Self::ArchiveEntryRefused { .. } => "Make the archive again from inside the agent's folder, without links that leave it".to_owned(),
            Self::ArchiveTooLarge { .. } => "Leave out data, models and environments; they belong in a volume or a download at start".to_owned(),
            Self::ArchiveBroken { .. } => "Make the archive again; it may have been cut off on its way".to_owned(),
            Self::ContextTooLarge { .. } | Self::TooManyFiles { .. } => "Name what the agent does not need in .dockerignore".to_owned(),
            Self::GitFailed { .. } => "Check the address and that this machine may read the repository without a prompt".to_owned(),
            Self::GitTimedOut { .. } => "Check the network, or clone it by hand and deploy the folder".to_owned(),
            Self::ToolMissing { tool } => format!("Install {tool} and try again"),
            Self::DockerfileBroken { line, .. } => format!("Correct line {line}"),
            Self::CopyMissing { hint, .. } => hint.clone(),
            Self::CardBroken { file, .. } => format!("Correct {file}, or delete it to have a card generated"),
            Self::ManifestBroken { file, line, .. } => format!("Correct line {line} of {file}; every key is optional"),
            Self::DiskFull { .. } => "Free some space and try again".to_owned(),
            Self::Cancelled | Self::Io { .. } => return None,
        })
    }

    /// Where something has to be corrected.
    fn place(&self) -> Option<Culprit> {
        match self {
            Self::DockerfileBroken { file, line, .. }
            | Self::CopyMissing { file, line, .. }
            | Self::CardBroken { file, line, .. }
            | Self::ManifestBroken { file, line, .. } => Some(Culprit::Place {
                file: file.clone(),
                line: Some(*line),
            }),
            _ => None,
        }
    }

    fn evidence(&self) -> Vec<String> {
        match self {
            Self::PathUnreadable { source, .. } | Self::Io { source, .. } => {
                vec![source.to_string()]
            }
            Self::NoEntry { looked_for, .. } => looked_for.clone(),
            Self::SeveralAgents { agents, .. } => agents.clone(),
            Self::ArchiveEntryRefused { entry, .. } | Self::ArchiveTooLarge { entry, .. } => {
                vec![entry.clone()]
            }
            Self::ArchiveBroken { reason, .. } => vec![reason.clone()],
            Self::ContextTooLarge { largest, .. } => largest
                .iter()
                .map(|(path, bytes)| {
                    format!("{path}: {:.1} MiB", *bytes as f64 / f64::from(1 << 20))
                })
                .collect(),
            Self::GitFailed { stderr, .. } => stderr.clone(),
            Self::DockerfileBroken {
                file, line, text, ..
            }
            | Self::CopyMissing {
                file, line, text, ..
            }
            | Self::CardBroken {
                file, line, text, ..
            }
            | Self::ManifestBroken {
                file, line, text, ..
            } => vec![format!("{file}:{line}: {text}")],
            _ => Vec::new(),
        }
    }
}

impl From<&WorkshopError> for Fault {
    fn from(error: &WorkshopError) -> Self {
        let fault = Fault::new(error.code(), error.to_string()).evidence(error.evidence());
        let fault = match error.hint() {
            Some(hint) => fault.hint(hint),
            None => fault,
        };
        let fault = match error.place() {
            Some(place) => fault.culprit(place),
            None => fault,
        };
        match error {
            WorkshopError::GitFailed { .. }
            | WorkshopError::GitTimedOut { .. }
            | WorkshopError::FolderChanged { .. }
            | WorkshopError::DiskFull { .. } => fault.retryable(),
            _ => fault,
        }
    }
}

impl From<WorkshopError> for Fault {
    fn from(error: WorkshopError) -> Self {
        Self::from(&error)
    }
}
