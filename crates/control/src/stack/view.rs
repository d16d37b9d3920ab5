//! The stack as it is shown, and its changes as events. It is watched only while something of it runs or is worked on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use nasiko_contract::{Fault, ServiceHealth, ServiceState, Stack, StackProfile, StackService};
use nasiko_stack::{
    View,
    compose::Project,
    observed::{Container, Health, Published, State},
};
use nasiko_store::Batch;
use tokio::sync::Notify;

use super::{CHANGED, ID, StackRecord};
use crate::plane::Shared;

/// Exit codes of what ended as it was to: by itself, or by the signals that stop a container.
const ASKED_TO_END: [i64; 3] = [0, 128 + 9, 128 + 15];

/// Whether the stack is watched, and why it must be.
#[derive(Default)]
pub(super) struct Watching {
    runs: AtomicBool,
    /// Those who are at work on it.
    at_work: AtomicUsize,
    /// One who was is so no more, or what is declared is something else.
    look: Notify,
}

/// Keeps the stack watched for as long as it is held.
pub(super) struct AtWork(Arc<Shared>);

impl AtWork {
    pub(super) fn begin(shared: &Arc<Shared>) -> Self {
        shared.stack.watching.at_work.fetch_add(1, Ordering::SeqCst);
        watch(shared);
        Self(Arc::clone(shared))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let watching = &self.0.stack.watching;
        watching.at_work.fetch_sub(1, Ordering::SeqCst);
        watching.look.notify_one();
    }
}

/// A stack that was on is looked at again, and one that waits for the engine goes on waiting.
pub(crate) async fn at_start(shared: &Arc<Shared>) -> Result<(), Fault> {
    let record = shared.stack_record().await?;
    if record.on || record.pending.is_some() {
        watch(shared);
        // An engine that is there and has nothing of the stack tells nothing by itself.
        shared.stack.watching.look.notify_one();
    }
    Ok(())
}

/// Begins to watch, unless it is done already.
fn watch(shared: &Arc<Shared>) {
    if !shared.stack.watching.runs.swap(true, Ordering::SeqCst) {
        let watched = Arc::clone(shared);
        shared.spawn(async move { follow(&watched).await });
    }
}

async fn follow(shared: &Arc<Shared>) {
    let watching = &shared.stack.watching;
    let stack = match shared.engine_stack().await {
        Ok(stack) => stack,
        Err(fault) => {
            tracing::warn!(message = fault.message, "the stack cannot be watched");
            watching.runs.store(false, Ordering::SeqCst);
            return;
        }
    };
    let mut watch = stack.watch(&shared.stack.project);
    // Only once the engine said something is it known whether anything runs.
    let mut told = false;
    loop {
        let seen = tokio::select! {
            changed = watch.changed() => match changed {
                Some(view) => {
                    told = true;
                    view
                }
                None => break,
            },
            () = watching.look.notified() => match stack.status(&shared.stack.project).await {
                Ok(containers) => {
                    told = true;
                    Arc::new(View { containers, away: None })
                }
                Err(nasiko_stack::StackError::Engine(away)) => Arc::new(View {
                    containers: watch.view().containers.clone(),
                    away: Some(away),
                }),
                Err(_) => watch.view(),
            },
        };
        let is_there = told && seen.away.is_none();
        let waits = is_there && shared.what_waited_is_begun().await;
        let containers = match &seen.away {
            None => Ok(seen.containers.clone()),
            Some(away) => Err((Fault::from(away.clone()), seen.containers.clone())),
        };
        if told && let Err(fault) = shared.publish(&stack, containers).await {
            tracing::warn!(
                message = fault.message,
                "a change of the stack was not told"
            );
        }
        let asleep = is_there && !waits && !seen.containers.iter().any(runs);
        if asleep && watching.at_work.load(Ordering::SeqCst) == 0 {
            break;
        }
    }
    watching.runs.store(false, Ordering::SeqCst);
    // Somebody may have begun after the last look and before the word that nobody watches.
    if watching.at_work.load(Ordering::SeqCst) > 0 {
        self::watch(shared);
    }
}

fn runs(container: &Container) -> bool {
    matches!(
        container.state,
        State::Running | State::Paused | State::Restarting
    )
}

/// What the engine has, or why it does not say so and what it had before.
type Looked = Result<Vec<Container>, (Fault, Vec<Container>)>;

impl Shared {
    /// Whether something waits still; a fault is logged, and the next look tries again.
    async fn what_waited_is_begun(self: &Arc<Self>) -> bool {
        let waits = self.begin_what_waited().await;
        waits.unwrap_or_else(|fault| {
            tracing::warn!(
                message = fault.message,
                "what waited for the engine waits on"
            );
            true
        })
    }

    /// What is declared and what runs, asked now. That files or the engine cannot be read is part of the answer.
    pub(super) async fn look_at_stack(&self) -> Result<Stack, Fault> {
        let stack = self.engine_stack().await?;
        let looked = stack.status(&self.stack.project).await;
        let looked = looked.map_err(|error| (error.into(), Vec::new()));
        self.describe(&stack, looked).await
    }

    /// Tells of the stack where it is not as it was told last.
    pub(super) async fn publish(
        &self,
        stack: &nasiko_stack::Stack,
        looked: Looked,
    ) -> Result<(), Fault> {
        if let Ok(containers) = &looked {
            self.forwarding.follow_stack(containers);
        }
        let now = self.describe(stack, looked).await?;
        {
            let mut seen = self.stack.seen.lock();
            if seen.as_ref() == Some(&now) {
                return Ok(());
            }
            *seen = Some(now.clone());
        }
        let mut batch = Batch::new();
        batch.event(CHANGED, ID, &now);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Services that there are, as they were seen last.
    pub(crate) fn stack_services(&self) -> Vec<StackService> {
        let seen = self.stack.seen.lock();
        let services = seen.iter().flat_map(|stack| &stack.services);
        services
            .filter(|service| service.state != ServiceState::Absent)
            .cloned()
            .collect()
    }

    async fn describe(&self, stack: &nasiko_stack::Stack, looked: Looked) -> Result<Stack, Fault> {
        let record = self.stack_record().await?;
        let declared = self.declared(&record.files).await;
        let (containers, away) = match looked {
            Ok(containers) => (containers, None),
            Err((fault, before)) => (before, Some(fault)),
        };
        let (project, broken) = match declared {
            Ok(project) => (Some(project), None),
            Err(fault) => (None, Some(fault)),
        };
        let mut shown = shown(&self.stack.project, &record, project.as_ref(), &containers);
        if away.is_none() {
            shown.volumes = stack.volumes(&self.stack.project).await.unwrap_or_default();
        }
        shown.fault = broken.or(away);
        shown.engines = self.engine_places().await;
        for service in &mut shown.services {
            let words = match (service.health, service.state, service.exit_code) {
                (ServiceHealth::Unhealthy, ServiceState::Running, _) => {
                    stack.last_check(&service.container).await
                }
                (_, ServiceState::Exited | ServiceState::Restarting, code)
                    if !code.is_some_and(|code| ASKED_TO_END.contains(&code)) =>
                {
                    stack.last_lines(&service.container).await
                }
                _ => continue,
            };
            service.why = (!words.is_empty()).then(|| words.join("\n"));
        }
        Ok(shown)
    }
}

/// Without a project every container is shown for itself: that the files are broken takes nothing down.
fn shown(
    name: &str,
    record: &StackRecord,
    project: Option<&Project>,
    containers: &[Container],
) -> Stack {
    let own = record.files.iter().map(|file| file.display().to_string());
    let mut stack = Stack {
        project: name.to_owned(),
        on: record.on,
        waiting: record.pending.is_some(),
        files: std::iter::once("stack.yml".to_owned()).chain(own).collect(),
        ..Stack::default()
    };
    let Some(project) = project else {
        let each = containers.iter();
        stack.services = each.map(|found| running(&found.service, found)).collect();
        return stack;
    };
    let is_on = |profile: &str| {
        let named = |on: &String| on == profile || on == "*";
        record.on && record.profiles.iter().any(named)
    };
    stack.profiles = project
        .profiles()
        .into_iter()
        .map(|profile| StackProfile {
            name: profile.to_owned(),
            enabled: is_on(profile),
        })
        .collect();
    for service in project.services.values() {
        let found = containers
            .iter()
            .filter(|container| container.service == service.name)
            .max_by_key(|container| (container.state == State::Running, container.created_at));
        let mut row =
            found.map_or_else(StackService::default, |found| running(&service.name, found));
        row.service.clone_from(&service.name);
        row.profiles.clone_from(&service.profiles);
        if let Some(image) = service.image.as_ref().filter(|_| row.image.is_empty()) {
            row.image.clone_from(&image.value);
        }
        stack.services.push(row);
    }
    stack.orphans = containers
        .iter()
        .filter(|container| !project.services.contains_key(&container.service))
        .map(|container| container.name.clone())
        .collect();
    stack
}

fn running(service: &str, container: &Container) -> StackService {
    let (state, exit_code) = match container.state {
        State::Created => (ServiceState::Created, None),
        State::Running => (ServiceState::Running, None),
        State::Paused => (ServiceState::Paused, None),
        State::Restarting => (ServiceState::Restarting, None),
        State::Exited(code) => (ServiceState::Exited, Some(code)),
        State::Dead => (ServiceState::Exited, None),
    };
    StackService {
        service: service.to_owned(),
        state,
        health: match container.health {
            None => ServiceHealth::None,
            Some(Health::Starting) => ServiceHealth::Starting,
            Some(Health::Healthy) => ServiceHealth::Healthy,
            Some(Health::Unhealthy) => ServiceHealth::Unhealthy,
        },
        image: container.image.clone(),
        container: container.id.clone(),
        ports: container.ports.iter().map(port).collect(),
        exit_code,
        started: container.started_at.map(crate::time::millis),
        restarts: container.restarts,
        ..StackService::default()
    }
}

fn port(port: &Published) -> String {
    let at = port.address.map_or_else(
        || port.port.to_string(),
        |address| std::net::SocketAddr::new(address, port.port).to_string(),
    );
    format!("{at}->{}", port.target)
}
