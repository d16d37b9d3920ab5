//! The span and log store: one writer, many readers, a file per day.

mod figures;
mod histogram;
mod insert;
mod logs;
mod metrics;
mod partition;
mod query;
mod readers;
mod summary;
mod terms;
mod trace;
mod writer;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use crate::{Limits, LogRecord, Span, TelemetryError, forward::Outbox};

pub use figures::{FigureFeed, FigureRow, RequestFigures, Resolution};
pub use histogram::Histogram;
pub use logs::LogFilter;
pub use metrics::AgentMetrics;
#[cfg(test)]
pub(crate) use query::Condition;
pub use query::{Page, TraceFilter};
pub use summary::{TraceNotice, TraceSummary};

use figures::FigureCommit;
use partition::Days;
use readers::Readers;
use writer::{Announcements, Batch, Writer};

/// Where spans and log records are kept. A cheap handle; clones share the same store, and the writer ends, after
/// writing what it was given, when the last one goes.
#[derive(Clone)]
pub struct TraceStore {
    inner: Arc<Inner>,
}

struct Inner {
    limits: Arc<Limits>,
    queue: mpsc::Sender<Batch>,
    /// One permit per span or record that may wait; a batch carries its permits until it is written.
    places: Arc<Semaphore>,
    notices: broadcast::Sender<TraceNotice>,
    figures: broadcast::Sender<Arc<FigureCommit>>,
    tally: Arc<Tally>,
    readers: Arc<Readers>,
    outbox: Arc<Outbox>,
}

/// What was counted since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Spans and log records written.
    pub accepted: u64,
    /// Spans that were there already.
    pub duplicates: u64,
    /// Refused: older than the retention, from the future, or beyond the bytes allowed.
    pub rejected: u64,
    /// Offered while the queue was full.
    pub dropped: u64,
    /// Lost because their commit failed.
    pub failed: u64,
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) accepted: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) failed: AtomicU64,
}

/// What became of the items of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Written {
    pub(crate) rejected: u64,
}

impl TraceStore {
    /// Opens the store in `dir`, creates it if need be, and deletes what is beyond the retention.
    ///
    /// # Errors
    /// A directory that cannot be created or written, a file of a newer version.
    pub fn open(dir: &Path, limits: Limits) -> Result<Self, TelemetryError> {
        let limits = Arc::new(limits);
        let tally = Arc::new(Tally::default());
        let days = Arc::new(Days::default());
        let places = limits.queue_items.max(1) as usize;
        let (queue, receiver) = mpsc::channel(places);
        let (notices, _) = broadcast::channel(limits.notice_backlog.max(1));
        let (figures, _) = broadcast::channel(limits.notice_backlog.max(1));
        let readers = Arc::new(Readers::new(
            dir.into(),
            Arc::clone(&days),
            Arc::clone(&limits),
        ));
        let outbox = Arc::new(Outbox::new(limits.forward.clone()));
        let writer = Writer::open(
            dir,
            Arc::clone(&limits),
            days,
            Arc::clone(&tally),
            Announcements {
                notices: notices.clone(),
                figures: figures.clone(),
            },
            Arc::clone(&readers),
            Arc::clone(&outbox),
        )?;
        std::thread::Builder::new()
            .name("telemetry-writer".into())
            .spawn(move || writer.run(receiver))
            .map_err(|source| TelemetryError::Directory {
                path: dir.into(),
                source: Arc::new(source),
            })?;
        let places = Arc::new(Semaphore::new(places));
        Ok(Self {
            inner: Arc::new(Inner {
                limits,
                queue,
                places,
                notices,
                figures,
                tally,
                readers,
                outbox,
            }),
        })
    }

    /// Writes spans and returns once they are durable. Spans that were written before stay as they are. Spans that are
    /// too old or from the future are counted as rejected; that is no error. Dropping the future does not take back
    /// what was queued.
    pub async fn ingest(&self, spans: Vec<Span>) -> Result<(), TelemetryError> {
        self.write(spans, Vec::new(), true).await.map(drop)
    }

    /// Writes log records and returns once they are durable.
    pub async fn ingest_logs(&self, logs: Vec<LogRecord>) -> Result<(), TelemetryError> {
        self.write(Vec::new(), logs, false).await.map(drop)
    }

    /// Queues a span without waiting. False, and counted as dropped, when the queue is full.
    pub fn offer(&self, mut span: Span) -> bool {
        let Ok(place) = Arc::clone(&self.inner.places).try_acquire_owned() else {
            self.inner.tally.dropped.fetch_add(1, Relaxed);
            return false;
        };
        span.bound(&self.inner.limits);
        let batch = Batch {
            spans: vec![span],
            logs: Vec::new(),
            forward: true,
            places: Some(place),
            done: None,
        };
        let queued = self.inner.queue.try_send(batch).is_ok();
        if !queued {
            self.inner.tally.dropped.fetch_add(1, Relaxed);
        }
        queued
    }

    /// Returns once everything that was queued before is durable.
    ///
    /// # Errors
    /// The commit failed that this waited for.
    pub async fn flush(&self) -> Result<(), TelemetryError> {
        self.submit(Batch {
            spans: Vec::new(),
            logs: Vec::new(),
            forward: false,
            places: None,
            done: None,
        })
        .await
        .map(drop)
    }

    /// A notice after each commit, per trace it touched. A subscriber that lags is told how many it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<TraceNotice> {
        self.inner.notices.subscribe()
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        let tally = &self.inner.tally;
        Counters {
            accepted: tally.accepted.load(Relaxed),
            duplicates: tally.duplicates.load(Relaxed),
            rejected: tally.rejected.load(Relaxed),
            dropped: tally.dropped.load(Relaxed),
            failed: tally.failed.load(Relaxed),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// What waits to be forwarded.
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.inner.outbox
    }

    pub(crate) fn count_dropped(&self, items: usize) {
        self.inner.tally.dropped.fetch_add(items as u64, Relaxed);
    }

    /// Waits for places in the queue, so that a flood is slowed down where it comes from. `forward`: spans that are
    /// new are forwarded.
    pub(crate) async fn write(
        &self,
        mut spans: Vec<Span>,
        mut logs: Vec<LogRecord>,
        forward: bool,
    ) -> Result<Written, TelemetryError> {
        let limits = &self.inner.limits;
        let items = spans.len() + logs.len();
        if items == 0 {
            return Ok(Written::default());
        }
        for span in &mut spans {
            span.bound(limits);
        }
        for log in &mut logs {
            log.bound(limits);
        }
        // A batch larger than the whole queue takes all of it.
        let wanted = u32::try_from(items)
            .unwrap_or(u32::MAX)
            .min(limits.queue_items.max(1));
        let places = Arc::clone(&self.inner.places).acquire_many_owned(wanted);
        let Ok(places) = tokio::time::timeout(limits.ingest_timeout, places).await else {
            self.count_dropped(items);
            return Err(TelemetryError::Busy);
        };
        let places = places.map_err(|_| TelemetryError::Closed)?;
        self.submit(Batch {
            spans,
            logs,
            forward,
            places: Some(places),
            done: None,
        })
        .await
    }

    async fn submit(&self, mut batch: Batch) -> Result<Written, TelemetryError> {
        let (done, outcome) = oneshot::channel();
        batch.done = Some(done);
        let written = async {
            self.inner
                .queue
                .send(batch)
                .await
                .map_err(|_| TelemetryError::Closed)?;
            outcome.await.map_err(|_| TelemetryError::Closed)?
        };
        tokio::time::timeout(self.inner.limits.ingest_timeout, written)
            .await
            .map_err(|_| TelemetryError::Busy)?
    }
}
