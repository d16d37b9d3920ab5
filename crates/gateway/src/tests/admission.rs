use std::sync::Arc;

use axum::{Router, http::HeaderMap};
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::harness::{Running, client, problem, soon};
use crate::{Caller, Credentials, Exposure, GatewayConfig, OtlpReply, OtlpRequest, OtlpSink};

fn echo() -> Router {
    Router::new().fallback(|headers: HeaderMap, uri: axum::http::Uri| async move {
        let authorization = headers
            .get("authorization")
            .map_or("none", |value| value.to_str().unwrap());
        format!("{uri} {authorization}")
    })
}

#[tokio::test]
async fn pages_of_other_sites_stay_out() {
    let running = Running::start().await;
    running.serve_agent("greeter", echo()).await;
    let check = async |name: &str, value: &str, status: u16| {
        let response = client()
            .get(running.url("/greeter/"))
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{name}: {value}");
        if status == 403 {
            assert_eq!(problem(response).await["code"], "auth.foreign_origin");
        }
    };
    check("host", "evil.example", 403).await;
    check("host", "127.0.0.1.evil.example:9100", 403).await;
    check("host", "localhost:9100", 200).await;
    check("origin", "https://evil.example", 403).await;
    check("origin", "null", 403).await;
    check("origin", "http://localhost:8000", 200).await;
    check("origin", "tauri://localhost", 200).await;
    running.stop().await;
}

#[tokio::test]
async fn the_network_needs_the_agents_credential() {
    let credentials = Credentials::default();
    let token = credentials.issue("caller");
    let exposure = Exposure::Network {
        credentials: credentials.clone(),
    };
    let mut running = Running::with(GatewayConfig::default(), exposure).await;
    running.serve_agent("greeter", echo()).await;
    let secret = token.expose_secret();
    let url = running.url("/greeter/x?y=z");

    let nobody = client().get(&url).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert!(nobody.headers().contains_key("www-authenticate"));
    assert_eq!(problem(nobody).await["code"], "auth.unauthenticated");
    let wrong = client()
        .get(&url)
        .bearer_auth("0".repeat(64))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);

    let bearer = client().get(&url).bearer_auth(secret).send().await.unwrap();
    assert_eq!(
        bearer.text().await.unwrap(),
        "/x?y=z none",
        "the credential goes no further"
    );
    assert_eq!(
        running.record().await.caller,
        Caller::Agent("caller".into())
    );
    let basic = client()
        .get(&url)
        .basic_auth("anybody", Some(secret))
        .send()
        .await
        .unwrap();
    assert_eq!(basic.text().await.unwrap(), "/x?y=z none");
    let via = running.url(&format!("/via/{secret}/agents/greeter/x"));
    let via = client()
        .get(via)
        .bearer_auth("for-the-agent")
        .send()
        .await
        .unwrap();
    assert_eq!(via.text().await.unwrap(), "/x Bearer for-the-agent");
    running.record().await;
    assert!(
        !format!("{:?}", running.record().await).contains(secret),
        "no credential in records"
    );

    credentials.revoke("caller");
    let revoked = client().get(&url).bearer_auth(secret).send().await.unwrap();
    assert_eq!(revoked.status(), 401);
    credentials.admit("caller", SecretString::from(secret));
    let adopted = client().get(&url).bearer_auth(secret).send().await.unwrap();
    assert_eq!(
        adopted.status(),
        200,
        "a token of an earlier run can be taken over"
    );
    running.stop().await;
}

#[test]
fn tokens_overlap_and_are_bounded() {
    let credentials = Credentials::default();
    let first = credentials.issue("one");
    let second = credentials.issue("one");
    assert_ne!(first.expose_secret(), second.expose_secret());
    let gone = credentials.issue("one");
    credentials.withdraw(&gone);
    assert!(credentials.holder(gone.expose_secret()).is_none());
    assert_eq!(
        credentials.holder(first.expose_secret()).as_deref(),
        Some("one")
    );
    assert_eq!(credentials.holder(&first.expose_secret()[..63]), None);
    for _ in 0..7 {
        credentials.issue("one");
    }
    assert_eq!(
        credentials.holder(first.expose_secret()),
        None,
        "the oldest goes"
    );
    assert_eq!(
        credentials.holder(second.expose_secret()).as_deref(),
        Some("one")
    );
    assert!(!format!("{credentials:?}").contains(second.expose_secret()));
}

#[derive(Default)]
struct Exports(Mutex<Vec<OtlpRequest>>);

impl OtlpSink for Exports {
    fn export(&self, request: OtlpRequest) -> BoxFuture<'static, OtlpReply> {
        self.0.lock().push(request);
        let reply = OtlpReply {
            status: 200,
            content_type: "application/json",
            body: Bytes::from_static(b"{}"),
        };
        async move { reply }.boxed()
    }
}

#[tokio::test]
async fn containers_send_telemetry_through_their_credential() {
    let credentials = Credentials::default();
    let token = credentials.issue("caller");
    let exports = Arc::new(Exports::default());
    let sink: Arc<dyn OtlpSink> = Arc::<Exports>::clone(&exports);
    let config = GatewayConfig {
        max_otlp_bytes: 100,
        ..GatewayConfig::default()
    };
    let exposure = Exposure::Network { credentials };
    let running = Running::made(|gateway| gateway.with_otlp(sink), config, exposure).await;
    let url = running.url(&format!("/via/{}/otlp/v1/traces", token.expose_secret()));
    let sent = client()
        .post(&url)
        .header("content-type", "application/json")
        .body("spans")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (sent.status().as_u16(), sent.text().await.unwrap().as_str()),
        (200, "{}")
    );
    let seen = exports.0.lock().pop().unwrap();
    assert_eq!(
        (seen.agent.as_str(), seen.path.as_str(), &seen.body[..]),
        ("caller", "/v1/traces", &b"spans"[..])
    );
    let large = client()
        .post(&url)
        .body("x".repeat(101))
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), 413);
    let nobody = client()
        .post(running.url("/otlp/v1/traces"))
        .body("spans")
        .send()
        .await
        .unwrap();
    assert_eq!(nobody.status(), 401);
    assert!(exports.0.lock().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn administration_shows_routes_to_this_machine_only() {
    let running = Running::start().await;
    running.serve_agent("greeter", echo()).await;
    drop(running.routes().suspend("sleeper"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let cancel = CancellationToken::new();
    let (gateway, stop) = (running.gateway.clone(), cancel.clone());
    let serving = tokio::spawn(async move { gateway.serve_admin(listener, stop).await });

    let status: serde_json::Value = client()
        .get(format!("{base}/status"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&status["status"], &status["services_count"]),
        (&"ok".into(), &2.into())
    );
    assert!(
        status["last_sync"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .is_ok()
    );
    let services: serde_json::Value = client()
        .get(format!("{base}/services"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&services[0]["name"], &services[0]["state"]),
        (&"greeter".into(), &"live".into())
    );
    assert_eq!(
        (&services[1]["name"], &services[1]["state"]),
        (&"sleeper".into(), &"stopped".into())
    );
    let sync: serde_json::Value = client()
        .post(format!("{base}/sync"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(sync["services_count"], 2);
    assert_eq!(
        client()
            .get(format!("{base}/sync"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    let foreign = client()
        .get(format!("{base}/status"))
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 403);
    cancel.cancel();
    soon("the stop", serving).await.unwrap().unwrap();
    running.stop().await;
}
