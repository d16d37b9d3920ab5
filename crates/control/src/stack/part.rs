//! A part of the stack that is taken down by itself: what is on for some profiles and files alone.

use std::{collections::HashSet, path::PathBuf};

use nasiko_contract::{Fault, PreviewStackDown, StackRemoval};
use nasiko_stack::{Part, compose::Service};

use super::{DownWork, StackRecord, absolute};
use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
};

/// What goes, and what is on afterwards.
pub(super) struct Removal {
    pub(super) part: Part,
    pub(super) after: StackRecord,
}

impl Shared {
    /// The services that are selected with these profiles and files, and are not without them.
    pub(super) async fn part(&self, work: &DownWork) -> Result<Removal, Fault> {
        let record = self.stack_record().await?;
        let kept: Vec<PathBuf> = without(&record.files, &work.files);
        let mut files = kept.clone();
        files.extend(work.files.iter().cloned());
        let whole = self.declared(&files).await?;
        let rest = self.declared(&kept).await?;
        let mut profiles = without(&record.profiles, &work.profiles);
        let mut all = profiles.clone();
        all.extend(work.profiles.iter().cloned());
        // A profile that only the files had which go, goes with them.
        let known = rest.profiles();
        profiles.retain(|profile| profile == "*" || known.contains(&profile.as_str()));
        let name = |service: &Service| service.name.clone();
        let stays: HashSet<String> = rest.select(&profiles, &[])?.into_iter().map(name).collect();
        let goes: Vec<String> = whole
            .select(&all, &[])?
            .into_iter()
            .map(name)
            .filter(|service| !stays.contains(service))
            .collect();
        Ok(Removal {
            part: Part::of(&whole, &goes),
            after: StackRecord {
                on: record.on && !stays.is_empty(),
                profiles,
                files: kept,
                pending: record.pending,
            },
        })
    }
}

fn without<T: Clone + PartialEq>(all: &[T], gone: &[T]) -> Vec<T> {
    let stays = all.iter().filter(|one| !gone.contains(one));
    stays.cloned().collect()
}

impl Serve<PreviewStackDown> for ControlPlane {
    async fn serve(&self, _: &Caller, request: PreviewStackDown) -> Result<StackRemoval, Fault> {
        let shared = &self.shared;
        let work = DownWork {
            profiles: request.profiles,
            files: absolute(request.files)?,
            volumes: true,
        };
        let stack = shared.engine_stack().await?;
        let project = &shared.stack.project;
        let containers = stack.status(project).await?;
        let mut removal = StackRemoval {
            services: containers.into_iter().map(|found| found.service).collect(),
            volumes: stack.volumes(project).await?,
        };
        removal.services.dedup();
        if !work.is_whole() {
            let Removal { part, .. } = shared.part(&work).await?;
            let Part {
                services, volumes, ..
            } = part;
            removal.services.retain(|name| services.contains(name));
            removal.volumes.retain(|name| volumes.contains(name));
        }
        Ok(removal)
    }
}
