//! What is done about a difference between an agent's folder and what it runs, from the least to the most.

use std::{path::PathBuf, sync::Arc, time::Instant};

use nasiko_contract::{
    AgentName, AgentState, ErrorCode, Fault, RuntimeKind, Update, UpdateAction, UpdateState,
};
use nasiko_gateway::RouteState;
use nasiko_runtime::InstanceId;
use nasiko_store::Batch;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use super::{
    clock::Clock,
    content::{Content, blocking},
    history,
    overlay::{self, Difference, NotLaid},
};
use crate::{
    launch,
    plane::Shared,
    plans,
    read::{self, Read},
    records::{AgentRecord, RunPlan},
};

/// One difference on its way to being live.
pub(super) struct Attempt {
    pub(super) shared: Arc<Shared>,
    /// As it was when the difference was found.
    pub(super) agent: AgentRecord,
    pub(super) root: PathBuf,
    /// What runs, as far as that is known.
    pub(super) running: Option<Content>,
    /// What is to run.
    pub(super) now: Content,
    /// The folder was described anew, since something of it may have changed.
    pub(super) read_again: bool,
    pub(super) update: Update,
    pub(super) clock: Clock,
    /// It cannot run twice at the same time: it insists on a port.
    pub(super) alone: bool,
    /// Nobody else is at work on the agent.
    pub(super) lock: Option<OwnedMutexGuard<()>>,
    pub(super) started: Option<Instant>,
}

/// Why an attempt ended without being live.
pub(super) enum Stop {
    Fault(Fault),
    /// Only a build helps, and why.
    Build(String),
    /// The folder is not what it was when the attempt began: it is compared anew.
    Overtaken,
}

impl Stop {
    /// A fault of laying files over an image: a build may do better.
    pub(super) fn or_build(fault: Fault) -> Self {
        if fault.code == ErrorCode::Cancelled || fault.retryable {
            return Self::Fault(fault);
        }
        Self::Build(format!(
            "the changed files could not be put into the container ({})",
            fault.message
        ))
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<NotLaid> for Stop {
    fn from(not_laid: NotLaid) -> Self {
        match not_laid {
            NotLaid::Build(why) => Self::Build(why),
            NotLaid::Changed => Self::Overtaken,
            NotLaid::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// How an attempt ended.
pub(super) struct Done {
    pub(super) update: Update,
    /// The content that is live, or failed, or was overtaken.
    pub(super) now: Content,
    /// When an instance with it began to run.
    pub(super) started: Option<Instant>,
    pub(super) alone: bool,
    /// `now` is described as it is.
    pub(super) read_again: bool,
}

impl Attempt {
    /// Makes it live. Cancelling overtakes it, unless it is live already; the old instance serves on then.
    pub(super) async fn run(mut self, cancel: CancellationToken) -> Done {
        let mut made = self.make(self.update.action, &cancel).await;
        if let Err(Stop::Build(why)) = made {
            self.update.action = UpdateAction::Rebuild;
            self.update.why = why;
            made = self.make(UpdateAction::Rebuild, &cancel).await;
        }
        let ended = match made {
            Ok(()) => self.is_live().await,
            Err(Stop::Overtaken) => self.is_overtaken().await,
            Err(Stop::Fault(fault))
                if cancel.is_cancelled() && fault.code == ErrorCode::Cancelled =>
            {
                self.is_overtaken().await
            }
            Err(Stop::Fault(fault)) => self.has_failed(fault).await,
            Err(Stop::Build(why)) => self.has_failed(Fault::new(ErrorCode::Internal, why)).await,
        };
        if let Err(fault) = ended {
            tracing::warn!(%fault, agent = %self.agent.name, "the end of an update was not written down");
        }
        Done {
            read_again: self.read_again || self.update.job.is_some(),
            update: self.update,
            now: self.now,
            started: self.started,
            alone: self.alone,
        }
    }

    async fn make(&mut self, action: UpdateAction, cancel: &CancellationToken) -> Result<(), Stop> {
        read::refuse_if_hopeless(&self.now.description, self.agent.runtime)?;
        let old = match (action, &self.agent.plan) {
            (UpdateAction::Environment | UpdateAction::Rebuild, _) | (_, None) => {
                return self.by_job(cancel).await;
            }
            (_, Some(old)) => old.clone(),
        };
        if self.read_again {
            plans::check_variables(&self.shared, &self.agent.name, &self.now.description).await?;
        }
        let mut plan = self.next_plan(&old).await?;
        let serves = self.agent.state == AgentState::Active;
        match action {
            UpdateAction::Nothing => self.move_on(&plan, UpdateState::Unchanged).await,
            UpdateAction::Card => {
                self.lay(&mut plan).await?;
                self.take_card(&plan).await
            }
            UpdateAction::Sync if serves => {
                self.lay(&mut plan).await?;
                self.sync(&plan, cancel).await
            }
            _ => {
                self.lay(&mut plan).await?;
                self.restart(&plan, cancel).await
            }
        }
    }

    /// How to start the new content from what was prepared for the old one.
    async fn next_plan(&self, old: &RunPlan) -> Result<RunPlan, Fault> {
        let content_hash = self.now.hash();
        let (true, Some(running)) = (self.read_again, &self.running) else {
            return Ok(RunPlan {
                content_hash,
                ..old.clone()
            });
        };
        let (name, runtime) = (&self.agent.name, self.agent.runtime);
        let description = &self.now.description;
        let env = plans::run_env(description, runtime);
        let folder_env = if self.shared.folder_env(name, old).await? == env {
            old.folder_env.clone()
        } else {
            let key = self.update.id.as_str();
            self.shared.seal_folder_env(name, key, &env).await?
        };
        let artifact = old.artifact.parse().map_err(|error| {
            crate::plane::internal("what was prepared is not understood", &error)
        })?;
        let read = Read {
            root: self.root.clone(),
            snapshot: Arc::clone(&self.now.snapshot),
            description: description.as_ref().clone(),
        };
        let mut plan = plans::run_plan(&read, runtime, &artifact, folder_env);
        plan.overlay.clone_from(&old.overlay);
        if running.description.port_candidates == description.port_candidates {
            plan.ports.clone_from(&old.ports);
        }
        Ok(plan)
    }

    /// Docker: the plan names what differs from its image from now on.
    async fn lay(&self, plan: &mut RunPlan) -> Result<(), Stop> {
        let (RuntimeKind::Docker, Some(old)) = (plan.runtime, &self.agent.plan) else {
            return Ok(());
        };
        let image = old.image_content();
        let base = match &self.running {
            Some(running) if running.hash() == image => Some(Arc::clone(&running.snapshot)),
            _ => self.shared.image_content(&self.agent.name, image).await,
        };
        let Some(base) = base else {
            return Err(Stop::Build(
                "it is not known what the image was made of".to_owned(),
            ));
        };
        let difference = self.difference(base);
        let kept = self
            .shared
            .keep_overlay(&self.agent.name, difference)
            .await?;
        plan.overlay = Some(kept);
        Ok(())
    }

    fn difference(&self, base: Arc<nasiko_workshop::Snapshot>) -> Difference {
        Difference {
            root: self.root.clone(),
            description: Arc::clone(&self.now.description),
            base,
            now: Arc::clone(&self.now.snapshot),
        }
    }

    /// The record is as the folder is; the program goes on.
    async fn move_on(&mut self, plan: &RunPlan, state: UpdateState) -> Result<(), Stop> {
        self.update.state = state;
        self.update.seconds.applied = self.clock.seconds();
        self.update.seconds.answered = self.update.seconds.applied;
        let described = plans::described(&self.now.description);
        let read_again = self.read_again;
        let update = self.update.clone();
        self.shared
            .change_agent(&self.agent.name, |agent, batch| {
                if read_again {
                    described.apply(agent);
                }
                agent.version.clone_from(&plan.version);
                agent.plan = Some(plan.clone());
                agent.fault = agent
                    .fault
                    .take()
                    .filter(|_| agent.state == AgentState::Failed);
                history::add(batch, &update);
            })
            .await?;
        Ok(())
    }

    /// The folder's card is shown from now on.
    async fn take_card(&mut self, plan: &RunPlan) -> Result<(), Stop> {
        let card = plans::known_card(&self.now.description);
        self.shared
            .change_agent(&self.agent.name, |agent, _| {
                agent.card = card.json.clone();
                agent.card_generated = card.generated;
            })
            .await?;
        let name = self.agent.name.as_str();
        let route = self.shared.routes.get(name).map(|route| route.state);
        if let (Some(RouteState::Live { upstream, .. }), Some(current)) =
            (route, &self.agent.current)
        {
            let upstream = launch::upstream(current, upstream.address, &card.json);
            let _it_is_the_same_instance = self.shared.routes.set(name, upstream);
        }
        self.move_on(plan, UpdateState::Live).await
    }

    /// Files are put where the running program reads them.
    async fn sync(&mut self, plan: &RunPlan, cancel: &CancellationToken) -> Result<(), Stop> {
        if let (RuntimeKind::Docker, Some(current), Some(running)) =
            (plan.runtime, &self.agent.current, &self.running)
        {
            let difference = self.difference(Arc::clone(&running.snapshot));
            let files = blocking(move || overlay::fresh(&difference)).await??;
            let runtime = self.shared.runtime(plan.runtime);
            let instance = InstanceId::new(current.as_str());
            // Once more: the engine may just have been busy.
            if let Err(error) = runtime.sync(&instance, Arc::clone(&files), cancel).await {
                tracing::info!(%error, agent = %self.agent.name, "files were not put into a container: once more");
                let again = runtime.sync(&instance, files, cancel).await;
                if let Err(error) = again {
                    return Err(Stop::or_build(error.into()));
                }
            }
        }
        self.move_on(plan, UpdateState::Live).await
    }

    /// The agent answers with it.
    async fn is_live(&mut self) -> Result<(), Fault> {
        let (shared, name) = (&self.shared, &self.agent.name);
        let seconds = self.update.seconds;
        tracing::debug!(
            agent = %name, action = self.update.action.as_str(), warm = self.update.warm, seen = seconds.seen,
            decided = seconds.decided, applied = seconds.applied, answered = seconds.answered, "updated"
        );
        shared.live.contents.set(name, self.now.clone());
        if self.update.state == UpdateState::Applying {
            self.update.state = UpdateState::Live;
            shared.put_update(&self.update).await?;
        }
        if self.update.state == UpdateState::Live {
            shared.after_update(&self.update);
        }
        if self.started.is_some() {
            shared.warm_up(name, self.now.clone());
        }
        if self.read_again {
            shared.forget_folder_envs(name).await?;
        }
        shared.keep_content(name, &self.now.snapshot).await;
        Ok(())
    }

    /// A newer save came before it was live.
    async fn is_overtaken(&mut self) -> Result<(), Fault> {
        self.update.state = UpdateState::Superseded;
        self.update.seconds.answered = self.clock.seconds();
        self.shared.put_update(&self.update).await
    }

    /// It did not become live; what served before goes on.
    async fn has_failed(&mut self, fault: Fault) -> Result<(), Fault> {
        self.update.state = UpdateState::Failed;
        self.update.seconds.answered = self.clock.seconds();
        self.update.fault = Some(fault.clone());
        let update = self.update.clone();
        self.shared
            .change_agent(&self.agent.name, |agent, batch| {
                agent.come_to_rest(&fault);
                history::add(batch, &update);
            })
            .await
            .map(drop)
    }

    /// The first commit of an update that takes its time: that it is under way.
    pub(super) fn begun(&self) -> Batch {
        let mut batch = Batch::new();
        history::add(&mut batch, &self.update);
        batch
    }

    pub(super) fn name(&self) -> &AgentName {
        &self.agent.name
    }
}
