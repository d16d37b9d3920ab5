use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, StatusCode},
    routing::get,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::harness::{PATIENCE, Running, deserted, soon};
use crate::{Drained, Upstream};

/// Changes to a protocol in which every byte comes back.
async fn echo(mut request: Request) -> Response<Body> {
    assert_eq!(request.headers()["upgrade"], "echo");
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let (mut from, mut to) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
        tokio::io::copy(&mut from, &mut to).await.ok();
        to.shutdown().await.ok();
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("connection", "upgrade")
        .header("upgrade", "echo")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn an_upgraded_connection_carries_bytes_both_ways() {
    let mut running = Running::start().await;
    running
        .serve_agent("greeter", Router::new().route("/socket", get(echo)))
        .await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = format!(
        "GET /greeter/socket HTTP/1.1\r\nhost: {}\r\nconnection: keep-alive, Upgrade\r\nupgrade: echo\r\n\r\n",
        running.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("the change", async {
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
    })
    .await;
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(
        answer.starts_with("http/1.1 101") && answer.contains("upgrade: echo"),
        "{answer}"
    );

    for word in ["hello", "again"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut back = vec![0; word.len()];
        soon("the echo", stream.read_exact(&mut back))
            .await
            .unwrap();
        assert_eq!(back, word.as_bytes());
    }
    let drain = running
        .routes()
        .set("greeter", Upstream::new(deserted().await, "two"));
    assert_eq!(drain.in_flight(), 1, "an open socket counts");
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    soon("the end", stream.read_to_end(&mut rest))
        .await
        .unwrap();
    assert_eq!(drain.finished(PATIENCE).await, Drained::Empty);
    let record = running.record().await;
    assert_eq!(
        (
            record.status,
            record.bytes_in,
            record.bytes_out,
            record.error
        ),
        (101, 10, 10, None)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_stop_ends_open_sockets() {
    let running = Running::start().await;
    running
        .serve_agent("greeter", Router::new().route("/socket", get(echo)))
        .await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = format!(
        "GET /greeter/socket HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nx",
        running.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    soon("the echo", async {
        while !received.ends_with(b"\r\n\r\nx") {
            received.push(stream.read_u8().await.unwrap());
        }
    })
    .await;
    running.stop().await;
    soon("the end", stream.read_to_end(&mut received))
        .await
        .unwrap();
}
