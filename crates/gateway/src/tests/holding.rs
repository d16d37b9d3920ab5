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
    routing::{get, post},
};
use futures::StreamExt;
use nasiko_contract::ErrorCode;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use super::harness::{PATIENCE, Running, client, deserted, problem, serve, soon};
use crate::{
    Drained, Exposure, GatewayConfig, Origin, RouteState, Upstream,
    body::UploadBody,
    exchange::Exchange,
    proxy::{self, Outgoing},
    route::Unleased,
    trace_context::TraceContext,
};

impl Running {
    fn waiting(&self, agent: &str) -> Option<usize> {
        match self.routes().get(agent)?.state {
            RouteState::Held { waiting } => Some(waiting),
            _ => None,
        }
    }

    async fn until_waiting(&self, number: usize) {
        soon("the waiting", async {
            while self.waiting("greeter") != Some(number) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    fn call(&self) -> tokio::task::JoinHandle<reqwest::Response> {
        let request = client().get(self.url("/greeter/"));
        tokio::spawn(async move { request.send().await.unwrap() })
    }
}

fn saying(word: &'static str) -> Router {
    Router::new().route("/", get(move || async move { word }))
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_wait_and_go_on_together() {
    const CALLERS: usize = 2000;
    let config = GatewayConfig {
        max_held_per_agent: CALLERS,
        max_in_flight_per_agent: CALLERS,
        ..GatewayConfig::default()
    };
    let mut running = Running::with(config, Exposure::Loopback).await;
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let new = Router::new().route(
        "/",
        get(move || async move {
            counted.fetch_add(1, SeqCst);
            "new"
        }),
    );
    let new = serve(new).await;
    running.serve_agent("greeter", saying("old")).await;
    let drain = running.routes().hold("greeter", PATIENCE);
    assert_eq!(drain.finished(PATIENCE).await, Drained::Empty);
    let client = client();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let request = client.get(running.url("/greeter/"));
        callers.spawn(async move {
            let response = request.send().await.unwrap();
            let timing = response.headers()["server-timing"]
                .to_str()
                .unwrap()
                .to_owned();
            (timing, response.text().await.unwrap())
        });
    }
    running.until_waiting(CALLERS).await;
    assert_eq!(served.load(SeqCst), 0);
    drop(running.routes().set("greeter", Upstream::new(new, "two")));
    while let Some(answer) = soon("all answers", callers.join_next()).await {
        let (timing, text) = answer.unwrap();
        assert_eq!(text, "new");
        assert!(timing.contains("held;dur="), "{timing}");
    }
    assert_eq!(served.load(SeqCst), CALLERS, "each was answered once");
    let record = running.record().await;
    assert!(
        record
            .held_ns
            .is_some_and(|held| held > 0 && held <= record.duration_ns),
        "{record:?}"
    );
    assert_eq!(record.instance.as_deref(), Some("two"));
    assert_eq!(running.gateway.counters().refused, 0);
    running.stop().await;
}

#[tokio::test]
async fn waiting_ends_at_its_limits() {
    let config = GatewayConfig {
        max_held_per_agent: 2,
        ..GatewayConfig::default()
    };
    let mut running = Running::with(config, Exposure::Loopback).await;
    drop(running.routes().hold("greeter", PATIENCE));
    let patient = [running.call(), running.call()];
    running.until_waiting(2).await;
    let refused = soon("the refusal", running.call()).await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    assert_eq!(problem(refused).await["code"], "limit.reached");
    assert_eq!(running.gateway.counters().refused, 1);
    let record = running.record().await;
    assert_eq!((record.status, record.held_ns), (429, None));

    drop(
        running
            .routes()
            .set("other", Upstream::new(deserted().await, "one")),
    );
    let limit = Duration::from_millis(50);
    drop(running.routes().hold("other", limit));
    let late = client().get(running.url("/other/")).send().await.unwrap();
    assert_eq!(
        (late.status().as_u16(), &late.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    let document = problem(late).await;
    assert_eq!(
        (&document["code"], &document["retryable"]),
        (&"timed_out".into(), &true.into())
    );
    let record = running.record().await;
    assert_eq!((record.status, record.instance.as_deref()), (503, None));
    assert_eq!(record.error.unwrap().origin, Origin::Upstream);
    assert!(record.held_ns.unwrap() >= 50_000_000, "{record:?}");

    // Held again, those who wait go on waiting, and the new limit is for those who come.
    running.until_waiting(2).await;
    drop(running.routes().hold("greeter", limit));
    running.until_waiting(2).await;
    drop(running.routes().suspend("greeter"));
    for caller in patient {
        let response = soon("the refusal", caller).await.unwrap();
        assert_eq!(response.status(), 503);
        assert_eq!(problem(response).await["code"], "agent.not_running");
    }
    drop(running.routes().hold("greeter", PATIENCE));
    let last = running.call();
    running.until_waiting(1).await;
    drop(running.routes().remove("greeter"));
    let response = soon("the refusal", last).await.unwrap();
    assert_eq!(problem(response).await["code"], "agent.not_running");
    running.stop().await;
}

#[tokio::test]
async fn a_caller_that_leaves_gives_its_place_back() {
    let mut running = Running::start().await;
    drop(running.routes().hold("greeter", PATIENCE));
    let requests = [
        "GET /greeter/ HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "POST /greeter/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nbody",
        "POST /greeter/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 400\r\n\r\nbody",
        "POST /greeter/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n",
    ];
    for request in requests {
        let mut caller = TcpStream::connect(running.address).await.unwrap();
        caller.write_all(request.as_bytes()).await.unwrap();
        running.until_waiting(1).await;
        drop(caller);
        running.until_waiting(0).await;
        let record = running.record().await;
        let error = record.error.unwrap();
        assert_eq!(error.origin, Origin::Caller, "{request}: {record:?}");
        assert!(
            record.held_ns.is_some() && record.instance.is_none(),
            "{request}: {record:?}"
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn bodies_arrive_whole_after_the_waiting() {
    let running = Running::start().await;
    let router = Router::new().route("/", post(|body: Bytes| async { body }));
    let address = serve(router.layer(axum::extract::DefaultBodyLimit::disable())).await;
    for length in [1, 1000, 16 * 1024, 1_000_000] {
        drop(running.routes().hold("greeter", PATIENCE));
        let sent: Vec<u8> = (0..length)
            .map(|index: u32| index.to_le_bytes()[0])
            .collect();
        let (first, second) = sent.split_at(sent.len() / 2);
        let second = second.to_owned();
        let more = Arc::new(Notify::new());
        let told = Arc::clone(&more);
        let chunks = futures::stream::once(futures::future::ready(Bytes::copy_from_slice(first)))
            .chain(futures::stream::once(async move {
                told.notified().await;
                Bytes::from(second)
            }));
        let chunked = reqwest::Body::wrap_stream(chunks.map(Ok::<_, Infallible>));
        let request = |body: reqwest::Body| {
            let request = client().post(running.url("/greeter/")).body(body);
            tokio::spawn(async move { request.send().await.unwrap().bytes().await.unwrap() })
        };
        let answers = [request(chunked), request(sent.clone().into())];
        running.until_waiting(2).await;
        drop(
            running
                .routes()
                .set("greeter", Upstream::new(address, "one")),
        );
        more.notify_one();
        for answer in answers {
            let answer = soon("the answer", answer).await.unwrap();
            assert!(
                answer == sent,
                "{} of {length} bytes came back",
                answer.len()
            );
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_stream_ends_on_the_old_while_others_wait_for_the_new() {
    let running = Running::start().await;
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
    let streaming = Router::new().route("/", get(answer));
    running.serve_agent("greeter", streaming).await;
    let stream = client().get(running.url("/greeter/")).send().await.unwrap();
    drop(
        running
            .routes()
            .hold_instance("greeter", "another", PATIENCE),
    );
    assert_eq!(running.waiting("greeter"), None, "another instance answers");
    let drain = running.routes().hold_instance("greeter", "one", PATIENCE);
    assert_eq!(drain.in_flight(), 1);
    let fresh = running.call();
    running.until_waiting(1).await;
    end.notify_one();
    assert_eq!(stream.text().await.unwrap(), "firstlast");
    assert_eq!(
        drain.finished(PATIENCE).await,
        Drained::Empty,
        "who waits is not on the old one"
    );
    let new = serve(saying("new")).await;
    drop(running.routes().set("greeter", Upstream::new(new, "two")));
    assert_eq!(fresh.await.unwrap().text().await.unwrap(), "new");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_wake_up_is_lost_in_a_thousand_holds() {
    let running = Running::start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let versions = [serve(saying("even")).await, serve(saying("odd")).await];
    drop(
        running
            .routes()
            .set("greeter", Upstream::new(versions[0], "0")),
    );
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (client, url, stop) = (client(), running.url("/greeter/"), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut calls = 0;
                while !stop.load(SeqCst) {
                    let response = soon("an answer", client.get(&url).send()).await.unwrap();
                    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
                    response.text().await.unwrap();
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for number in 1..=1000 {
        drop(running.routes().hold("greeter", PATIENCE));
        // With every number of callers from none to all.
        for _ in 0..number % 16 {
            tokio::task::yield_now().await;
        }
        if number % 10 == 0 {
            running.until_waiting(8).await;
        }
        let upstream = Upstream::new(versions[number % 2], number.to_string());
        drop(running.routes().set("greeter", upstream));
    }
    stop.store(true, SeqCst);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    assert_eq!(running.gateway.counters().refused, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_request_whose_instance_is_gone_waits_for_the_next_one() {
    let mut running = Running::start().await;
    let shared = Arc::clone(&running.gateway.shared);
    let address = deserted().await;
    drop(
        running
            .routes()
            .set("greeter", Upstream::new(address, "old")),
    );
    let Ok(lease) = running.routes().lease("greeter") else {
        panic!("it is routed")
    };
    let drain = running.routes().hold("greeter", PATIENCE);
    let (head, ()) = http::Request::new(()).into_parts();
    let context = TraceContext::of(&head.headers);
    let sink = Arc::clone(&shared.sink);
    let method = head.method.clone();
    let caller = crate::Caller::Loopback;
    let mut exchange = Exchange::begin(sink, &context, "greeter".into(), method, "/", caller);
    exchange.leased(lease);
    let outgoing = Outgoing {
        head,
        rest: "/",
        query: None,
        below_base: true,
    };
    let sending = tokio::spawn(async move {
        let sent = proxy::send(&shared, &mut exchange, outgoing, UploadBody::Empty).await;
        sent.map(|(response, _)| response.status().as_u16())
            .map_err(|error| error.failure().code)
    });
    running.until_waiting(1).await;
    assert_eq!(drain.finished(PATIENCE).await, Drained::Empty);
    let new = serve(saying("new")).await;
    drop(running.routes().set("greeter", Upstream::new(new, "new")));
    assert_eq!(soon("the answer", sending).await.unwrap(), Ok(200));
    let record = running.record().await;
    assert!(
        record.held_ns.is_some() && record.instance.as_deref() == Some("new"),
        "{record:?}"
    );
    assert_eq!(
        record.error.map(|error| error.code),
        Some(ErrorCode::Cancelled),
        "its body was not read here"
    );
    running.stop().await;
}

#[tokio::test]
async fn the_administration_tells_who_waits() {
    let running = Running::start().await;
    drop(running.routes().hold("greeter", PATIENCE));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    let gateway = running.gateway.clone();
    let stopped = cancel.clone();
    let serving = tokio::spawn(async move { gateway.serve_admin(listener, stopped).await });
    let caller = running.call();
    running.until_waiting(1).await;
    let ask = async |path: &str| {
        let answer = client().get(format!("http://{address}{path}")).send().await;
        answer.unwrap().json::<serde_json::Value>().await.unwrap()
    };
    let services = ask("/services").await;
    assert_eq!(services[0]["state"], "held", "{services}");
    assert_eq!(services[0]["waiting"], 1, "{services}");
    assert_eq!(ask("/status").await["held"], 1);
    cancel.cancel();
    serving.await.unwrap().unwrap();
    caller.abort();
    running.stop().await;
}

#[tokio::test]
async fn a_place_is_counted_as_long_as_it_is_taken() {
    let running = Running::start().await;
    drop(running.routes().hold("greeter", PATIENCE));
    let Err(Unleased::Held(held)) = running.routes().lease("greeter") else {
        panic!("it is on hold")
    };
    assert_eq!(running.waiting("greeter"), Some(1));
    // Set between the look at the table and the waiting.
    drop(
        running
            .routes()
            .set("greeter", Upstream::new(deserted().await, "one")),
    );
    let routes = running.routes();
    let lease = soon("the lease", routes.lease_held(held))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(lease.backend.upstream.instance, "one");
    running.stop().await;
}
