use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    routing::get,
};
use futures::StreamExt;
use nasiko_contract::ErrorCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use super::harness::{PATIENCE, Running, client, deserted, problem, serve, soon};
use crate::{
    Caller, Drained, RouteState, Upstream,
    body::UploadBody,
    exchange::Exchange,
    proxy::{self, Outgoing},
    trace_context::TraceContext,
};

/// Serves a router until its token is cancelled.
async fn start(
    router: Router,
) -> (
    std::net::SocketAddr,
    CancellationToken,
    tokio::task::JoinHandle<()>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let stopped = stop.clone();
    let serving = tokio::spawn(async move {
        tokio::select! { _ = axum::serve(listener, router) => (), () = stopped.cancelled() => () }
    });
    (address, stop, serving)
}

#[tokio::test]
async fn a_switch_under_load_loses_nothing() {
    let running = Running::start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    // Each version is a server of its own that really goes away once it has drained.
    let version = |number: usize| {
        let served = Arc::clone(&served);
        Router::new().route(
            "/",
            get(move || async move {
                served.fetch_add(1, SeqCst);
                number.to_string()
            }),
        )
    };
    let (address, mut old, _) = start(version(0)).await;
    drop(running.routes().set("greeter", Upstream::new(address, "0")));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (client, url, stop) = (client(), running.url("/greeter/"), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut calls = 0;
                while !stop.load(SeqCst) {
                    let response = client.get(&url).send().await.unwrap();
                    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
                    response.text().await.unwrap();
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for number in 1..=20 {
        let before = served.load(SeqCst);
        let (address, stop, _) = start(version(number)).await;
        let drain = running
            .routes()
            .set("greeter", Upstream::new(address, number.to_string()));
        assert_eq!(drain.finished(PATIENCE).await, Drained::Empty);
        std::mem::replace(&mut old, stop).cancel();
        soon("some load", async {
            while served.load(SeqCst) < before + 20 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    stop.store(true, SeqCst);
    let mut calls = 0;
    for caller in callers {
        calls += caller.await.unwrap();
    }
    assert_eq!(calls, served.load(SeqCst), "each request was answered once");
    assert_eq!(running.gateway.counters().refused, 0);
    old.cancel();
    running.stop().await;
}

#[tokio::test]
async fn a_drain_waits_for_a_stream() {
    let mut running = Running::start().await;
    let end = Arc::new(Notify::new());
    let answer = {
        let end = Arc::clone(&end);
        move || async move {
            let first = futures::stream::once(async { Ok::<_, Infallible>(Bytes::from("first")) });
            let last = futures::stream::once(async move {
                end.notified().await;
                Ok(Bytes::from("last"))
            });
            Body::from_stream(first.chain(last))
        }
    };
    running
        .serve_agent("greeter", Router::new().route("/", get(answer)))
        .await;
    let response = client().get(running.url("/greeter/")).send().await.unwrap();
    let new = serve(Router::new().route("/", get(|| async { "new" }))).await;
    let drain = running.routes().set("greeter", Upstream::new(new, "two"));
    assert_eq!(
        drain.finished(Duration::from_millis(1)).await,
        Drained::TimedOut { in_flight: 1 }
    );

    let fresh = client().get(running.url("/greeter/")).send().await.unwrap();
    assert_eq!(
        fresh.text().await.unwrap(),
        "new",
        "new requests go to the new one meanwhile"
    );
    assert_eq!(&*running.record().await.instance.unwrap(), "two");

    end.notify_one();
    assert_eq!(
        response.text().await.unwrap(),
        "firstlast",
        "the old one finishes its answer"
    );
    assert_eq!(drain.finished(PATIENCE).await, Drained::Empty);
    assert_eq!(&*running.record().await.instance.unwrap(), "one");
    running.stop().await;
}

#[tokio::test]
async fn the_table_tells_what_is_routed() {
    let running = Running::start().await;
    let routes = running.routes();
    assert!(routes.get("greeter").is_none() && routes.changed_at().is_none());
    let address = deserted().await;
    assert_eq!(
        routes
            .set("greeter", Upstream::new(address, "one"))
            .in_flight(),
        0
    );
    drop(routes.suspend("absent"));
    let names: Vec<_> = routes.list().into_iter().map(|route| route.agent).collect();
    assert_eq!(names, ["absent", "greeter"]);
    match routes.get("greeter").unwrap().state {
        RouteState::Live {
            upstream,
            in_flight,
        } => assert_eq!((upstream.address, in_flight), (address, 0)),
        other => panic!("it was set: {other:?}"),
    }
    drop(routes.suspend_instance("greeter", "the one before"));
    let state = routes.get("greeter").unwrap().state;
    assert!(
        matches!(state, RouteState::Live { .. }),
        "another instance answers"
    );
    drop(routes.suspend_instance("greeter", "one"));
    let state = routes.get("greeter").unwrap().state;
    assert!(matches!(state, RouteState::Stopped));
    drop(routes.refer("greeter", "another machine runs it"));
    let sent = client().get(running.url("/greeter/")).send().await.unwrap();
    let refused = problem(sent).await;
    assert_eq!(
        (&refused["status"], &refused["code"]),
        (&502.into(), &"agent.unreachable".into())
    );
    let title = refused.to_string();
    assert!(title.contains("another machine runs it"), "{title}");
    drop(routes.suspend_instance("nobody", "one"));
    assert!(routes.get("nobody").is_none());
    assert_eq!(
        routes.remove("greeter").finished(PATIENCE).await,
        Drained::Empty
    );
    assert!(routes.get("greeter").is_none() && routes.changed_at().is_some());
    running.stop().await;
}

#[tokio::test]
async fn connections_are_reused_and_closed_ones_replaced() {
    let mut running = Running::start().await;
    let router = Router::new().route(
        "/",
        get(
            |ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>| async move {
                peer.port().to_string()
            },
        ),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    drop(
        running
            .routes()
            .set("greeter", Upstream::new(address, "one")),
    );
    let mut ports = std::collections::HashSet::new();
    for _ in 0..5 {
        ports.insert(
            client()
                .get(running.url("/greeter/"))
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap(),
        );
        running.record().await;
    }
    assert_eq!(
        ports.len(),
        1,
        "one connection serves callers one after the other"
    );

    // An upstream that answers once per connection and closes it without saying so.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closed = Arc::new(Notify::new());
    let closing = Arc::clone(&closed);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _read = stream.read(&mut head).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await
                .unwrap();
            drop(stream);
            closing.notify_one();
        }
    });
    drop(
        running
            .routes()
            .set("greeter", Upstream::new(address, "two")),
    );
    for _ in 0..20 {
        let response = client().get(running.url("/greeter/")).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "ok");
        soon("the close", closed.notified()).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_request_moves_on_when_its_upstream_went_away_with_a_switch() {
    let mut running = Running::start().await;
    let shared = Arc::clone(&running.gateway.shared);
    let new = serve(Router::new().route("/", get(|| async { "new" }))).await;
    let send = async |switch: bool| {
        drop(
            running
                .routes()
                .set("greeter", Upstream::new(deserted().await, "old")),
        );
        let Ok(lease) = running.routes().lease("greeter") else {
            panic!("it is routed")
        };
        if switch {
            drop(running.routes().set("greeter", Upstream::new(new, "new")));
        }
        let (head, ()) = http::Request::new(()).into_parts();
        let context = TraceContext::of(&head.headers);
        let sink = Arc::clone(&shared.sink);
        let mut exchange = Exchange::begin(
            sink,
            &context,
            "greeter".into(),
            head.method.clone(),
            "/",
            Caller::Loopback,
        );
        exchange.leased(lease);
        let outgoing = Outgoing {
            head,
            rest: "/",
            query: None,
            below_base: true,
        };
        let sent = proxy::send(&shared, &mut exchange, outgoing, UploadBody::Empty).await;
        sent.map(|(response, _)| response.status().as_u16())
            .map_err(|error| error.failure().code)
    };
    assert_eq!(send(true).await, Ok(200));
    assert_eq!(
        send(false).await,
        Err(ErrorCode::AgentUnreachable),
        "a refusal alone is no reason to try again"
    );
    assert_eq!(running.record().await.instance.as_deref(), Some("new"));
    running.stop().await;
}
