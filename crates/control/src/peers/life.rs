//! Signs of life: this control plane's own, and those of the others.

use nasiko_contract::Fault;
use nasiko_store::{Batch, Expected, Query};

use super::{
    PLANE_CHANGED, Peers, PlaneId,
    record::{Left, PlaneRecord},
};
use crate::{plane::Shared, worker};

/// Control planes that were not seen for so long, and have no agents, are forgotten.
const FORGOTTEN_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;

impl Shared {
    /// Writes down that this control plane lives; or that it leaves, which is news like its coming.
    pub(super) async fn show_life(&self, left: Option<Left>, is_news: bool) -> Result<(), Fault> {
        let Peers { me, machine, .. } = &self.peers;
        let now = crate::time::now_ms();
        let record = PlaneRecord {
            id: me.clone(),
            host: machine.host.clone(),
            api: self.addresses.api.clone(),
            loopback: machine.loopback.clone(),
            seen: now,
            left,
        };
        let mut batch = Batch::new();
        batch.put(&record, Expected::Any);
        if is_news {
            batch.event(PLANE_CHANGED, me.0.as_str(), record.shown(now));
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Reads who else there is.
    pub(super) async fn meet(&self) -> Result<(), Fault> {
        let query = Query::all().limit(Query::MAX_LIMIT);
        let planes = self.store.list::<PlaneRecord>(query).await?.items;
        let others = planes
            .into_iter()
            .map(|found| (found.value.id.clone(), found.value))
            .filter(|(id, _)| *id != self.peers.me);
        *self.peers.others.lock() = others.collect();
        Ok(())
    }

    /// Forgets control planes that are long gone and have no agents.
    pub(super) async fn forget_planes(&self) -> Result<(), Fault> {
        let since = crate::time::now_ms() - FORGOTTEN_AFTER_MS;
        let agents = self.all_agents().await?;
        let has_agents = |plane: &PlaneId| {
            agents
                .iter()
                .any(|agent| agent.plane.as_ref() == Some(plane))
        };
        let mut batch = Batch::new();
        self.peers.others.lock().retain(|id, other| {
            let stays = other.seen > since || has_agents(id);
            if !stays {
                batch.delete::<PlaneRecord>(id.0.as_str(), Expected::Any);
            }
            stays
        });
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// Leaves the others at once what this control plane will not finish. Nothing of it may run any more.
    pub(crate) async fn leave(&self) {
        if self.peers.is_alone() {
            return;
        }
        let left = if self.ending.is_cancelled() {
            Left::AgentsEnded
        } else {
            Left::AgentsRun
        };
        let leaving = async {
            self.store.jobs().release_all(&worker::name(self)).await?;
            self.show_life(Some(left), true).await
        };
        if let Err(fault) = leaving.await {
            tracing::warn!(%fault, "the other control planes were not told of the end");
        }
    }
}
