//! Telling the other control planes of commits, and hearing of theirs.

use std::{sync::Arc, time::Duration};

use redis::streams::StreamReadReply;
use tokio::sync::{Notify, watch};

use super::{
    Blocking, Link,
    link::{BLOCK, milliseconds},
};
use crate::StoreError;

/// Commits that the stream remembers. Who missed some catches up from the database, so a few are plenty.
const KEPT: usize = 64;
/// How often to look for others' commits while Redis is away, and to try whether it is back.
const WITHOUT_REDIS: Duration = Duration::from_secs(1);
/// Announcements read at once: one wakes as well as many.
const READ: usize = 64;

/// The stream of commits of a database.
fn stream(database: &str) -> String {
    format!("nasiko:{database}:commits")
}

/// Announces commits until the sender of `last` is gone. Bursts are announced as one.
pub(crate) async fn announce(
    link: Link,
    database: String,
    plane: String,
    mut last: watch::Receiver<i64>,
) {
    let stream = stream(&database);
    while last.changed().await.is_ok() {
        let n = *last.borrow_and_update();
        let mut command = redis::cmd("XADD");
        command
            .arg(&stream)
            .arg("MAXLEN")
            .arg("~")
            .arg(KEPT)
            .arg("*")
            .arg("n")
            .arg(n)
            .arg("plane")
            .arg(&plane);
        if let Err(error) = link.ask::<String>(&command).await {
            // The others look by themselves until Redis is back.
            tracing::debug!(%error, commit = n, "commit not announced");
        }
    }
}

/// Wakes for each commit of another control plane, until dropped.
pub(crate) async fn follow(link: Link, database: String, plane: String, woken: Arc<Notify>) {
    let stream = stream(&database);
    loop {
        if let Err(error) = listen(&link, &stream, &plane, &woken).await {
            tracing::debug!(%error, "no announcements of commits");
        }
        // What was announced while nobody listened has to be looked for.
        woken.notify_one();
        tokio::time::sleep(WITHOUT_REDIS).await;
    }
}

async fn listen(link: &Link, stream: &str, plane: &str, woken: &Notify) -> Result<(), StoreError> {
    let mut connection: Blocking = link.blocking().await?;
    let mut after = last_id(&mut connection, stream).await?;
    woken.notify_one();
    loop {
        let mut command = redis::cmd("XREAD");
        command
            .arg("COUNT")
            .arg(READ)
            .arg("BLOCK")
            .arg(milliseconds(BLOCK));
        command.arg("STREAMS").arg(stream).arg(&after);
        let reply: Option<StreamReadReply> = connection.ask(&command).await?;
        if reply.is_none() {
            // One that died after a commit did not announce it.
            woken.notify_one();
        }
        let entries = reply
            .into_iter()
            .flat_map(|reply| reply.keys)
            .flat_map(|key| key.ids);
        for entry in entries {
            let author: Option<String> = entry.get("plane");
            if author.as_deref() != Some(plane) {
                woken.notify_one();
            }
            after = entry.id;
        }
    }
}

/// The last entry's id. `$` would lose what is added between two reads.
async fn last_id(connection: &mut Blocking, stream: &str) -> Result<String, StoreError> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
    let reply: redis::streams::StreamRangeReply = connection.ask(&command).await?;
    let last = reply.ids.into_iter().next();
    Ok(last.map_or_else(|| "0-0".to_owned(), |entry| entry.id))
}
