use std::sync::Arc;

use axum::{Json, Router, routing::get};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::harness::{Running, client, problem, serve};
use crate::{Credentials, Exposure, GatewayConfig, Upstream};

fn card() -> Value {
    json!({
        "name": "Greeter", "url": "http://localhost:10000/a2a",
        "additionalInterfaces": [{ "url": "http://0.0.0.0:8000/", "transport": "JSONRPC" }],
        "supportedInterfaces": [{ "url": "https://example.com/rpc", "protocolBinding": "JSONRPC" }],
        "unknown": { "kept": true },
    })
}

async fn fetch(url: &str) -> Value {
    let response = client().get(url).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    response.json().await.unwrap()
}

#[tokio::test]
async fn every_address_of_a_card_becomes_the_gateways() {
    let mut running = Running::start().await;
    let router = Router::new().route("/.well-known/agent.json", get(|| async { Json(card()) }));
    running.serve_agent("greeter", router).await;
    // The agent knows the older name only; callers may ask for any.
    for path in [
        "/.well-known/agent-card.json",
        "/.well-known/agent.json",
        "/agent-card.json",
    ] {
        let card = fetch(&running.url(&format!("/greeter{path}"))).await;
        let base = running.url("/greeter");
        assert_eq!(card["url"], format!("{base}/a2a"));
        assert_eq!(card["additionalInterfaces"][0]["url"], format!("{base}/"));
        assert_eq!(card["supportedInterfaces"][0]["url"], format!("{base}/rpc"));
        assert_eq!(card["unknown"]["kept"], true);
        let record = running.record().await;
        assert_eq!((record.status, record.error), (200, None));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_card_rewritten_twice_is_not_doubled() {
    let running = Running::start().await;
    let router = Router::new().route(
        "/.well-known/agent-card.json",
        get(|| async { Json(card()) }),
    );
    running.serve_agent("greeter", router).await;
    let once = fetch(&running.url("/greeter/.well-known/agent-card.json")).await;
    let again = once.clone();
    let router = Router::new().route(
        "/.well-known/agent-card.json",
        get(move || async move { Json(again) }),
    );
    running.serve_agent("greeter", router).await;
    assert_eq!(
        fetch(&running.url("/greeter/.well-known/agent-card.json")).await,
        once
    );
    running.stop().await;
}

#[tokio::test]
async fn a_known_card_stands_in_for_a_missing_one() {
    let running = Running::start().await;
    let address = serve(Router::new().route("/", get(|| async { "no cards here" }))).await;
    let mut upstream = Upstream::new(address, "one");
    drop(running.routes().set("greeter", upstream.clone()));
    let path = "/greeter/.well-known/agent-card.json";
    let none = client().get(running.url(path)).send().await.unwrap();
    assert_eq!(none.status(), 404);
    assert_eq!(problem(none).await["origin"], "upstream");

    upstream.card = Some(Arc::new(card()));
    drop(running.routes().set("greeter", upstream));
    assert_eq!(
        fetch(&running.url(path)).await["url"],
        running.url("/greeter/a2a")
    );
    let head = client().head(running.url(path)).send().await.unwrap();
    assert_eq!(head.status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn a_base_path_does_not_show_in_the_card() {
    let running = Running::start().await;
    let router = Router::new()
        .route(
            "/deep/.well-known/agent-card.json",
            get(|| async { Json(json!({ "url": "http://x:1/deep/rpc" })) }),
        )
        .route("/deep/rpc", get(|| async { "rpc" }));
    let mut upstream = Upstream::new(serve(router).await, "one");
    upstream.base_path = "/deep/".into();
    drop(running.routes().set("greeter", upstream));
    let card = fetch(&running.url("/greeter/.well-known/agent-card.json")).await;
    let reached = client()
        .get(card["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        reached.text().await.unwrap(),
        "rpc",
        "the card's address leads to the agent"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_container_gets_addresses_it_can_use() {
    let credentials = Credentials::default();
    let token = credentials.issue("caller");
    let running = Running::with(GatewayConfig::default(), Exposure::Network { credentials }).await;
    let router = Router::new()
        .route(
            "/.well-known/agent-card.json",
            get(|| async { Json(card()) }),
        )
        .route("/a2a", get(|| async { "hello" }));
    running.serve_agent("greeter", router).await;
    let base = running.url(&format!("/via/{}/greeter", token.expose_secret()));
    let card = fetch(&format!("{base}/.well-known/agent-card.json")).await;
    let reached = client()
        .get(card["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(reached.text().await.unwrap(), "hello");
    running.stop().await;
}
