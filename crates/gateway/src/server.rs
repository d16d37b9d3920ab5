//! The gateway itself: what it is made of, and how it listens.

use std::{
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::FutureExt;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Exposure, GatewayConfig, OtlpSink, RequestSink, RouteTable, admin, body::GatewayBody,
    error::GatewayError, proxy,
};

/// How long accepting pauses when the system has no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The reverse proxy. A cheap handle; clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

/// What every request needs.
pub(crate) struct Shared {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) routes: RouteTable,
    pub(crate) sink: Arc<dyn RequestSink>,
    pub(crate) otlp: OnceLock<Arc<dyn OtlpSink>>,
    pub(crate) requests: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// One listener: what it lets in, and what ends with it.
pub(crate) struct Listening {
    pub(crate) exposure: Exposure,
    pub(crate) cancel: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// What the gateway has counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayCounters {
    /// Requests that named a known agent.
    pub requests: u64,
    /// Requests that the gateway answered itself, with a problem.
    pub refused: u64,
}

impl Gateway {
    /// A gateway without routes. Every finished request is handed to `sink`.
    pub fn new(config: GatewayConfig, sink: Arc<dyn RequestSink>) -> Self {
        let config = Arc::new(config);
        let shared = Shared {
            routes: RouteTable::new(Arc::clone(&config)),
            config,
            sink,
            otlp: OnceLock::new(),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Hands telemetry exports of containers to `otlp`; the first one given stays.
    #[must_use]
    pub fn with_otlp(self, otlp: Arc<dyn OtlpSink>) -> Self {
        self.shared.otlp.get_or_init(|| otlp);
        self
    }

    /// The live route table.
    pub fn routes(&self) -> RouteTable {
        self.shared.routes.clone()
    }

    /// What was counted so far.
    pub fn counters(&self) -> GatewayCounters {
        GatewayCounters {
            requests: self.shared.requests.load(Relaxed),
            refused: self.shared.refused.load(Relaxed),
        }
    }

    /// Serves agents on `listener` until `cancel`, then lets open requests finish for the configured grace.
    ///
    /// # Errors
    /// A loopback exposure on an address that others can reach is refused.
    pub async fn serve(
        &self,
        listener: TcpListener,
        exposure: Exposure,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        if matches!(exposure, Exposure::Loopback) {
            require_loopback(&listener)?;
        }
        let tasks = TaskTracker::new();
        let listening = Arc::new(Listening {
            exposure,
            cancel,
            tasks,
        });
        let (shared, at) = (Arc::clone(&self.shared), Arc::clone(&listening));
        let answer =
            move |peer, request| proxy::handle(Arc::clone(&shared), Arc::clone(&at), peer, request);
        accept(
            listener,
            &listening.cancel,
            &listening.tasks,
            &self.shared.config,
            answer,
        )
        .await;
        Ok(())
    }

    /// Serves `/status`, `/services` and `/sync` on a loopback `listener` until `cancel`.
    ///
    /// # Errors
    /// An address that others can reach is refused.
    pub async fn serve_admin(
        &self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        require_loopback(&listener)?;
        let shared = Arc::clone(&self.shared);
        let answer = move |_, request: Request<Incoming>| {
            std::future::ready(admin::answer(&shared, &request))
        };
        accept(
            listener,
            &cancel,
            &TaskTracker::new(),
            &self.shared.config,
            answer,
        )
        .await;
        Ok(())
    }
}

fn require_loopback(listener: &TcpListener) -> io::Result<()> {
    let address = listener.local_addr()?;
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{address} can be reached from other machines"),
    ))
}

/// Accepts connections and answers their requests until `cancel`; returns when the last connection is done, or after
/// the grace.
async fn accept<Answer, Answering>(
    listener: TcpListener,
    cancel: &CancellationToken,
    tasks: &TaskTracker,
    config: &GatewayConfig,
    answer: Answer,
) where
    Answer: Fn(SocketAddr, Request<Incoming>) -> Answering + Clone + Send + Sync + 'static,
    Answering: Future<Output = Response<GatewayBody>> + Send + 'static,
{
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_read_timeout)
        .max_header_size(config.max_header_bytes);
    let places = Arc::new(Semaphore::new(config.max_connections));
    let grace = config.shutdown_grace;
    loop {
        let (place, accepted) = tokio::select! {
            () = cancel.cancelled() => break,
            next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            } => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection ended before it began");
            continue;
        }
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answering = AssertUnwindSafe(answer(peer, request)).catch_unwind();
            async move {
                let response = answering
                    .await
                    .unwrap_or_else(|_| GatewayError::Internal.into_response(""));
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let connection = server
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let cancel = cancel.clone();
        tasks.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = cancel.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::time::timeout(grace, connection).await.unwrap_or(Ok(()))
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, %peer, "caller connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(grace + ACCEPT_PAUSE, tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!(open = tasks.len(), "stopped with connections open");
    }
}
