//! What a replaced upstream still serves.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use super::Backend;

/// What is left of a replaced upstream. Dropping it changes nothing: open requests finish all the same.
#[must_use = "an instance that is stopped before its drain finished breaks the requests it still serves"]
pub struct Drain {
    backend: Option<Arc<Backend>>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is open on the old upstream, and nothing ever will be.
    Empty,
    /// The limit came first.
    TimedOut {
        /// Requests still open.
        in_flight: usize,
    },
}

impl Drain {
    pub(super) fn of(backend: Arc<Backend>) -> Self {
        Self {
            backend: Some(backend),
        }
    }

    pub(super) fn nothing() -> Self {
        Self { backend: None }
    }

    /// Requests still open on the old upstream; a streamed answer counts until its last byte.
    pub fn in_flight(&self) -> usize {
        self.backend
            .as_ref()
            .map_or(0, |backend| backend.in_flight.load(SeqCst))
    }

    /// Waits until nothing is open any more, or for `limit`. Can be dropped and called again.
    pub async fn finished(&self, limit: Duration) -> Drained {
        let Some(backend) = &self.backend else {
            return Drained::Empty;
        };
        let empty = async {
            loop {
                let notified = backend.emptied.notified();
                let mut notified = std::pin::pin!(notified);
                notified.as_mut().enable();
                if backend.in_flight.load(SeqCst) == 0 {
                    return;
                }
                notified.await;
            }
        };
        match tokio::time::timeout(limit, empty).await {
            Ok(()) => Drained::Empty,
            Err(_) => Drained::TimedOut {
                in_flight: self.in_flight(),
            },
        }
    }
}
