use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    Attributes, Limits, OtlpIntake, Scope, Span, SpanId, SpanKind, SpanStatus, StatusCode, TraceId,
    TraceStore,
};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const DAY: u64 = 86_400 * SECOND;

/// No wait of a test is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn now() -> u64 {
    u64::try_from(
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_nanos(),
    )
    .unwrap()
}

/// A store in a directory of its own.
pub(crate) fn store() -> (TempDir, TraceStore) {
    store_with(Limits::default())
}

pub(crate) fn store_with(limits: Limits) -> (TempDir, TraceStore) {
    let dir = TempDir::new().unwrap();
    let store = TraceStore::open(dir.path(), limits).unwrap();
    (dir, store)
}

pub(crate) fn trace_id(number: u128) -> TraceId {
    TraceId(number.to_be_bytes())
}

pub(crate) fn span_id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// A span of agent `greeter` that begins `number` milliseconds ago and takes one.
pub(crate) fn span(trace: u128, number: u64, parent: Option<u64>) -> Span {
    let start_ns = now() - 10 * SECOND + number * 1_000_000;
    Span {
        trace_id: trace_id(trace),
        span_id: span_id(number),
        parent_id: parent.map(span_id),
        name: format!("step {number}"),
        service: "greeter".into(),
        agent: Some("greeter".into()),
        kind: SpanKind::Internal,
        start_ns,
        end_ns: start_ns + 1_000_000,
        status: SpanStatus {
            code: StatusCode::Unset,
            message: String::new(),
        },
        attributes: Attributes::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(attributes(&json!({ "service.name": "greeter" }))),
        scope: Arc::new(Scope {
            name: "test".into(),
            version: "1".into(),
        }),
    }
}

pub(crate) fn attributes(value: &Value) -> Attributes {
    value.as_object().unwrap().clone()
}

/// The spans' numbers.
pub(crate) fn numbers(spans: &[Span]) -> Vec<u64> {
    spans
        .iter()
        .map(|span| u64::from_be_bytes(span.span_id.0))
        .collect()
}

/// An intake that listens, and its store.
pub(crate) struct Served {
    _dir: tempfile::TempDir,
    pub(crate) store: TraceStore,
    pub(crate) intake: OtlpIntake,
    pub(crate) address: SocketAddr,
    cancel: CancellationToken,
    serving: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn http(limits: Limits) -> Self {
        Self::start(limits, |intake, listener, cancel| async move {
            intake.serve_http(listener, cancel).await.unwrap();
        })
        .await
    }

    /// At an address that was another's before.
    pub(crate) async fn http_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        Self::start_on(
            listener,
            Limits::default(),
            |intake, listener, cancel| async move {
                intake.serve_http(listener, cancel).await.unwrap();
            },
        )
    }

    pub(crate) async fn grpc() -> Self {
        Self::start(Limits::default(), |intake, listener, cancel| async move {
            intake.serve_grpc(listener, cancel).await.unwrap();
        })
        .await
    }

    async fn start<Serving>(
        limits: Limits,
        serve: impl FnOnce(OtlpIntake, TcpListener, CancellationToken) -> Serving,
    ) -> Self
    where
        Serving: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, limits, serve)
    }

    fn start_on<Serving>(
        listener: TcpListener,
        limits: Limits,
        serve: impl FnOnce(OtlpIntake, TcpListener, CancellationToken) -> Serving,
    ) -> Self
    where
        Serving: Future<Output = ()> + Send + 'static,
    {
        let (dir, store) = store_with(limits);
        let address = listener.local_addr().unwrap();
        let cancel = CancellationToken::new();
        let intake = OtlpIntake::new(store.clone());
        let serving = tokio::spawn(serve(intake.clone(), listener, cancel.clone()));
        Self {
            _dir: dir,
            store,
            intake,
            address,
            cancel,
            serving,
        }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client
            .post(format!("http://{}{path}", self.address))
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.serving)
            .await
            .unwrap()
            .unwrap();
    }
}

/// Looks until it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "{what}");
}
