//! The task that sends: gathers a batch, and tries until the viewer took it or refused it for good.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Aim, Tally,
    exchange::{self, Answer, Viewer},
    outbox::Outbox,
};
use crate::ForwardLimits;

pub(super) struct Courier {
    pub(super) outbox: Arc<Outbox>,
    pub(super) aim: watch::Receiver<Aim>,
    /// Send what waits, at once, and end.
    pub(super) closing: CancellationToken,
    pub(super) viewer: Viewer,
    pub(super) tally: Arc<Tally>,
}

/// A batch on its way. Dropped before it is [settled](settle), it is counted as dropped.
struct Packed {
    body: Bytes,
    spans: u64,
    /// Since when a viewer answers that it cannot take it now.
    put_off: Option<Instant>,
    outbox: Arc<Outbox>,
}

impl Drop for Packed {
    fn drop(&mut self) {
        self.outbox.count_dropped(self.spans);
    }
}

/// Is done with a batch whose spans are counted, or wanted by nobody any more.
fn settle(packed: &mut Option<Packed>) {
    if let Some(mut batch) = packed.take() {
        batch.spans = 0;
    }
}

/// Waits that grow, each with a share of chance in it.
struct Backoff {
    next: Duration,
}

impl Courier {
    /// Runs until it is closing and nothing more can be sent, or nobody can aim it any more.
    pub(super) async fn run(mut self) {
        self.work().await;
        // Nobody takes anything out from here on.
        self.outbox.drop_rest();
    }

    async fn work(&mut self) {
        let mut packed: Option<Packed> = None;
        let mut backoff = Backoff::new(self.outbox.limits());
        loop {
            let aim = self.aim.borrow_and_update().clone();
            let Aim::At(base) = aim else {
                if aim == Aim::Nowhere {
                    settle(&mut packed);
                }
                tokio::select! {
                    changed = self.aim.changed() => if changed.is_err() { return },
                    () = self.closing.cancelled() => return,
                }
                backoff = Backoff::new(self.outbox.limits());
                continue;
            };
            let Some(batch) = &mut packed else {
                let more = tokio::select! {
                    more = gathered(&self.outbox, &self.closing) => more,
                    changed = self.aim.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                };
                if !more {
                    return;
                }
                packed = self.pack().await;
                continue;
            };
            let answer = tokio::select! {
                answer = self.viewer.send(&base, batch.body.clone(), batch.spans) => answer,
                changed = self.aim.changed() => match changed {
                    Ok(()) => {
                        backoff = Backoff::new(self.outbox.limits());
                        continue;
                    }
                    Err(_) => return,
                },
            };
            let spans = batch.spans;
            let pause = match answer {
                Answer::Taken { rejected, words } => {
                    if let Some(words) = &words {
                        tracing::warn!(base, words, "the trace viewer did not take all");
                    }
                    self.tally.took(spans - rejected, rejected, words);
                    backoff = Backoff::new(self.outbox.limits());
                    settle(&mut packed);
                    continue;
                }
                Answer::Refused { why } => {
                    tracing::warn!(base, why, spans, "the trace viewer refused spans");
                    self.tally.failed(spans, why);
                    settle(&mut packed);
                    continue;
                }
                Answer::Later {
                    why,
                    wait,
                    answered,
                } => {
                    tracing::debug!(base, why, spans, "the trace viewer did not take spans yet");
                    self.tally.failed(0, why);
                    if answered {
                        let since = *batch.put_off.get_or_insert_with(Instant::now);
                        if since.elapsed() >= self.outbox.limits().give_up {
                            // Were it this batch that it cannot take, no other would ever be sent.
                            packed = None;
                        }
                    }
                    match wait {
                        // One that asks for no wait at all is not hurried either.
                        Some(asked) => asked.max(self.outbox.limits().first_backoff),
                        None => backoff.next(self.outbox.limits().longest_backoff),
                    }
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.closing.cancelled() => return,
                changed = self.aim.changed() => match changed {
                    Ok(()) => backoff = Backoff::new(self.outbox.limits()),
                    Err(_) => return,
                },
            }
        }
    }

    /// The oldest that wait; none if they were forgotten meanwhile.
    async fn pack(&self) -> Option<Packed> {
        let spans = self.outbox.take();
        if spans.is_empty() {
            return None;
        }
        let mut packed = Packed {
            body: Bytes::new(),
            spans: spans.len() as u64,
            put_off: None,
            outbox: Arc::clone(&self.outbox),
        };
        let body = tokio::task::spawn_blocking(move || exchange::pack(&spans));
        packed.body = body.await.ok()?;
        Some(packed)
    }
}

/// Waits until there is a batch to send; `false` once it is closing and nothing waits.
async fn gathered(outbox: &Outbox, closing: &CancellationToken) -> bool {
    tokio::select! {
        () = outbox.something() => {}
        () = closing.cancelled() => return outbox.waiting() > 0,
    }
    tokio::select! {
        () = tokio::time::sleep(outbox.limits().linger) => {}
        () = outbox.a_batch() => {}
        () = closing.cancelled() => {}
    }
    true
}

impl Backoff {
    fn new(limits: &ForwardLimits) -> Self {
        Self {
            next: limits.first_backoff,
        }
    }

    fn next(&mut self, longest: Duration) -> Duration {
        let wait = self.next.min(longest);
        self.next = wait.saturating_mul(2);
        wait.mul_f64(rand::random_range(0.5..=1.0))
    }
}
