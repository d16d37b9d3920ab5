//! Reading and changing agents. Every change goes through [`Shared::change_agent`], which appends the event.

use nasiko_contract::{
    AgentDetail, AgentName, AgentSummary, ErrorCode, Fault, GetAgent, ListAgents, Page,
};
use nasiko_store::{Batch, Cursor, Expected, Query, Record, StoreError, Versioned};

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
    records::{AgentRecord, BuildRecord, DeploymentRecord, VersionRecord},
};

/// How often a change is tried again when somebody else changed the record meanwhile.
const CHANGE_TRIES: usize = 16;
/// Versions, builds and deployments shown of an agent.
const HISTORY: usize = 50;

/// The topic of an agent's change; its data is an `AgentSummary`.
pub(crate) const CHANGED: &str = "agent.changed";
/// The topic of an agent's end.
pub(crate) const REMOVED: &str = "agent.removed";

impl Shared {
    /// An agent, or the fault that names the nearest one.
    pub(crate) async fn agent(&self, name: &AgentName) -> Result<Versioned<AgentRecord>, Fault> {
        if let Some(found) = self.store.get::<AgentRecord>(name.as_str()).await? {
            return Ok(found);
        }
        let names: Vec<String> = self
            .all_agents()
            .await?
            .into_iter()
            .map(|agent| agent.name.0)
            .collect();
        let fault = Fault::new(
            ErrorCode::AgentNotFound,
            format!("There is no agent named `{name}`"),
        );
        Err(
            match nasiko_workshop::name::nearest(name.as_str(), names.iter().map(String::as_str)) {
                Some(nearest) => fault.hint(format!("Did you mean `{nearest}`?")),
                None if names.is_empty() => {
                    fault.hint("There are no agents yet: `nasiko deploy PATH` adds one")
                }
                None => fault
                    .hint("`nasiko ps` lists the agents there are")
                    .evidence(names),
            },
        )
    }

    /// Every agent.
    pub(crate) async fn all_agents(&self) -> Result<Vec<AgentRecord>, Fault> {
        let mut agents = Vec::new();
        let mut query = Query {
            limit: Query::MAX_LIMIT,
            ..Query::default()
        };
        loop {
            let page = self.store.list::<AgentRecord>(query.clone()).await?;
            agents.extend(page.items.into_iter().map(|found| found.value));
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(agents),
            }
        }
    }

    /// The row that everybody sees.
    pub(crate) fn summary(&self, agent: &AgentRecord) -> AgentSummary {
        agent.summary(self.agent_url(&agent.name))
    }

    /// Changes an agent: reads, lets `change` work on the record and add to the batch, writes all of it with the event,
    /// and starts over when somebody else was faster. `change` may run several times.
    pub(crate) async fn change_agent(
        &self,
        name: &AgentName,
        mut change: impl FnMut(&mut AgentRecord, &mut Batch),
    ) -> Result<AgentRecord, Fault> {
        for _ in 0..CHANGE_TRIES {
            let found = self.agent(name).await?;
            let mut agent = found.value.clone();
            let mut batch = Batch::new();
            change(&mut agent, &mut batch);
            if agent == found.value && batch.is_empty() {
                return Ok(agent);
            }
            if agent.state != found.value.state {
                agent.since = crate::time::now_ms();
            }
            batch.put(&agent, Expected::Exactly(found.version));
            batch.event(CHANGED, name.as_str(), self.summary(&agent));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(agent),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::new(
            ErrorCode::Conflict,
            format!("`{name}` is being changed by too many at once"),
        )
        .retryable())
    }

    /// Adds an agent that is not there yet; `false` if it is.
    pub(crate) async fn add_agent(&self, agent: &AgentRecord) -> Result<bool, Fault> {
        let mut batch = Batch::new();
        batch.put(agent, Expected::New);
        batch.event(CHANGED, agent.name.as_str(), self.summary(agent));
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Nobody is at work on an agent any more, because of `fault`: it shows how it is.
    pub(crate) async fn come_to_rest(&self, name: &AgentName, fault: &Fault) {
        let noted = self
            .change_agent(name, |agent, _| agent.come_to_rest(fault))
            .await;
        match noted {
            Err(error) if error.code != ErrorCode::AgentNotFound => {
                tracing::warn!(%error, agent = %name, "how an agent is could not be noted");
            }
            _ => {}
        }
    }

    /// Forgets an agent's oldest versions, builds and deployments beyond those that are shown.
    pub(crate) async fn trim_history(&self, name: &AgentName) {
        if let Err(fault) = self.forget_beyond_history(name).await {
            tracing::warn!(%fault, agent = %name, "old history was left");
        }
    }

    async fn forget_beyond_history(&self, name: &AgentName) -> Result<(), Fault> {
        let Some(agent) = self.store.get::<AgentRecord>(name.as_str()).await? else {
            return Ok(());
        };
        let AgentRecord { current, plan, .. } = agent.value;
        let mut batch = Batch::new();
        for old in self.beyond_history::<DeploymentRecord>(name).await? {
            if old.ended.is_some() && current.as_ref() != Some(&old.id) {
                batch.delete::<DeploymentRecord>(old.id.as_str(), Expected::Any);
            }
        }
        for old in self.beyond_history::<BuildRecord>(name).await? {
            if old.ended.is_some() {
                batch.delete::<BuildRecord>(old.job.as_str(), Expected::Any);
            }
        }
        for old in self.beyond_history::<VersionRecord>(name).await? {
            let runs = plan
                .as_ref()
                .is_some_and(|plan| plan.content_hash == old.content_hash);
            if !runs {
                batch.delete::<VersionRecord>(old.id, Expected::Any);
            }
        }
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// What is too old to be shown.
    async fn beyond_history<T: Record>(&self, agent: &AgentName) -> Result<Vec<T>, Fault> {
        let mut newest = self.newest::<T>(agent, 2 * HISTORY).await?;
        Ok(newest.split_off(newest.len().min(HISTORY)))
    }

    /// The newest records of a kind that belong to an agent.
    pub(crate) async fn history<T: Record>(&self, agent: &AgentName) -> Result<Vec<T>, Fault> {
        self.newest(agent, HISTORY).await
    }

    async fn newest<T: Record>(&self, agent: &AgentName, limit: usize) -> Result<Vec<T>, Fault> {
        let query = Query {
            parent: Some(agent.as_str().to_owned()),
            limit,
            descending: true,
            ..Query::default()
        };
        Ok(self
            .store
            .list::<T>(query)
            .await?
            .items
            .into_iter()
            .map(|found| found.value)
            .collect())
    }
}

/// A page's bounds as they came from outside.
pub(crate) fn page_query(cursor: Option<String>, limit: Option<u32>) -> Query {
    Query {
        after: cursor.map(Cursor),
        limit: limit
            .map_or(100, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
            .clamp(1, Query::MAX_LIMIT),
        ..Query::default()
    }
}

impl Serve<ListAgents> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListAgents) -> Result<Page<AgentSummary>, Fault> {
        let page = self
            .shared
            .store
            .list::<AgentRecord>(page_query(request.cursor, request.limit))
            .await?;
        Ok(Page {
            items: page
                .items
                .iter()
                .map(|found| self.shared.summary(&found.value))
                .collect(),
            next_cursor: page.next.map(|cursor| cursor.0),
        })
    }
}

impl Serve<GetAgent> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetAgent) -> Result<AgentDetail, Fault> {
        let shared = &self.shared;
        let agent = shared.agent(&request.agent).await?.value;
        let secrets = shared.secrets_of(&agent.name).await?;
        Ok(AgentDetail {
            summary: shared.summary(&agent),
            card: shared.public_card(&agent),
            card_generated: agent.card_generated,
            env: agent
                .env_needs
                .iter()
                .cloned()
                .map(|mut need| {
                    need.satisfied =
                        need.satisfied || secrets.iter().any(|secret| secret.name == need.name);
                    need
                })
                .collect(),
            secrets: secrets.into_iter().map(|secret| secret.name).collect(),
            findings: agent.findings,
            versions: shared
                .history::<VersionRecord>(&agent.name)
                .await?
                .into_iter()
                .map(Into::into)
                .collect(),
            builds: shared
                .history::<BuildRecord>(&agent.name)
                .await?
                .into_iter()
                .map(Into::into)
                .collect(),
            deployments: shared
                .history::<DeploymentRecord>(&agent.name)
                .await?
                .into_iter()
                .map(Into::into)
                .collect(),
        })
    }
}
