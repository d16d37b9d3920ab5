//! Takes a stack down.

use std::collections::HashMap;

use bollard::query_parameters::{
    ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use futures::future::try_join_all;
use nasiko_engine::{CONFLICT, NOT_FOUND, status};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::StackError;
use crate::observe::of_project;
use crate::observed::{Container, State};
use crate::progress::{Phase, Progress, ProgressSink};
use crate::stack::Stack;

/// Containers stopped at the same time.
const PARALLEL_STOPS: usize = 16;

/// What is taken down beyond containers and networks.
#[derive(Debug, Clone, Copy, Default)]
pub struct DownOptions {
    /// The project's volumes, those without a name too, and with them its data.
    pub volumes: bool,
}

impl Stack {
    /// Stops and removes all containers of a project, whoever made them, those first that others need least; then its
    /// networks. Images stay. What a cancelled call leaves, the next one takes down.
    pub async fn down(
        &self,
        project: &str,
        options: DownOptions,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<(), StackError> {
        let all = async {
            let nameless = self.remove_containers(project, progress).await?;
            let networks = self.remove_networks(project, progress);
            let volumes = async {
                if options.volumes {
                    self.remove_volumes(project, nameless, progress).await
                } else {
                    Ok(())
                }
            };
            tokio::try_join!(networks, volumes)?;
            Ok(())
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(StackError::Cancelled { what: "taking the stack down" }),
            done = all => done,
        }
    }

    /// The names of a project's volumes, without those that the engine named.
    pub async fn volumes(&self, project: &str) -> Result<Vec<String>, StackError> {
        let client = self.engine.client().await?;
        let options = ListVolumesOptionsBuilder::default()
            .filters(&of_project(project))
            .build();
        let listed = client
            .list_volumes(Some(options))
            .await
            .map_err(|error| self.engine.failed("listing volumes", error))?;
        let volumes = listed.volumes.unwrap_or_default().into_iter();
        let mut names: Vec<String> = volumes.map(|volume| volume.name).collect();
        names.sort();
        Ok(names)
    }

    /// Answers the volumes without a name that they mounted.
    async fn remove_containers(
        &self,
        project: &str,
        progress: &dyn ProgressSink,
    ) -> Result<Vec<String>, StackError> {
        let containers = self.containers(project).await?;
        // Each service: how many of its containers are still there.
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for container in &containers {
            *counts.entry(container.service.as_str()).or_default() += 1;
        }
        let left: HashMap<&str, watch::Sender<usize>> = counts
            .into_iter()
            .map(|(service, count)| (service, watch::Sender::new(count)))
            .collect();
        let permits = Semaphore::new(PARALLEL_STOPS);
        let removals = containers.iter().map(|container| {
            let needed_by = containers
                .iter()
                .filter(|other| {
                    needs(other, container) && !needs_around(container, other, &containers)
                })
                .filter_map(|other| left.get(other.service.as_str()))
                .map(watch::Sender::subscribe);
            let needed_by: Vec<watch::Receiver<usize>> = needed_by.collect();
            let (left, permits) = (&left, &permits);
            async move {
                for mut others in needed_by {
                    // An error would mean that nobody is left to be waited for.
                    let _ = others.wait_for(|count| *count == 0).await;
                }
                let _permit = permits.acquire().await;
                let tell = |phase| {
                    progress.report(Progress::Service {
                        service: container.service.clone(),
                        phase,
                    });
                };
                tell(Phase::Stopping);
                if matches!(
                    container.state,
                    State::Running | State::Paused | State::Restarting
                ) {
                    self.stop_container(&container.id).await?;
                }
                self.remove_container(&container.id).await?;
                tell(Phase::Removed);
                if let Some(count) = left.get(container.service.as_str()) {
                    count.send_modify(|count| *count = count.saturating_sub(1));
                }
                Ok::<(), StackError>(())
            }
        });
        try_join_all(removals).await?;
        let nameless = containers
            .iter()
            .flat_map(|container| &container.nameless_volumes);
        Ok(nameless.cloned().collect())
    }

    async fn remove_networks(
        &self,
        project: &str,
        progress: &dyn ProgressSink,
    ) -> Result<(), StackError> {
        let client = self.engine.client().await?;
        let options = ListNetworksOptionsBuilder::default()
            .filters(&of_project(project))
            .build();
        let listed = client
            .list_networks(Some(options))
            .await
            .map_err(|error| self.engine.failed("listing networks", error))?;
        let names = listed.into_iter().filter_map(|network| network.name);
        try_join_all(names.map(|name| async move {
            self.remove_network(&name).await?;
            progress.report(Progress::Network { name, made: false });
            Ok::<(), StackError>(())
        }))
        .await
        .map(drop)
    }

    async fn remove_volumes(
        &self,
        project: &str,
        nameless: Vec<String>,
        progress: &dyn ProgressSink,
    ) -> Result<(), StackError> {
        let client = self.engine.client().await?;
        let named = self.volumes(project).await?;
        for name in named.into_iter().chain(nameless) {
            let options = RemoveVolumeOptionsBuilder::default().build();
            match client.remove_volume(&name, Some(options)).await {
                Err(error) if status(&error) == Some(CONFLICT) => {
                    let (kind, users) = ("volume", self.users("volume", &name).await);
                    return Err(StackError::InUse { kind, name, users });
                }
                Err(error) if status(&error) != Some(NOT_FOUND) => {
                    return Err(self.engine.failed("removing a volume", error).into());
                }
                _ => progress.report(Progress::Volume { name, made: false }),
            }
        }
        Ok(())
    }
}

/// Whether one says to wait for the other.
fn needs(one: &Container, other: &Container) -> bool {
    one.service != other.service && one.depends_on.contains(&other.service)
}

/// Whether it does by way of others: labels of several makers may form circles, in which nobody would ever be first.
fn needs_around(one: &Container, other: &Container, all: &[Container]) -> bool {
    let mut open = vec![one];
    let mut seen: Vec<&str> = Vec::new();
    while let Some(current) = open.pop() {
        if current.service == other.service {
            return true;
        }
        if seen.contains(&current.service.as_str()) {
            continue;
        }
        seen.push(&current.service);
        open.extend(all.iter().filter(|next| needs(current, next)));
    }
    false
}
