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
use crate::board::{Board, Listening};
use crate::observe::of_project;
use crate::observed::{Container, State};
use crate::part::Part;
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
        self.take_down(project, None, options, progress, cancel)
            .await
    }

    /// Takes a part of a project down as [`Stack::down`] does all of it. The rest is left alone, also where it needs the part.
    pub async fn down_part(
        &self,
        project: &str,
        part: &Part,
        options: DownOptions,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<(), StackError> {
        self.take_down(project, Some(part), options, progress, cancel)
            .await
    }

    async fn take_down(
        &self,
        project: &str,
        part: Option<&Part>,
        options: DownOptions,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<(), StackError> {
        let listening = Listening::to(&self.engine, project).await?;
        let board = Board::new();
        let all = async {
            let nameless = self
                .remove_containers(project, part, &board, progress)
                .await?;
            let networks = self.remove_networks(project, part, progress);
            let volumes = async {
                if options.volumes {
                    self.remove_volumes(project, part, nameless, progress).await
                } else {
                    Ok(())
                }
            };
            tokio::try_join!(networks, volumes)?;
            Ok(())
        };
        let listened = async {
            // Without it, all is only later: an engine that went makes the calls fail.
            let _lost = listening.drive(&board).await;
            std::future::pending().await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(StackError::Cancelled { what: "taking the stack down" }),
            done = all => done,
            never = listened => never,
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
        part: Option<&Part>,
        board: &Board,
        progress: &dyn ProgressSink,
    ) -> Result<Vec<String>, StackError> {
        let mut containers = self.containers(project).await?;
        containers.retain(|container| is_in(part.map(|part| &part.services), &container.service));
        // Each service: how many of its containers may still run.
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
                let mut stopping = Box::pin(async {
                    match container.state {
                        State::Running | State::Paused | State::Restarting => {
                            self.stop_container(&container.id).await
                        }
                        _ => Ok(()),
                    }
                });
                // What it needs is needed no more once it has ended; what the engine tidies up after that takes as long again.
                let stopped = tokio::select! {
                    stopped = &mut stopping => Some(stopped?),
                    () = board.ended(&container.id) => None,
                };
                if let Some(count) = left.get(container.service.as_str()) {
                    count.send_modify(|count| *count = count.saturating_sub(1));
                }
                if stopped.is_none() {
                    stopping.await?;
                }
                self.remove_container(&container.id).await?;
                tell(Phase::Removed);
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
        part: Option<&Part>,
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
        // By their ids, since several may have one name.
        let found = listed
            .into_iter()
            .filter_map(|network| Some((network.id?, network.name?)))
            .filter(|(_, name)| is_in(part.map(|part| &part.networks), name));
        try_join_all(found.map(|(id, name)| async move {
            self.remove_network_by(&id, &name).await?;
            progress.report(Progress::Network { name, made: false });
            Ok::<(), StackError>(())
        }))
        .await
        .map(drop)
    }

    async fn remove_volumes(
        &self,
        project: &str,
        part: Option<&Part>,
        nameless: Vec<String>,
        progress: &dyn ProgressSink,
    ) -> Result<(), StackError> {
        let client = self.engine.client().await?;
        let mut named = self.volumes(project).await?;
        named.retain(|name| is_in(part.map(|part| &part.volumes), name));
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

/// Whether a name is among those of a part; everything is in the whole.
fn is_in(names: Option<&Vec<String>>, name: &str) -> bool {
    names.is_none_or(|names| names.iter().any(|own| own == name))
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
