//! What waits for the engine: a stack that was asked for while there was none comes up once it answers, and one that was
//! switched off meanwhile is removed. The engine's own events say when; nothing is asked in between.

use std::sync::Arc;

use nasiko_contract::{ErrorCode, Fault};
use nasiko_store::{JobQuery, JobState};
use serde_json::{Value, json};

use super::{DownWork, Pending, StackRecord, UpWork};
use crate::{
    jobs::{Work, new_job},
    plane::Shared,
};

/// Whether a fault says that no engine is there to do anything.
pub(super) fn is_away(fault: &Fault) -> bool {
    matches!(
        fault.code,
        ErrorCode::EngineAbsent | ErrorCode::EngineStopped | ErrorCode::EngineRefused
    )
}

impl Shared {
    /// Why there is no engine that can be used; none while there is one.
    pub(super) async fn engine_away(&self) -> Option<Fault> {
        let looked = self.docker.engine().client().await;
        looked.err().map(Fault::from)
    }

    /// What was asked of the stack last. What waited for the engine is in hand from now on.
    pub(super) async fn nothing_waits(&self) -> Result<StackRecord, Fault> {
        let mut record = self.stack_record().await?;
        if record.pending.take().is_some() {
            self.remember_stack(&record).await?;
        }
        Ok(record)
    }

    pub(super) async fn set_pending(
        &self,
        record: StackRecord,
        pending: Pending,
    ) -> Result<(), Fault> {
        let record = StackRecord {
            pending: Some(pending),
            ..record
        };
        self.remember_stack(&record).await
    }

    /// The stack comes up once there is an engine. `is_meant`: whoever asked knows of that, and it is no failure.
    pub(super) async fn wait_for_engine(
        &self,
        wanted: StackRecord,
        mut away: Fault,
        is_meant: bool,
    ) -> Result<Value, Fault> {
        self.set_pending(wanted, Pending::Up).await?;
        if is_meant {
            return Ok(json!({ "waiting": away.message }));
        }
        if is_away(&away) {
            away = away.hint(
                "Start the container engine: the stack comes up by itself once it answers. `nasiko down` switches it off",
            );
        }
        // Tries at times of ours would only be polling.
        away.retryable = false;
        Err(away)
    }

    /// The stack is off at once, and what is left of it goes once there is an engine.
    pub(super) async fn switch_off_without_engine(
        &self,
        before: StackRecord,
        away: Fault,
    ) -> Result<Value, Fault> {
        self.set_pending(before.off(), Pending::Down).await?;
        Ok(json!({ "waiting": away.message }))
    }

    /// That something waits for the engine, in words.
    pub(crate) async fn stack_notice(&self) -> Result<Option<String>, Fault> {
        let pending = self.stack_record().await?.pending;
        Ok(pending.map(|pending| match pending {
            Pending::Up => {
                "The stack waits for the container engine, and comes up once that answers"
                    .to_owned()
            }
            Pending::Down => {
                "The stack is off; what is left of it is removed once the container engine answers"
                    .to_owned()
            }
        }))
    }

    /// Begins what waited for the engine, which is there now. Answers whether something waits still.
    pub(super) async fn begin_what_waited(self: &Arc<Self>) -> Result<bool, Fault> {
        let Some(pending) = self.stack_record().await?.pending else {
            return Ok(false);
        };
        let work = match pending {
            Pending::Up => Work::StackUp(UpWork {
                wait: true,
                ..UpWork::default()
            }),
            Pending::Down => Work::StackDown(DownWork::default()),
        };
        let open = JobQuery {
            states: vec![JobState::Queued, JobState::Running],
            subject: Some(work.subject()),
            limit: Some(1),
            ..JobQuery::default()
        };
        // One that is under way does it, or makes us look again when it has not.
        if self.store.jobs().list(&open).await?.items.is_empty() {
            self.enqueue(new_job(&work, None)?).await?;
        }
        Ok(true)
    }
}
