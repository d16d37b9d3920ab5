//! The accept loop: bounded connections, a limit on slow heads, an end that waits for answers under way.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

/// Connections at the same time; further ones wait in the listener's queue.
const MOST_CONNECTIONS: usize = 1024;
/// How long a request's head may take, and so how long an idle connection is kept.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// How long answers under way may take once the end was asked for.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// The pause after an accept that failed (no file descriptor left, …).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `closing`, then lets the answers under way end.
pub async fn serve(listener: TcpListener, router: Router, closing: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let connections = GracefulShutdown::new();
    loop {
        let next = tokio::select! {
            () = closing.cancelled() => break,
            next = accept(&listener, &slots) => next,
        };
        match next {
            Ok((stream, slot)) => handle(stream, slot, router.clone(), &connections),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(LAST_ANSWERS, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("connections were still open at the end");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = slots
        .clone()
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, slot))
}

fn handle(
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    router: Router,
    connections: &GracefulShutdown,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT);
    let connection = builder
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke off");
        }
        drop(slot);
    });
}
