//! Forwards what the store accepts to one viewer, as OTLP over HTTP.
//!
//! Spans are forwarded once they are durable, in batches, as they came: ids, parents, resource and scope. Intake never
//! waits for it: the writer puts spans into a bounded [`Outbox`], where the oldest are let go when a viewer is too slow
//! or away, and one task sends them. Nothing wakes while nothing is to be sent. What comes in marked as forwarded by
//! another store, or is in the store already, is not sent on, so that no span goes round.

mod courier;
mod exchange;
mod outbox;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::{courier::Courier, exchange::Viewer};
use crate::{TelemetryError, TraceStore};

pub(crate) use self::outbox::Outbox;

/// Where spans are forwarded to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Aim {
    /// Nowhere: none is kept for it.
    #[default]
    Nowhere,
    /// A viewer is to come, or to come back: spans wait for it.
    Awaited,
    /// To the viewer with this base URL, e.g. `http://127.0.0.1:14318`; `/v1/traces` is appended.
    At(String),
}

/// What became of spans since forwarding began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwarded {
    /// Spans that a viewer took.
    pub sent: u64,
    /// Spans that a viewer refused for good.
    pub rejected: u64,
    /// Spans that were let go: more waited than may, the viewer did not take them for too long, or the end came.
    pub dropped: u64,
    /// Spans that wait.
    pub waiting: u64,
    /// What was tried last did not succeed.
    pub failing: bool,
    /// What went wrong last with this viewer.
    pub last_error: Option<String>,
}

/// Forwards what a store accepts; one per store. A cheap handle. When the last one goes, forwarding ends, and what
/// waits is let go: [`Forwarder::close`] sends it before.
#[derive(Clone)]
pub struct Forwarder {
    inner: Arc<Inner>,
}

struct Inner {
    outbox: Arc<Outbox>,
    aim: watch::Sender<Aim>,
    tally: Arc<Tally>,
    closing: CancellationToken,
    courier: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    rejected: AtomicU64,
    last: Mutex<Last>,
}

/// How the last try ended.
#[derive(Default)]
struct Last {
    failing: bool,
    error: Option<String>,
}

impl Tally {
    fn took(&self, sent: u64, rejected: u64, error: Option<String>) {
        self.sent.fetch_add(sent, Relaxed);
        self.rejected.fetch_add(rejected, Relaxed);
        let mut last = self.last.lock();
        last.failing = false;
        if error.is_some() {
            last.error = error;
        }
    }

    fn failed(&self, rejected: u64, error: String) {
        self.rejected.fetch_add(rejected, Relaxed);
        *self.last.lock() = Last {
            failing: true,
            error: Some(error),
        };
    }
}

impl Forwarder {
    /// Begins, aimed nowhere. Needs a runtime.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn start(store: &TraceStore) -> Result<Self, TelemetryError> {
        let outbox = Arc::clone(store.outbox());
        let viewer = Viewer::new(outbox.limits())?;
        let tally = Arc::new(Tally::default());
        let closing = CancellationToken::new();
        let (aim, aimed) = watch::channel(Aim::Nowhere);
        let courier = Courier {
            outbox: Arc::clone(&outbox),
            aim: aimed,
            closing: closing.clone(),
            viewer,
            tally: Arc::clone(&tally),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                outbox,
                aim,
                tally,
                closing,
                courier: Mutex::new(Some(tokio::spawn(courier.run()))),
            }),
        })
    }

    /// Aims at another viewer, or none. What waits for one goes to the next; what waits when there is none is let go.
    pub fn aim(&self, aim: Aim) {
        let Inner {
            outbox,
            tally,
            aim: at,
            ..
        } = &*self.inner;
        at.send_if_modified(|present| {
            if *present == aim {
                return false;
            }
            // One that is only away for a moment is still the one that failed.
            if aim != Aim::Awaited {
                *tally.last.lock() = Last::default();
            }
            if aim == Aim::Nowhere {
                outbox.shut();
            } else if !self.inner.closing.is_cancelled() {
                outbox.open();
            }
            *present = aim;
            true
        });
    }

    /// How it stands.
    pub fn forwarded(&self) -> Forwarded {
        let Inner { outbox, tally, .. } = &*self.inner;
        let last = tally.last.lock();
        Forwarded {
            sent: tally.sent.load(Relaxed),
            rejected: tally.rejected.load(Relaxed),
            dropped: outbox.dropped(),
            waiting: outbox.waiting(),
            failing: last.failing,
            last_error: last.error.clone(),
        }
    }

    /// Sends what waits, for as long as the limits say, and ends. A viewer that does not take it at the first try loses
    /// it.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        let courier = self.inner.courier.lock().take();
        if let Some(mut courier) = courier {
            let limit = self.inner.outbox.limits().close_timeout;
            if tokio::time::timeout(limit, &mut courier).await.is_err() {
                courier.abort();
            }
        }
        self.inner.outbox.drop_rest();
    }
}
