//! New instances for new content: beside the old one, in its place where only one can run, or by a job that makes an
//! environment or an image first.

use std::time::{Duration, Instant};

use nasiko_contract::{
    AgentState, DeployResult, DeploymentState, ErrorCode, Fault, JobState, RuntimeKind,
};
use nasiko_runtime::{InstanceId, Runtime as _};
use nasiko_store::Batch;
use tokio_util::sync::CancellationToken;

use super::apply::{Attempt, Stop};
use crate::{
    jobs::{Work, new_job, shown},
    launch::Launch,
    plane::cancelled,
    plans,
    records::RunPlan,
};

/// How long requests that are open on an instance may go on when it is replaced in place.
const IN_PLACE_DRAIN: Duration = Duration::from_secs(10);

impl Attempt {
    /// A new instance of `plan` serves.
    pub(super) async fn restart(
        &mut self,
        plan: &RunPlan,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let begun = self.begun();
        if self.alone {
            return Ok(self.in_place(plan, begun).await?);
        }
        match self.begin(plan, begun, cancel).await {
            Err(fault) if fault.code == ErrorCode::PortTaken && self.insists_on_a_port().await => {
                self.alone = true;
                Ok(self.in_place(plan, Batch::new()).await?)
            }
            Err(fault) if plan.overlay.is_some() && !is_the_agents(&fault) => {
                Err(Stop::or_build(fault))
            }
            begun => Ok(begun?),
        }
    }

    /// Starts an instance and switches to it.
    async fn begin(
        &mut self,
        plan: &RunPlan,
        also: Batch,
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let (shared, name) = (&self.shared, self.name().clone());
        let note = |line: String| tracing::info!(agent = %name, line, "while an update starts");
        let launch = Launch {
            agent: &name,
            plan,
            known_card: &plans::known_card(&self.now.description),
            standby: shared.live.pool.take(&name, plan),
            also,
            note: &note,
        };
        let launched = shared.launch(launch, cancel).await?;
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

    /// Ends the old instance first, since only one can run. New requests wait meanwhile. Not to be cancelled: there is no way
    /// back, since the files of the old version are gone.
    async fn in_place(&mut self, plan: &RunPlan, also: Batch) -> Result<(), Fault> {
        let never = CancellationToken::new();
        let name = self.name().clone();
        let shared = std::sync::Arc::clone(&self.shared);
        let limit = IN_PLACE_DRAIN + plan.start_timeout(&shared.settings.load());
        shared
            .routes
            .hold(name.as_str(), limit)
            .finished(IN_PLACE_DRAIN)
            .await;
        if let Some(current) = &self.agent.current {
            shared
                .stop_deployment(current, DeploymentState::Stopped)
                .await;
        }
        let begun = self.begin(plan, also, &never).await;
        if let Err(fault) = &begun {
            let _nothing_answers = shared.routes.suspend(name.as_str());
            shared
                .change_agent(&name, |agent, _| {
                    agent.state = AgentState::Failed;
                    agent.fault = Some(fault.clone());
                })
                .await?;
        }
        begun
    }

    /// Whether the running instance listens where it was not told to: then another one beside it cannot.
    async fn insists_on_a_port(&self) -> bool {
        let (RuntimeKind::Process, Some(current)) = (self.agent.runtime, &self.agent.current)
        else {
            return false;
        };
        let id = InstanceId::new(current.as_str());
        let told = self.shared.process.list().await.ok().and_then(|instances| {
            let mine = instances.into_iter().find(|instance| instance.id == id)?;
            Some(mine.address?.port())
        });
        let listens = self.shared.process.listening(&id).await;
        listens.iter().any(|port| Some(*port) != told)
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
