//! Brings containers up, each as soon as what it waits for has come to be.

use std::collections::HashMap;

use futures::future::join_all;
use tokio::sync::{Semaphore, watch};

use super::Job;
use super::board::{Board, Listening};
use crate::StackError;
use crate::compose::{Condition, Service};
use crate::observed::State;
use crate::plan::{Action, ContainerStep, Plan, Wait};
use crate::progress::Phase;
use crate::spec::{self, Contents};

/// Containers made, started or stopped at the same time.
const PARALLEL_CONTAINERS: usize = 8;

/// What has come to be of a service's container.
#[derive(Debug, Clone, Default)]
struct Standing {
    /// It was started, or was as it should be.
    started: Option<String>,
    healthy: bool,
    completed: bool,
    /// It will come no further.
    failed: bool,
}

impl Standing {
    fn has(&self, condition: Condition) -> bool {
        match condition {
            Condition::Started => self.started.is_some(),
            Condition::Healthy => self.healthy,
            Condition::Completed => self.completed,
        }
    }
}

/// What the services of one `up` share.
struct Graph<'a> {
    job: &'a Job<'a>,
    contents: &'a Contents,
    board: Board,
    plan: &'a Plan,
    standings: HashMap<&'a str, watch::Sender<Standing>>,
    permits: Semaphore,
}

impl Job<'_> {
    pub(super) async fn containers(
        &self,
        plan: &Plan,
        contents: &Contents,
    ) -> Result<(), StackError> {
        let listening = Listening::to(&self.stack.engine, &self.project.name).await?;
        let graph = Graph {
            job: self,
            contents,
            board: Board::new(),
            plan,
            standings: plan
                .containers
                .iter()
                .map(|step| (step.service.as_str(), watch::Sender::default()))
                .collect(),
            permits: Semaphore::new(PARALLEL_CONTAINERS),
        };
        let all = join_all(plan.containers.iter().map(|step| graph.service(step)));
        let results = tokio::select! {
            results = all => results,
            lost = listening.drive(&graph.board) => return Err(lost.into()),
            () = tokio::time::sleep(self.options.wait_limit) => {
                return Err(StackError::TimedOut {
                    what: "waiting for the services".to_owned(),
                    limit: self.options.wait_limit,
                });
            }
        };
        let mut failures: Vec<StackError> = results.into_iter().filter_map(Result::err).collect();
        // What was kept from starting says less than what kept it.
        failures.sort_by_key(|failure| matches!(failure, StackError::DependencyFailed { .. }));
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.swap_remove(0)),
            _ => Err(StackError::Several { failures }),
        }
    }
}

impl Graph<'_> {
    async fn service(&self, step: &ContainerStep) -> Result<(), StackError> {
        let done = Box::pin(self.bring(step)).await;
        if let Err(error) = &done {
            let reason = error.to_string();
            self.job.tell(&step.service, Phase::Failed { reason });
            self.note(&step.service, |standing| standing.failed = true);
        }
        done
    }

    fn note(&self, service: &str, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.standings.get(service) {
            standing.send_modify(change);
        }
    }

    async fn bring(&self, step: &ContainerStep) -> Result<(), StackError> {
        let service = self.job.service(&step.service)?;
        for id in &step.surplus {
            let _permit = self.permits.acquire().await;
            self.job.stack.stop_container(id).await?;
            self.job.stack.remove_container(id).await?;
        }
        let kept = matches!(step.action, Action::Keep { .. });
        if !kept {
            join_all(step.waits.iter().map(|wait| self.wait(service, wait)))
                .await
                .into_iter()
                .collect::<Result<(), StackError>>()?;
        }
        let id = Box::pin(self.act(service, step)).await?;
        self.note(&step.service, |standing| {
            standing.started = Some(id.clone());
        });
        self.settle(service, &id).await?;
        if !kept {
            self.job.tell(&step.service, Phase::Ready);
        }
        Ok(())
    }

    async fn wait(&self, service: &Service, wait: &Wait) -> Result<(), StackError> {
        let Some(standing) = self.standings.get(wait.service.as_str()) else {
            return Ok(());
        };
        let mut standing = standing.subscribe();
        let (awaited, condition) = (wait.service.clone(), wait.condition);
        self.job.tell(
            &service.name,
            Phase::Waiting {
                service: awaited.clone(),
                condition,
            },
        );
        let over = |standing: &Standing| standing.has(condition) || standing.failed;
        let reached = standing.wait_for(over).await;
        if !wait.required || reached.is_ok_and(|standing| standing.has(condition)) {
            return Ok(());
        }
        Err(StackError::DependencyFailed {
            service: service.name.clone(),
            dependency: awaited,
        })
    }

    /// Does what the plan says; answers the container's id.
    async fn act(&self, service: &Service, step: &ContainerStep) -> Result<String, StackError> {
        if let Action::Keep { id } = &step.action {
            return Ok(id.clone());
        }
        let _permit = self.permits.acquire().await;
        let job = self.job;
        let spec = || spec::container(job.project, service, self.contents, &job.stack.key);
        let id_of = |name: &str| self.standings.get(name)?.borrow().started.clone();
        let id = match &step.action {
            Action::Keep { id } => id.clone(),
            Action::Start { id } => {
                // One that was broken off while it was made may not be on all of them yet.
                job.join_networks(id, &spec()).await?;
                id.clone()
            }
            Action::Resume { id } => {
                job.stack.resume_container(id).await?;
                return Ok(id.clone());
            }
            Action::Restart { id, .. } => {
                job.tell(&step.service, Phase::Starting);
                job.stack.restart_container(id).await?;
                return Ok(id.clone());
            }
            Action::Create => {
                job.tell(&step.service, Phase::Creating);
                job.create(service, spec(), &id_of).await?
            }
            Action::Recreate { id, reason } => {
                let reason = reason.to_string();
                job.tell(&step.service, Phase::Recreating { reason });
                Box::pin(job.replace(service, id, spec(), &id_of)).await?
            }
        };
        job.tell(&step.service, Phase::Starting);
        if !service.configs.is_empty() || !service.secrets.is_empty() {
            job.put_files(&id, &spec()).await?;
        }
        job.stack.start_container(&id).await?;
        Ok(id)
    }

    /// Waits for what others wait for, and for its health if that is wanted: one looks, and tells the others.
    async fn settle(&self, service: &Service, id: &str) -> Result<(), StackError> {
        let stack = self.job.stack;
        let awaited = |condition| {
            let mut waits = self.plan.containers.iter().flat_map(|step| &step.waits);
            waits.any(|wait| wait.service == service.name && wait.condition == condition)
        };
        let has_check = async || {
            let container = stack.container(id).await?;
            let running = container.filter(|container| container.state == State::Running);
            Ok::<bool, StackError>(running.is_some_and(|container| container.health.is_some()))
        };
        let wants_health =
            awaited(Condition::Healthy) || (self.job.options.wait_healthy && has_check().await?);
        let healthy = async {
            if wants_health {
                self.job.tell(&service.name, Phase::Checking);
                let until = self
                    .board
                    .until(stack, &service.name, id, Condition::Healthy);
                until.await?;
                self.note(&service.name, |standing| standing.healthy = true);
            }
            Ok(())
        };
        let completed = async {
            if awaited(Condition::Completed) {
                let until = self
                    .board
                    .until(stack, &service.name, id, Condition::Completed);
                until.await?;
                self.note(&service.name, |standing| standing.completed = true);
            }
            Ok(())
        };
        tokio::try_join!(healthy, completed).map(drop)
    }
}
