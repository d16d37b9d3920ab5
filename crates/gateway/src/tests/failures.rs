use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use nasiko_contract::ErrorCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::harness::{Running, client, deserted, problem, soon};
use crate::{Exposure, GatewayConfig, Origin, Upstream};

#[tokio::test]
async fn an_unknown_agent_is_refused_with_the_nearest_name() {
    let running = Running::start().await;
    drop(
        running
            .routes()
            .set("greeter", Upstream::new(deserted().await, "one")),
    );
    let response = client().get(running.url("/greter/x")).send().await.unwrap();
    assert_eq!(response.status(), 404);
    let trace = response.headers()["x-trace-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let problem = problem(response).await;
    assert_eq!(problem["code"], "agent.not_found");
    assert_eq!(problem["type"], "urn:nasiko:error:agent.not_found");
    assert_eq!(problem["origin"], "caller");
    assert_eq!(problem["hint"], "Did you mean `greeter`?");
    assert_eq!(problem["request_id"], trace);
    let none = client().get(running.url("/")).send().await.unwrap();
    assert_eq!(none.status(), 404);
    running.stop().await;
}

#[tokio::test]
async fn a_stopped_agent_is_not_an_unknown_one() {
    let mut running = Running::start().await;
    drop(running.routes().suspend("greeter"));
    let response = client().get(running.url("/greeter/")).send().await.unwrap();
    assert_eq!(response.status(), 503);
    let problem = problem(response).await;
    assert_eq!(
        (&problem["code"], &problem["status"]),
        (&"agent.not_running".into(), &503.into())
    );
    assert_eq!(problem["retryable"], true);
    let record = running.record().await;
    assert_eq!((record.status, record.instance), (503, None));
    running.stop().await;
}

#[tokio::test]
async fn nobody_listening_is_the_upstreams_fault() {
    let mut running = Running::start().await;
    drop(
        running
            .routes()
            .set("greeter", Upstream::new(deserted().await, "one")),
    );
    let response = client().get(running.url("/greeter/")).send().await.unwrap();
    assert_eq!(response.status(), 502);
    let problem = problem(response).await;
    assert_eq!(
        (&problem["code"], &problem["origin"]),
        (&"agent.unreachable".into(), &"upstream".into())
    );
    assert!(!problem["evidence"].as_array().unwrap().is_empty());
    let error = running.record().await.error.unwrap();
    assert_eq!(
        (error.code, error.origin),
        (ErrorCode::AgentUnreachable, Origin::Upstream)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_request_whose_bytes_went_out_is_never_sent_again() {
    let running = Running::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    drop(running.routes().set(
        "greeter",
        Upstream::new(listener.local_addr().unwrap(), "one"),
    ));
    let request = tokio::spawn(client().post(running.url("/greeter/")).body("pay").send());
    let (mut stream, _) = soon("the connection", listener.accept()).await.unwrap();
    let mut head = [0; 4096];
    assert!(stream.read(&mut head).await.unwrap() > 0);
    drop(stream);
    let response = soon("the answer", request).await.unwrap().unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(problem(response).await["code"], "agent.unreachable");
    let again = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(again.is_err(), "there must be no second attempt");
    running.stop().await;
}

#[tokio::test]
async fn an_agent_that_never_answers_times_out() {
    let config = GatewayConfig {
        response_header_timeout: Duration::from_millis(50),
        ..GatewayConfig::default()
    };
    let running = Running::with(config, Exposure::Loopback).await;
    let answer = || async { std::future::pending::<()>().await };
    running
        .serve_agent("greeter", Router::new().route("/", get(answer)))
        .await;
    let response = soon("the answer", client().get(running.url("/greeter/")).send())
        .await
        .unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(problem(response).await["code"], "timed_out");
    running.stop().await;
}

#[tokio::test]
async fn bodies_heads_and_open_requests_are_limited() {
    let config = GatewayConfig {
        max_body_bytes: 10,
        max_header_bytes: 8192,
        max_in_flight_per_agent: 1,
        ..GatewayConfig::default()
    };
    let mut running = Running::with(config, Exposure::Loopback).await;
    let (entered, mut entries) = tokio::sync::mpsc::channel(1);
    let held = move || async move {
        entered.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let router = Router::new()
        .route("/upload", post(|body: Bytes| async move { body }))
        .route("/hold", get(held));
    running.serve_agent("greeter", router).await;

    let fits = client()
        .post(running.url("/greeter/upload"))
        .body("0123456789")
        .send()
        .await
        .unwrap();
    assert_eq!(fits.text().await.unwrap(), "0123456789");
    running.record().await;
    let declared = client()
        .post(running.url("/greeter/upload"))
        .body("0123456789x")
        .send()
        .await
        .unwrap();
    assert_eq!(declared.status(), 413);
    assert_eq!(problem(declared).await["code"], "request.too_large");
    running.record().await;
    let chunks = futures::stream::iter(["0123456789", "x"].map(Ok::<_, std::io::Error>));
    let body = reqwest::Body::wrap_stream(chunks);
    let streamed = client()
        .post(running.url("/greeter/upload"))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(streamed.status(), 413);
    assert_eq!(running.record().await.error.unwrap().origin, Origin::Caller);

    let long = client()
        .get(running.url("/greeter/"))
        .header("x-long", "x".repeat(9000))
        .send()
        .await
        .unwrap();
    assert_eq!(long.status(), 431);

    let open = tokio::spawn(client().get(running.url("/greeter/hold")).send());
    soon("the open request", entries.recv()).await.unwrap();
    let second = client()
        .get(running.url("/greeter/hold"))
        .send()
        .await
        .unwrap();
    assert_eq!(second.status(), 429);
    assert_eq!(problem(second).await["code"], "limit.reached");
    open.abort();
    running.stop().await;
}

#[tokio::test]
async fn the_public_address_is_no_loopback_exposure() {
    let gateway = Running::start().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = gateway
        .gateway
        .serve(
            listener,
            Exposure::Loopback,
            tokio_util::sync::CancellationToken::new(),
        )
        .await;
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::InvalidInput
    );
    gateway.stop().await;
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let running = Running::start().await;
    running
        .serve_agent(
            "greeter",
            Router::new().route("/", get(|| async { "hello" })),
        )
        .await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"\x16\x03\x01 what is this\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    soon("the end", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 400"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let fine = client().get(running.url("/greeter/")).send().await.unwrap();
    assert_eq!(fine.text().await.unwrap(), "hello");
    running.stop().await;
}

#[tokio::test]
async fn redirections_lead_back_through_the_gateway() {
    let running = Running::start().await;
    let redirect = |headers: axum::http::HeaderMap| async move {
        let host = headers["host"].to_str().unwrap().to_owned();
        (
            axum::http::StatusCode::TEMPORARY_REDIRECT,
            [("location", format!("http://{host}/a2a/"))],
        )
    };
    let router = Router::new()
        .route("/a2a", get(redirect))
        .route("/a2a/", get(|| async { "arrived" }));
    running.serve_agent("greeter", router).await;
    let followed = client()
        .get(running.url("/greeter/a2a"))
        .send()
        .await
        .unwrap();
    assert_eq!(followed.url().path(), "/greeter/a2a/");
    assert_eq!(followed.text().await.unwrap(), "arrived");
    running.stop().await;
}
