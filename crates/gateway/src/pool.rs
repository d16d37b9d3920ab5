//! Connections to one upstream, reused.
//!
//! A pool of our own rather than a client's: it ends with its upstream, says exactly whether a request was written
//! before a failure, and takes one short uncontended lock per request. The newest connection goes out first, so that
//! surplus ones age and close; a sweep runs only while something is idle.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use crate::{GatewayConfig, body::UploadBody};

/// How long a connection whose answer ended may take to become ready for the next request.
const SETTLE_LIMIT: Duration = Duration::from_secs(1);

pub(crate) struct Pool {
    address: SocketAddr,
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_idle: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    closed: bool,
    sweeping: bool,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// One connection; dropping it closes the socket at once, which is how an upstream learns that its caller left.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<UploadBody>,
    _driver: AbortOnDropHandle<()>,
}

impl Pool {
    pub(crate) fn new(address: SocketAddr, config: &GatewayConfig) -> Self {
        Self {
            address,
            connect_timeout: config.connect_timeout,
            idle_timeout: config.pool_idle_timeout,
            max_idle: config.max_idle_connections_per_agent,
            state: Mutex::default(),
        }
    }

    /// An idle connection that is still open, the newest first.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let idle = self.state.lock().idle.pop()?;
            if idle.connection.sender.is_ready() && idle.since.elapsed() < self.idle_timeout {
                return Some(idle.connection);
            }
        }
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = tokio::time::timeout(self.connect_timeout, TcpStream::connect(self.address))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let driver = tokio::spawn(async move {
            if let Err(error) = driver.with_upgrades().await {
                tracing::debug!(%error, "upstream connection ended");
            }
        });
        Ok(Connection {
            sender,
            _driver: AbortOnDropHandle::new(driver),
        })
    }

    /// Takes back a connection whose answer has been read to its end.
    pub(crate) fn put(self: &Arc<Self>, mut connection: Connection) {
        if connection.sender.is_ready() {
            self.keep(connection);
        } else if !connection.sender.is_closed() {
            // The answer came before the upload's end, or the driver has not turned around yet.
            let pool = Arc::clone(self);
            tokio::spawn(async move {
                if let Ok(Ok(())) =
                    tokio::time::timeout(SETTLE_LIMIT, connection.sender.ready()).await
                {
                    pool.keep(connection);
                }
            });
        }
    }

    /// Closes every idle connection and keeps none from now on.
    pub(crate) fn close(&self) {
        let closing = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        drop(closing);
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        let sweep = {
            let mut state = self.state.lock();
            if state.closed || state.idle.len() >= self.max_idle {
                return;
            }
            state.idle.push(Idle {
                connection,
                since: Instant::now(),
            });
            !std::mem::replace(&mut state.sweeping, true)
        };
        if sweep {
            tokio::spawn(sweep_while_idle(Arc::clone(self)));
        }
    }
}

/// Closes connections that stay idle: a single-threaded agent is deaf to others while one is open.
async fn sweep_while_idle(pool: Arc<Pool>) {
    loop {
        tokio::time::sleep(pool.idle_timeout).await;
        let mut state = pool.state.lock();
        let fresh = state
            .idle
            .iter()
            .position(|idle| idle.since.elapsed() < pool.idle_timeout)
            .unwrap_or(state.idle.len());
        let expired: Vec<_> = state.idle.drain(..fresh).collect();
        let done = state.idle.is_empty();
        state.sweeping = !done;
        drop(state);
        drop(expired);
        if done {
            return;
        }
    }
}
