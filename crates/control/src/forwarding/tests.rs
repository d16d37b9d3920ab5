//! Whole control planes that forward to each other, and services of a stack as an engine shows them.

use std::collections::BTreeMap;

use nasiko_contract::{ErrorCode, GetSettings, GetStatus, PatchSettings};
use nasiko_stack::observed::Published;
use nasiko_telemetry::{Scope, Span, SpanId, SpanKind, SpanStatus, TraceId};
use tempfile::TempDir;

use super::*;
use crate::{
    ControlPlane,
    api::{self, Caller},
    tests::{PATIENCE, open},
};

async fn set(plane: &ControlPlane, address: &str) -> Result<Option<String>, Fault> {
    let request = PatchSettings {
        otlp_forward_url: Some(address.to_owned()),
        ..PatchSettings::default()
    };
    let settings = api::call(plane, &Caller::owner(), request).await?;
    Ok(settings.otlp_forward_url)
}

async fn standing(plane: &ControlPlane) -> Option<TraceForwarding> {
    let status = api::call(plane, &Caller::owner(), GetStatus {}).await;
    status.unwrap().forwarding
}

/// Waits until it stands so.
async fn stands(plane: &ControlPlane, what: &str, is_so: impl Fn(&TraceForwarding) -> bool) {
    let waiting = async {
        while !standing(plane).await.as_ref().is_some_and(&is_so) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "{what}: {:?}", standing(plane).await);
}

/// A span that has just ended.
async fn record(plane: &ControlPlane, number: u8) {
    let now = crate::time::now_ns();
    let span = Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([number; 8]),
        parent_id: None,
        name: "step".to_owned(),
        service: "greeter".to_owned(),
        agent: None,
        kind: SpanKind::Internal,
        start_ns: now,
        end_ns: now,
        status: SpanStatus::default(),
        attributes: nasiko_telemetry::Attributes::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: std::sync::Arc::default(),
        scope: std::sync::Arc::new(Scope::default()),
    };
    plane.shared.traces.ingest(vec![span]).await.unwrap();
}

#[tokio::test]
async fn a_setting_names_the_viewer_and_outlives_a_restart() {
    let (home, other_home) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let plane = open(home.path()).await;
    let viewer = open(other_home.path()).await;
    assert_eq!(standing(&plane).await, None);
    let address = viewer.shared.addresses.otlp_http.clone();
    let kept = set(&plane, &format!(" {address}/v1/traces "))
        .await
        .unwrap();
    assert_eq!(kept.as_deref(), Some(&*address));
    // And back again: what was forwarded goes no further.
    set(&viewer, &plane.shared.addresses.otlp_http)
        .await
        .unwrap();
    record(&plane, 1).await;
    stands(&plane, "it is sent", |now| now.sent == 1).await;
    // The last of it goes with the end.
    record(&plane, 2).await;
    plane.close().await;
    drop(plane);
    let there = viewer.shared.traces.trace(TraceId([1; 16])).await.unwrap();
    assert_eq!(there.unwrap().len(), 2);
    assert_eq!(standing(&viewer).await.unwrap().sent, 0);

    let plane = open(home.path()).await;
    let now = standing(&plane).await.unwrap();
    assert_eq!(now.target, Some(address));
    assert_eq!((now.state, now.service), (ForwardingState::Sending, None));
    record(&plane, 3).await;
    stands(&plane, "it is sent", |now| now.sent == 1).await;
    assert_eq!(set(&plane, "").await.unwrap(), None);
    assert_eq!(standing(&plane).await, None);
    viewer.close().await;
    plane.close().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_is_refused_and_changes_nothing() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let port = |address: &str| Url::parse(address).unwrap().port().unwrap();
    let http = port(&plane.shared.addresses.otlp_http);
    let grpc = port(&plane.shared.addresses.otlp_grpc);
    for own in [
        format!("http://127.0.0.1:{http}"),
        format!("http://localhost:{http}/"),
        format!("http://LOCALHOST:{http}/v1/traces"),
        format!("http://[::1]:{http}"),
        format!("http://[::ffff:127.0.0.1]:{http}"),
        format!("http://0.0.0.0:{http}/some/path"),
        format!("http://127.1.2.3:{grpc}"),
        format!("http://me.localhost:{grpc}"),
    ] {
        let fault = set(&plane, &own).await.unwrap_err();
        assert_eq!(fault.code, ErrorCode::InvalidRequest, "{own}");
        assert!(fault.message.contains("own intake"), "{own}: {fault:?}");
    }
    for bad in [
        "127.0.0.1:4318",
        "https://127.0.0.1:4318",
        "ftp://viewer",
        "http://",
        "http://viewer:1/?a=b",
        "http://viewer:1/#a",
        "http://me:secret@viewer:1",
    ] {
        let fault = set(&plane, bad).await.unwrap_err();
        assert_eq!(fault.code, ErrorCode::InvalidRequest, "{bad}");
        assert!(fault.hint.unwrap().contains("base URL"), "{bad}");
        assert!(!fault.message.contains("secret"), "{bad}");
    }
    let settings = api::call(&plane, &Caller::owner(), GetSettings {}).await;
    assert_eq!(settings.unwrap().otlp_forward_url, None);
    assert_eq!(standing(&plane).await, None);

    // A port that has become our own since it was set.
    let settings = Settings {
        otlp_forward_url: Some(format!("http://127.0.0.1:{http}")),
        ..Settings::default()
    };
    plane.shared.apply_settings(settings);
    let now = standing(&plane).await.unwrap();
    assert_eq!(now.state, ForwardingState::Refused);
    record(&plane, 1).await;
    assert_eq!(standing(&plane).await.unwrap().waiting, 0);
    plane.close().await;
}

#[tokio::test]
async fn a_service_of_the_stack_is_used_while_it_is_well() {
    let (home, other_home) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let plane = open(home.path()).await;
    let viewer = open(other_home.path()).await;
    let port = Url::parse(&viewer.shared.addresses.otlp_http)
        .unwrap()
        .port();
    let port = port.unwrap();
    let forwarding = &plane.shared.forwarding;
    let well = container("jaeger", State::Running, Some(Health::Healthy), port);
    let ill = container("jaeger", State::Running, Some(Health::Starting), port);

    forwarding.follow_stack(std::slice::from_ref(&ill));
    let now = standing(&plane).await.unwrap();
    assert_eq!(now.state, ForwardingState::Waiting);
    assert_eq!((now.service.as_deref(), now.target), (Some("jaeger"), None));
    record(&plane, 1).await;
    assert_eq!(standing(&plane).await.unwrap().waiting, 1);
    forwarding.follow_stack(std::slice::from_ref(&well));
    stands(&plane, "what waited is sent", |now| now.sent == 1).await;
    let now = standing(&plane).await.unwrap();
    assert_eq!(now.target.unwrap(), format!("http://127.0.0.1:{port}"));

    // It is made anew while spans come.
    let gone = container("jaeger", State::Exited(137), None, port);
    forwarding.follow_stack(&[gone]);
    record(&plane, 2).await;
    forwarding.follow_stack(std::slice::from_ref(&well));
    stands(&plane, "nothing is lost", |now| now.sent == 2).await;

    // What a person says wins.
    set(&plane, "http://127.0.0.1:1").await.unwrap();
    let now = standing(&plane).await.unwrap();
    assert_eq!(
        (now.target.as_deref(), now.service),
        (Some("http://127.0.0.1:1"), None)
    );
    set(&plane, "").await.unwrap();
    let now = standing(&plane).await.unwrap();
    assert_eq!(now.service.as_deref(), Some("jaeger"));
    forwarding.follow_stack(&[]);
    assert_eq!(standing(&plane).await, None);
    viewer.close().await;
    plane.close().await;
}

fn container(service: &str, state: State, health: Option<Health>, port: u16) -> Container {
    Container {
        id: "id".to_owned(),
        name: format!("nasiko-{service}-1"),
        service: service.to_owned(),
        config_hash: None,
        image: "image".to_owned(),
        image_id: "id".to_owned(),
        state,
        health,
        created_at: None,
        started_at: None,
        restarts: 0,
        ports: vec![published("127.0.0.1", port, "4318/tcp")],
        nameless_volumes: Vec::new(),
        depends_on: Vec::new(),
        labels: BTreeMap::from([(LABEL.to_owned(), "4318".to_owned())]),
    }
}

fn published(address: &str, port: u16, target: &str) -> Published {
    Published {
        address: address.parse().ok(),
        port,
        target: target.to_owned(),
    }
}

#[test]
fn the_viewer_is_the_service_with_the_label_where_loopback_reaches_it() {
    let plain = |ports: Vec<Published>| Container {
        ports,
        ..container("viewer", State::Running, None, 1)
    };
    for (ports, at) in [
        (
            vec![published("127.0.0.1", 7, "4318/tcp")],
            Some("127.0.0.1:7"),
        ),
        (
            vec![published("0.0.0.0", 7, "4318/tcp")],
            Some("127.0.0.1:7"),
        ),
        (vec![published("::", 7, "4318/tcp")], Some("[::1]:7")),
        (vec![published("", 7, "4318/tcp")], Some("127.0.0.1:7")),
        (
            vec![
                published("::", 7, "4318/tcp"),
                published("0.0.0.0", 8, "4318/tcp"),
            ],
            Some("127.0.0.1:8"),
        ),
        (vec![published("192.0.2.1", 7, "4318/tcp")], None),
        (vec![published("127.0.0.1", 7, "4318/udp")], None),
        (vec![published("127.0.0.1", 7, "4317/tcp")], None),
        (Vec::new(), None),
    ] {
        let found = viewer_among(&[plain(ports.clone())]).unwrap();
        assert_eq!(
            found.at.map(|at| at.to_string()).as_deref(),
            at,
            "{ports:?}"
        );
    }
    for (state, health, is_used) in [
        (State::Running, None, true),
        (State::Running, Some(Health::Healthy), true),
        (State::Running, Some(Health::Starting), false),
        (State::Running, Some(Health::Unhealthy), false),
        (State::Paused, Some(Health::Healthy), false),
        (State::Restarting, None, false),
        (State::Created, None, false),
        (State::Exited(0), Some(Health::Healthy), false),
    ] {
        let found = viewer_among(&[container("viewer", state, health, 1)]).unwrap();
        assert_eq!(found.at.is_some(), is_used, "{state:?} {health:?}");
    }
    let unlabelled = Container {
        labels: BTreeMap::new(),
        ..container("web", State::Running, None, 1)
    };
    assert_eq!(viewer_among(std::slice::from_ref(&unlabelled)), None);
    let several = [
        unlabelled,
        container("a", State::Exited(1), None, 1),
        container("c", State::Running, None, 3),
        container("b", State::Running, None, 2),
    ];
    assert_eq!(viewer_among(&several).unwrap().name, "b", "well, by name");
}
