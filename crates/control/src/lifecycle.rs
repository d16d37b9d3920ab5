//! Start, stop, restart, delete: the operations, and what their jobs do.

use std::time::{Duration, Instant};

use nasiko_contract::{
    AgentName, AgentState, DeleteAgent, DeployResult, DeploySeconds, DeploymentId, DeploymentState,
    ErrorCode, Fault, Job, RebuildAgent, RestartAgent, StartAgent, StopAgent,
};
use nasiko_store::{Batch, Expected, Query};
use serde_json::{Value, json};

use crate::{
    agents::REMOVED,
    api::{Caller, Serve},
    discover,
    jobs::Work,
    launch::{KnownCard, Launch},
    live::UpdateRecord,
    plane::ControlPlane,
    records::{
        AgentRecord, BuildRecord, DeploymentRecord, Desired, MessageRecord, SessionRecord,
        VersionRecord,
    },
    secrets::Belongs,
    supervise,
    worker::Bench,
};

/// How long open requests may go on when an agent is stopped.
const STOP_DRAIN: Duration = Duration::from_secs(5);

macro_rules! accepts {
    ($($request:ident => $work:expr;)*) => {$(
        impl Serve<$request> for ControlPlane {
            async fn serve(&self, caller: &Caller, request: $request) -> Result<Job, Fault> {
                // Asked here already, so that a wrong name is refused at once and not by a job.
                let agent = self.shared.agent(&request.agent).await?.value;
                discover::refuse(&agent)?;
                let work: fn(AgentName) -> Work = $work;
                self.shared.accept(caller, &work(agent.name)).await
            }
        }
    )*};
}

accepts! {
    StartAgent => |agent| Work::Start { agent, after: None };
    StopAgent => |agent| Work::Stop { agent };
    RestartAgent => |agent| Work::Restart { agent };
    RebuildAgent => |agent| Work::Rebuild { agent };
    DeleteAgent => |agent| Work::Delete { agent };
}

impl Bench {
    /// Starts the last good version; nothing to do if it answers. `after` makes it a start of our own, see
    /// [`Work::Start`].
    pub(crate) async fn start(
        &self,
        name: &AgentName,
        after: Option<&DeploymentId>,
    ) -> Result<Value, Fault> {
        let _one_at_a_time = self.shared.lock_agent(name, &self.cancel).await?;
        let agent = match self.shared.agent(name).await {
            Ok(found) => found.value,
            Err(fault) if after.is_some() && fault.code == ErrorCode::AgentNotFound => {
                return Ok(json!({ "agent": name }));
            }
            Err(fault) => return Err(fault),
        };
        let overtaken = after.is_some_and(|ended| {
            agent.desired == Desired::Stopped || agent.current.as_ref() != Some(ended)
        });
        if agent.state == AgentState::Active || overtaken {
            return Ok(self.result(&agent, DeploySeconds::default(), true));
        }
        let is_outdated = after.is_none() && self.shared.has_moved_on(&agent).await;
        if is_outdated || !self.shared.can_start_here(&agent).await {
            // Seldom, and large.
            return Box::pin(self.make_anew(agent)).await;
        }
        let restarts = after.map_or(0, |_| agent.restarts);
        let started = self.run_again(agent, restarts).await;
        if let (Some(ended), Err(fault)) = (after, &started)
            && fault.code != ErrorCode::Cancelled
            && !fault.retryable
        {
            supervise::start_failed(&self.shared, name, ended).await?;
        }
        started
    }

    /// Starts a new instance of the last good version and switches to it.
    pub(crate) async fn restart(&self, name: &AgentName) -> Result<Value, Fault> {
        let _one_at_a_time = self.shared.lock_agent(name, &self.cancel).await?;
        let agent = self.shared.agent(name).await?.value;
        if !self.shared.can_start_here(&agent).await {
            // Seldom, and large.
            return Box::pin(self.make_anew(agent)).await;
        }
        self.run_again(agent, 0).await
    }

    /// Starts a new instance of the last good version, the `restarts`-th in a row that no person asked for.
    async fn run_again(&self, agent: AgentRecord, restarts: u32) -> Result<Value, Fault> {
        let shared = &self.shared;
        let name = &agent.name;
        let plan = agent.plan.clone().ok_or_else(|| {
            Fault::new(
                ErrorCode::WrongState,
                format!("No version of `{name}` ever answered"),
            )
            .hint(format!("Mend it, then `nasiko rebuild {name}`"))
        })?;
        let begun = Instant::now();
        let wanted_before = agent.desired;
        self.report.step(0.1, "Starting");
        shared
            .change_agent(name, |agent, _| {
                agent.desired = Desired::Running;
                agent.restarts = restarts;
                agent.be_at("Starting");
            })
            .await?;
        let known = KnownCard {
            json: agent.card.clone(),
            generated: agent.card_generated,
        };
        let switched = async {
            let note = |line: String| self.report.line(line);
            let launch = Launch {
                agent: name,
                plan: &plan,
                known_card: &known,
                standby: None,
                also: Batch::new(),
                note: &note,
            };
            let launched = shared.launch_beside(&agent, launch, &self.cancel).await?;
            shared
                .switch(name, &plan, launched, |_, batch| self.fence(batch))
                .await
        };
        if let Err(fault) = switched.await {
            self.give_up(name, &fault).await;
            if fault.code == ErrorCode::Cancelled {
                shared
                    .change_agent(name, |agent, _| agent.desired = wanted_before)
                    .await?;
            }
            return Err(fault);
        }
        // What was edited while it did not run.
        shared.live.wake(name);
        let took = begun.elapsed().as_secs_f64();
        let agent = shared.agent(name).await?.value;
        Ok(self.result(
            &agent,
            DeploySeconds {
                start: took,
                total: took,
                ..DeploySeconds::default()
            },
            false,
        ))
    }

    /// Stops the agent; it stays known, with its logs.
    pub(crate) async fn stop(&self, name: &AgentName) -> Result<Value, Fault> {
        let _one_at_a_time = self.shared.lock_agent(name, &self.cancel).await?;
        self.report.step(0.1, "Stopping");
        let agent = self
            .shared
            .change_agent(name, |agent, _| {
                agent.desired = Desired::Stopped;
                "Stopping".clone_into(&mut agent.activity);
            })
            .await?;
        self.shared.outdate_standby(name).await;
        self.end_current(&agent).await;
        let agent = self
            .shared
            .change_agent(name, |agent, _| {
                agent.activity.clear();
                agent.state = AgentState::Stopped;
                agent.fault = None;
                agent.restarts = 0;
            })
            .await?;
        Ok(self.result(&agent, DeploySeconds::default(), false))
    }

    /// Stops the agent and forgets it with its history, secrets and conversations. The person's folder is not touched.
    pub(crate) async fn delete(&self, name: &AgentName) -> Result<Value, Fault> {
        let shared = &self.shared;
        let _one_at_a_time = shared.lock_agent(name, &self.cancel).await?;
        self.report.step(0.1, "Stopping");
        let changed = shared
            .change_agent(name, |agent, _| {
                agent.desired = Desired::Stopped;
                "Removing".clone_into(&mut agent.activity);
            })
            .await;
        let agent = match changed {
            Ok(agent) => agent,
            // Removed by a job before this one, or by this one before it could say so.
            Err(fault) if fault.code == ErrorCode::AgentNotFound => {
                return Ok(json!({ "agent": name }));
            }
            Err(fault) => return Err(fault),
        };
        shared.end_watch(name).await;
        self.end_current(&agent).await;
        for deployment in shared.history::<DeploymentRecord>(name).await? {
            shared
                .end_deployment(&deployment.id, DeploymentState::Stopped)
                .await;
        }
        let _nothing_answers_any_more = shared.routes.remove(name.as_str());
        shared.credentials.revoke(name.as_str());
        shared.forget_all(Belongs::Agent(name)).await?;
        shared.forget_all(Belongs::Deploy(name)).await?;
        shared.forget_all(Belongs::Gateway(name)).await?;
        shared.forget_all(Belongs::Folder(name)).await?;
        let mut batch = Batch::new();
        let mut sessions = Query::of(name.as_str()).limit(Batch::MAX_CHANGES / 2);
        loop {
            let page = shared.store.list::<SessionRecord>(sessions.clone()).await?;
            for session in page.items {
                batch.delete_children::<MessageRecord>(session.value.session.id.as_str());
            }
            let Some(next) = page.next else { break };
            // A batch holds so many changes; conversations that are gone already are no loss if the rest fails.
            shared.store.commit(std::mem::take(&mut batch)).await?;
            sessions = sessions.after(Some(next));
        }
        shared.forget_pins(name, &mut batch).await?;
        batch
            .delete_children::<SessionRecord>(name.as_str())
            .delete_children::<VersionRecord>(name.as_str())
            .delete_children::<BuildRecord>(name.as_str())
            .delete_children::<DeploymentRecord>(name.as_str())
            .delete_children::<UpdateRecord>(name.as_str())
            .delete::<AgentRecord>(name.as_str(), Expected::Any)
            .event(REMOVED, name.as_str(), json!({ "name": name }));
        shared.store.commit(batch).await?;
        shared.forget_images(name, &[]).await;
        crate::home::discard(&shared.home.sources(name)).await;
        crate::home::discard(&shared.home.live(name)).await;
        Ok(json!({ "agent": name }))
    }

    /// Takes the agent off the gateway, lets open requests finish, and ends its instance. Its logs stay until the next
    /// start.
    async fn end_current(&self, agent: &AgentRecord) {
        let drain = self.shared.routes.suspend(agent.name.as_str());
        drain.finished(STOP_DRAIN).await;
        if let Some(current) = &agent.current {
            self.shared
                .stop_deployment(current, DeploymentState::Stopped)
                .await;
        }
    }

    /// What a job that brings an agent to life gives.
    pub(crate) fn result(
        &self,
        agent: &AgentRecord,
        seconds: DeploySeconds,
        unchanged: bool,
    ) -> Value {
        serde_json::to_value(DeployResult {
            agent: agent.name.clone(),
            version: agent.version.clone(),
            runtime: agent.runtime,
            url: self.shared.agent_url(&agent.name),
            unchanged,
            seconds,
        })
        .unwrap_or_default()
    }
}
