//! Owns the typed client of the contract and the ways to carry a call (HTTP, browser, window bridge). Must never know
//! the control plane's insides; everything goes through an operation of the contract.

mod call;
pub mod context;
#[cfg(any(target_arch = "wasm32", test))]
mod ordered;
mod transport;

#[cfg(target_arch = "wasm32")]
pub mod bridge;
#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(not(target_arch = "wasm32"))]
pub mod contexts;
#[cfg(not(target_arch = "wasm32"))]
pub mod http;
#[cfg(not(target_arch = "wasm32"))]
pub mod private;
#[cfg(not(target_arch = "wasm32"))]
pub mod resident;
pub mod window;

use std::{marker::PhantomData, sync::Arc};

use futures::{Stream, StreamExt};
use nasiko_contract::{ErrorCode, Fault, JsonOperation, StreamOperation, UploadOperation};
use serde::de::DeserializeOwned;

pub use call::Call;
pub use transport::{BoxFuture, BoxStream, Frame, Transport, UploadFile};

/// A cheap handle with which operations are called: `client.call(GetAgent { agent }).await`.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
}

/// One item of a stream with its place in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Streamed<T> {
    /// The server's number for it (`Last-Event-ID`), where the stream is numbered.
    pub seq: Option<u64>,
    /// The item.
    pub item: T,
}

impl Client {
    /// A client over `transport`.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self {
            transport: Arc::new(transport),
        }
    }

    /// Calls an operation that answers one document. Dropping the future gives up waiting; what was accepted goes on.
    pub async fn call<O: JsonOperation>(&self, operation: O) -> Result<O::Output, Fault> {
        let body = self.transport.send(Call::new(&operation)?).await?;
        decode(&body)
    }

    /// Opens an operation's stream. Dropping the stream closes it on the server's side too.
    pub async fn stream<O: StreamOperation>(
        &self,
        operation: O,
    ) -> Result<ItemStream<O::Output>, Fault> {
        let frames = self.transport.stream(Call::new(&operation)?).await?;
        Ok(ItemStream {
            frames,
            item: PhantomData,
        })
    }

    /// Calls an operation that takes a file.
    pub async fn upload<O: UploadOperation>(
        &self,
        operation: O,
        file: UploadFile,
    ) -> Result<O::Output, Fault> {
        let body = self.transport.upload(Call::new(&operation)?, file).await?;
        decode(&body)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// The items of an operation's stream.
pub struct ItemStream<T> {
    frames: BoxStream<Result<Frame, Fault>>,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Stream for ItemStream<T> {
    type Item = Result<Streamed<T>, Fault>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.frames
            .poll_next_unpin(context)
            .map(|next| next.map(|frame| read_frame(&frame?)))
    }
}

/// A frame named `fault` ends a stream that failed after its first byte.
fn read_frame<T: DeserializeOwned>(frame: &Frame) -> Result<Streamed<T>, Fault> {
    if frame.event == "fault" {
        return Err(decode::<Fault>(frame.data.as_bytes())?);
    }
    Ok(Streamed {
        seq: frame.id.parse().ok(),
        item: decode(frame.data.as_bytes())?,
    })
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| {
        Fault::new(ErrorCode::Internal, format!("The control plane's answer was not understood: {error}"))
            .hint("Window, command line and control plane may be of different versions: restart the control plane")
    })
}

#[cfg(test)]
mod tests;
