//! Follows the engine: one stream of events, reopened with growing pauses when it breaks. Nothing is polled.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::Engine;
use crate::error::EngineError;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Signals a follower may be behind before the engine has to wait.
const SIGNAL_QUEUE: usize = 256;

/// Which events are wanted, as the engine's API has it: e.g. `type` → `container`.
pub type Filters = HashMap<String, Vec<String>>;

/// What happens with an engine.
#[derive(Debug)]
pub enum Signal {
    /// It answers, and every event from here on is told. What happened before is to be asked for.
    Up,
    /// It does not answer any more, or not yet. Told once until it does.
    Down {
        /// Why.
        reason: EngineError,
    },
    /// Something happened in it.
    Event(Box<EventMessage>),
}

/// What happens with an engine, from now on and for ever. Dropping it ends the following.
pub struct Follow {
    signals: ReceiverStream<Signal>,
    task: tokio::task::JoinHandle<()>,
}

impl Stream for Follow {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.signals.poll_next_unpin(context)
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Engine {
    /// Follows the engine, coming and going. Needs a runtime.
    pub fn follow(self: &Arc<Self>, filters: Filters) -> Follow {
        let (signals, received) = mpsc::channel(SIGNAL_QUEUE);
        let engine = Arc::clone(self);
        Follow {
            task: tokio::spawn(async move { follow_forever(&engine, &filters, &signals).await }),
            signals: ReceiverStream::new(received),
        }
    }
}

/// Ends when nobody listens any more.
async fn follow_forever(engine: &Engine, filters: &Filters, signals: &mpsc::Sender<Signal>) {
    let mut pause = FIRST_PAUSE;
    let mut told_down = false;
    while !signals.is_closed() {
        let reason = follow(engine, filters, signals, &mut told_down).await;
        if !told_down {
            told_down = true;
            pause = FIRST_PAUSE;
            if signals.send(Signal::Down { reason }).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Follows until the stream breaks; answers why.
async fn follow(
    engine: &Engine,
    filters: &Filters,
    signals: &mpsc::Sender<Signal>,
    told_down: &mut bool,
) -> EngineError {
    let client = match engine.client().await {
        Ok(client) => client,
        Err(error) => return error,
    };
    // The stream is opened by its first reading. What happens from here until then is asked for by its time.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let since = format!("{}.{:09}", since.as_secs(), since.subsec_nanos());
    let options = EventsOptionsBuilder::default()
        .since(&since)
        .filters(filters)
        .build();
    let mut events = Box::pin(client.events(Some(options)));
    if let Err(error) = client.ping().await {
        return engine.failed("a sign of life", error);
    }
    *told_down = false;
    let ended = || engine.broke_off("its events ended".to_owned());
    if signals.send(Signal::Up).await.is_err() {
        return ended();
    }
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if signals.send(Signal::Event(Box::new(event))).await.is_err() {
                    return ended();
                }
            }
            Err(error) => return engine.failed("its events", error),
        }
    }
    ended()
}
