//! The jobs: up and down. Broken off anywhere, the next try goes on from what the engine has.

use std::{io, path::PathBuf, sync::Arc};

use nasiko_contract::Fault;
use nasiko_stack::{
    DownOptions, Outcome, Stack, UpOptions, WriteContext,
    compose::{Build, Protocol},
    plan::{Action, PlanOptions, Recreation},
};
use nasiko_store::{Batch, Expected};
use nasiko_workshop::{Snapshot, SnapshotOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Pending, StackRecord, part::Removal, progress::Telling, told::Told, view::AtWork, waiting,
};
use crate::{plane::Shared, worker::Bench};

/// What is to be brought up, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UpWork {
    /// To be switched on beside those that are.
    pub(super) profiles: Vec<String>,
    /// The person's Compose files; none: those of the last time.
    pub(super) files: Option<Vec<PathBuf>>,
    pub(super) remove_orphans: bool,
    /// Recreate containers even where nothing changed.
    pub(super) force: bool,
    /// Recreate none, even where something changed.
    pub(super) keep: bool,
    pub(super) build: bool,
    pub(super) pull: bool,
    /// That there is no engine is no failure.
    pub(super) wait: bool,
}

/// What is to be taken down.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DownWork {
    /// With `files`: only what is on for these alone. None of both: everything.
    pub(super) profiles: Vec<String>,
    pub(super) files: Vec<PathBuf>,
    pub(super) volumes: bool,
}

impl DownWork {
    pub(super) fn is_whole(&self) -> bool {
        self.profiles.is_empty() && self.files.is_empty()
    }
}

impl Bench {
    /// Brings the stack up, with what the request adds to what is on already.
    pub(crate) async fn stack_up(&self, work: &UpWork) -> Result<Value, Fault> {
        let shared = &self.shared;
        self.report.step(0.0, "Reading the Compose files");
        let before = shared.nothing_waits().await?;
        let wanted = before.with(&work.profiles, work.files.as_deref());
        let project = shared.declared(&wanted.files).await?;
        // Before anything is made, so that what is made is on for whoever looks.
        shared.remember_stack(&wanted).await?;
        let _watched = AtWork::begin(shared);
        if let Some(away) = shared.engine_away().await {
            return shared.wait_for_engine(wanted, away, work.wait).await;
        }
        let stack = shared.engine_stack().await?;
        let options = UpOptions {
            plan: PlanOptions {
                profiles: wanted.profiles.clone(),
                recreate: match (work.force, work.keep) {
                    (true, _) => Recreation::Always,
                    (false, true) => Recreation::Never,
                    (false, false) => Recreation::Changed,
                },
                build: work.build,
                pull: work.pull,
                ..PlanOptions::default()
            },
            remove_orphans: work.remove_orphans,
            write_context: Some(context_writer(&self.cancel)),
            port_owner: Some(Arc::new(port_owner)),
            ..UpOptions::default()
        };
        let telling = Telling::new(self.report.clone(), self.told(), 0);
        let done = stack.up(&project, &options, &telling, &self.cancel).await;
        shared.tell_now(&stack).await;
        match done {
            Ok(outcome) => Ok(result(&outcome)),
            Err(error) => {
                let fault = Fault::from(error);
                if waiting::is_away(&fault) {
                    // Tried again soon; where that is of no use, the engine's return is waited for.
                    shared.set_pending(wanted, Pending::Up).await?;
                }
                Err(fault)
            }
        }
    }

    /// Takes the stack down, or a part of it; what is taken down is off from then on.
    pub(crate) async fn stack_down(&self, work: &DownWork) -> Result<Value, Fault> {
        let shared = &self.shared;
        let before = shared.nothing_waits().await?;
        let _watched = AtWork::begin(shared);
        if let Some(away) = shared.engine_away().await {
            if work.is_whole() && !work.volumes {
                return shared.switch_off_without_engine(before, away).await;
            }
            return Err(away);
        }
        let removal = if work.is_whole() {
            None
        } else {
            Some(shared.part(work).await?)
        };
        let stack = shared.engine_stack().await?;
        let project = &shared.stack.project;
        let mut containers = stack.status(project).await?;
        let options = DownOptions {
            volumes: work.volumes,
        };
        let after = match &removal {
            None => before.off(),
            Some(removal) => removal.after.clone(),
        };
        let done = match &removal {
            None => {
                let telling = Telling::new(self.report.clone(), self.told(), containers.len());
                stack.down(project, options, &telling, &self.cancel).await
            }
            Some(Removal { part, .. }) => {
                containers.retain(|container| part.services.contains(&container.service));
                let telling = Telling::new(self.report.clone(), self.told(), containers.len());
                let cancel = &self.cancel;
                stack
                    .down_part(project, part, options, &telling, cancel)
                    .await
            }
        };
        if done.is_ok() {
            shared.remember_stack(&after).await?;
        }
        shared.tell_now(&stack).await;
        done?;
        let removed: Vec<String> = containers.into_iter().map(|found| found.name).collect();
        Ok(json!({ "removed": removed, "volumes": work.volumes }))
    }
}

/// Only TCP's listeners are found out.
fn port_owner(port: u16, protocol: Protocol) -> Option<String> {
    (protocol == Protocol::Tcp)
        .then(|| nasiko_runtime::port_owner(port))?
        .map(|owner| owner.to_string())
}

impl Bench {
    fn told(&self) -> Told {
        Told::new(self.job.clone(), self.shared.stack.progress.clone())
    }
}

impl Shared {
    pub(super) async fn remember_stack(&self, record: &StackRecord) -> Result<(), Fault> {
        let mut batch = Batch::new();
        batch.put(record, Expected::Any);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// So that who waited for the job finds the stack as the job left it.
    async fn tell_now(&self, stack: &Stack) {
        let looked = stack.status(&self.stack.project).await;
        let Ok(containers) = looked else { return };
        if let Err(fault) = self.publish(stack, Ok(containers)).await {
            tracing::warn!(
                message = fault.message,
                "a change of the stack was not told"
            );
        }
    }
}

/// What was done with each service, by names alone.
fn result(outcome: &Outcome) -> Value {
    let of = |wanted: fn(&Action) -> bool| -> Vec<&str> {
        let steps = outcome.plan.containers.iter();
        steps
            .filter(|step| wanted(&step.action))
            .map(|step| step.service.as_str())
            .collect()
    };
    let orphans = outcome.orphans.iter();
    json!({
        "created": of(|action| matches!(action, Action::Create)),
        "recreated": of(|action| matches!(action, Action::Recreate { .. })),
        "started": of(|action| matches!(
            action,
            Action::Start { .. } | Action::Resume { .. } | Action::Restart { .. }
        )),
        "kept": of(|action| matches!(action, Action::Keep { .. })),
        "orphans": orphans.map(|orphan| orphan.service.as_str()).collect::<Vec<_>>(),
    })
}

/// A folder as Compose builds it: all of it but what its `.dockerignore` names.
fn context_writer(cancel: &CancellationToken) -> WriteContext {
    let cancel = cancel.clone();
    Arc::new(move |build: &Build, out: &mut dyn io::Write| {
        let options = SnapshotOptions {
            use_defaults: false,
            ..SnapshotOptions::default()
        };
        let snapshot = Snapshot::take(&build.context, &options, None, &cancel);
        snapshot
            .and_then(|snapshot| snapshot.write_tar(&build.context, &[], out))
            .map_err(io::Error::other)
    })
}
