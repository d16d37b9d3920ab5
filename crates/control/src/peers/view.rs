//! Bringing what this control plane has of an agent in line with the agent's record, after another one changed it.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use nasiko_contract::{
    AgentName, AgentState, DeploymentId, DeploymentState, ErrorCode, Fault, RuntimeKind,
};
use nasiko_gateway::{Drain, RouteState};
use nasiko_runtime::{Instance, LogLine, LogStream};
use nasiko_store::{EventFeed, FeedItem, StoreError};
use tokio::sync::OwnedMutexGuard;

use super::PLANE_CHANGED;
use crate::{
    adopt, launch,
    plane::Shared,
    records::{AgentRecord, DeploymentRecord, Desired},
};

/// How long open requests may go on when another control plane ended an instance.
const STOP_DRAIN: Duration = Duration::from_secs(5);
/// How long callers wait for an instance that another control plane starts in place of ours.
const HELD: Duration = Duration::from_secs(60);
/// How long an instance of ours outlives its replacement for requests that come through the gateways of others.
const LINGER: Duration = Duration::from_secs(5);
/// How much longer than its grace the end of another's instance may take until it is not waited for.
const END_MARGIN: Duration = Duration::from_secs(10);

/// Where an agent of another control plane can be called.
enum Reach {
    At(SocketAddr),
    NotRunning,
    /// Not from here, and why.
    Elsewhere(String),
}

impl Shared {
    /// Looks at all agents soon.
    pub(super) async fn look_at_all(self: &Arc<Self>) {
        match self.all_agents().await {
            Ok(agents) => {
                let known = agents.into_iter().map(|agent| agent.name);
                // Those that are gone have a route at most.
                let routed = self.routes.list().into_iter();
                let routed = routed.map(|route| AgentName(route.agent));
                known.chain(routed).for_each(|name| self.look_soon(name));
            }
            Err(fault) => tracing::warn!(%fault, "agents could not be compared"),
        }
        self.peers.discover_again.notify_one();
    }

    /// Looks at an agent as soon as nobody here is at work on it; once, however often it is asked for meanwhile.
    pub(super) fn look_soon(self: &Arc<Self>, name: AgentName) {
        if !self.peers.waiting.lock().insert(name.clone()) {
            return;
        }
        let shared = Arc::clone(self);
        self.spawn(async move {
            let turn = shared.turn(&name).await;
            // What changes from here on is looked at again.
            shared.peers.waiting.lock().remove(&name);
            let looked = match &turn {
                Ok(turn) => shared.look_at(&name, turn.is_some()).await,
                Err(fault) => Err(fault.clone()),
            };
            match looked {
                Err(fault) if fault.code != ErrorCode::Cancelled => {
                    tracing::warn!(%fault, agent = %name, "an agent could not be brought in line");
                }
                _ => {}
            }
        });
    }

    /// Waits until nobody here is at work on an agent. An agent that somebody else started, or that is gone and has no
    /// route here, is left to those who may be about to give its name away.
    async fn turn(&self, name: &AgentName) -> Result<Option<OwnedMutexGuard<()>>, Fault> {
        let is_here = match self.store.get::<AgentRecord>(name.as_str()).await? {
            Some(found) => !found.value.source.is_foreign(),
            None => self.routes.get(name.as_str()).is_some(),
        };
        if !is_here {
            return Ok(None);
        }
        self.lock_agent(name, &self.stop).await.map(Some)
    }

    /// Whoever looks `is_alone` at it is the only one at work on it.
    async fn look_at(self: &Arc<Self>, name: &AgentName, is_alone: bool) -> Result<(), Fault> {
        let found = self.store.get::<AgentRecord>(name.as_str()).await?;
        match found.map(|found| found.value) {
            None if is_alone => self.forget_here(name).await,
            None => {}
            Some(agent) if agent.source.is_foreign() && self.peers.is_ours(&agent) => {}
            Some(agent) if agent.source.is_foreign() => {
                let _open_requests_finish = self.route_as_told(&agent);
            }
            Some(_) if !is_alone => self.look_soon(name.clone()),
            Some(agent) if self.peers.is_ours(&agent) => {
                self.follow_end_of_current(&agent).await?;
                self.watch_in_step(&agent).await;
            }
            Some(agent) => {
                self.watch_in_step(&agent).await;
                self.give_up_instances(&agent).await?;
            }
        }
        Ok(())
    }

    /// Another control plane removed the agent.
    async fn forget_here(self: &Arc<Self>, name: &AgentName) {
        let _nothing_answers_any_more = self.routes.remove(name.as_str());
        self.credentials.revoke(name.as_str());
        self.end_watch(name).await;
        for kind in [RuntimeKind::Process, RuntimeKind::Docker] {
            if let Err(fault) = adopt::reconcile(self, kind).await {
                tracing::debug!(%fault, agent = %name, "what is left of an agent was not looked for");
            }
        }
        self.forget_images(name, &[]).await;
        crate::home::discard(&self.home.sources(name)).await;
        crate::home::discard(&self.home.live(name)).await;
    }

    /// Ends our instance that serves, if another control plane wrote its end down.
    async fn follow_end_of_current(&self, agent: &AgentRecord) -> Result<(), Fault> {
        let Some(current) = &agent.current else {
            return Ok(());
        };
        let found = self.store.get::<DeploymentRecord>(current.as_str()).await?;
        let is_to_end = found.is_some_and(|found| {
            found.value.plane.as_ref() == Some(self.peers.me()) && !found.value.is_open()
        });
        if !is_to_end || self.in_hand.lock().contains(current) {
            return Ok(());
        }
        let name = agent.name.as_str();
        let drain = match agent.desired {
            // Another instance takes its place, elsewhere.
            Desired::Running => self.routes.hold_instance(name, current.as_str(), HELD),
            Desired::Stopped => self.routes.suspend_instance(name, current.as_str()),
        };
        drain.finished(STOP_DRAIN).await;
        self.stop_deployment(current, DeploymentState::Stopped)
            .await;
        Ok(())
    }

    /// The agent is another control plane's: it is called there, and what is left of it here ends.
    async fn give_up_instances(self: &Arc<Self>, agent: &AgentRecord) -> Result<(), Fault> {
        let name = &agent.name;
        let mut drain = match &agent.plane {
            Some(plane) if !self.peers.is_alive(plane) => self.look_after(agent).await?,
            _ => self.route_as_told(agent),
        };
        for deployment in self.history::<DeploymentRecord>(name).await? {
            let is_ours = deployment.plane.as_ref() == Some(self.peers.me());
            if is_ours && !self.in_hand.lock().contains(&deployment.id) {
                let drain = drain.take().unwrap_or_else(|| {
                    self.routes
                        .suspend_instance(name.as_str(), deployment.id.as_str())
                });
                self.retire(name.clone(), Some(deployment.id), None, drain);
            }
        }
        Ok(())
    }

    /// Sends callers of another control plane's agent to where it says that it answers. Gives the drain of the route
    /// before, if it changed.
    pub(super) fn route_as_told(&self, agent: &AgentRecord) -> Option<Drain> {
        let name = agent.name.as_str();
        match self.reach(agent) {
            Reach::At(address) => self.route_to(agent, address),
            Reach::NotRunning => Some(self.routes.suspend(name)),
            Reach::Elsewhere(holder) => Some(self.routes.refer(name, &holder)),
        }
    }

    /// Routes to an instance that answers at `address`; nothing to do where that is so.
    pub(super) fn route_to(&self, agent: &AgentRecord, address: SocketAddr) -> Option<Drain> {
        let current = agent.current.as_ref()?;
        let name = agent.name.as_str();
        let upstream = launch::upstream(current, address, &agent.card);
        let is_so = self
            .routes
            .get(name)
            .is_some_and(|route| match route.state {
                RouteState::Live { upstream: now, .. } => {
                    (now.address, &now.instance, &now.card)
                        == (upstream.address, &upstream.instance, &upstream.card)
                }
                RouteState::Held { .. } | RouteState::Stopped => false,
            });
        (!is_so).then(|| self.routes.set(name, upstream))
    }

    fn reach(&self, agent: &AgentRecord) -> Reach {
        let Some(plane) = &agent.plane else {
            return Reach::NotRunning;
        };
        if agent.desired == Desired::Stopped || agent.state != AgentState::Active {
            return Reach::NotRunning;
        }
        match agent.address {
            Some(address) if self.peers.is_beside(plane) => Reach::At(address),
            _ => Reach::Elsewhere(format!("{} runs it", self.peers.name_of(plane))),
        }
    }

    /// The one line there is here of another control plane's instance.
    pub(crate) fn elsewhere(&self, deployment: &DeploymentRecord) -> LogLine {
        let holder = deployment.plane.as_ref();
        let holder = holder.map_or_else(String::new, |plane| self.peers.name_of(plane));
        LogLine {
            at: SystemTime::now(),
            stream: LogStream::Build,
            text: format!("Its lines are read where it runs: {holder}"),
        }
    }

    /// Whether a container was started by a control plane on the same store.
    pub(crate) async fn is_of_peer(&self, instance: &Instance) -> bool {
        let Some(installation) = instance
            .foreign
            .as_ref()
            .and_then(|foreign| foreign.installation.as_ref())
        else {
            return false;
        };
        if self.peers.is_alone() {
            return false;
        }
        let found = self
            .store
            .get::<super::record::PlaneRecord>(installation)
            .await;
        matches!(found, Ok(Some(_)))
    }

    /// Writes the end of another control plane's deployment down and waits until its instance is gone. Of one that does not
    /// live the instance is ended from here, if it is on this machine.
    pub(crate) async fn ask_peer_to_end(
        &self,
        mut deployment: DeploymentRecord,
        state: DeploymentState,
        grace: Duration,
    ) {
        let feed = self.store.subscribe(None);
        if deployment.is_open() {
            deployment.state = state;
            deployment.ended = Some(crate::time::now_ms());
            if let Err(error) = self.put_deployment(&deployment).await {
                tracing::warn!(%error, deployment = %deployment.id, "another's deployment was not ended");
                return;
            }
        }
        let Some(holder) = deployment.plane.clone() else {
            return;
        };
        if !self.peers.is_alive(&holder) {
            self.end_abandoned(deployment, &holder, grace).await;
            return;
        }
        let followed =
            self.until_followed(feed, &deployment, |deployment| deployment.plane.is_none());
        if tokio::time::timeout(grace + END_MARGIN, followed)
            .await
            .is_err()
        {
            tracing::warn!(deployment = %deployment.id, "another's instance did not end in time");
        }
    }

    /// Waits until no other control plane sends requests to a deployment of ours that was replaced.
    pub(crate) async fn until_let_go(&self, deployment: &DeploymentId, limit: Duration) {
        if self.peers.is_alone() {
            return;
        }
        let feed = self.store.subscribe(None);
        let Ok(Some(found)) = self
            .store
            .get::<DeploymentRecord>(deployment.as_str())
            .await
        else {
            return;
        };
        if found.value.plane.as_ref() != Some(self.peers.me()) {
            return;
        }
        let agent = self.agent(&found.value.agent).await;
        if agent.is_ok_and(|agent| self.peers.is_ours(&agent.value)) {
            // What replaced it is ours as well: the others hear of it by themselves.
            if self.peers.has_company() {
                tokio::time::sleep(LINGER).await;
            }
            return;
        }
        let ended = self.until_followed(feed, &found.value, |deployment| !deployment.is_open());
        let _late_ones_break = tokio::time::timeout(limit, ended).await;
    }

    /// Waits until a deployment is `done` or forgotten, or the other control plane that is to do it is gone.
    async fn until_followed(
        &self,
        mut feed: EventFeed,
        deployment: &DeploymentRecord,
        done: impl Fn(&DeploymentRecord) -> bool,
    ) {
        loop {
            match self
                .store
                .get::<DeploymentRecord>(deployment.id.as_str())
                .await
            {
                Ok(Some(found)) if !done(&found.value) => {}
                _ => return,
            }
            let other = match &deployment.plane {
                Some(plane) if plane != self.peers.me() => Some(plane.clone()),
                // Ours: whoever has the agent now.
                _ => match self.agent(&deployment.agent).await {
                    Ok(found) => found.value.plane,
                    Err(_) => None,
                },
            };
            if other.is_none_or(|other| !self.peers.is_alive(&other)) {
                return;
            }
            loop {
                match feed.next().await {
                    Ok(FeedItem::Event(event))
                        if event.subject != deployment.agent.as_str()
                            && event.topic != PLANE_CHANGED => {}
                    Err(StoreError::Closed) => return,
                    _ => break,
                }
            }
        }
    }
}
