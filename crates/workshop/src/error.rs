//! What goes wrong with a folder.

mod fault;

use std::io;
use std::path::{Path, PathBuf};

use nasiko_contract::ErrorCode;

/// Every failure of this crate. Each names the thing that failed; [`nasiko_contract::Fault`] adds the hint and the evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkshopError {
    /// Nothing is at the path; `nearest` is a sibling with a similar name.
    #[error("There is no file or folder at {}", path.display())]
    PathNotFound {
        /// What was asked for.
        path: PathBuf,
        /// What was probably meant.
        nearest: Option<PathBuf>,
    },
    /// The path is there but may not be read.
    #[error("{} may not be read", path.display())]
    PathUnreadable {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A file went or changed while the folder was read: what was read until then is not the folder.
    #[error("{file} changed while {folder} was read")]
    FolderChanged {
        /// The folder's name.
        folder: String,
        /// The file's path in it.
        file: String,
    },
    /// Neither a folder nor an archive nor a repository address.
    #[error("{given} is neither a folder, an archive nor a repository: {reason}")]
    NotAnAgentSource {
        /// What was given.
        given: String,
        /// What it looks like instead.
        reason: String,
    },
    /// The folder holds no file.
    #[error("The folder {} is empty", path.display())]
    FolderEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has files, and none of them can be run.
    #[error("Nothing in {folder} can be run")]
    NoEntry {
        /// The folder's name.
        folder: String,
        /// What was looked for and not found, one line each.
        looked_for: Vec<String>,
    },
    /// The folder holds several agents and is none itself.
    #[error("{folder} holds {} agents, and is none itself", agents.len())]
    SeveralAgents {
        /// The folder's name.
        folder: String,
        /// The sub-folders that are agents.
        agents: Vec<String>,
    },
    /// An archive entry that would write outside of the folder, or is no file, folder or link.
    #[error("The archive's entry {entry} is refused: {reason}")]
    ArchiveEntryRefused {
        /// The entry as the archive spells it.
        entry: String,
        /// Why.
        reason: String,
    },
    /// The archive passes a limit.
    #[error("The archive is too large: {reason}")]
    ArchiveTooLarge {
        /// The limit and what passed it.
        reason: String,
        /// The entry at which it was noticed.
        entry: String,
    },
    /// The archive cannot be read.
    #[error("The archive {} cannot be read", path.display())]
    ArchiveBroken {
        /// The archive.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// The build context passes the limit.
    #[error("The folder holds {} MiB, the limit is {} MiB", bytes >> 20, limit >> 20)]
    ContextTooLarge {
        /// Bytes counted so far.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
        /// The largest files, largest first.
        largest: Vec<(String, u64)>,
    },
    /// The folder holds more files than the limit.
    #[error("The folder holds more than {limit} files")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// `git` ended with a failure.
    #[error("{url} could not be cloned")]
    GitFailed {
        /// The address, without credentials.
        url: String,
        /// The last lines `git` wrote.
        stderr: Vec<String>,
    },
    /// `git` did not end in time.
    #[error("Cloning {url} took longer than {seconds} s")]
    GitTimedOut {
        /// The address, without credentials.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// A program that is needed is not on this machine.
    #[error("{tool} is not installed")]
    ToolMissing {
        /// The program.
        tool: &'static str,
    },
    /// The Dockerfile does not parse.
    #[error("{file} does not parse: {reason} (line {line})")]
    DockerfileBroken {
        /// Its path in the folder.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What the parser says.
        reason: String,
        /// The line's text.
        text: String,
    },
    /// `COPY` or `ADD` names files that are not in the build context.
    #[error("{file} line {line} copies {missing}, which is not in the folder")]
    CopyMissing {
        /// The Dockerfile.
        file: String,
        /// Line, from 1.
        line: u32,
        /// The source that is missing.
        missing: String,
        /// What to do about it.
        hint: String,
        /// The instruction.
        text: String,
    },
    /// The card file is not JSON, or no object.
    #[error("{file} is not a card: {reason} (line {line}, column {column})")]
    CardBroken {
        /// Its path in the folder.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
        /// What the parser says.
        reason: String,
        /// The line's text.
        text: String,
    },
    /// `nasiko.toml` does not parse or has an unknown key.
    #[error("{file} line {line}: {reason}")]
    ManifestBroken {
        /// Its path in the folder.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What the parser says.
        reason: String,
        /// The line's text.
        text: String,
    },
    /// No space left.
    #[error("The disk that holds {} is full", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The caller cancelled.
    #[error("Cancelled")]
    Cancelled,
    /// A read or write failed in another way.
    #[error("{action} {} failed: {source}", path.display())]
    Io {
        /// What was being done, e.g. `Reading`.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl WorkshopError {
    /// Sorts an I/O error into the variant that a person can act on.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::NotFound => Self::PathNotFound {
                path,
                nearest: None,
            },
            io::ErrorKind::PermissionDenied => Self::PathUnreadable { path, source },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    /// A file of the folder at `root` is not what it was.
    pub(crate) fn changed(root: &Path, file: &str) -> Self {
        Self::FolderChanged {
            folder: root.file_name().map_or_else(
                || root.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            file: file.to_owned(),
        }
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::PathNotFound { .. } => ErrorCode::PathNotFound,
            Self::PathUnreadable { .. } => ErrorCode::PathUnreadable,
            Self::FolderChanged { .. } => ErrorCode::FolderChanged,
            Self::NotAnAgentSource { .. } => ErrorCode::NotAnAgentSource,
            Self::FolderEmpty { .. } => ErrorCode::FolderEmpty,
            Self::NoEntry { .. } => ErrorCode::NoEntry,
            Self::SeveralAgents { .. } => ErrorCode::SeveralAgents,
            Self::ArchiveEntryRefused { .. } => ErrorCode::ArchiveEscapes,
            Self::ArchiveTooLarge { .. } => ErrorCode::ArchiveTooLarge,
            Self::ArchiveBroken { .. } => ErrorCode::ArchiveBroken,
            Self::ContextTooLarge { .. } | Self::TooManyFiles { .. } => ErrorCode::ContextTooLarge,
            Self::GitFailed { .. } => ErrorCode::GitFailed,
            Self::GitTimedOut { .. } => ErrorCode::TimedOut,
            Self::ToolMissing { .. } => ErrorCode::ToolMissing,
            Self::DockerfileBroken { .. } => ErrorCode::DockerfileBroken,
            Self::CopyMissing { .. } => ErrorCode::CopyMissing,
            Self::CardBroken { .. } => ErrorCode::CardBroken,
            Self::ManifestBroken { .. } => ErrorCode::ManifestBroken,
            Self::DiskFull { .. } => ErrorCode::DiskFull,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::Io { .. } => ErrorCode::Internal,
        }
    }
}
