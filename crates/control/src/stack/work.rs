//! The jobs: up and down. Broken off anywhere, the next try goes on from what the engine has.

use std::{io, path::PathBuf, sync::Arc};

use nasiko_contract::Fault;
use nasiko_stack::{
    DownOptions, Outcome, Stack, UpOptions, WriteContext,
    compose::Build,
    plan::{Action, PlanOptions, Recreation},
};
use nasiko_store::{Batch, Expected};
use nasiko_workshop::{Snapshot, SnapshotOptions};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{StackRecord, progress::Telling, told::Told, view::AtWork};
use crate::{plane::Shared, worker::Bench};

impl Bench {
    /// Brings the stack up, with what the request adds to what is on already.
    pub(crate) async fn stack_up(
        &self,
        profiles: &[String],
        files: Option<&[PathBuf]>,
        remove_orphans: bool,
        force: bool,
    ) -> Result<Value, Fault> {
        let shared = &self.shared;
        self.report.step(0.0, "Reading the Compose files");
        let wanted = shared.stack_record().await?.with(profiles, files);
        let project = shared.declared(&wanted.files).await?;
        // Before anything is made, so that what is made is on for whoever looks.
        shared.remember_stack(&wanted).await?;
        let _watched = AtWork::begin(shared);
        let stack = shared.engine_stack().await?;
        let options = UpOptions {
            plan: PlanOptions {
                profiles: wanted.profiles,
                recreate: if force {
                    Recreation::Always
                } else {
                    Recreation::Changed
                },
                ..PlanOptions::default()
            },
            remove_orphans,
            write_context: Some(context_writer(&self.cancel)),
            ..UpOptions::default()
        };
        let telling = Telling::new(self.report.clone(), self.told(), 0);
        let done = stack.up(&project, &options, &telling, &self.cancel).await;
        shared.tell_now(&stack).await;
        Ok(result(&done?))
    }

    /// Takes the stack down; its profiles are off from then on.
    pub(crate) async fn stack_down(&self, volumes: bool) -> Result<Value, Fault> {
        let shared = &self.shared;
        let _watched = AtWork::begin(shared);
        let stack = shared.engine_stack().await?;
        let project = &shared.stack.project;
        let containers = stack.status(project).await?;
        let telling = Telling::new(self.report.clone(), self.told(), containers.len());
        let options = DownOptions { volumes };
        let done = stack.down(project, options, &telling, &self.cancel).await;
        if done.is_ok() {
            let off = StackRecord {
                files: shared.stack_record().await?.files,
                ..StackRecord::default()
            };
            shared.remember_stack(&off).await?;
        }
        shared.tell_now(&stack).await;
        done?;
        let removed: Vec<String> = containers.into_iter().map(|found| found.name).collect();
        Ok(json!({ "removed": removed, "volumes": volumes }))
    }
}

impl Bench {
    fn told(&self) -> Told {
        Told::new(self.job.clone(), self.shared.stack.progress.clone())
    }
}

impl Shared {
    async fn remember_stack(&self, record: &StackRecord) -> Result<(), Fault> {
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
