//! What each save did: the records, and the operation that lists them.

use nasiko_contract::{
    AgentName, ErrorCode, Fault, ListUpdates, Page, Update, UpdateId, UpdateState,
};
use nasiko_store::{Batch, Expected, Query, Record};
use serde::{Deserialize, Serialize};

use crate::{
    agents::page_query,
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
};

/// The topic of an update's begin and end; its data is the `Update`.
pub(crate) const CHANGED: &str = "update.changed";
/// Updates that are kept of an agent.
const KEPT: usize = 500;
/// Updates of all agents that figures are made of.
const COUNTED: usize = 2_000;
/// Files that are told of an update.
pub(super) const TOLD_FILES: usize = 100;

/// An update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpdateRecord(pub(crate) Update);

impl Record for UpdateRecord {
    const KIND: &'static str = "update";

    fn id(&self) -> &str {
        self.0.id.as_str()
    }

    fn parent(&self) -> Option<&str> {
        Some(self.0.agent.as_str())
    }
}

/// Adds an update's change to a batch, with its event.
pub(super) fn add(batch: &mut Batch, update: &Update) {
    batch
        .put(&UpdateRecord(update.clone()), Expected::Any)
        .event(CHANGED, update.agent.as_str(), update);
}

/// The id of an update that begins now.
pub(super) fn new_id() -> UpdateId {
    UpdateId(uuid::Uuid::now_v7().to_string())
}

impl Shared {
    /// Writes an update down, with its event.
    pub(super) async fn put_update(&self, update: &Update) -> Result<(), Fault> {
        let mut batch = Batch::new();
        add(&mut batch, update);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// The content of the newest update if that failed and will not pass by itself.
    pub(super) async fn failed_content(&self, agent: &AgentName) -> Result<Option<String>, Fault> {
        let newest = self.updates(agent, 1).await?.pop();
        Ok(newest
            .filter(|update| {
                update.state == UpdateState::Failed
                    && update.fault.as_ref().is_some_and(|fault| !fault.retryable)
            })
            .map(|update| update.content_hash))
    }

    /// Ends the records of updates that an earlier run left open.
    pub(super) async fn close_updates(&self, agent: &AgentName) -> Result<(), Fault> {
        let mut batch = Batch::new();
        for mut update in self.updates(agent, KEPT).await? {
            if update.state == UpdateState::Applying {
                update.state = UpdateState::Superseded;
                let ended =
                    "The control plane ended before it was live; the folder was compared anew";
                update.fault = Some(Fault::new(ErrorCode::Cancelled, ended));
                add(&mut batch, &update);
            }
        }
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// Forgets an agent's oldest updates beyond those that are kept.
    pub(super) async fn trim_updates(&self, agent: &AgentName) -> Result<(), Fault> {
        let query = Query::of(agent.as_str()).descending().limit(KEPT);
        let Some(beyond) = self.store.list::<UpdateRecord>(query.clone()).await?.next else {
            return Ok(());
        };
        let old = self
            .store
            .list::<UpdateRecord>(query.after(Some(beyond)))
            .await?;
        let mut batch = Batch::new();
        for old in old.items {
            batch.delete::<UpdateRecord>(old.value.0.id.as_str(), Expected::Any);
        }
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// The updates of one agent or of all that began since then (Unix milliseconds), newest first.
    pub(crate) async fn saves_since(
        &self,
        agent: Option<&AgentName>,
        since: u64,
    ) -> Result<Vec<Update>, Fault> {
        let mut query = Query {
            parent: agent.map(ToString::to_string),
            descending: true,
            ..Query::all()
        };
        let mut updates = Vec::new();
        loop {
            let page = self.store.list::<UpdateRecord>(query.clone()).await?;
            for found in page.items {
                let update = found.value.0;
                if u64::try_from(update.at).unwrap_or(0) < since || updates.len() >= COUNTED {
                    return Ok(updates);
                }
                updates.push(update);
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(updates),
            }
        }
    }

    /// An agent's newest updates, newest first.
    async fn updates(&self, agent: &AgentName, limit: usize) -> Result<Vec<Update>, Fault> {
        let query = Query::of(agent.as_str()).descending().limit(limit);
        let page = self.store.list::<UpdateRecord>(query).await?;
        Ok(page.items.into_iter().map(|found| found.value.0).collect())
    }
}

impl Serve<ListUpdates> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListUpdates) -> Result<Page<Update>, Fault> {
        let shared = &self.shared;
        let agent = shared.agent(&request.agent).await?.value.name;
        let query = Query {
            parent: Some(agent.to_string()),
            descending: true,
            ..page_query(request.cursor, request.limit)
        };
        let page = shared.store.list::<UpdateRecord>(query).await?;
        Ok(Page {
            items: page.items.into_iter().map(|found| found.value.0).collect(),
            next_cursor: page.next.map(|cursor| cursor.0),
        })
    }
}
