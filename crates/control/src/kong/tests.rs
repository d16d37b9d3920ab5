//! A whole control plane and a Kong that is an HTTP double of its Admin API.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Json, Response},
};
use nasiko_contract::{ErrorCode, GetStatus, PatchSettings};
use nasiko_store::{Batch, Expected};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    ControlPlane, api,
    api::Caller,
    records::AgentRecord,
    tests::{eventually, open},
};

/// A double that listens.
struct Serving {
    stop: CancellationToken,
    thread: std::thread::JoinHandle<()>,
}

impl Serving {
    /// Ends it and waits until its address is free again.
    fn end(self) {
        self.stop.cancel();
        self.thread.join().unwrap();
    }
}

/// What a Kong has, by the path of the Admin API.
#[derive(Clone)]
struct Double {
    database: &'static str,
    has: Arc<Mutex<BTreeMap<String, Value>>>,
    /// How often it was changed: the hash of its configuration.
    changes: Arc<AtomicU64>,
}

impl Double {
    fn new(database: &'static str) -> Self {
        Self {
            database,
            has: Arc::default(),
            changes: Arc::default(),
        }
    }

    /// Listens until it is ended; then every connection to it ends.
    fn serve(&self, address: SocketAddr) -> (SocketAddr, Serving) {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (router, stopped) = (
            Router::new().fallback(answer).with_state(self.clone()),
            stop.clone(),
        );
        let serving = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::select! {
                ended = axum::serve(listener, router) => ended.unwrap(),
                () = stopped.cancelled() => {}
            }
        };
        // A runtime of its own: when it ends, so do the connections.
        let thread = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(serving);
        });
        (address, Serving { stop, thread })
    }

    fn names(&self) -> Vec<String> {
        self.has.lock().keys().cloned().collect()
    }
}

async fn answer(State(double): State<Double>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = head.uri.path().trim_matches('/').to_owned();
    let mut has = double.has.lock();
    let changes = &double.changes;
    match (head.method, path.as_str()) {
        (Method::GET, "") => Json(json!({
            "version": "3.9.1", "configuration": { "database": double.database },
        }))
        .into_response(),
        (Method::GET, "status") => {
            Json(json!({ "configuration_hash": changes.load(Ordering::SeqCst).to_string() }))
                .into_response()
        }
        (Method::GET, "services") => {
            let rows: Vec<Value> = has
                .iter()
                .filter_map(|(path, service)| {
                    let name = path
                        .strip_prefix("services/")
                        .filter(|name| !name.contains('/'))?;
                    let is_asked_for = service["tags"].as_array()?.contains(&json!("nasiko"));
                    is_asked_for.then(|| json!({ "name": name }))
                })
                .collect();
            Json(json!({ "data": rows, "next": null })).into_response()
        }
        (Method::POST, "config") if double.database == "off" => {
            changes.fetch_add(1, Ordering::SeqCst);
            *has = BTreeMap::from([("config".to_owned(), body)]);
            StatusCode::CREATED.into_response()
        }
        (Method::PUT, _) if double.database != "off" => {
            has.insert(path, body);
            StatusCode::OK.into_response()
        }
        (Method::DELETE, _) if double.database != "off" => {
            let suffix = format!("/{path}");
            has.retain(|known, _| *known != path && !known.ends_with(&suffix));
            StatusCode::NO_CONTENT.into_response()
        }
        _ => (StatusCode::NOT_FOUND, "{\"message\":\"Not found\"}").into_response(),
    }
}

/// Tells the control plane where Kong is.
async fn tell(plane: &ControlPlane, address: &str) {
    let request = PatchSettings {
        kong_admin_url: Some(address.to_owned()),
        ..PatchSettings::default()
    };
    api::call(plane, &Caller::owner(), request).await.unwrap();
}

async fn add(plane: &ControlPlane, name: &str) {
    let agent = AgentRecord {
        name: name.into(),
        ..crate::records::tests::agent(nasiko_contract::AgentState::Active, None)
    };
    assert!(plane.shared.add_agent(&agent).await.unwrap());
}

async fn remove(plane: &ControlPlane, name: &str) {
    let mut batch = Batch::new();
    batch
        .delete::<AgentRecord>(name, Expected::Any)
        .event(REMOVED, name, json!({ "name": name }));
    plane.shared.store.commit(batch).await.unwrap();
}

async fn notices(plane: &ControlPlane) -> String {
    let status = api::call(plane, &Caller::owner(), GetStatus {}).await;
    status.unwrap().notices.join("\n")
}

fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

#[tokio::test]
async fn a_kong_without_a_database_follows_and_gets_all_of_it_again_when_it_comes_back() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let kong = Double::new("off");
    let routed = async || -> Vec<String> {
        let has = kong.has.lock();
        let services = has.get("config").map(|config| config["services"].clone());
        let services = services.unwrap_or_default();
        services
            .as_array()
            .into_iter()
            .flatten()
            .map(|service| {
                service["routes"][0]["paths"][1]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let (address, serving) = kong.serve(anywhere());
    add(&plane, "early").await;
    tell(&plane, &format!("http://{address}/")).await;
    eventually("what was there before is there", async || {
        routed().await == ["/early"]
    })
    .await;
    // In a burst: together.
    let before = kong.changes.load(Ordering::SeqCst);
    for name in ["a", "b", "c"] {
        add(&plane, name).await;
    }
    eventually("agents that come are followed", async || {
        routed().await == ["/a", "/b", "/c", "/early"]
    })
    .await;
    assert!(
        kong.changes.load(Ordering::SeqCst) - before <= 2,
        "in few steps"
    );
    eventually("its standing is told", async || {
        notices(&plane).await.contains("the routes of 4 agents")
    })
    .await;

    // It goes away, and an agent with it.
    serving.end();
    eventually(
        "its loss is noticed without anything to tell it",
        async || {
            notices(&plane)
                .await
                .contains("does not have the agents' routes")
        },
    )
    .await;
    remove(&plane, "b").await;
    kong.has.lock().clear();
    let (_, serving) = kong.serve(address);
    eventually("it gets all of it again", async || {
        routed().await == ["/a", "/c", "/early"]
    })
    .await;

    // It forgets, too fast to be seen away.
    eventually("it stands again", async || {
        notices(&plane).await.contains("the routes of 3 agents")
    })
    .await;
    serving.end();
    kong.has.lock().clear();
    kong.changes.store(1_000, Ordering::SeqCst);
    let (_, serving) = kong.serve(address);
    eventually("what it forgot is there again", async || {
        routed().await == ["/a", "/c", "/early"]
    })
    .await;

    tell(&plane, "").await;
    eventually("switched off", async || notices(&plane).await.is_empty()).await;
    let before = kong.changes.load(Ordering::SeqCst);
    add(&plane, "late").await;
    tokio::time::sleep(DEBOUNCE * 3).await;
    assert_eq!(kong.changes.load(Ordering::SeqCst), before, "left alone");
    serving.end();
    plane.close().await;
}

#[tokio::test]
async fn a_kong_with_a_database_gets_services_and_routes_and_loses_only_ours() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let kong = Double::new("postgres");
    let theirs = json!({ "host": "example.com", "tags": ["theirs"] });
    kong.has.lock().insert("services/theirs".to_owned(), theirs);
    let (address, serving) = kong.serve(anywhere());
    tell(&plane, &format!("http://{address}")).await;
    add(&plane, "greeter").await;
    add(&plane, "leaver").await;
    eventually("both are there", async || kong.names().len() == 5).await;
    assert_eq!(
        kong.names(),
        [
            "services/nasiko-greeter",
            "services/nasiko-greeter/routes/nasiko-greeter",
            "services/nasiko-leaver",
            "services/nasiko-leaver/routes/nasiko-leaver",
            "services/theirs",
        ]
    );
    {
        let has = kong.has.lock();
        let gateway = Url::parse(&plane.shared.addresses.gateway).unwrap();
        let service = &has["services/nasiko-greeter"];
        assert_eq!(service["port"], gateway.port().unwrap());
        assert_eq!(service["path"], "/greeter");
        let route = &has["services/nasiko-greeter/routes/nasiko-greeter"];
        assert_eq!(route["strip_path"], true);
    }
    remove(&plane, "leaver").await;
    eventually("one that leaves is taken away", async || {
        kong.names().len() == 3
    })
    .await;
    assert!(kong.names().contains(&"services/theirs".to_owned()));
    serving.end();
    plane.close().await;
}

#[test]
fn an_address_is_one_that_can_be_kept() {
    assert_eq!(checked_address(" ").unwrap(), None);
    assert_eq!(
        checked_address("http://127.0.0.1:8001/")
            .unwrap()
            .as_deref(),
        Some("http://127.0.0.1:8001")
    );
    for bad in [
        "kong:8001",
        "ftp://kong",
        "http://",
        "http://me:secret@kong:8001",
    ] {
        let fault = checked_address(bad).unwrap_err();
        assert_eq!(fault.code, ErrorCode::InvalidRequest, "{bad}");
        assert!(!fault.message.contains("secret"), "{fault:?}");
    }
}
