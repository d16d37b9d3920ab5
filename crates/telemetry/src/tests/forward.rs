//! Forwarding over real sockets: to an intake of ours, and to viewers that behave badly.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_client::TraceServiceClient,
};
use parking_lot::Mutex;
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;

use super::harness::{
    PATIENCE, Served, attributes, eventually, now, span, span_id, store, store_with, trace_id,
};
use crate::{
    Aim, ForwardLimits, Forwarder, Limits, Span, SpanEvent, SpanKind, SpanLink, SpanStatus,
    StatusCode, TraceStore, otlp::encode,
};

/// Limits under which a test need not wait long.
fn hasty() -> ForwardLimits {
    ForwardLimits {
        linger: Duration::from_millis(1),
        first_backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(20),
        ..ForwardLimits::default()
    }
}

fn forwarding(store: &TraceStore, to: &str) -> Forwarder {
    let forwarder = Forwarder::start(store).unwrap();
    forwarder.aim(Aim::At(to.to_owned()));
    forwarder
}

fn store_forwarding(
    forward: ForwardLimits,
    to: &str,
) -> (tempfile::TempDir, TraceStore, Forwarder) {
    let (dir, store) = store_with(Limits {
        forward,
        ..Limits::default()
    });
    let forwarder = forwarding(&store, to);
    (dir, store, forwarder)
}

/// A span with everything that a span can have.
fn rich(trace: u128, number: u64, parent: Option<u64>) -> Span {
    Span {
        kind: SpanKind::Client,
        status: SpanStatus {
            code: StatusCode::Error,
            message: "it failed".into(),
        },
        attributes: attributes(&json!({
            "text": "ä", "number": 9_007_199_254_740_993_i64, "half": 0.5, "yes": true,
            "list": [1, "two"], "map": { "deep": { "er": -1 } }, "gen_ai.usage.input_tokens": 12,
        })),
        events: vec![SpanEvent {
            time_ns: now(),
            name: "exception".into(),
            attributes: attributes(&json!({ "exception.message": "no" })),
        }],
        links: vec![SpanLink {
            trace_id: trace_id(99),
            span_id: span_id(98),
            attributes: attributes(&json!({ "why": "related" })),
        }],
        resource: Arc::new(attributes(&json!({
            "service.name": "greeter", "service.instance.id": "7", "process.pid": 4711, "host.arch": "amd64",
        }))),
        ..span(trace, number, parent)
    }
}

#[tokio::test]
async fn everything_that_is_accepted_arrives_as_the_same_trace() {
    let viewer = Served::http(Limits::default()).await;
    let over_http = Served::http(Limits::default()).await;
    let forwarder = forwarding(&over_http.store, &viewer.url());
    // Over HTTP, of several programs.
    let mut other = rich(1, 3, Some(2));
    other.resource = Arc::new(attributes(&json!({ "service.name": "helper" })));
    other.service = "helper".into();
    other.agent = Some("helper".into());
    let spans = [rich(1, 1, None), rich(1, 2, Some(1)), other];
    let body = encode::document(&spans).encode_to_vec();
    let headers = [("content-type", "application/x-protobuf")];
    let answer = over_http.post("/v1/traces", &headers, body).await;
    assert_eq!(answer.status(), 200);
    // The gateway's own, and one of a trace that began elsewhere.
    assert!(over_http.store.offer(rich(1, 4, Some(3))));
    over_http
        .store
        .ingest(vec![rich(2, 1, Some(77))])
        .await
        .unwrap();
    // Over gRPC.
    let over_grpc = Served::grpc().await;
    let second = forwarding(&over_grpc.store, &format!("{}/", viewer.url()));
    let mut client = TraceServiceClient::connect(over_grpc.url()).await.unwrap();
    let document = encode::document(&[rich(3, 1, None)]);
    let request = ExportTraceServiceRequest {
        resource_spans: document.resource_spans,
    };
    client.export(request).await.unwrap();

    for (from, trace, spans) in [(&over_http, 1, 4), (&over_http, 2, 1), (&over_grpc, 3, 1)] {
        eventually("the whole trace arrives", async || {
            let there = viewer.store.trace(trace_id(trace)).await.unwrap();
            there.is_some_and(|there| there.len() == spans)
        })
        .await;
        let here = from.store.trace(trace_id(trace)).await.unwrap();
        let there = viewer.store.trace(trace_id(trace)).await.unwrap();
        assert_eq!(here, there);
    }
    eventually("it is counted", async || {
        (forwarder.forwarded().sent, second.forwarded().sent) == (5, 1)
    })
    .await;
    let forwarded = forwarder.forwarded();
    assert!(!forwarded.failing && forwarded.dropped + forwarded.rejected == 0);
    assert_eq!(forwarded.last_error, None);
    for served in [viewer, over_http, over_grpc] {
        served.stop().await;
    }
}

#[tokio::test]
async fn two_that_forward_to_each_other_send_each_span_once() {
    let one = Served::http(Limits::default()).await;
    let other = Served::http(Limits::default()).await;
    let from_one = forwarding(&one.store, &other.url());
    let from_other = forwarding(&other.store, &one.url());
    for round in 1..=5 {
        one.store.ingest(vec![span(1, round, None)]).await.unwrap();
        other
            .store
            .ingest(vec![span(2, round, None)])
            .await
            .unwrap();
    }
    // The last of each side is behind all that went round before it.
    for (store, trace) in [(&other.store, 1), (&one.store, 2)] {
        eventually("it came over", async || {
            let spans = store.trace(trace_id(trace)).await.unwrap();
            spans.is_some_and(|spans| spans.len() == 5)
        })
        .await;
    }
    from_one.close().await;
    from_other.close().await;
    for (forwarder, served) in [(&from_one, &one), (&from_other, &other)] {
        assert_eq!(forwarder.forwarded().sent, 5);
        let counters = served.store.counters();
        assert_eq!((counters.accepted, counters.duplicates), (10, 0));
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn what_comes_back_unmarked_goes_no_further() {
    let viewer = Double::start().await;
    let (_dir, store, forwarder) = store_forwarding(hasty(), &viewer.url());
    store
        .ingest(vec![span(1, 1, None), span(1, 1, None)])
        .await
        .unwrap();
    store.ingest(vec![span(1, 1, None)]).await.unwrap();
    store.ingest(vec![span(1, 2, None)]).await.unwrap();
    eventually("both are there", async || viewer.spans().len() == 2).await;
    forwarder.close().await;
    assert_eq!(viewer.spans(), [1, 2]);
    assert_eq!(store.counters().duplicates, 2);
}

#[tokio::test]
async fn a_viewer_that_goes_and_comes_back_misses_nothing() {
    let viewer = Served::http(Limits::default()).await;
    let (_dir, store, forwarder) = store_forwarding(hasty(), &viewer.url());
    store.ingest(vec![span(1, 1, None)]).await.unwrap();
    eventually("the first is there", async || {
        forwarder.forwarded().sent == 1
    })
    .await;
    let address = viewer.address;
    viewer.stop().await;
    for number in 2..=50 {
        store.ingest(vec![span(1, number, None)]).await.unwrap();
    }
    eventually("its absence is told", async || {
        forwarder.forwarded().failing
    })
    .await;
    let reason = forwarder.forwarded().last_error.unwrap();
    assert!(reason.contains("cannot be reached"), "{reason}");
    let viewer = Served::http_at(address).await;
    eventually("the others are there", async || {
        forwarder.forwarded().sent == 50
    })
    .await;
    let there = viewer.store.trace(trace_id(1)).await.unwrap().unwrap();
    assert_eq!(there.len(), 49);
    let forwarded = forwarder.forwarded();
    assert_eq!((forwarded.failing, forwarded.dropped), (false, 0));
    viewer.stop().await;
}

#[tokio::test]
async fn spans_wait_for_a_viewer_that_is_awaited_and_for_none_otherwise() {
    let (_dir, store) = store();
    let forwarder = Forwarder::start(&store).unwrap();
    store.ingest(vec![span(1, 1, None)]).await.unwrap();
    assert_eq!(forwarder.forwarded().waiting, 0, "there is none");
    forwarder.aim(Aim::Awaited);
    store.ingest(vec![span(1, 2, None)]).await.unwrap();
    assert_eq!(forwarder.forwarded().waiting, 1);
    let viewer = Double::start().await;
    forwarder.aim(Aim::At(viewer.url()));
    eventually("what waited is there", async || viewer.spans() == [2]).await;
    forwarder.aim(Aim::Awaited);
    store.ingest(vec![span(1, 3, None)]).await.unwrap();
    let second = Double::start().await;
    forwarder.aim(Aim::At(second.url()));
    eventually("it goes to the next", async || second.spans() == [3]).await;
    forwarder.aim(Aim::Awaited);
    store.ingest(vec![span(1, 4, None)]).await.unwrap();
    forwarder.aim(Aim::Nowhere);
    store.ingest(vec![span(1, 5, None)]).await.unwrap();
    forwarder.aim(Aim::At(viewer.url()));
    store.ingest(vec![span(1, 6, None)]).await.unwrap();
    eventually("from here on", async || viewer.spans() == [2, 6]).await;
    assert_eq!(forwarder.forwarded().dropped, 0, "nobody wanted them");
}

#[tokio::test]
async fn answers_mean_what_the_specification_says() {
    let viewer = Double::start().await;
    let (_dir, store, forwarder) = store_forwarding(hasty(), &viewer.url());
    let number = std::cell::Cell::new(0);
    let check = async |replies: &[Reply], requests: usize, taken: bool, words: &str| {
        let before = (viewer.requests(), forwarder.forwarded());
        viewer.script(replies);
        number.set(number.get() + 1);
        store
            .ingest(vec![span(1, number.get(), None)])
            .await
            .unwrap();
        eventually("it is settled", async || {
            let now = forwarder.forwarded();
            now.sent + now.rejected == before.1.sent + before.1.rejected + 1
        })
        .await;
        let now = forwarder.forwarded();
        assert_eq!(viewer.requests() - before.0, requests, "{words}");
        assert_eq!(now.sent - before.1.sent, u64::from(taken), "{words}");
        let said = now.last_error.unwrap_or_default();
        assert!(said.contains(words), "`{words}` is not in {said}");
    };
    check(&[], 1, true, "").await;
    for retryable in [429, 502, 503, 504] {
        let again = Reply::status(retryable);
        let words = retryable.to_string();
        check(&[again.clone(), again], 3, true, &words).await;
    }
    for lost in [400, 401, 404, 413, 415, 500, 501, 302, 307] {
        check(&[Reply::status(lost)], 1, false, &lost.to_string()).await;
    }
    let said = Reply {
        body: "\u{1b}[2Jgo away\nplease".into(),
        ..Reply::status(400)
    };
    check(&[said], 1, false, "400 Bad Request: [2Jgo away please").await;
    let partial = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: i64::MAX,
            error_message: "too odd".into(),
        }),
    };
    let partial = Reply {
        body: partial.encode_to_vec().into(),
        ..Reply::status(200)
    };
    check(&[partial], 1, false, "refused 1 of 1 spans: too odd").await;
    check(&[Reply::BREAKS_OFF], 2, true, "").await;
    let endless = Reply {
        endless: true,
        ..Reply::status(200)
    };
    check(std::slice::from_ref(&endless), 1, true, "").await;
    let endless = Reply {
        status: 500,
        ..endless
    };
    check(&[endless], 1, false, "500 Internal Server Error: aaaa").await;
    assert!(forwarder.forwarded().last_error.unwrap().len() < 400);
    assert_eq!(forwarder.forwarded().dropped, 0);
}

#[tokio::test]
async fn a_viewer_says_how_long_to_wait_but_not_for_ever() {
    let viewer = Double::start().await;
    let limits = ForwardLimits {
        longest_asked_wait: Duration::from_secs(2),
        ..hasty()
    };
    let (_dir, store, forwarder) = store_forwarding(limits, &viewer.url());
    for (asked, at_least) in [("1", 1), ("4000000000", 2), ("18446744073709551615", 2)] {
        let later = Reply {
            retry_after: Some(asked),
            ..Reply::status(429)
        };
        viewer.script(&[later]);
        let (before, began) = (forwarder.forwarded().sent, Instant::now());
        let mut one = span(1, 1, None);
        one.span_id = span_id(before + 1);
        store.ingest(vec![one]).await.unwrap();
        eventually("it is sent", async || {
            forwarder.forwarded().sent == before + 1
        })
        .await;
        assert!(began.elapsed() >= Duration::from_secs(at_least), "{asked}");
    }
    // Who is told to wait listens all the same.
    let later = Reply {
        retry_after: Some("3600"),
        ..Reply::status(503)
    };
    viewer.script(&[later]);
    store.ingest(vec![span(2, 1, None)]).await.unwrap();
    eventually("it is put off", async || forwarder.forwarded().failing).await;
    let second = Double::start().await;
    forwarder.aim(Aim::At(second.url()));
    eventually("another takes it", async || second.spans() == [1]).await;
}

#[tokio::test]
async fn a_batch_that_is_never_taken_does_not_hold_up_the_others() {
    let viewer = Double::start().await;
    let limits = ForwardLimits {
        give_up: Duration::from_millis(50),
        batch_spans: 1,
        ..hasty()
    };
    let (_dir, store, forwarder) = store_forwarding(limits, &viewer.url());
    viewer.refuse(1);
    store
        .ingest(vec![span(1, 1, None), span(1, 2, None)])
        .await
        .unwrap();
    eventually("the other is there", async || viewer.spans() == [2]).await;
    // The viewer has it before its answer is counted.
    eventually("both are counted", async || {
        let forwarded = forwarder.forwarded();
        (forwarded.sent, forwarded.dropped) == (1, 1)
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_hangs_slows_nobody_and_the_oldest_are_let_go() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let limits = ForwardLimits {
        queue_spans: 1000,
        batch_spans: 100,
        request_timeout: PATIENCE * 10,
        close_timeout: Duration::from_millis(50),
        ..hasty()
    };
    let (_dir, store, forwarder) = store_forwarding(limits, &format!("http://{address}"));
    for batch in 0..20_u64 {
        let numbers = batch * 500 + 1..=batch * 500 + 500;
        let spans = numbers.map(|number| span(1, number, None));
        let written = store.ingest(spans.collect());
        tokio::time::timeout(PATIENCE, written)
            .await
            .unwrap()
            .unwrap();
        let waiting = forwarder.forwarded().waiting;
        assert!(waiting <= 1000, "{waiting} wait");
    }
    let forwarded = forwarder.forwarded();
    assert_eq!(store.counters().accepted, 10_000);
    let under_way = 10_000 - forwarded.dropped - forwarded.waiting;
    assert!(under_way <= 100, "{under_way} of a batch");
    // The newest are those that are left.
    let viewer = Served::http(Limits::default()).await;
    forwarder.aim(Aim::At(viewer.url()));
    eventually("they are sent", async || {
        let forwarded = forwarder.forwarded();
        forwarded.waiting == 0 && forwarded.sent + forwarded.dropped == 10_000
    })
    .await;
    let there = viewer.store.trace(trace_id(1)).await.unwrap().unwrap();
    let newest = there.iter().map(|span| u64::from_be_bytes(span.span_id.0));
    assert_eq!(newest.max(), Some(10_000));

    // The end comes although it hangs.
    forwarder.aim(Aim::At(format!("http://{address}")));
    store.ingest(vec![span(2, 1, None)]).await.unwrap();
    let before = forwarder.forwarded().dropped;
    tokio::time::timeout(PATIENCE, forwarder.close())
        .await
        .unwrap();
    eventually("it is counted", async || {
        forwarder.forwarded().dropped == before + 1
    })
    .await;
    viewer.stop().await;
}

#[tokio::test]
async fn the_end_sends_what_waits() {
    let viewer = Double::start().await;
    let patient = ForwardLimits {
        linger: PATIENCE * 10,
        batch_spans: 3,
        ..hasty()
    };
    let (_dir, store, forwarder) = store_forwarding(patient.clone(), &viewer.url());
    let spans = (1..=8).map(|number| span(1, number, None));
    store.ingest(spans.collect()).await.unwrap();
    forwarder.close().await;
    assert_eq!(viewer.spans(), [1, 2, 3, 4, 5, 6, 7, 8]);
    store.ingest(vec![span(1, 9, None)]).await.unwrap();
    let forwarded = forwarder.forwarded();
    assert_eq!(
        (forwarded.sent, forwarded.waiting, forwarded.dropped),
        (8, 0, 0)
    );

    // Nobody is waited for who is not there.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let (_dir, store, forwarder) = store_forwarding(patient, &format!("http://{address}"));
    store.ingest(vec![span(1, 1, None)]).await.unwrap();
    tokio::time::timeout(PATIENCE, forwarder.close())
        .await
        .unwrap();
    assert_eq!(forwarder.forwarded().dropped, 1);
}

/// A viewer that answers as it is told, and takes what it is sent otherwise.
struct Double {
    address: SocketAddr,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    replies: VecDeque<Reply>,
    /// The number of the span that it cannot take now, whenever.
    refused: Option<u64>,
    requests: usize,
    /// The numbers of the spans that it took.
    spans: Vec<u64>,
}

#[derive(Clone, Default)]
struct Reply {
    status: u16,
    retry_after: Option<&'static str>,
    body: Bytes,
    endless: bool,
}

impl Reply {
    /// Not a status: the connection ends instead.
    const BREAKS_OFF: Self = Self {
        status: 0,
        retry_after: None,
        body: Bytes::new(),
        endless: false,
    };

    fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

impl Double {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::<Mutex<Told>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&told));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, told }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn script(&self, replies: &[Reply]) {
        self.told.lock().replies.extend(replies.iter().cloned());
    }

    fn refuse(&self, number: u64) {
        self.told.lock().refused = Some(number);
    }

    fn requests(&self) -> usize {
        self.told.lock().requests
    }

    fn spans(&self) -> Vec<u64> {
        self.told.lock().spans.clone()
    }
}

async fn answer(State(told): State<Arc<Mutex<Told>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    assert_eq!(
        (head.method.as_str(), head.uri.path()),
        ("POST", "/v1/traces")
    );
    let numbers = numbers(&head.headers, &body);
    let mut told = told.lock();
    told.requests += 1;
    let reply = match told.replies.pop_front() {
        Some(reply) => reply,
        None if told.refused.is_some_and(|number| numbers.contains(&number)) => Reply::status(503),
        None => Reply::status(200),
    };
    if reply.status == 200 {
        told.spans.extend(numbers);
    }
    // Whatever breaks a connection off will do.
    assert_ne!(reply.status, 0, "the connection breaks off");
    let mut response = Response::builder().status(reply.status);
    if let Some(seconds) = reply.retry_after {
        response = response.header("retry-after", seconds);
    }
    if reply.status / 100 == 3 {
        response = response.header("location", "/v1/traces");
    }
    let body = if reply.endless {
        let chunk = || Ok::<_, Infallible>(Bytes::from_static(&[b'a'; 8192]));
        Body::from_stream(futures::stream::repeat_with(chunk))
    } else {
        Body::from(reply.body)
    };
    response.body(body).unwrap()
}

fn numbers(headers: &HeaderMap, body: &[u8]) -> Vec<u64> {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["content-encoding"], "gzip");
    assert!(headers.contains_key("nasiko-forwarded"));
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body), &mut plain).unwrap();
    let request = ExportTraceServiceRequest::decode(plain.as_slice()).unwrap();
    let groups = request.resource_spans.into_iter();
    groups
        .flat_map(|group| group.scope_spans)
        .flat_map(|group| group.spans)
        .map(|span| u64::from_be_bytes(span.span_id.try_into().unwrap()))
        .collect()
}
