use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::HeaderMap,
    routing::{get, post},
};
use futures::StreamExt;
use http_body_util::BodyExt;
use nasiko_contract::ErrorCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::{Mutex, Notify, mpsc},
};

use super::harness::{Running, client, soon};
use crate::{GatewayConfig, Origin, Upstream};

/// An upstream whose answer is what the test puts into the channel.
fn channelled() -> (Router, mpsc::Sender<&'static str>) {
    let (sender, receiver) = mpsc::channel::<&'static str>(4);
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let answer = move || async move {
        let receiver = receiver.lock().await.take().expect("called once");
        let chunks = futures::stream::unfold(receiver, |mut receiver| async move {
            let chunk = receiver.recv().await?;
            Some((Ok::<_, Infallible>(Bytes::from(chunk)), receiver))
        });
        Body::from_stream(chunks)
    };
    (Router::new().route("/stream", get(answer)), sender)
}

#[tokio::test]
async fn an_answer_passes_chunk_by_chunk() {
    let mut running = Running::start().await;
    let (router, sender) = channelled();
    running.serve_agent("greeter", router).await;

    sender.send("first").await.unwrap();
    let response = client()
        .get(running.url("/greeter/stream"))
        .send()
        .await
        .unwrap();
    let mut chunks = response.bytes_stream();
    // The second is not even made before the first has arrived.
    assert_eq!(
        soon("the first chunk", chunks.next())
            .await
            .unwrap()
            .unwrap(),
        "first"
    );
    sender.send("second").await.unwrap();
    assert_eq!(
        soon("the second chunk", chunks.next())
            .await
            .unwrap()
            .unwrap(),
        "second"
    );
    drop(sender);
    assert!(soon("the end", chunks.next()).await.is_none());

    let record = running.record().await;
    assert!(record.streamed);
    assert_eq!(
        (record.status, record.bytes_out, record.error),
        (200, 11, None)
    );
    assert!(record.first_byte_ns.unwrap() <= record.duration_ns);
    running.stop().await;
}

#[tokio::test]
async fn an_upload_passes_chunk_by_chunk() {
    let mut running = Running::start().await;
    let (arrived, mut arrivals) = mpsc::channel(4);
    let answer = move |request: Request| async move {
        let mut body = request.into_body();
        while let Some(Ok(frame)) = body.frame().await {
            arrived.send(frame.into_data().unwrap()).await.unwrap();
        }
        "done"
    };
    running
        .serve_agent("greeter", Router::new().route("/upload", post(answer)))
        .await;

    let (sender, receiver) = mpsc::channel::<&'static str>(4);
    let chunks = futures::stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receiver))
    });
    let request = client()
        .post(running.url("/greeter/upload"))
        .body(reqwest::Body::wrap_stream(chunks))
        .send();
    let request = tokio::spawn(request);
    sender.send("first").await.unwrap();
    assert_eq!(
        soon("the first chunk", arrivals.recv()).await.unwrap(),
        "first"
    );
    sender.send("second").await.unwrap();
    assert_eq!(
        soon("the second chunk", arrivals.recv()).await.unwrap(),
        "second"
    );
    drop(sender);
    let response = soon("the answer", request).await.unwrap().unwrap();
    assert_eq!(response.text().await.unwrap(), "done");
    assert_eq!(running.record().await.bytes_in, 11);
    running.stop().await;
}

/// Tells when it is dropped.
struct Gone(Arc<Notify>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_answer_cancels_the_upstream() {
    let mut running = Running::start().await;
    let (called, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let answer = {
        let (called, gone) = (Arc::clone(&called), Arc::clone(&gone));
        move || async move {
            let _gone = Gone(gone);
            called.notify_one();
            std::future::pending::<()>().await;
        }
    };
    running
        .serve_agent("greeter", Router::new().route("/", get(answer)))
        .await;

    let request = tokio::spawn(client().get(running.url("/greeter")).send());
    soon("the call", called.notified()).await;
    request.abort();
    soon("the upstream's cancellation", gone.notified()).await;
    let record = running.record().await;
    let error = record.error.unwrap();
    assert_eq!(
        (record.status, error.code, error.origin),
        (499, ErrorCode::Cancelled, Origin::Caller)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_caller_that_leaves_a_stream_cancels_the_upstream() {
    let mut running = Running::start().await;
    let (router, sender) = channelled();
    running.serve_agent("greeter", router).await;
    sender.send("first").await.unwrap();
    let response = client()
        .get(running.url("/greeter/stream"))
        .send()
        .await
        .unwrap();
    let mut chunks = response.bytes_stream();
    soon("the first chunk", chunks.next())
        .await
        .unwrap()
        .unwrap();
    drop(chunks);
    soon("the upstream's cancellation", sender.closed()).await;
    let error = running.record().await.error.unwrap();
    assert_eq!(
        (error.code, error.origin),
        (ErrorCode::Cancelled, Origin::Caller)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_silent_stream_ends_at_its_limit() {
    let config = GatewayConfig {
        idle_stream_timeout: Duration::from_millis(50),
        ..GatewayConfig::default()
    };
    let mut running = Running::with(config, crate::Exposure::Loopback).await;
    let (router, sender) = channelled();
    running.serve_agent("greeter", router).await;
    sender.send("first").await.unwrap();
    let response = client()
        .get(running.url("/greeter/stream"))
        .send()
        .await
        .unwrap();
    let mut chunks = response.bytes_stream();
    assert!(
        soon("the first chunk", chunks.next())
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        soon("the break", chunks.next()).await.unwrap().is_err(),
        "a cut stream must not look complete"
    );
    let error = running.record().await.error.unwrap();
    assert_eq!(
        (error.code, error.origin),
        (ErrorCode::TimedOut, Origin::Upstream)
    );
    running.stop().await;
}

#[tokio::test]
async fn an_upstream_that_breaks_a_stream_is_to_blame() {
    let mut running = Running::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    drop(running.routes().set(
        "greeter",
        Upstream::new(listener.local_addr().unwrap(), "one"),
    ));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfirst")
            .await
            .unwrap();
    });
    let response = client().get(running.url("/greeter/")).send().await.unwrap();
    assert!(response.bytes().await.is_err());
    let error = running.record().await.error.unwrap();
    assert_eq!(
        (error.code, error.origin),
        (ErrorCode::AgentUnreachable, Origin::Upstream)
    );
    running.stop().await;
}

#[tokio::test]
async fn headers_of_one_hop_stay_on_it_and_the_trace_goes_on() {
    let mut running = Running::start().await;
    let seen = |headers: HeaderMap, uri: axum::http::Uri| async move {
        let text = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let names = [
            "host",
            "connection",
            "keep-alive",
            "x-only-here",
            "traceparent",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-prefix",
            "authorization",
            "x-mine",
        ];
        let seen: serde_json::Map<_, _> = names
            .map(|name| (name.to_owned(), text(name).into()))
            .into_iter()
            .collect();
        axum::Json(serde_json::json!({ "headers": seen, "uri": uri.to_string() }))
    };
    let address = running
        .serve_agent("greeter", Router::new().fallback(seen))
        .await;
    let response = client()
        .get(running.url("/agents/greeter/a/b?c=d"))
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .header("connection", "x-only-here")
        .header("x-only-here", "1")
        .header("keep-alive", "5")
        .header("authorization", "Bearer for-the-agent")
        .header("x-mine", "2")
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.headers()["x-trace-id"],
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert!(
        response.headers()["server-timing"]
            .to_str()
            .unwrap()
            .starts_with("gateway;dur=")
    );
    let seen: serde_json::Value = response.json().await.unwrap();
    let record = running.record().await;
    let headers = &seen["headers"];
    assert_eq!(seen["uri"], "/a/b?c=d");
    assert_eq!(headers["host"], address.to_string());
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["x-forwarded-host"], running.address.to_string());
    assert_eq!(headers["x-forwarded-prefix"], "/greeter");
    assert_eq!(headers["authorization"], "Bearer for-the-agent");
    assert_eq!(headers["x-mine"], "2");
    for stripped in ["connection", "keep-alive", "x-only-here"] {
        assert!(
            headers[stripped].is_null(),
            "{stripped} must not be passed on"
        );
    }
    let ours = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", record.span_id);
    assert_eq!(
        headers["traceparent"], ours,
        "the upstream's parent is our span"
    );
    assert_eq!(
        record.parent_span_id.unwrap().to_string(),
        "b7ad6b7169203331"
    );
    assert_eq!(
        (record.path.as_str(), record.method.as_str()),
        ("/a/b", "GET"),
        "no query in the record"
    );
    assert!(!record.streamed);
    running.stop().await;
}
