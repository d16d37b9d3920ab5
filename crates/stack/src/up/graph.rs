//! Brings containers up, each as soon as what it waits for has come to be.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::num::NonZero;
use std::time::Duration;

use futures::future::join_all;
use nasiko_engine::EngineError;
use tokio::sync::watch;

use super::Job;
use super::turns::{Turn, Turns};
use crate::StackError;
use crate::board::{Board, Listening};
use crate::compose::{Condition, Service};
use crate::observed::State;
use crate::plan::{Action, ContainerStep, Plan, Wait};
use crate::progress::Phase;
use crate::spec::{self, ContainerSpec, Contents};

/// The most containers that are made, started or stopped at the same time. An engine uses about one core for each.
const PARALLEL_CONTAINERS: usize = 8;
/// Also where there is but one core, since an engine waits for disks too.
const LEAST_PARALLEL: usize = 2;

/// The waits between the tries to start a container of which the engine did not know which network is meant.
const NETWORK_WAITS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_secs(1),
];

/// What has come to be of a service's container.
#[derive(Debug, Clone, Default)]
struct Standing {
    /// It is there.
    made: Option<String>,
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
    /// How many services wait for each, one after the other: what most depends on is made and started first.
    urgencies: HashMap<&'a str, usize>,
    turns: Turns,
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
            urgencies: urgencies(plan),
            turns: Turns::new(at_once()),
        };
        let all = async {
            let services = graph.in_urgency().into_iter();
            let mut results =
                join_all(services.map(async |step| (step, graph.service(step).await))).await;
            for (step, result) in &mut results {
                if result.is_ok() {
                    *result = graph.still_runs(step).await;
                }
            }
            results.into_iter().map(|(_, result)| result)
        };
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
        let mut failures: Vec<StackError> = results.filter_map(Result::err).collect();
        // What was kept from starting says less than what kept it.
        failures.sort_by_key(|failure| matches!(failure, StackError::DependencyFailed { .. }));
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.swap_remove(0)),
            _ => Err(StackError::Several { failures }),
        }
    }
}

/// Whether the engine refused for a network's sake.
fn is_of_network(error: &StackError) -> bool {
    let StackError::Engine(EngineError::Failed { message, .. }) = error else {
        return false;
    };
    message.contains("network")
}

/// Of each service the length of the longest chain of those that wait for it.
fn urgencies(plan: &Plan) -> HashMap<&str, usize> {
    let mut urgencies: HashMap<&str, usize> = HashMap::new();
    // Each step comes after those it waits for, so that from the last on all who wait are known.
    for step in plan.containers.iter().rev() {
        let own = urgencies.get(step.service.as_str()).copied();
        let own = own.unwrap_or_default();
        for wait in &step.waits {
            let other = urgencies.entry(wait.service.as_str()).or_default();
            *other = (*other).max(own + 1);
        }
    }
    urgencies
}

/// As many as this machine has cores, which is what its engine has.
fn at_once() -> usize {
    let cores = std::thread::available_parallelism().map_or(LEAST_PARALLEL, NonZero::get);
    cores.clamp(LEAST_PARALLEL, PARALLEL_CONTAINERS)
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
            let _turn = self.turn(&step.service).await;
            self.job.stack.stop_container(id).await?;
            self.job.stack.remove_container(id).await?;
        }
        // Made before anything is waited for, so that nothing but its start is left when the waiting is over.
        let id = Box::pin(self.make(service, step)).await?;
        self.note(&step.service, |standing| standing.made = Some(id.clone()));
        let kept = matches!(step.action, Action::Keep { .. });
        if !kept {
            join_all(step.waits.iter().map(|wait| self.wait(service, wait)))
                .await
                .into_iter()
                .collect::<Result<(), StackError>>()?;
            Box::pin(self.start(service, step, &id)).await?;
        }
        self.note(&step.service, |standing| {
            standing.started = Some(id.clone());
        });
        self.settle(service, &id).await?;
        if !kept {
            self.job.tell(&step.service, Phase::Ready);
        }
        Ok(())
    }

    /// The steps, the most urgent first.
    fn in_urgency(&self) -> Vec<&ContainerStep> {
        let mut steps: Vec<&ContainerStep> = self.plan.containers.iter().collect();
        steps.sort_by_key(|step| Reverse(self.urgencies.get(step.service.as_str()).copied()));
        steps
    }

    async fn turn(&self, service: &str) -> Turn {
        let urgency = self.urgencies.get(service).copied();
        self.turns.take(urgency.unwrap_or_default()).await
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

    /// Sees to it that the container is there; answers its id.
    async fn make(&self, service: &Service, step: &ContainerStep) -> Result<String, StackError> {
        for other in service.shares() {
            // What it shares is named by the other's id.
            if let Some(standing) = self.standings.get(other) {
                let is_made = |standing: &Standing| standing.made.is_some() || standing.failed;
                let _ = standing.subscribe().wait_for(is_made).await;
            }
        }
        let job = self.job;
        let id_of = |name: &str| self.standings.get(name)?.borrow().made.clone();
        let _turn = self.turn(&step.service).await;
        match &step.action {
            Action::Keep { id } | Action::Resume { id } | Action::Restart { id, .. } => {
                Ok(id.clone())
            }
            Action::Start { id } => {
                // One that was broken off while it was made may not be on all of them yet.
                job.join_networks(id, &self.spec(service)).await?;
                Ok(id.clone())
            }
            Action::Create => {
                job.tell(&step.service, Phase::Creating);
                job.create(service, self.spec(service), &id_of).await
            }
            Action::Recreate { id, reason } => {
                let reason = reason.to_string();
                job.tell(&step.service, Phase::Recreating { reason });
                Box::pin(job.succeed(service, id, self.spec(service), &id_of)).await
            }
        }
    }

    /// Starts it, in place of its predecessor if it has one.
    async fn start(
        &self,
        service: &Service,
        step: &ContainerStep,
        id: &str,
    ) -> Result<(), StackError> {
        let job = self.job;
        let _turn = self.turn(&step.service).await;
        if let Action::Recreate { id: old, .. } = &step.action {
            job.tell(&step.service, Phase::Stopping);
            job.stack.stop_container(old).await?;
            job.stack.remove_container(old).await?;
        }
        job.tell(&step.service, Phase::Starting);
        match &step.action {
            Action::Resume { .. } => return job.stack.resume_container(id).await,
            Action::Restart { .. } => return job.stack.restart_container(id).await,
            _ => {}
        }
        if !service.configs.is_empty() || !service.secrets.is_empty() {
            job.put_files(id, &self.spec(service)).await?;
        }
        for wait in NETWORK_WAITS {
            match job.stack.start_container(id).await {
                // Another `up` may be removing the same twin.
                Err(error) if self.had_twins(service).await? || is_of_network(&error) => {
                    tokio::time::sleep(wait).await;
                }
                started => return started,
            }
        }
        job.stack.start_container(id).await
    }

    /// Whether one of its networks was there twice, so that its container could not be started.
    async fn had_twins(&self, service: &Service) -> Result<bool, StackError> {
        let project = self.job.project;
        let networks = service.networks.keys();
        let mut had = false;
        for network in networks.filter_map(|key| project.networks.get(key)) {
            had |= self.job.stack.remove_twins(project, &network.name).await?;
        }
        Ok(had)
    }

    fn spec(&self, service: &Service) -> ContainerSpec {
        let stack = self.job.stack;
        spec::container(self.job.project, service, self.contents, &stack.key)
    }

    /// Whether a service that was started has ended badly while others were waited for.
    async fn still_runs(&self, step: &ContainerStep) -> Result<(), StackError> {
        let standing = self.standings.get(step.service.as_str());
        let started = standing.and_then(|standing| standing.borrow().started.clone());
        let Some(id) = started.filter(|id| self.board.end_of(id).is_some_and(|code| code != 0))
        else {
            return Ok(());
        };
        match self
            .job
            .stack
            .container(&id)
            .await?
            .map(|found| found.state)
        {
            Some(State::Exited(code)) if code != 0 => Err(StackError::Exited {
                service: step.service.clone(),
                code,
                lines: self.job.stack.last_lines(&id).await,
            }),
            _ => Ok(()),
        }
    }

    /// Waits for what others wait for, and for its health if that is wanted: one looks, and tells the others.
    async fn settle(&self, service: &Service, id: &str) -> Result<(), StackError> {
        let stack = self.job.stack;
        let awaited = |condition| {
            let mut waits = self.plan.containers.iter().flat_map(|step| &step.waits);
            waits.any(|wait| wait.service == service.name && wait.condition == condition)
        };
        let has_check = async {
            let container = stack.container(id).await?;
            let running = container.filter(|container| container.state == State::Running);
            Ok::<bool, StackError>(running.is_some_and(|container| container.health.is_some()))
        };
        let wants_health =
            awaited(Condition::Healthy) || (self.job.options.wait_healthy && has_check.await?);
        let healthy = async {
            if wants_health {
                self.job.tell(&service.name, Phase::Checking);
                let until = self
                    .board
                    .until(stack, &service.name, id, Condition::Healthy);
                let is_awaited = awaited(Condition::Healthy);
                // Those that wait go on by our own question; this `up` is done once the engine says it too.
                let sooner = async {
                    if is_awaited {
                        stack.passes_its_check(id).await;
                        self.note(&service.name, |standing| standing.healthy = true);
                        if !self.job.options.wait_healthy {
                            return;
                        }
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    told = until => told?,
                    () = sooner => {}
                }
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
