//! Agents in containers that somebody else started: routed when they start, looked at in the background, gone when they
//! end. Must never start, change or end a container.
//!
//! One task does all of it, so that the route and the record of such an agent never disagree. Containers of one name
//! and one purpose (see [`nasiko_runtime::Foreign::group`]) are one agent: the newest that answers is called, as with
//! an update of our own.

mod claim;
mod look;
mod show;

use std::{collections::HashMap, sync::Arc};

use nasiko_contract::{AgentName, DeploymentId, ErrorCode, Fault, Finding};
use nasiko_runtime::{Instance, InstanceId, Runtime as _, RuntimeEvent};
use nasiko_store::{Batch, Expected};
use serde_json::json;
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    mpsc,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::look::{Found, Look};
use crate::{
    agents::{CHANGED, REMOVED},
    launch,
    plane::Shared,
    records::{AgentRecord, DeploymentRecord, Source},
};

/// Answers of containers that may wait to be noted.
const LOOKS: usize = 64;

/// Begins to follow what others start, with what runs already; until the control plane ends.
pub(crate) fn start(shared: &Arc<Shared>) {
    // Before anything is listed: what starts meanwhile is noticed.
    let events = shared.docker.events();
    let (looked, looks) = mpsc::channel(LOOKS);
    let discovery = Discovery {
        shared: Arc::clone(shared),
        here: HashMap::new(),
        called: HashMap::new(),
        looked,
    };
    shared.spawn(discovery.run(events, looks));
}

/// Refuses what only whoever started a container can do to it.
pub(crate) fn refuse(agent: &AgentRecord) -> Result<(), Fault> {
    let Source::Container {
        container,
        project,
        group,
        ..
    } = &agent.source
    else {
        return Ok(());
    };
    let hint = match (project, group) {
        (Some(project), _) => format!(
            "Use Compose, which started it: `docker compose --project-name {project} stop`, `restart` and so on"
        ),
        (None, Some(_)) => "Another control plane on this engine runs it: do it there".to_owned(),
        (None, None) => format!("Use the tool that started it, e.g. `docker stop {container}`"),
    };
    Err(Fault::new(
        ErrorCode::WrongState,
        format!(
            "`{}` is a container that somebody else started: it is only called from here",
            agent.name
        ),
    )
    .hint(hint))
}

/// All that runs and is not ours.
struct Discovery {
    shared: Arc<Shared>,
    here: HashMap<InstanceId, Here>,
    /// Of several containers of one agent, the one that is called.
    called: HashMap<AgentName, InstanceId>,
    looked: mpsc::Sender<(InstanceId, Look)>,
}

/// A container that runs.
struct Here {
    agent: AgentName,
    instance: Instance,
    findings: Vec<Finding>,
    /// What it answered.
    found: Option<Found>,
    /// Ends the looking.
    _looking: DropGuard,
}

impl Discovery {
    async fn run(
        mut self,
        mut events: Receiver<RuntimeEvent>,
        mut looks: mpsc::Receiver<(InstanceId, Look)>,
    ) {
        let shared = Arc::clone(&self.shared);
        self.compare().await;
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Ok(RuntimeEvent::Started { instance, ours: false }) => self.appeared(instance, None).await,
                    Ok(RuntimeEvent::Left(id)) => self.left(&id).await,
                    Ok(RuntimeEvent::EngineUp) | Err(RecvError::Lagged(_)) => self.compare().await,
                    Ok(RuntimeEvent::EngineDown { reason }) => self.lost(&engine_stopped(reason)).await,
                    Ok(RuntimeEvent::Started { .. } | RuntimeEvent::Exited(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                Some((id, look)) = looks.recv() => self.looked(&id, look).await,
                () = shared.peers.discover_again.notified() => self.compare().await,
            }
        }
    }

    /// Compares what is known with what runs.
    async fn compare(&mut self) {
        let running = match self.shared.docker.foreign().await {
            Ok(running) => running,
            Err(error) => return self.lost(&error.into()).await,
        };
        let ids: Vec<&InstanceId> = running.iter().map(|instance| &instance.id).collect();
        let gone: Vec<InstanceId> = self
            .here
            .keys()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect();
        for id in gone {
            self.left(&id).await;
        }
        let mut names = HashMap::new();
        for agent in self.known().await {
            let Source::Container { id, .. } = &agent.source else {
                continue;
            };
            if ids.iter().any(|running| running.as_str() == id) {
                names.insert(InstanceId::new(id), agent.name);
            } else if !self.called.contains_key(&agent.name) && self.shared.peers.is_ours(&agent) {
                self.forget(&agent.name).await;
            }
        }
        let mut running = running;
        running.sort_by_key(|instance| instance.started_at);
        for instance in running {
            let name = names.remove(&instance.id);
            self.appeared(instance, name).await;
        }
    }

    /// The agents that are remembered as containers of somebody else.
    async fn known(&self) -> Vec<AgentRecord> {
        match self.shared.all_agents().await {
            Ok(agents) => agents
                .into_iter()
                .filter(|agent| agent.source.is_foreign())
                .collect(),
            Err(fault) => {
                tracing::warn!(%fault, "containers of others could not be compared with what is known");
                Vec::new()
            }
        }
    }

    /// A container runs, or is seen in another light. `name` is how it was shown before.
    async fn appeared(&mut self, instance: Instance, name: Option<AgentName>) {
        // Whoever started it sees to it.
        if self.shared.is_of_peer(&instance).await {
            return;
        }
        let id = instance.id.clone();
        if let Some(here) = self.here.get_mut(&id) {
            let is_the_same = here.instance.agent == instance.agent
                && show::addresses(&here.instance) == show::addresses(&instance);
            if is_the_same {
                here.instance = instance;
                return;
            }
            self.left(&id).await;
        }
        let shown = match self.show(instance, name).await {
            Ok(shown) => shown,
            Err(fault) => {
                tracing::warn!(%fault, container = %id, "a container of somebody else could not be shown");
                return;
            }
        };
        tracing::info!(agent = %shown, container = %id, "somebody else started an agent");
    }

    async fn show(
        &mut self,
        instance: Instance,
        name: Option<AgentName>,
    ) -> Result<AgentName, Fault> {
        let claim = claim::claim(&self.shared, &instance, name).await?;
        let looking = CancellationToken::new();
        let id = instance.id.clone();
        let name = claim.name.clone();
        let here = Here {
            agent: name.clone(),
            instance,
            findings: claim.findings,
            found: None,
            _looking: looking.clone().drop_guard(),
        };
        look::begin(
            &self.shared,
            here.instance.clone(),
            self.looked.clone(),
            looking,
        );
        self.here.insert(id.clone(), here);
        // What answers for the agent goes on until the new one does.
        if !self.called.contains_key(&name) {
            self.call(&id).await?;
        }
        drop(claim.one_at_a_time);
        Ok(name)
    }

    /// Makes a container the one that is called: first the route, then what everybody sees.
    async fn call(&mut self, id: &InstanceId) -> Result<(), Fault> {
        let Some(here) = self.here.get(id) else {
            return Ok(());
        };
        let shared = &self.shared;
        let name = &here.agent;
        let found = shared.store.get::<AgentRecord>(name.as_str()).await?;
        let url = shared.agent_url(name);
        let deployment = deployment_of(here);
        let address = here.found.as_ref().map(|found| found.address);
        let seen = show::Seen {
            instance: &here.instance,
            findings: &here.findings,
            found: here.found.as_ref(),
            url: &url,
        };
        let mut agent = match &found {
            Some(found) => found.value.clone(),
            None => seen.agent(name),
        };
        seen.apply(&mut agent, shared.peers.me());
        let _open_requests_finish = match address.or(here.instance.address) {
            Some(address) => shared.routes.set(
                name.as_str(),
                launch::upstream(&deployment.id, address, &agent.card),
            ),
            None => shared.routes.suspend(name.as_str()),
        };
        self.called.insert(name.clone(), id.clone());
        if found.is_some() {
            let changing = shared.change_agent(name, |agent, batch| {
                seen.apply(agent, shared.peers.me());
                launch::add_deployment(batch, &deployment);
            });
            return changing.await.map(drop);
        }
        let mut batch = Batch::new();
        batch.put(&agent, Expected::New);
        batch.event(CHANGED, name.as_str(), shared.summary(&agent));
        launch::add_deployment(&mut batch, &deployment);
        shared.store.commit(batch).await?;
        Ok(())
    }

    /// A container answered, or did not in time.
    async fn looked(&mut self, id: &InstanceId, look: Look) {
        let Some(here) = self.here.get_mut(id) else {
            return;
        };
        let name = here.agent.clone();
        let is_called = self.called.get(&name) == Some(id);
        let noted = match look {
            Look::Answers(found) => {
                here.found = Some(found);
                if self.newest(&name).as_ref() == Some(id) {
                    self.call(id).await
                } else {
                    Ok(())
                }
            }
            Look::Late(fault) if is_called => {
                let changing = self.shared.change_agent(&name, |agent, _| {
                    agent.state = nasiko_contract::AgentState::Failed;
                    agent.activity.clear();
                    agent.fault = Some(fault.clone());
                });
                changing.await.map(drop)
            }
            Look::Late(_) => Ok(()),
        };
        if let Err(fault) = noted {
            tracing::warn!(%fault, agent = %name, "what a container answered was not noted");
        }
    }

    /// Of an agent's containers, the newest that answers, else the newest.
    fn newest(&self, agent: &AgentName) -> Option<InstanceId> {
        self.here
            .iter()
            .filter(|(_, here)| here.agent == *agent)
            .max_by_key(|(_, here)| (here.found.is_some(), here.instance.started_at))
            .map(|(id, _)| id.clone())
    }

    /// A container is no agent any more: another one of its agent is called, or the agent goes with it.
    async fn left(&mut self, id: &InstanceId) {
        let Some(gone) = self.here.remove(id) else {
            return;
        };
        self.shared
            .dialects
            .lock()
            .remove(&DeploymentId(id.to_string()));
        if self.called.get(&gone.agent) != Some(id) {
            return;
        }
        self.called.remove(&gone.agent);
        match self.newest(&gone.agent) {
            Some(next) => {
                if let Err(fault) = self.call(&next).await {
                    tracing::warn!(%fault, agent = %gone.agent, "another container of an agent could not be called");
                }
            }
            None => self.forget(&gone.agent).await,
        }
    }

    /// Takes an agent off the gateway and out of every list. Its conversations stay for when it comes back.
    async fn forget(&self, name: &AgentName) {
        let _nothing_answers_any_more = self.shared.routes.remove(name.as_str());
        let mut batch = Batch::new();
        batch
            .delete_children::<DeploymentRecord>(name.as_str())
            .delete::<AgentRecord>(name.as_str(), Expected::Any)
            .event(REMOVED, name.as_str(), json!({ "name": name }));
        match self.shared.store.commit(batch).await {
            Ok(_) => tracing::info!(agent = %name, "an agent of somebody else left"),
            Err(error) => {
                tracing::warn!(%error, agent = %name, "an agent that left could not be forgotten");
            }
        }
    }

    /// While the engine does not answer, nobody knows how these agents are.
    async fn lost(&mut self, fault: &Fault) {
        self.here.clear();
        self.called.clear();
        for agent in self.known().await {
            if !self.shared.peers.is_ours(&agent) {
                continue;
            }
            let _open_requests_end_by_themselves = self.shared.routes.suspend(agent.name.as_str());
            let changing = self.shared.change_agent(&agent.name, |agent, _| {
                agent.state = nasiko_contract::AgentState::Failed;
                agent.activity.clear();
                agent.fault = Some(fault.clone());
            });
            if let Err(error) = changing.await {
                tracing::warn!(%error, agent = %agent.name, "the loss of the engine could not be noted");
            }
        }
    }
}

/// A container as a deployment: its lines and figures are found by it.
fn deployment_of(here: &Here) -> DeploymentRecord {
    DeploymentRecord {
        id: DeploymentId(here.instance.id.to_string()),
        agent: here.agent.clone(),
        version: here.instance.version.clone(),
        content_hash: String::new(),
        runtime: nasiko_contract::RuntimeKind::Docker,
        state: nasiko_contract::DeploymentState::Running,
        instance: here.instance.handle.clone(),
        env_fingerprint: String::new(),
        started: crate::time::millis(here.instance.started_at),
        ended: None,
        fault: None,
        plane: None,
    }
}

/// The fault of everything in an engine that stopped.
pub(crate) fn engine_stopped(reason: String) -> Fault {
    Fault::new(
        ErrorCode::EngineStopped,
        "The container engine stopped answering",
    )
    .hint("Start Docker: the agents are taken up again by themselves")
    .evidence([reason])
    .retryable()
}
