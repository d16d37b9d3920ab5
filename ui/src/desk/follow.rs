//! Following a stream for as long as somebody looks at it.

use futures::{StreamExt, future::abortable};
use gloo_timers::future::TimeoutFuture;
use leptos::task::spawn_local;
use nasiko_contract::{Fault, StreamOperation};

use crate::desk::{Desk, loaded::give_up_with_the_component};

/// Items that are handed over at once, when that many are there.
const BATCH: usize = 512;
/// Milliseconds before a stream that broke off is opened again.
const PAUSE: u32 = 1_000;

/// What a follower learns.
pub(crate) enum Followed<T> {
    /// The stream was opened, for the first time or anew: what it replays follows.
    Opened,
    /// Items, in order.
    Items(Vec<T>),
    /// It ended, or was refused; nothing more comes.
    Ended(Option<Fault>),
}

/// Follows `operation` until the calling effect runs again or its component goes. A stream that breaks off is opened
/// again.
pub(crate) fn follow<O>(
    desk: Desk,
    operation: O,
    mut learn: impl FnMut(Followed<O::Output>) + 'static,
) where
    O: StreamOperation,
{
    let (task, handle) = abortable(async move {
        loop {
            match once(desk, operation.clone(), &mut learn).await {
                Err(fault) if fault.retryable => TimeoutFuture::new(PAUSE).await,
                Err(fault) => return learn(Followed::Ended(Some(fault))),
                Ok(()) => return learn(Followed::Ended(None)),
            }
        }
    });
    spawn_local(async move {
        let _given_up = task.await;
    });
    give_up_with_the_component(handle);
}

async fn once<O: StreamOperation>(
    desk: Desk,
    operation: O,
    learn: &mut impl FnMut(Followed<O::Output>),
) -> Result<(), Fault> {
    let mut chunks = desk.client().stream(operation).await?.ready_chunks(BATCH);
    learn(Followed::Opened);
    while let Some(chunk) = chunks.next().await {
        let mut items = Vec::with_capacity(chunk.len());
        let mut broken = None;
        for item in chunk {
            match item {
                Ok(streamed) => items.push(streamed.item),
                Err(fault) => broken = Some(fault),
            }
        }
        learn(Followed::Items(items));
        if let Some(fault) = broken {
            return Err(fault);
        }
    }
    Ok(())
}
