//! The content that an agent runs: its files and what they were understood to be. In memory while the agent is watched,
//! the list of files also in the data directory, so that what was edited meanwhile can be told after a restart.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use nasiko_contract::{AgentName, Fault};
use nasiko_workshop::{
    Description, Snapshot, SnapshotCache, SnapshotOptions, WorkshopError, describe,
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    home,
    plane::{Shared, internal},
    read::Read,
    records::{AgentRecord, RunPlan, Source},
};

/// What an agent runs.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) description: Arc<Description>,
}

impl Content {
    pub(super) fn hash(&self) -> String {
        self.snapshot.hash.to_string()
    }
}

/// What the watched agents run.
#[derive(Default)]
pub(super) struct Contents {
    running: Mutex<HashMap<AgentName, Content>>,
    /// What their images were made of, where that is something else.
    images: Mutex<HashMap<AgentName, Arc<Snapshot>>>,
}

impl Contents {
    pub(super) fn get(&self, agent: &AgentName) -> Option<Content> {
        self.running.lock().get(agent).cloned()
    }

    pub(super) fn set(&self, agent: &AgentName, content: Content) {
        self.running.lock().insert(agent.clone(), content);
    }

    pub(super) fn forget(&self, agent: &AgentName) {
        self.running.lock().remove(agent);
        self.images.lock().remove(agent);
    }
}

impl Shared {
    /// A job made a folder's content run.
    pub(crate) async fn content_runs(self: &Arc<Self>, agent: &AgentName, read: &Read) {
        if self.live.is_watched(agent) {
            let content = Content {
                snapshot: Arc::clone(&read.snapshot),
                description: Arc::new(read.description.clone()),
            };
            self.live.contents.set(agent, content.clone());
            // What waits was made for another image or environment.
            self.warm_up(agent, content);
        }
        self.keep_content(agent, &read.snapshot).await;
    }

    /// Writes down which files run, and forgets what no start needs any more.
    pub(super) async fn keep_content(&self, agent: &AgentName, snapshot: &Arc<Snapshot>) {
        let path = self.content_file(agent, &snapshot.hash.to_string());
        let snapshot = Arc::clone(snapshot);
        let written = blocking(move || {
            if let Some(folder) = path.parent() {
                fs_err::create_dir_all(folder).map_err(|error| home::unwritable(folder, &error))?;
            }
            Ok::<_, Fault>(snapshot.save(&path)?)
        });
        if let Err(fault) = written.await.and_then(|written| written) {
            // Without it an edit made while nobody looked costs a build.
            tracing::warn!(%fault, %agent, "the list of files that run was not kept");
        }
        self.tidy_live(agent).await;
    }

    /// The list of files of a content that an agent ran or its image was made of.
    pub(super) async fn kept_content(
        &self,
        agent: &AgentName,
        hash: &str,
    ) -> Option<Arc<Snapshot>> {
        let path = self.content_file(agent, hash);
        let kept = blocking(move || Snapshot::load(&path)).await.ok()??;
        (kept.hash.to_string() == hash).then(|| Arc::new(kept))
    }

    /// What an agent's image was made of.
    pub(super) async fn image_content(
        &self,
        agent: &AgentName,
        hash: &str,
    ) -> Option<Arc<Snapshot>> {
        let known = self.live.contents.images.lock().get(agent).cloned();
        if let Some(known) = known.filter(|known| known.hash.to_string() == hash) {
            return Some(known);
        }
        let kept = self.kept_content(agent, hash).await?;
        let mut images = self.live.contents.images.lock();
        images.insert(agent.clone(), Arc::clone(&kept));
        Some(kept)
    }

    fn content_file(&self, agent: &AgentName, hash: &str) -> PathBuf {
        self.home.live(agent).join(format!("files-{hash}"))
    }

    /// Removes what neither the agent's plan names nor its image needs.
    async fn tidy_live(&self, agent: &AgentName) {
        let Ok(found) = self.agent(agent).await else {
            return;
        };
        let Some(plan) = found.value.plan else { return };
        let folder = self.home.live(agent);
        let mut kept = vec![
            self.content_file(agent, &plan.content_hash),
            self.content_file(agent, plan.image_content()),
        ];
        kept.extend(plan.overlay.map(|overlay| folder.join(overlay.folder)));
        let Ok(mut entries) = fs_err::tokio::read_dir(&folder).await else {
            return;
        };
        while let Ok(Some(entry)) = entries.next_entry().await {
            if !kept.contains(&entry.path()) {
                home::discard(&entry.path()).await;
            }
        }
    }

    /// Whether a watched agent's folder holds another content than the agent last ran.
    pub(crate) async fn has_moved_on(&self, agent: &AgentRecord) -> bool {
        match (agent.watched, &agent.source, &agent.plan) {
            (true, Source::Folder { path }, Some(plan)) => {
                self.has_moved_on_from(path, &plan.content_hash).await
            }
            _ => false,
        }
    }

    /// Whether a folder holds another content than that. One that cannot be read holds none: what is known of it stays the
    /// better guess.
    pub(super) async fn has_moved_on_from(&self, root: &Path, hash: &str) -> bool {
        let cache = self.home.snapshot_cache_of(root);
        let (root, cancel) = (root.to_owned(), self.stop.clone());
        let taken = blocking(move || take(&root, &cache, &cancel)).await;
        taken.is_ok_and(|taken| taken.is_ok_and(|now| now.hash.to_string() != hash))
    }

    /// What the agent runs, as well as that is known; `now` is its folder.
    pub(super) async fn running_content(
        &self,
        agent: &AgentName,
        root: &Path,
        plan: Option<&RunPlan>,
        now: &Arc<Snapshot>,
    ) -> Result<Option<Content>, Fault> {
        let Some(plan) = plan else { return Ok(None) };
        if let Some(content) = self.live.contents.get(agent)
            && content.hash() == plan.content_hash
        {
            return Ok(Some(content));
        }
        let snapshot = if now.hash.to_string() == plan.content_hash {
            Arc::clone(now)
        } else {
            match self.kept_content(agent, &plan.content_hash).await {
                Some(kept) => kept,
                None => return Ok(None),
            }
        };
        // As of now: a file that it is made from and that differs is among the changes then.
        let (root, now) = (root.to_owned(), Arc::clone(now));
        let Ok(description) = blocking(move || describe(&root, &now)).await? else {
            return Ok(None);
        };
        let content = Content {
            snapshot,
            description: Arc::new(description),
        };
        self.live.contents.set(agent, content.clone());
        Ok(Some(content))
    }
}

/// Takes a whole snapshot, with the memory of hashes in a file. Blocks.
pub(super) fn take(
    root: &Path,
    cache_file: &Path,
    cancel: &CancellationToken,
) -> Result<Snapshot, WorkshopError> {
    let mut cache = SnapshotCache::load(cache_file);
    let snapshot = Snapshot::take(root, &SnapshotOptions::default(), Some(&mut cache), cancel)?;
    if let Err(error) = cache.save(cache_file) {
        tracing::debug!(%error, "the snapshot cache was not written");
    }
    Ok(snapshot)
}

/// Does what blocks away from the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| internal("a folder could not be looked at", &error))
}
