//! Requests that wait for an agent whose instance is about to come, instead of being refused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Lease, RouteTable, Unleased};
use crate::error::GatewayError;

/// One time of waiting, shared by all who wait.
pub(super) struct Hold {
    agent: Arc<str>,
    waiting: AtomicUsize,
    /// Cancelled once the table has something newer, and cancelled it stays: whoever comes to wait late does not.
    over: CancellationToken,
}

impl Hold {
    pub(super) fn new(agent: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            agent,
            waiting: AtomicUsize::new(0),
            over: CancellationToken::new(),
        })
    }

    /// Requests that wait now.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    /// Lets all look at the table again.
    pub(super) fn end(&self) {
        self.over.cancel();
    }

    /// Takes one of `places`; none when all are taken.
    pub(super) fn enter(self: &Arc<Self>, places: usize, limit: Duration) -> Option<Held> {
        let taken = self.waiting.fetch_add(1, SeqCst);
        let held = Held {
            hold: Arc::clone(self),
            limit,
        };
        (taken < places).then_some(held)
    }
}

/// One request's place among those that wait, given back when dropped.
pub(crate) struct Held {
    hold: Arc<Hold>,
    limit: Duration,
}

impl Held {
    pub(crate) fn agent(&self) -> Arc<str> {
        Arc::clone(&self.hold.agent)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hold.waiting.fetch_sub(1, SeqCst);
    }
}

impl RouteTable {
    /// Waits until the agent is routed again and counts the request in there. Fails once it is known that this will not
    /// be, or at the limit of the hold that was met first.
    pub(crate) async fn lease_held(&self, mut held: Held) -> Result<Lease, GatewayError> {
        let agent = held.agent();
        let limit = held.limit;
        let until = Instant::now() + limit;
        loop {
            if timeout_at(until, held.hold.over.cancelled()).await.is_err() {
                return Err(GatewayError::HeldTooLong {
                    agent: agent.to_string(),
                    limit,
                });
            }
            match self.lease(&agent) {
                Ok(lease) => return Ok(lease),
                Err(Unleased::Held(next)) => held = next,
                Err(Unleased::Refused {
                    agent: Some(_),
                    error,
                }) => return Err(error),
                // It was there when the request came.
                Err(Unleased::Refused { agent: None, .. }) => {
                    return Err(GatewayError::NotRunning {
                        agent: agent.to_string(),
                    });
                }
            }
        }
    }
}
