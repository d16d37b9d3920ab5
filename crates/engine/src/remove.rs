//! Taking a container away for good.

use std::time::Duration;

use bollard::{
    Docker,
    query_parameters::{RemoveContainerOptionsBuilder, WaitContainerOptionsBuilder},
};
use futures::StreamExt;

use crate::{CONFLICT, Engine, EngineError, NOT_FOUND, status};

/// The first status that says that the engine is at fault.
const SERVER_ERROR: u16 = 500;
/// How often a removal is tried that the engine is at fault for.
const TRIES: u32 = 4;
/// The wait before the second try; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// How long somebody else's removal of the same container is waited for.
const UNDER_WAY_LIMIT: Duration = Duration::from_secs(10);

impl Engine {
    /// Ends a container, whatever it does, and deletes it, with its volumes without a name if `volumes`. Afterwards it is
    /// gone; one that was gone before is fine.
    ///
    /// An engine answers with an error of its own where a container ends in the moment in which it is to be killed, or where
    /// its files are still in use: such a removal is tried again.
    pub async fn remove_container(&self, id: &str, volumes: bool) -> Result<(), EngineError> {
        let client = self.client().await?;
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let options = RemoveContainerOptionsBuilder::default()
                .force(true)
                .v(volumes)
                .build();
            let Err(error) = client.remove_container(id, Some(options)).await else {
                return Ok(());
            };
            match status(&error) {
                Some(NOT_FOUND) => return Ok(()),
                Some(CONFLICT) => {
                    removed_by_another(&client, id).await;
                    return Ok(());
                }
                Some(SERVER_ERROR..) if tries < TRIES => {
                    tracing::debug!(container = id, %error, "a removal is tried again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    tries += 1;
                }
                _ => return Err(self.failed("removing a container", error)),
            }
        }
    }
}

/// Waits until a removal that is under way is done. An error means that there is nothing left to wait for.
async fn removed_by_another(client: &Docker, id: &str) {
    let options = WaitContainerOptionsBuilder::default()
        .condition("removed")
        .build();
    let mut waiting = Box::pin(client.wait_container(id, Some(options)));
    // Nobody is kept for longer: whoever removes it has the trouble to tell of.
    drop(tokio::time::timeout(UNDER_WAY_LIMIT, waiting.next()).await);
}
