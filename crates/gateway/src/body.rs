//! Bodies on their way through: counted, bounded, and never buffered but for a little while a request waits.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use nasiko_contract::ErrorCode;
use tokio::time::Sleep;

use crate::{
    exchange::{Exchange, Meter, UploadEnd},
    pool::Connection,
    record::{Failure, Origin},
};

/// Why a body ended before its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the stream was silent for too long")]
    Silent,
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// How much of a request's body is read while the request waits for its agent.
const READ_AHEAD_BYTES: usize = 16 * 1024;

/// What a caller sends. While there is nowhere to send it, a little of it is read: the server only notices that a caller
/// has left once it has nothing more to read from it, and most bodies are small.
pub(crate) struct CallerBody {
    incoming: Incoming,
    ahead: VecDeque<Frame<Bytes>>,
}

impl CallerBody {
    pub(crate) fn new(incoming: Incoming) -> Self {
        Self {
            incoming,
            ahead: VecDeque::new(),
        }
    }

    /// Reads ahead, as far as that goes; returns only when the caller broke off.
    pub(crate) async fn read_ahead(&mut self) -> hyper::Error {
        while self.bytes_ahead() < READ_AHEAD_BYTES {
            match self.incoming.frame().await {
                Some(Ok(frame)) => self.ahead.push_back(frame),
                Some(Err(error)) => return error,
                None => break,
            }
        }
        std::future::pending().await
    }

    fn bytes_ahead(&self) -> usize {
        let data = self.ahead.iter().filter_map(Frame::data_ref);
        data.map(Bytes::len).sum()
    }
}

impl Body for CallerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        match this.ahead.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut this.incoming).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, ahead) = (self.incoming.size_hint(), self.bytes_ahead() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ahead);
        }
        hint.set_lower(rest.lower() + ahead);
        hint
    }
}

/// A request's body on its way to the upstream.
pub(crate) enum UploadBody {
    /// There is none.
    Empty,
    /// As the caller sends it.
    Stream {
        incoming: CallerBody,
        meter: Arc<Meter>,
        /// Bytes allowed; 0 for any number.
        limit: u64,
    },
}

impl UploadBody {
    pub(crate) fn new(incoming: CallerBody, meter: &Arc<Meter>, limit: u64) -> Self {
        if incoming.is_end_stream() {
            Self::Empty
        } else {
            Self::Stream {
                incoming,
                meter: Arc::clone(meter),
                limit,
            }
        }
    }
}

impl Body for UploadBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self::Stream {
            incoming,
            meter,
            limit,
        } = self.get_mut()
        else {
            return Poll::Ready(None);
        };
        let frame = match std::task::ready!(Pin::new(incoming).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                meter.end_upload(UploadEnd::Broken);
                return Poll::Ready(Some(Err(error.into())));
            }
            None => return Poll::Ready(None),
        };
        if let Some(data) = frame.data_ref() {
            let total = meter.add(data.len() as u64);
            if *limit > 0 && total > *limit {
                meter.end_upload(UploadEnd::TooLarge);
                return Poll::Ready(Some(Err(BodyError::TooLarge(*limit))));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream { incoming, .. } => incoming.size_hint(),
        }
    }
}

/// An answer's body on its way to the caller.
pub(crate) enum GatewayBody {
    /// Ours, whole.
    Full(Bytes),
    /// The upstream's, as it comes.
    Stream(Box<Download>),
}

/// The upstream's body, with what must live exactly as long as it does.
pub(crate) struct Download {
    incoming: Incoming,
    connection: Option<Connection>,
    exchange: Exchange,
    /// Armed only while the upstream is silent, so that an answer that is already there costs no timer.
    silence: Option<Pin<Box<Sleep>>>,
}

impl GatewayBody {
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self::Full(bytes)
    }

    pub(crate) fn empty() -> Self {
        Self::Full(Bytes::new())
    }

    /// Streams the upstream's answer; the exchange ends and the connection is free when its last byte is through.
    pub(crate) fn stream(incoming: Incoming, connection: Connection, exchange: Exchange) -> Self {
        let mut download = Download {
            incoming,
            connection: Some(connection),
            exchange,
            silence: None,
        };
        if download.incoming.is_end_stream() {
            download.complete();
            return Self::empty();
        }
        Self::Stream(Box::new(download))
    }
}

impl Download {
    /// The last byte has been read: the connection is free for the next request.
    fn complete(&mut self) {
        self.exchange.finish();
        if let (Some(connection), Some(lease)) = (self.connection.take(), &self.exchange.lease) {
            lease.backend.pool.put(connection);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Pending => self.poll_silence(context),
            Poll::Ready(Some(Ok(frame))) => {
                self.silence = None;
                if let Some(data) = frame.data_ref() {
                    self.exchange.sent(data.len() as u64);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                // The upload's end also ends the connection that the answer comes over.
                self.exchange
                    .failed(match self.exchange.meter.upload_end() {
                        UploadEnd::Fine => Failure {
                            code: ErrorCode::AgentUnreachable,
                            origin: Origin::Upstream,
                        },
                        UploadEnd::TooLarge => Failure {
                            code: ErrorCode::TooLarge,
                            origin: Origin::Caller,
                        },
                        UploadEnd::Broken => Failure {
                            code: ErrorCode::InvalidRequest,
                            origin: Origin::Caller,
                        },
                    });
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.complete();
                Poll::Ready(None)
            }
        }
    }

    fn poll_silence(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let limit = self
            .exchange
            .lease
            .as_ref()
            .map(|lease| lease.backend.config.idle_stream_timeout);
        let Some(limit) = limit else {
            return Poll::Pending;
        };
        let silence = self
            .silence
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        std::task::ready!(silence.as_mut().poll(context));
        self.exchange.failed(Failure {
            code: ErrorCode::TimedOut,
            origin: Origin::Upstream,
        });
        Poll::Ready(Some(Err(BodyError::Silent)))
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // A body of known length is not polled again after its last byte.
        if self.connection.is_some() && self.incoming.is_end_stream() {
            self.complete();
        }
    }
}

impl Body for GatewayBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(download) => download.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(download) => download.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(download) => download.incoming.size_hint(),
        }
    }
}
