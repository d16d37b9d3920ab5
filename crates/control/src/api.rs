//! The one gate: where a request becomes an authorised operation, whatever carried it here.

use std::{future::Future, path::PathBuf, sync::Arc};

use futures::stream::BoxStream;
use nasiko_contract::{
    ErrorCode, Fault, JsonOperation, OperationInfo, StreamOperation, UploadOperation,
};
use tracing::Instrument;

/// Who asks. Accounts come later; today a caller is a way in with the permissions that it grants.
#[derive(Debug, Clone)]
pub struct Caller {
    name: Arc<str>,
    permissions: Permissions,
    idempotency_key: Option<Arc<str>>,
}

/// What a caller may do.
#[derive(Debug, Clone)]
enum Permissions {
    All,
    Only(Arc<[String]>),
}

impl Caller {
    /// The person at this machine: holds the token of the data directory, may do everything.
    pub fn owner() -> Self {
        Self {
            name: "owner".into(),
            permissions: Permissions::All,
            idempotency_key: None,
        }
    }

    /// A caller that may do only what is listed, e.g. `agents:read`.
    pub fn limited(name: &str, permissions: impl IntoIterator<Item = String>) -> Self {
        Self {
            name: name.into(),
            permissions: Permissions::Only(permissions.into_iter().collect()),
            idempotency_key: None,
        }
    }

    /// The same caller, whose next operation is known by `key`: said twice, it is done once, over restarts too.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// What the caller knows this operation by.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// A name for logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `permission` is granted.
    pub fn may(&self, permission: &str) -> bool {
        match &self.permissions {
            Permissions::All => true,
            Permissions::Only(granted) => granted.iter().any(|held| held == permission),
        }
    }
}

/// One item of a stream, with its number where the stream is numbered (`Last-Event-ID` replays from there).
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered<T> {
    /// The number.
    pub seq: Option<u64>,
    /// The item.
    pub item: T,
}

impl<T> From<T> for Numbered<T> {
    fn from(item: T) -> Self {
        Self { seq: None, item }
    }
}

/// The items of a stream operation. Dropping it ends the work behind it.
pub type Items<T> = BoxStream<'static, Result<Numbered<T>, Fault>>;

/// A file that came with a call, already on disk in a place that goes when this is dropped.
#[derive(Debug)]
pub struct UploadedFile {
    /// The name the caller gave it: not to be trusted as a path.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// Answers an operation with one document.
pub trait Serve<O: JsonOperation>: Send + Sync {
    /// Does it. Dropping the future gives up waiting; an accepted job goes on.
    fn serve(
        &self,
        caller: &Caller,
        request: O,
    ) -> impl Future<Output = Result<O::Output, Fault>> + Send;
}

/// Answers an operation with a stream.
pub trait ServeStream<O: StreamOperation>: Send + Sync {
    /// Opens it.
    fn serve_stream(
        &self,
        caller: &Caller,
        request: O,
    ) -> impl Future<Output = Result<Items<O::Output>, Fault>> + Send;
}

/// Answers an operation that takes a file.
pub trait ServeUpload<O: UploadOperation>: Send + Sync {
    /// Takes the file over (moves or reads it before returning).
    fn serve_upload(
        &self,
        caller: &Caller,
        request: O,
        file: UploadedFile,
    ) -> impl Future<Output = Result<O::Output, Fault>> + Send;
}

macro_rules! define_plane {
    (json { $($json:ident)* } stream { $($stream:ident)* } upload { $($upload:ident)* }) => {
        /// Everything that serves every operation of the contract. One missing is a compile error.
        pub trait Plane:
            Send + Sync + 'static
            $(+ Serve<nasiko_contract::$json>)*
            $(+ ServeStream<nasiko_contract::$stream>)*
            $(+ ServeUpload<nasiko_contract::$upload>)*
        {}
        impl<P> Plane for P where P:
            Send + Sync + 'static
            $(+ Serve<nasiko_contract::$json>)*
            $(+ ServeStream<nasiko_contract::$stream>)*
            $(+ ServeUpload<nasiko_contract::$upload>)*
        {}
    };
}
nasiko_contract::with_operations!(define_plane);

/// Calls a JSON operation through the gate.
pub async fn call<O: JsonOperation>(
    plane: &impl Serve<O>,
    caller: &Caller,
    request: O,
) -> Result<O::Output, Fault> {
    authorise(&O::INFO, caller)?;
    plane
        .serve(caller, request)
        .instrument(span(&O::INFO, caller))
        .await
}

/// Opens a stream operation through the gate.
pub async fn stream<O: StreamOperation>(
    plane: &impl ServeStream<O>,
    caller: &Caller,
    request: O,
) -> Result<Items<O::Output>, Fault> {
    authorise(&O::INFO, caller)?;
    plane
        .serve_stream(caller, request)
        .instrument(span(&O::INFO, caller))
        .await
}

/// Calls an upload operation through the gate.
pub async fn upload<O: UploadOperation>(
    plane: &impl ServeUpload<O>,
    caller: &Caller,
    request: O,
    file: UploadedFile,
) -> Result<O::Output, Fault> {
    authorise(&O::INFO, caller)?;
    plane
        .serve_upload(caller, request, file)
        .instrument(span(&O::INFO, caller))
        .await
}

/// The policy: a caller needs the operation's permission.
pub fn authorise(info: &OperationInfo, caller: &Caller) -> Result<(), Fault> {
    if caller.may(info.permission) {
        return Ok(());
    }
    Err(Fault::new(
        ErrorCode::Forbidden,
        format!("{} may not do {}", caller.name(), info.name),
    )
    .hint(format!("It needs the permission `{}`", info.permission)))
}

fn span(info: &'static OperationInfo, caller: &Caller) -> tracing::Span {
    tracing::info_span!("operation", name = info.name, caller = caller.name())
}
