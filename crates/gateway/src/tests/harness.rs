use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{Exposure, Gateway, GatewayConfig, RequestRecord, RequestSink, RouteTable, Upstream};

/// No wait of a test is longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Awaits what must happen soon.
pub(super) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen in time"))
}

struct Records(mpsc::Sender<RequestRecord>);

impl RequestSink for Records {
    fn record(&self, record: RequestRecord) {
        self.0.try_send(record).expect("the test reads its records");
    }
}

/// A running gateway, stopped when dropped.
pub(super) struct Running {
    pub(super) gateway: Gateway,
    pub(super) address: SocketAddr,
    records: mpsc::Receiver<RequestRecord>,
    cancel: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub(super) async fn start() -> Self {
        Self::with(GatewayConfig::default(), Exposure::Loopback).await
    }

    pub(super) async fn with(config: GatewayConfig, exposure: Exposure) -> Self {
        Self::made(|gateway| gateway, config, exposure).await
    }

    pub(super) async fn made(
        make: impl FnOnce(Gateway) -> Gateway,
        config: GatewayConfig,
        exposure: Exposure,
    ) -> Self {
        let (sender, records) = mpsc::channel(10_000);
        let gateway = make(Gateway::new(config, Arc::new(Records(sender))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cancel = CancellationToken::new();
        let serving = {
            let (gateway, cancel) = (gateway.clone(), cancel.clone());
            tokio::spawn(async move { gateway.serve(listener, exposure, cancel).await })
        };
        Self {
            gateway,
            address,
            records,
            cancel,
            serving,
        }
    }

    pub(super) fn routes(&self) -> RouteTable {
        self.gateway.routes()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Routes `agent` to a new server of `router`.
    pub(super) async fn serve_agent(&self, agent: &str, router: Router) -> SocketAddr {
        let address = serve(router).await;
        drop(self.routes().set(agent, Upstream::new(address, "one")));
        address
    }

    pub(super) async fn record(&mut self) -> RequestRecord {
        soon("a record", self.records.recv())
            .await
            .expect("the gateway runs")
    }

    pub(super) async fn stop(self) {
        self.cancel.cancel();
        soon("the stop", self.serving).await.unwrap().unwrap();
    }
}

/// Serves a router on a free port for as long as the test's runtime lives.
pub(super) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// An address on which nobody listens.
pub(super) async fn deserted() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A client without proxy settings and redirects of its own.
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(super) async fn problem(response: reqwest::Response) -> serde_json::Value {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let document: serde_json::Value = response.json().await.unwrap();
    assert!(
        document["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty()),
        "{document}"
    );
    document
}
