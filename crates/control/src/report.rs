//! What a job says while it works: progress and log lines, gathered and written in few commits.

use std::{sync::Arc, time::Duration};

use nasiko_runtime::{Progress, ProgressSink};
use nasiko_store::{Claim, Jobs};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Lines that may wait to be written; beyond it the oldest go, and a line says how many.
const WAITING_LINES: usize = 2_000;
/// How long lines and progress are gathered before they are written.
const GATHER: Duration = Duration::from_millis(100);

/// A job's voice. Cheap to clone, never blocks.
#[derive(Clone)]
pub(crate) struct Report {
    inner: Arc<Inner>,
}

struct Inner {
    claim: Claim,
    jobs: Jobs,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<String>,
    dropped: usize,
    progress: Option<(f64, String)>,
}

impl Report {
    pub(crate) fn new(claim: Claim, jobs: Jobs) -> Self {
        Self {
            inner: Arc::new(Inner {
                claim,
                jobs,
                waiting: Mutex::default(),
                wake: Notify::new(),
            }),
        }
    }

    /// The job got to `fraction` (0 to 1) and is at `step`.
    pub(crate) fn step(&self, fraction: f64, step: impl Into<String>) {
        self.inner.waiting.lock().progress = Some((fraction, step.into()));
        self.inner.wake.notify_one();
    }

    /// A line of output.
    pub(crate) fn line(&self, line: impl Into<String>) {
        {
            let mut waiting = self.inner.waiting.lock();
            if waiting.lines.len() >= WAITING_LINES {
                waiting.lines.remove(0);
                waiting.dropped += 1;
            }
            waiting.lines.push(line.into());
        }
        self.inner.wake.notify_one();
    }

    /// A sink whose steps move the job from `from` to `to`.
    pub(crate) fn between(&self, from: f64, to: f64) -> impl ProgressSink + use<> {
        let report = self.clone();
        move |progress: Progress| match progress {
            Progress::Step { index, total, text } => {
                let done = f64::from(index.saturating_sub(1)) / f64::from(total.max(1));
                let shown = if total > 1 {
                    format!("Step {index}/{total}: {text}")
                } else {
                    text
                };
                report.step(from + (to - from) * done.clamp(0.0, 1.0), shown);
            }
            Progress::Line(line) => report.line(line.text),
        }
    }

    /// Writes what comes until dropped.
    pub(crate) async fn run(&self) {
        loop {
            self.inner.wake.notified().await;
            self.flush().await;
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Writes what waits now. A lost lease is noticed by the heartbeat, a broken store by the job's end.
    pub(crate) async fn flush(&self) {
        let waiting = std::mem::take(&mut *self.inner.waiting.lock());
        let mut lines = waiting.lines;
        if waiting.dropped > 0 {
            lines.insert(
                0,
                format!("… {} lines were too fast to be kept", waiting.dropped),
            );
        }
        if let Err(error) = self
            .inner
            .jobs
            .append_log(&self.inner.claim.job, lines)
            .await
        {
            tracing::warn!(%error, job = self.inner.claim.job, "log lines of a job were lost");
        }
        if let Some((fraction, step)) = waiting.progress
            && let Err(error) = self
                .inner
                .jobs
                .progress(&self.inner.claim, fraction, step)
                .await
        {
            tracing::warn!(%error, job = self.inner.claim.job, "progress of a job was lost");
        }
    }
}
