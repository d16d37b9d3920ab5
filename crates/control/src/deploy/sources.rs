//! Where the content of archives and repositories lies once it was unpacked.

use std::path::{Path, PathBuf};

use nasiko_contract::{AgentName, Fault};

use crate::{home, read::Read, records::Source, worker::Bench};

impl Bench {
    /// Moves what was unpacked to where the agent keeps it.
    pub(super) async fn keep_source(
        &self,
        source: &Source,
        read: Read,
        name: &AgentName,
    ) -> Result<Read, Fault> {
        if matches!(source, Source::Folder { .. }) {
            return Ok(read);
        }
        let kept = self
            .shared
            .home
            .sources(name)
            .join(&read.snapshot.hash.to_string()[..12]);
        let failed = |error: std::io::Error| home::unwritable(&kept, &error);
        if fs_err::tokio::try_exists(&kept).await.map_err(failed)? {
            return Ok(Read { root: kept, ..read });
        }
        fs_err::tokio::create_dir_all(self.shared.home.sources(name))
            .await
            .map_err(failed)?;
        fs_err::tokio::rename(&read.root, &kept)
            .await
            .map_err(failed)?;
        Ok(Read { root: kept, ..read })
    }

    /// Earlier contents of an agent's archives and repositories, but for those that an instance may still run from.
    pub(super) async fn forget_older_sources(&self, name: &AgentName, kept: &[&PathBuf]) {
        let Ok(mut entries) = fs_err::tokio::read_dir(self.shared.home.sources(name)).await else {
            return;
        };
        while let Ok(Some(entry)) = entries.next_entry().await {
            if !kept.contains(&&entry.path()) {
                home::discard(&entry.path()).await;
            }
        }
    }

    /// The content of an archive or repository that did not become the agent's.
    pub(super) async fn forget_source(&self, name: &AgentName, root: &Path) {
        let Ok(found) = self.shared.agent(name).await else {
            return;
        };
        if found.value.root != root && root.starts_with(self.shared.home.sources(name)) {
            home::discard(root).await;
        }
    }
}
