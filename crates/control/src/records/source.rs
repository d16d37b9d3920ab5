//! Where an agent comes from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where an agent comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Source {
    /// A folder of this machine, used where it is.
    Folder { path: PathBuf },
    /// An archive of this machine; unpacked into the data directory.
    Archive { path: PathBuf },
    /// An archive that was uploaded into the data directory.
    Upload { path: PathBuf, name: String },
    /// A repository; cloned into the data directory.
    Git { url: String, branch: Option<String> },
    /// A container that somebody else started: it is called, and nothing else.
    Container {
        /// The engine's id.
        id: String,
        /// Its name.
        container: String,
        /// The Compose project it belongs to.
        project: Option<String>,
        /// See [`nasiko_runtime::Foreign::group`].
        group: Option<String>,
    },
}

impl Source {
    /// What to show to people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Folder { path } | Self::Archive { path } => path.display().to_string(),
            Self::Upload { name, .. } => name.clone(),
            Self::Git { url, branch: None } => url.clone(),
            Self::Git {
                url,
                branch: Some(branch),
            } => format!("{url}#{branch}"),
            Self::Container {
                container,
                project: None,
                ..
            } => format!("container {container}"),
            Self::Container {
                container,
                project: Some(project),
                ..
            } => format!("container {container} (Compose project {project})"),
        }
    }

    /// Whether somebody else started it, and sees to it.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self, Self::Container { .. })
    }

    /// Whether deploying `other` under this one's name is an update of it. Folders and repositories are told apart by
    /// where they are; archives have no lasting place, so any archive updates another.
    pub(crate) fn is_updated_by(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder { path: mine }, Self::Folder { path: theirs }) => mine == theirs,
            (Self::Git { url: mine, .. }, Self::Git { url: theirs, .. }) => mine == theirs,
            (
                Self::Archive { .. } | Self::Upload { .. },
                Self::Archive { .. } | Self::Upload { .. },
            ) => true,
            _ => false,
        }
    }
}
