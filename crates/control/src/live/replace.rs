//! New instances for new content: started from what is there, or by a job that makes an environment or an image first.

use std::time::Instant;

use nasiko_contract::{DeployResult, ErrorCode, Fault, JobState};
use tokio_util::sync::CancellationToken;

use super::apply::{Attempt, Stop};
use crate::{
    jobs::{Work, new_job, shown},
    launch::Launch,
    plane::cancelled,
    plans,
    records::RunPlan,
};

impl Attempt {
    /// A new instance of `plan` serves.
    pub(super) async fn restart(
        &mut self,
        plan: &RunPlan,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        match self.begin(plan, cancel).await {
            Err(fault) if plan.overlay.is_some() && !is_the_agents(&fault) => {
                Err(Stop::or_build(fault))
            }
            begun => Ok(begun?),
        }
    }

    /// Starts an instance and switches to it.
    async fn begin(&mut self, plan: &RunPlan, cancel: &CancellationToken) -> Result<(), Fault> {
        let (shared, name) = (&self.shared, self.name().clone());
        let note = |line: String| tracing::info!(agent = %name, line, "while an update starts");
        let launch = Launch {
            agent: &name,
            plan,
            known_card: &plans::known_card(&self.now.description),
            standby: shared.live.pool.take(&name, plan),
            also: self.begun(),
            note: &note,
        };
        let launched = if self.alone {
            shared.launch_in_place(&self.agent, launch).await?
        } else {
            shared.launch_beside(&self.agent, launch, cancel).await?
        };
        self.alone = launched.alone;
        self.update.warm = launched.warm;
        self.update.seconds.applied = self.clock.seconds_to(launched.let_go);
        self.started = Some(launched.let_go);
        let described = plans::described(&self.now.description);
        let read_again = self.read_again;
        shared
            .switch(&name, plan, launched, |agent, _| {
                if read_again {
                    described.apply(agent);
                }
                agent.restarts = 0;
            })
            .await?;
        self.update.seconds.answered = self.clock.seconds();
        Ok(())
    }

    /// An environment or an image is made first: by a job, as when a person asks for it.
    pub(super) async fn by_job(&mut self, cancel: &CancellationToken) -> Result<(), Stop> {
        let shared = std::sync::Arc::clone(&self.shared);
        let work = Work::Rebuild {
            agent: self.name().clone(),
        };
        let job = shared.enqueue(new_job(&work, None)?).await?.id;
        self.update.job = Some(job.clone());
        shared.put_update(&self.update).await?;
        // The job is at work on the agent now.
        self.lock = None;
        let jobs = shared.store.jobs();
        let ended = tokio::select! {
            ended = jobs.wait_for_end(job.as_str()) => ended,
            () = cancel.cancelled() => {
                shared.cancel_job(&job).await?;
                jobs.wait_for_end(job.as_str()).await
            }
        };
        let ended = shown(ended.map_err(Fault::from)?);
        match ended.state {
            JobState::Succeeded => {}
            JobState::Cancelled => return Err(Stop::Fault(cancelled())),
            // A build that met a folder being edited says nothing about what is in it now.
            _ if shared
                .has_moved_on_from(&self.root, &self.update.content_hash)
                .await =>
            {
                return Err(Stop::Overtaken);
            }
            _ => {
                let unknown = || Fault::new(ErrorCode::Internal, "The build failed without a word");
                return Err(Stop::Fault(ended.fault.unwrap_or_else(unknown)));
            }
        }
        // What the job read may be newer than what it was started for.
        if let Some(content) = shared.live.contents.get(self.name()) {
            self.update.content_hash = content.hash();
            self.now = content;
        }
        let seconds = serde_json::from_value::<DeployResult>(ended.result)
            .map(|result| result.seconds)
            .unwrap_or_default();
        self.update.seconds.answered = self.clock.seconds();
        self.update.seconds.applied =
            (self.update.seconds.answered - seconds.start).max(self.update.seconds.decided);
        self.started = Some(Instant::now());
        Ok(())
    }
}

/// Whether a start failed for what the agent's own code does.
fn is_the_agents(fault: &Fault) -> bool {
    matches!(
        fault.code,
        ErrorCode::ExitedAtOnce
            | ErrorCode::ImportError
            | ErrorCode::SyntaxError
            | ErrorCode::MissingVariable
            | ErrorCode::NeverListened
            | ErrorCode::PortTaken
            | ErrorCode::AgentUnreachable
    )
}
