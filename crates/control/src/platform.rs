//! The commands of a platform's back end, where a Redis carries them: each becomes a job of ours, and its status says how
//! far that is. Must never do the work itself, nor keep a command that another control plane has taken.
//!
//! An entry stays pending until its job has ended, so whatever dies in between finds it again: the entry's id makes the
//! job's id, and a job that is there already is followed, not accepted anew. At most [`IN_HAND`] commands are taken at
//! once; the rest stay in the stream for whoever has room. While Redis is away jobs go on, and what was to be said is
//! said when it is back.

mod follow;
mod translate;

#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc, time::Duration};

use nasiko_store::{
    StoreError,
    streams::{RedisAddress, platform::PlatformQueue},
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use self::follow::Follower;
use crate::plane::Shared;

/// Commands that are taken at once.
const IN_HAND: usize = 8;
/// The wait before what Redis or the store did not take is tried again; it doubles with each try.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What a platform said of an agent that it ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Whose agent it is there.
    pub(crate) owner: Option<String>,
    /// What the version is called there.
    pub(crate) version: Option<String>,
}

/// How it stands with the platform's commands, for people.
#[derive(Default)]
pub(crate) struct Standing(Mutex<Stands>);

#[derive(Default)]
enum Stands {
    /// There is no Redis.
    #[default]
    Off,
    /// It was never reached.
    Apart(String),
    Joined(Box<PlatformQueue>, Hands),
}

impl Standing {
    /// Nothing while there is no Redis.
    pub(crate) fn notice(&self) -> Option<String> {
        match &*self.0.lock() {
            Stands::Off => None,
            Stands::Apart(reason) => Some(format!("A platform's commands are not heard: {reason}")),
            Stands::Joined(queue, hands) => {
                let health = queue.health();
                let taken = hands.taken();
                Some(match health.trouble {
                    None => format!(
                        "A platform's commands are heard through {} ({taken} in hand)",
                        health.server
                    ),
                    Some(reason) => format!(
                        "{} does not answer, a platform's commands wait there ({taken} in hand go on): {reason}",
                        health.server
                    ),
                })
            }
        }
    }

    fn say(&self, stands: Stands) {
        *self.0.lock() = stands;
    }
}

/// The commands that are in hand.
#[derive(Clone)]
struct Hands {
    free: Arc<Semaphore>,
    entries: Arc<Mutex<HashSet<String>>>,
}

/// A command in hand, until dropped.
struct InHand {
    entries: Arc<Mutex<HashSet<String>>>,
    entry: String,
    _hand: OwnedSemaphorePermit,
}

impl Hands {
    fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(IN_HAND)),
            entries: Arc::default(),
        }
    }

    fn taken(&self) -> usize {
        self.entries.lock().len()
    }

    /// None if it is in hand already.
    fn take(&self, entry: &str, hand: OwnedSemaphorePermit) -> Option<InHand> {
        let is_new = self.entries.lock().insert(entry.to_owned());
        is_new.then(|| InHand {
            entries: Arc::clone(&self.entries),
            entry: entry.to_owned(),
            _hand: hand,
        })
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.entries.lock().remove(&self.entry);
    }
}

/// Waits that grow until something succeeds.
struct Backoff(Duration);

impl Backoff {
    fn new() -> Self {
        Self(FIRST_WAIT)
    }

    fn reset(&mut self) {
        self.0 = FIRST_WAIT;
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_WAIT);
    }
}

/// Begins to take commands where a Redis may carry them, until the control plane ends.
pub(crate) fn start(shared: &Arc<Shared>) {
    shared.spawn(listen(Arc::clone(shared)));
}

/// Listens to whichever Redis is beside the store.
async fn listen(shared: Arc<Shared>) {
    loop {
        // What is in hand when that changes is left as by a restart: whoever joins again finds it.
        let session = shared.stop.child_token();
        let _ends_with_it = session.clone().drop_guard();
        let never_more = async {
            take(&shared, &session).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = shared.house.moved() => {}
            () = never_more => {}
        }
    }
}

/// Takes commands; ends only where there can be none.
async fn take(shared: &Arc<Shared>, session: &CancellationToken) {
    let Some(address) = shared.house.redis() else {
        return shared.platform.say(Stands::Off);
    };
    let Some(queue) = join(shared, &address).await else {
        return;
    };
    let hands = Hands::new();
    let stands = Stands::Joined(Box::new(queue.clone()), hands.clone());
    shared.platform.say(stands);
    let mut commands = queue.commands();
    let mut backoff = Backoff::new();
    while let Ok(hand) = Arc::clone(&hands.free).acquire_owned().await {
        let delivery = match commands.next().await {
            Ok(delivery) => delivery,
            Err(error) => {
                tracing::debug!(%error, "no command of a platform could be read");
                backoff.wait().await;
                continue;
            }
        };
        backoff.reset();
        let Some(in_hand) = hands.take(&delivery.entry, hand) else {
            continue;
        };
        match &delivery.command {
            Ok(command) => tracing::info!(
                entry = delivery.entry, agent = command.agent_name, action = ?command.action,
                "a platform gave a command"
            ),
            Err(bad) => tracing::warn!(
                entry = delivery.entry, reason = %bad, "a platform gave a command that is none"
            ),
        }
        let follower = Follower::new(shared, queue.clone(), delivery, in_hand);
        // One after the other, so that those of one agent stay in order.
        let accepted = follower.accept().await;
        let session = session.clone();
        shared.spawn(async move {
            tokio::select! {
                () = session.cancelled() => {}
                () = follower.see_through(accepted) => {}
            }
        });
    }
}

/// Joins the group under this installation's id; none if that can never be.
async fn join(shared: &Shared, address: &RedisAddress) -> Option<PlatformQueue> {
    let mut backoff = Backoff::new();
    loop {
        let joined = match shared.home.installation() {
            Ok(member) => PlatformQueue::join(address, member).await,
            Err(fault) => {
                shared.platform.say(Stands::Apart(fault.message));
                return None;
            }
        };
        match joined {
            Ok(queue) => return Some(queue),
            Err(error) => {
                tracing::warn!(%error, "a platform's commands are not heard");
                shared.platform.say(Stands::Apart(error.to_string()));
                if matches!(error, StoreError::BadAddress { .. }) {
                    return None;
                }
                backoff.wait().await;
            }
        }
    }
}
