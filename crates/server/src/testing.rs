//! A plane that answers every operation with an example made of its schema, and remembers what it was asked: with it
//! the transport is tested whole, on real connections, without anything behind it.

mod example;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::StreamExt;
use nasiko_contract::{
    ErrorCode, Fault, JsonOperation, Operation, StreamOperation, UploadOperation,
};
use nasiko_control::{
    api::{Caller, Items, Numbered, Serve, ServeStream, ServeUpload, UploadedFile},
    browser_codes::BrowserCodes,
};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Access, Limits, ServerConfig, ports, router, serve};

pub use example::{example_of, filled_example_of};

/// The token of a [`TestServer`]'s owner.
pub const OWNER_TOKEN: &str = "owner-token";
/// A token that may only read agents.
pub const READER_TOKEN: &str = "reader-token";

/// One call that a plane got.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The operation's name.
    pub name: &'static str,
    /// Its request.
    pub request: Value,
    /// Who asked.
    pub caller: Caller,
    /// The uploaded file's name and content.
    pub file: Option<(String, Vec<u8>)>,
}

/// What a plane is to say to an operation, instead of the example.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This document.
    Document(Value),
    /// These items, numbered from 1, then the end of the stream.
    Items(Vec<Value>),
    /// These items, then nothing: the stream stays open.
    Open(Vec<Value>),
    /// These items, then this failure.
    Broken(Vec<Value>, Fault),
    /// This failure.
    Fault(Fault),
    /// A panic.
    Panic,
    /// An answer that never comes.
    Never,
}

/// Records every call and answers with what it was told to, else with an example.
#[derive(Debug, Default)]
pub struct RecordingPlane {
    calls: Mutex<Vec<Recorded>>,
    replies: Mutex<HashMap<&'static str, Reply>>,
    open_streams: Arc<()>,
}

impl RecordingPlane {
    /// Every call so far.
    pub fn calls(&self) -> Vec<Recorded> {
        self.calls.lock().clone()
    }

    /// The calls of one operation.
    pub fn calls_of<O: Operation>(&self) -> Vec<Recorded> {
        let mut calls = self.calls();
        calls.retain(|call| call.name == O::INFO.name);
        calls
    }

    /// Makes `O` answer `reply` from now on.
    pub fn reply<O: Operation>(&self, reply: Reply) {
        self.replies.lock().insert(O::INFO.name, reply);
    }

    /// How many streams are open.
    pub fn open_streams(&self) -> usize {
        Arc::strong_count(&self.open_streams) - 1
    }

    fn record<O: Operation>(&self, caller: &Caller, request: &O, file: Option<(String, Vec<u8>)>) {
        self.calls.lock().push(Recorded {
            name: O::INFO.name,
            request: serde_json::to_value(request).unwrap_or_default(),
            caller: caller.clone(),
            file,
        });
    }

    fn planned<O: Operation>(&self) -> Option<Reply> {
        self.replies.lock().get(O::INFO.name).cloned()
    }

    async fn document<O: Operation>(&self) -> Result<O::Output, Fault> {
        match self.planned::<O>() {
            None => read::<O>(example_of::<O::Output>()),
            Some(Reply::Document(document)) => read::<O>(document),
            Some(reply) => Err(fault_of(reply).await),
        }
    }
}

#[expect(clippy::panic, reason = "a panic is what is tested")]
async fn fault_of(reply: Reply) -> Fault {
    match reply {
        Reply::Fault(fault) => fault,
        Reply::Panic => panic!("a secret reason"),
        Reply::Never => futures::future::pending().await,
        _ => Fault::new(ErrorCode::Internal, "this reply does not fit the operation"),
    }
}

fn read<O: Operation>(document: Value) -> Result<O::Output, Fault> {
    serde_json::from_value(document).map_err(|error| {
        Fault::new(
            ErrorCode::Internal,
            format!("no example of {}: {error}", O::INFO.name),
        )
    })
}

impl<O: JsonOperation> Serve<O> for RecordingPlane {
    async fn serve(&self, caller: &Caller, request: O) -> Result<O::Output, Fault> {
        self.record(caller, &request, None);
        self.document::<O>().await
    }
}

impl<O: UploadOperation> ServeUpload<O> for RecordingPlane {
    async fn serve_upload(
        &self,
        caller: &Caller,
        request: O,
        file: UploadedFile,
    ) -> Result<O::Output, Fault> {
        let content = std::fs::read(&file.path)
            .map_err(|error| Fault::new(ErrorCode::Internal, error.to_string()))?;
        self.record(caller, &request, Some((file.name, content)));
        self.document::<O>().await
    }
}

impl<O: StreamOperation> ServeStream<O> for RecordingPlane {
    async fn serve_stream(&self, caller: &Caller, request: O) -> Result<Items<O::Output>, Fault> {
        self.record(caller, &request, None);
        let (documents, end) = match self.planned::<O>() {
            None => (vec![example_of::<O::Output>()], End::Done),
            Some(Reply::Items(items)) => (items, End::Done),
            Some(Reply::Open(items)) => (items, End::Open),
            Some(Reply::Broken(items, fault)) => (items, End::Fault(fault)),
            Some(reply) => return Err(fault_of(reply).await),
        };
        let items = documents.into_iter().enumerate().map(|(index, document)| {
            read::<O>(document).map(|item| Numbered {
                seq: Some(index as u64 + 1),
                item,
            })
        });
        let end = match end {
            End::Done => futures::stream::empty().boxed(),
            End::Open => futures::stream::pending().boxed(),
            End::Fault(fault) => futures::stream::iter([Err(fault)]).boxed(),
        };
        // Held by the stream to its end, and dropped with it before.
        let open = self.open_streams.clone();
        let closed = futures::stream::once(async move { drop(open) });
        Ok(futures::stream::iter(items)
            .chain(end)
            .chain(closed.filter_map(|()| async { None }))
            .boxed())
    }
}

enum End {
    Done,
    Open,
    Fault(Fault),
}

/// A server on a free port over a [`RecordingPlane`]; it ends when dropped.
#[derive(Debug)]
pub struct TestServer {
    /// What it calls.
    pub plane: Arc<RecordingPlane>,
    /// Its address, e.g. `http://127.0.0.1:40123`.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Issues codes for browsers.
    pub codes: BrowserCodes,
    /// Says whether it is ready.
    pub ready: watch::Sender<bool>,
    /// Ends it.
    pub closing: CancellationToken,
    /// Where uploads arrive.
    pub uploads: tempfile::TempDir,
    _end: DropGuard,
}

impl TestServer {
    /// Starts one with small limits.
    pub fn start() -> Result<Self, Fault> {
        Self::with_limits(Limits {
            json_bytes: 64 << 10,
            upload_bytes: 256 << 10,
            answer_within: Duration::from_secs(20),
            upload_pause: Duration::from_secs(5),
        })
    }

    /// Starts one with these limits.
    pub fn with_limits(limits: Limits) -> Result<Self, Fault> {
        let failed = |error: std::io::Error| Fault::new(ErrorCode::Internal, error.to_string());
        let bound = ports::bind("the test", ports::WantedPort::exactly(0))?;
        let port = bound.address.port();
        let plane = Arc::new(RecordingPlane::default());
        let codes = BrowserCodes::default();
        let closing = CancellationToken::new();
        let uploads = tempfile::tempdir().map_err(failed)?;
        let (ready, is_ready) = watch::channel(true);
        let reader = Caller::limited("reader", ["agents:read".to_owned()]);
        let access =
            Access::loopback(port, OWNER_TOKEN, codes.clone()).with_token(READER_TOKEN, reader);
        let config = ServerConfig {
            access: Arc::new(access),
            uploads: uploads.path().to_owned(),
            ready: is_ready,
            closing: closing.clone(),
            limits,
        };
        let listener = tokio::net::TcpListener::from_std(bound.listener).map_err(failed)?;
        let serving = serve(listener, router(plane.clone(), config), closing.clone());
        tokio::spawn(serving);
        Ok(Self {
            plane,
            address: format!("http://{}", bound.address),
            port,
            codes,
            ready,
            uploads,
            _end: closing.clone().drop_guard(),
            closing,
        })
    }
}
