//! Instances on standby: of each agent that is being edited one waits with everything loaded but the agent's own code.

use std::{collections::HashMap, sync::Arc, time::Duration};

use nasiko_contract::{AgentName, AgentState, DeploymentId, Fault, RuntimeKind};
use nasiko_runtime::{Standby, WarmUp};
use nasiko_workshop::update::python_imports;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::content::{Content, blocking};
use crate::{
    launch::InHand,
    plane::Shared,
    records::{Desired, RunPlan},
    start,
};

/// Instances that wait, of all agents together.
const MOST: usize = 4;
/// How long one waits for the next save.
pub(super) const KEPT: Duration = Duration::from_secs(15 * 60);

/// An instance that waits to be let go.
pub(crate) struct Waiting {
    pub(crate) standby: Box<dyn Standby>,
    /// See [`Shared::plan_fingerprint`].
    pub(crate) env_fingerprint: String,
    pub(crate) in_hand: InHand,
    agent: AgentName,
    fit: Fit,
    saved: Instant,
}

impl Waiting {
    pub(crate) fn deployment(&self) -> DeploymentId {
        DeploymentId(self.standby.instance().to_string())
    }
}

/// What of a plan an instance is bound to before it is let go.
#[derive(Debug, Clone, PartialEq)]
struct Fit {
    runtime: RuntimeKind,
    version: String,
    artifact: String,
    command: Vec<String>,
    workdir: std::path::PathBuf,
    folder_env: Option<String>,
    port: Option<u16>,
}

impl Fit {
    fn of(plan: &RunPlan) -> Self {
        Self {
            runtime: plan.runtime,
            version: plan.version.clone(),
            artifact: plan.artifact.clone(),
            command: plan.command.clone(),
            workdir: plan.workdir.clone(),
            folder_env: plan.folder_env.clone(),
            port: start::published_port(plan),
        }
    }
}

/// All that wait.
#[derive(Default)]
pub(super) struct Pool(Mutex<State>);

#[derive(Default)]
struct State {
    slots: HashMap<AgentName, Slot>,
    closed: bool,
}

#[derive(Default)]
struct Slot {
    waiting: Option<Waiting>,
    /// One is being made.
    making: Option<(Fit, CancellationToken)>,
    /// When the agent was last saved.
    saved: Option<Instant>,
}

impl Pool {
    /// The agent's waiting instance, if a start of `plan` may use it.
    pub(super) fn take(&self, agent: &AgentName, plan: &RunPlan) -> Option<Waiting> {
        let mut state = self.0.lock();
        let slot = state.slots.get_mut(agent)?;
        let fits = slot
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.fit == Fit::of(plan) && waiting.standby.is_alive());
        // One that does not fit stays until the next is made: whoever takes from here is in a hurry.
        if fits { slot.waiting.take() } else { None }
    }

    pub(super) fn is_warm(&self, agent: &AgentName) -> bool {
        let state = self.0.lock();
        let waiting = state
            .slots
            .get(agent)
            .and_then(|slot| slot.waiting.as_ref());
        waiting.is_some_and(|waiting| waiting.standby.is_alive())
    }

    /// The agent is being edited.
    pub(super) fn saved(&self, agent: &AgentName, now: Instant) {
        let mut state = self.0.lock();
        let slot = state.slots.entry(agent.clone()).or_default();
        slot.saved = Some(now);
        if let Some(waiting) = &mut slot.waiting {
            waiting.saved = now;
        }
    }

    /// When nobody will have saved the agent for so long that it need not wait any more.
    pub(super) fn kept_until(&self, agent: &AgentName) -> Option<Instant> {
        let state = self.0.lock();
        let waiting = state.slots.get(agent)?.waiting.as_ref()?;
        Some(waiting.saved + KEPT)
    }

    /// Begins to make one for `plan`. None while nobody edits the agent, or when there is one already. What does not fit is
    /// given back with it.
    fn begin(
        &self,
        agent: &AgentName,
        plan: &RunPlan,
        now: Instant,
    ) -> Option<(CancellationToken, Instant, Option<Waiting>)> {
        let mut state = self.0.lock();
        if state.closed {
            return None;
        }
        let slot = state.slots.get_mut(agent)?;
        let saved = slot
            .saved
            .filter(|saved| now.saturating_duration_since(*saved) < KEPT)?;
        let fit = Fit::of(plan);
        let there = slot
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.fit == fit && waiting.standby.is_alive());
        let on_its_way = slot
            .making
            .as_ref()
            .is_some_and(|(making, _)| *making == fit);
        if there || on_its_way {
            return None;
        }
        if let Some((_, older)) = slot.making.take() {
            older.cancel();
        }
        let cancel = CancellationToken::new();
        slot.making = Some((fit, cancel.clone()));
        Some((cancel, saved, slot.waiting.take()))
    }

    /// Takes in what was made; gives back what has to go: itself if it came too late, or the one least recently saved.
    fn put(&self, waiting: Waiting, making: &CancellationToken) -> Option<Waiting> {
        let mut state = self.0.lock();
        let closed = state.closed;
        let slot = state.slots.entry(waiting.agent.clone()).or_default();
        if making.is_cancelled() || closed {
            return Some(waiting);
        }
        if let Some(before) = slot.waiting.replace(waiting) {
            return Some(before);
        }
        let there = state
            .slots
            .values()
            .filter_map(|slot| slot.waiting.as_ref());
        if there.clone().count() <= MOST {
            return None;
        }
        let oldest = there.min_by_key(|waiting| waiting.saved)?.agent.clone();
        state.slots.get_mut(&oldest)?.waiting.take()
    }

    /// Nobody makes one any more.
    fn made(&self, agent: &AgentName, making: &CancellationToken) {
        if !making.is_cancelled()
            && let Some(slot) = self.0.lock().slots.get_mut(agent)
        {
            slot.making = None;
        }
    }

    /// Forgets what waits or is being made for an agent; gives it to be ended.
    fn clear(&self, agent: &AgentName) -> Option<Waiting> {
        let mut state = self.0.lock();
        let slot = state.slots.get_mut(agent)?;
        if let Some((_, making)) = slot.making.take() {
            making.cancel();
        }
        slot.waiting.take()
    }

    fn close(&self) -> Vec<Waiting> {
        let mut state = self.0.lock();
        state.closed = true;
        let slots = std::mem::take(&mut state.slots);
        slots
            .into_values()
            .filter_map(|slot| {
                if let Some((_, making)) = slot.making {
                    making.cancel();
                }
                slot.waiting
            })
            .collect()
    }
}

impl Shared {
    /// Has an instance wait for the agent's next save, in the background.
    pub(super) fn warm_up(self: &Arc<Self>, agent: &AgentName, content: Content) {
        let (shared, agent) = (Arc::clone(self), agent.clone());
        // Not dropped when the control plane ends, which cancels it: what it has started by then is to be ended first.
        self.tasks.spawn(async move {
            if let Err(fault) = shared.make_standby(&agent, &content).await {
                tracing::debug!(%fault, %agent, "no instance waits for the next save");
            }
            shared.tell_warmth(&agent).await;
        });
    }

    async fn make_standby(
        self: &Arc<Self>,
        agent: &AgentName,
        content: &Content,
    ) -> Result<(), Fault> {
        let Some(plan) = self.plan_to_wait_for(agent).await? else {
            return Ok(());
        };
        let Some((cancel, saved, unfit)) = self.live.pool.begin(agent, &plan, Instant::now())
        else {
            return Ok(());
        };
        self.end_waiting(unfit).await;
        let made = self
            .start_standby(agent, plan, content, saved, &cancel)
            .await;
        let surplus = match made {
            // Stopped, or no longer watched, while it was made.
            Ok(Some(made)) if self.plan_to_wait_for(agent).await?.is_none() => Ok(Some(made)),
            Ok(Some(made)) => Ok(self.live.pool.put(made, &cancel)),
            Ok(None) => Ok(None),
            Err(fault) => Err(fault),
        };
        self.live.pool.made(agent, &cancel);
        self.end_waiting(surplus?).await;
        Ok(())
    }

    /// The plan of an agent that is watched and runs.
    async fn plan_to_wait_for(&self, agent: &AgentName) -> Result<Option<RunPlan>, Fault> {
        let agent = self.agent(agent).await?.value;
        let runs = agent.desired == Desired::Running && agent.state == AgentState::Active;
        let watched = self.live.is_watched(&agent.name);
        Ok(agent.plan.filter(|_| runs && watched))
    }

    async fn start_standby(
        self: &Arc<Self>,
        agent: &AgentName,
        plan: RunPlan,
        content: &Content,
        saved: Instant,
        cancel: &CancellationToken,
    ) -> Result<Option<Waiting>, Fault> {
        let (root, content) = (self.agent(agent).await?.value.root, content.clone());
        let preload =
            blocking(move || python_imports(&content.description, &root, &content.snapshot))
                .await?;
        let deployment = start::new_deployment();
        let in_hand = InHand::new(self, &deployment);
        let env_fingerprint = self.plan_fingerprint(agent, &plan).await?;
        let spec = self
            .start_spec(agent, &deployment, &plan, start::published_port(&plan))
            .await?;
        let warm_up = WarmUp {
            python_modules: preload.modules,
        };
        let started = self
            .runtime(plan.runtime)
            .standby(&spec, &warm_up, cancel)
            .await;
        let Ok(Some(standby)) = started else {
            self.forget_credential(agent, &deployment).await;
            return started.map(|_| None).map_err(Fault::from);
        };
        Ok(Some(Waiting {
            standby,
            env_fingerprint,
            in_hand,
            agent: agent.clone(),
            fit: Fit::of(&plan),
            saved,
        }))
    }

    /// What waits for the agent would start with what is not so any more: its environment, its secrets, its place.
    pub(crate) async fn outdate_standby(&self, agent: &AgentName) {
        let waiting = self.live.pool.clear(agent);
        if waiting.is_some() {
            self.end_waiting(waiting).await;
            self.tell_warmth(agent).await;
        }
    }

    /// Ends all that wait, for good.
    pub(crate) async fn end_standbys(&self) {
        let all = self.live.pool.close();
        futures::future::join_all(
            all.into_iter()
                .map(|waiting| self.end_waiting(Some(waiting))),
        )
        .await;
    }

    async fn end_waiting(&self, waiting: Option<Waiting>) {
        let Some(waiting) = waiting else { return };
        let deployment = waiting.deployment();
        waiting.standby.discard().await;
        self.forget_credential(&waiting.agent, &deployment).await;
    }
}

#[cfg(test)]
mod tests;
