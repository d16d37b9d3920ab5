//! Connections that stop speaking HTTP (WebSocket): bytes both ways until either side ends.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use nasiko_contract::ErrorCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::{
    exchange::Exchange,
    pool::Connection,
    record::{Failure, Origin},
};

const BUFFER_BYTES: usize = 16 * 1024;

/// Carries bytes until both sides ended, one broke, nothing moved for `idle`, or `stop`. The exchange, and so the
/// upstream's count, lives until then.
pub(crate) async fn tunnel(
    caller: OnUpgrade,
    upstream: OnUpgrade,
    connection: Connection,
    mut exchange: Exchange,
    idle: Duration,
    stop: CancellationToken,
) {
    let both = tokio::time::timeout(idle, async { tokio::try_join!(caller, upstream) });
    let Ok(Ok((caller, upstream))) = both.await else {
        exchange.failed(Failure {
            code: ErrorCode::AgentUnreachable,
            origin: Origin::Upstream,
        });
        return;
    };
    // Both sides are ours now; the driver has ended by itself.
    drop(connection);
    let (mut from_caller, mut to_caller) = tokio::io::split(TokioIo::new(caller));
    let (mut from_upstream, mut to_upstream) = tokio::io::split(TokioIo::new(upstream));
    let (bytes_in, bytes_out) = (AtomicU64::new(0), AtomicU64::new(0));
    let pumps = async {
        tokio::try_join!(
            pump(&mut from_caller, &mut to_upstream, &bytes_in),
            pump(&mut from_upstream, &mut to_caller, &bytes_out),
        )
    };
    let silent = async {
        let mut before = u64::MAX;
        loop {
            let now = bytes_in.load(Relaxed) + bytes_out.load(Relaxed);
            if now == before {
                return;
            }
            before = now;
            tokio::time::sleep(idle).await;
        }
    };
    tokio::select! {
        _ended = pumps => exchange.finish(),
        () = silent => exchange.failed(Failure { code: ErrorCode::TimedOut, origin: Origin::Gateway }),
        () = stop.cancelled() => exchange.failed(Failure { code: ErrorCode::Cancelled, origin: Origin::Gateway }),
    }
    exchange.meter.add(bytes_in.load(Relaxed));
    exchange.sent(bytes_out.load(Relaxed));
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    count: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        count.fetch_add(read as u64, Relaxed);
    }
}
