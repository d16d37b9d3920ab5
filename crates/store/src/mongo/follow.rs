//! Hearing of other control planes' commits from MongoDB itself, where there is no Redis.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use mongodb::bson::{Document, doc};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{catch_up::Head, replica::Replica, schema::JOURNAL, server::Server};
use crate::StoreError;

/// How often to look on a server without change streams, and how long to wait before following again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Wakes for each commit of another control plane, until dropped: through a change stream where the server is a replica
/// set, else by looking at the head once a second.
pub(super) async fn follow(server: Server, replica: Arc<Mutex<Replica>>, woken: Arc<Notify>) {
    loop {
        let outcome = match server.is_replica_set().await {
            Ok(true) => watch(&server, &replica, &woken).await,
            Ok(false) => look(&server, &replica, &woken).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "not following other control planes");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        woken.notify_one();
    }
}

async fn watch(
    server: &Server,
    replica: &Mutex<Replica>,
    woken: &Notify,
) -> Result<(), StoreError> {
    let inserts = doc! { "$match": { "operationType": "insert" } };
    let brief = doc! { "$project": { "_id": 1, "operationType": 1, "ns": 1, "documentKey": 1 } };
    let mut stream = server.watch(JOURNAL, [inserts, brief]).await?;
    woken.notify_one();
    while let Some(change) = stream.next().await {
        let change = change.map_err(|error| server.unavailable(error.kind.to_string()))?;
        let n = change
            .document_key
            .as_ref()
            .and_then(|key: &Document| key.get_i64("_id").ok());
        if n.is_none_or(|n| n > replica.lock().committed.n) {
            woken.notify_one();
        }
    }
    Ok(())
}

async fn look(server: &Server, replica: &Mutex<Replica>, woken: &Notify) -> Result<(), StoreError> {
    loop {
        let head = Head::read(server).await?;
        if head.counters.n != replica.lock().committed.n {
            woken.notify_one();
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
