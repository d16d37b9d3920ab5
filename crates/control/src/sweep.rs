//! Removing what jobs left behind: after each job what only it needed, at the start what jobs of earlier runs never came
//! to remove.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nasiko_contract::{BuildState, Fault, JobId};
use nasiko_store::{JobQuery, JobState};

use crate::{
    home,
    jobs::Work,
    plane::{Shared, cancelled},
    records::{BuildRecord, Source},
    secrets::{self, Belongs},
};

/// How long accepting a job may take.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(60 * 60);

/// Before any job runs: finds what belongs to no job, no agent and no folder of an agent. Values are forgotten at once,
/// files in the background.
pub(crate) async fn at_start(shared: &Arc<Shared>) -> Result<(), Fault> {
    let jobs = shared.jobs_to_come().await?;
    for job in secrets::jobs_of(&shared.vault.agents().await?) {
        let is_known = jobs.iter().any(|(id, _)| id.as_str() == job);
        if !is_known && (shared.peers.is_alone() || is_old(job)) {
            shared.forget_all(Belongs::Job(job)).await?;
        }
    }
    let mut kept: HashSet<PathBuf> = HashSet::new();
    for (id, work) in &jobs {
        kept.insert(shared.home.unpack(id));
        // By its name alone: the data directory may have been spelled in another way.
        let upload = upload_of(work).and_then(Path::file_name);
        kept.extend(upload.map(|name| shared.home.uploads().join(name)));
    }
    for agent in shared.all_agents().await? {
        kept.insert(shared.home.sources(&agent.name));
        kept.insert(shared.home.live(&agent.name));
        if let Source::Folder { path } = &agent.source {
            kept.insert(shared.home.snapshot_cache_of(path));
        }
    }
    let home = &shared.home;
    let mut left = Vec::new();
    for folder in [
        home.all_unpacked(),
        home.uploads(),
        home.all_sources(),
        home.all_live(),
        home.snapshot_caches(),
    ] {
        left.extend(entries(&folder).filter(|path| !kept.contains(path)));
    }
    shared.spawn(async move {
        for path in left {
            home::discard(&path).await;
        }
    });
    Ok(())
}

/// Whether a job cannot be one that another control plane is about to accept: values are sealed before.
fn is_old(job: &str) -> bool {
    let made = uuid::Uuid::parse_str(job)
        .ok()
        .and_then(|id| id.get_timestamp());
    let Some((seconds, _)) = made.map(|made| made.to_unix()) else {
        return true;
    };
    let now = u64::try_from(crate::time::now_ms() / 1_000).unwrap_or(0);
    now.saturating_sub(seconds) > ACCEPTED_WITHIN.as_secs()
}

/// What lies in a folder; nothing if it is not there.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs_err::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
}

/// The folder that an upload has to itself.
fn upload_of(work: &Work) -> Option<&Path> {
    match work {
        Work::Deploy {
            source: Source::Upload { path, .. },
            ..
        } => path.parent(),
        _ => None,
    }
}

impl Shared {
    /// Removes what only the job needed, and closes a build of it that was broken off.
    pub(crate) async fn clean_up(&self, job: &JobId, work: &Work) {
        home::discard(&self.home.unpack(job)).await;
        if let Err(error) = self.forget_all(Belongs::Job(job.as_str())).await {
            tracing::warn!(%error, %job, "values given with a job were not forgotten");
        }
        if let Some(folder) = upload_of(work) {
            home::discard(folder).await;
        }
        if let Err(error) = self.close_build(job).await {
            tracing::warn!(%error, %job, "a build that was broken off was not closed");
        }
    }

    async fn close_build(&self, job: &JobId) -> Result<(), Fault> {
        let Some(found) = self.store.get::<BuildRecord>(job.as_str()).await? else {
            return Ok(());
        };
        let mut build = found.value;
        if build.state != BuildState::Building {
            return Ok(());
        }
        build.state = BuildState::Failed;
        build.ended = Some(crate::time::now_ms());
        build.fault = Some(cancelled());
        self.put_build(&build).await
    }

    /// Jobs that a worker may still get: those that wait, those that were broken off, and dead letters.
    async fn jobs_to_come(&self) -> Result<Vec<(JobId, Work)>, Fault> {
        let mut query = JobQuery {
            states: vec![JobState::Queued, JobState::Running, JobState::Dead],
            limit: Some(500),
            ..JobQuery::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.store.jobs().list(&query).await?;
            found.extend(page.items.into_iter().filter_map(|job| {
                let work = serde_json::from_value(job.payload).ok()?;
                Some((JobId(job.id), work))
            }));
            query.after = page.next;
            if query.after.is_none() {
                return Ok(found);
            }
        }
    }
}
