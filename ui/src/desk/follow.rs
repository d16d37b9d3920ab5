//! Following a stream for as long as somebody looks at it.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt, StreamExt,
    future::{LocalBoxFuture, abortable},
};
use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{Fault, StreamOperation};

use crate::{desk::Desk, model::world::Link};

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
/// again; so is one that was closed while the page was out of sight or the control plane away.
pub(crate) fn follow<O>(desk: Desk, operation: O, learn: impl FnMut(Followed<O::Output>) + 'static)
where
    O: StreamOperation,
{
    let learn = Rc::new(RefCell::new(learn));
    let online = Memo::new(move |_| {
        desk.visible.get()
            && desk
                .world
                .with(|world| !matches!(world.link, Link::Lost(_) | Link::Refused(_)))
    });
    run_while(online.into(), move || {
        let (operation, learn) = (operation.clone(), Rc::clone(&learn));
        async move {
            let tell = |learnt| learn.borrow_mut()(learnt);
            loop {
                match once(desk, operation.clone(), &tell).await {
                    Err(fault) if fault.retryable => TimeoutFuture::new(PAUSE).await,
                    Err(fault) => return tell(Followed::Ended(Some(fault))),
                    Ok(()) => return tell(Followed::Ended(None)),
                }
            }
        }
    });
}

/// Runs a task while `on`, anew each time that it becomes so, until the calling effect runs again or its component
/// goes.
pub(crate) fn run_while<F>(on: Signal<bool>, task: impl Fn() -> F + 'static)
where
    F: Future<Output = ()> + 'static,
{
    Effect::new(move || {
        if on.get() {
            spawn_for_the_owner(task());
        }
    });
}

/// Runs a task until it is done, or the calling effect runs again, or its component goes.
pub(crate) fn spawn_for_the_owner(task: impl Future<Output = ()> + 'static) {
    spawn_boxed(task.boxed_local());
}

/// Not generic: what is done around a task is the same for all.
fn spawn_boxed(task: LocalBoxFuture<'static, ()>) {
    let (task, handle) = abortable(task);
    spawn_local(async move {
        let _given_up = task.await;
    });
    on_cleanup(move || handle.abort());
}

async fn once<O: StreamOperation>(
    desk: Desk,
    operation: O,
    tell: &impl Fn(Followed<O::Output>),
) -> Result<(), Fault> {
    let mut chunks = desk.client().stream(operation).await?.ready_chunks(BATCH);
    tell(Followed::Opened);
    while let Some(chunk) = chunks.next().await {
        let mut items = Vec::with_capacity(chunk.len());
        let mut broken = None;
        for item in chunk {
            match item {
                Ok(streamed) => items.push(streamed.item),
                Err(fault) => broken = Some(fault),
            }
        }
        tell(Followed::Items(items));
        if let Some(fault) = broken {
            return Err(fault);
        }
    }
    Ok(())
}
