//! What carries a call. One trait, so that every face can be pointed at any context.

use nasiko_contract::Fault;

use crate::call::Call;

/// A boxed future; `Send` wherever threads exist.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;
/// A boxed future; in a browser nothing is `Send`.
#[cfg(target_arch = "wasm32")]
pub type BoxFuture<'a, T> = futures::future::LocalBoxFuture<'a, T>;

/// A boxed stream; `Send` wherever threads exist.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxStream<T> = futures::stream::BoxStream<'static, T>;
/// A boxed stream; in a browser nothing is `Send`.
#[cfg(target_arch = "wasm32")]
pub type BoxStream<T> = futures::stream::LocalBoxStream<'static, T>;

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Frame {
    /// Its `id:`; empty if none.
    #[serde(default)]
    pub id: String,
    /// Its `event:`; `message` if none.
    #[serde(default)]
    pub event: String,
    /// Its `data:`.
    pub data: String,
}

/// A file that travels with a call.
#[derive(Debug, Clone)]
pub struct UploadFile {
    /// Its name, without folders.
    pub name: String,
    /// Its content.
    pub bytes: bytes::Bytes,
}

/// Carries calls to one control plane. Every error is a [`Fault`]: one that the control plane said, or
/// `control.unreachable` when it could not be asked.
pub trait Transport: Send + Sync {
    /// Sends a call and waits for the whole answer.
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Vec<u8>, Fault>>;
    /// Sends a call whose answer is a stream of events.
    fn stream(&self, call: Call) -> BoxFuture<'_, Result<BoxStream<Result<Frame, Fault>>, Fault>>;
    /// Sends a call with a file.
    fn upload(&self, call: Call, file: UploadFile) -> BoxFuture<'_, Result<Vec<u8>, Fault>>;
}
