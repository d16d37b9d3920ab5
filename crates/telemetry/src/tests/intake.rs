use std::io::Write;

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{ExportLogsServiceRequest, logs_service_client::LogsServiceClient},
        metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_client::TraceServiceClient,
        },
    },
    common::v1::{AnyValue, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as WireSpan},
};
use prost::Message;
use serde_json::{Value, json};

use super::harness::{Served, now, trace_id};
use crate::{Limits, LogFilter, SpanKind};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const PROTOBUF: &[(&str, &str)] = &[("content-type", "application/x-protobuf")];

/// The trace of the specification's example, moved to today.
fn example() -> Value {
    let start = now();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "my.service" } }] },
        "scopeSpans": [{
            "scope": { "name": "my.library", "version": "1.0.0" },
            "spans": [{
                "traceId": "5B8EFFF798038103D269B633813FC60C",
                "spanId": "EEE19B7EC3C1B174",
                "parentSpanId": "EEE19B7EC3C1B173",
                "name": "I'm a server span",
                "startTimeUnixNano": start.to_string(),
                "endTimeUnixNano": (start + 1000).to_string(),
                "kind": 2,
                "attributes": [
                    { "key": "my.span.attr", "value": { "stringValue": "some value" } },
                    { "key": "my.number", "value": { "intValue": "9007199254740993" } },
                ],
                "fromTheFuture": { "ignored": true },
            }],
        }],
    }] })
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue {
        value: Some(any_value::Value::StringValue(value.into())),
    };
    KeyValue {
        key: key.into(),
        value: Some(value),
        ..KeyValue::default()
    }
}

/// A request with one span of each trace id given.
fn request(trace_ids: &[Vec<u8>]) -> ExportTraceServiceRequest {
    let spans = trace_ids.iter().map(|trace| WireSpan {
        trace_id: trace.clone(),
        span_id: vec![1; 8],
        name: "step".into(),
        start_time_unix_nano: now(),
        end_time_unix_nano: now(),
        ..WireSpan::default()
    });
    let attributes = vec![
        text("service.name", "my.service"),
        text("agent.id", "greeter"),
    ];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes,
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn json_is_taken_as_the_specification_writes_it() {
    let served = Served::http(Limits::default()).await;
    let response = served.post("/v1/traces", JSON, example().to_string()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    response.json::<Value>().await.unwrap();
    let trace = "5b8efff798038103d269b633813fc60c".parse().unwrap();
    let span = served.store.trace(trace).await.unwrap().unwrap().remove(0);
    assert_eq!(span.span_id.to_string(), "eee19b7ec3c1b174");
    assert_eq!(span.parent_id.unwrap().to_string(), "eee19b7ec3c1b173");
    assert_eq!(
        (span.service.as_str(), span.agent.as_deref(), span.kind),
        ("my.service", Some("my.service"), SpanKind::Server)
    );
    assert_eq!(
        span.attributes["my.number"], 9_007_199_254_740_993_i64,
        "no digit is lost"
    );
    assert_eq!(
        (span.scope.name.as_str(), span.duration_ns()),
        ("my.library", 1000)
    );
    served.stop().await;
}

#[tokio::test]
async fn protobuf_is_taken_plain_and_compressed() {
    let served = Served::http(Limits::default()).await;
    let plain = served
        .post(
            "/v1/traces",
            PROTOBUF,
            request(&[vec![1; 16]]).encode_to_vec(),
        )
        .await;
    assert_eq!(plain.status(), 200);
    assert_eq!(plain.headers()["content-type"], "application/x-protobuf");
    let reply = ExportTraceServiceResponse::decode(plain.bytes().await.unwrap()).unwrap();
    assert_eq!(reply.partial_success, None);
    let headers = [PROTOBUF[0], ("content-encoding", "gzip")];
    let packed = served
        .post(
            "/v1/traces",
            &headers,
            gzip(&request(&[vec![2; 16]]).encode_to_vec()),
        )
        .await;
    assert_eq!(packed.status(), 200);
    let span = served
        .store
        .trace(crate::TraceId([2; 16]))
        .await
        .unwrap()
        .unwrap()
        .remove(0);
    assert_eq!(
        (span.service.as_str(), span.agent.as_deref()),
        ("my.service", Some("greeter")),
        "agent.id says who"
    );
    served.stop().await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_said() {
    let served = Served::http(Limits::default()).await;
    let body = request(&[vec![1; 16], vec![0; 16], vec![1; 15], Vec::new()]).encode_to_vec();
    let response = served.post("/v1/traces", PROTOBUF, body).await;
    assert_eq!(response.status(), 200);
    let reply = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    let partial = reply.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 3);
    assert!(!partial.error_message.is_empty());
    let old = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "startTimeUnixNano": "1544712660000000000",
    }] }] }] });
    let reply: Value = served
        .post("/v1/traces", JSON, old.to_string())
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        reply["partialSuccess"]["rejectedSpans"]
            .to_string()
            .trim_matches('"'),
        "1"
    );
    served.stop().await;
}

#[tokio::test]
async fn bad_requests_are_refused_in_their_own_encoding() {
    let limits = Limits {
        max_request_bytes: 10_000,
        max_inflated_bytes: 20_000,
        ..Limits::default()
    };
    let served = Served::http(limits).await;
    let check = async |path: &str, headers: &[(&str, &str)], body: Vec<u8>, status: u16| {
        let response = served.post(path, headers, body).await;
        assert_eq!(response.status(), status, "{path} {headers:?}");
        response
    };
    let json = check("/v1/traces", JSON, b"{".to_vec(), 400).await;
    let document: Value = json.json().await.unwrap();
    assert_eq!(document["code"], 3);
    assert!(
        document["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    );
    let protobuf = check("/v1/traces", PROTOBUF, vec![0xff; 10], 400).await;
    assert_eq!(protobuf.headers()["content-type"], "application/x-protobuf");
    check(
        "/v1/traces",
        &[("content-type", "text/plain")],
        Vec::new(),
        415,
    )
    .await;
    check(
        "/v1/traces",
        &[JSON[0], ("content-encoding", "br")],
        Vec::new(),
        415,
    )
    .await;
    check("/v1/profiles", JSON, b"{}".to_vec(), 404).await;
    check("/v1/traces", PROTOBUF, vec![0; 10_001], 413).await;
    let bomb = gzip(&vec![b' '; 1_000_000]);
    assert!(bomb.len() < 10_000);
    check(
        "/v1/traces",
        &[JSON[0], ("content-encoding", "gzip")],
        bomb,
        413,
    )
    .await;
    check(
        "/v1/traces",
        &[JSON[0], ("content-encoding", "gzip")],
        b"not gzip".to_vec(),
        400,
    )
    .await;
    check(
        "/v1/traces",
        &[JSON[0], ("host", "evil.example")],
        b"{}".to_vec(),
        403,
    )
    .await;
    check(
        "/v1/traces",
        &[JSON[0], ("origin", "https://evil.example")],
        b"{}".to_vec(),
        403,
    )
    .await;
    check(
        "/v1/traces",
        &[JSON[0], ("origin", "http://localhost:8000")],
        b"{}".to_vec(),
        200,
    )
    .await;
    check("/v1/metrics", JSON, b"{}".to_vec(), 200).await;
    assert_eq!(served.store.counters().accepted, 0);
    served.stop().await;
}

#[tokio::test]
async fn logs_come_in_over_http() {
    let served = Served::http(Limits::default()).await;
    let body = json!({ "resourceLogs": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "my.service" } }] },
        "scopeLogs": [{ "logRecords": [
            { "timeUnixNano": now().to_string(), "severityNumber": 10, "severityText": "Information",
              "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
              "body": { "stringValue": "Example log record" } },
            { "observedTimeUnixNano": now().to_string(), "body": { "kvlistValue": { "values": [
                { "key": "a", "value": { "intValue": "1" } }] } } },
        ] }],
    }] });
    assert_eq!(
        served
            .post("/v1/logs", JSON, body.to_string())
            .await
            .status(),
        200
    );
    let page = served
        .store
        .logs(LogFilter {
            agent: Some("my.service".into()),
            ..LogFilter::default()
        })
        .await
        .unwrap();
    assert_eq!(
        (page.items[0].body.as_str(), page.items[0].severity),
        (r#"{"a":1}"#, 0)
    );
    assert_eq!(
        (page.items[1].body.as_str(), page.items[1].severity),
        ("Example log record", 10)
    );
    assert_eq!(
        page.items[1].trace_id.unwrap().to_string(),
        "5b8efff798038103d269b633813fc60c"
    );
    served.stop().await;
}

#[tokio::test]
async fn a_known_sender_is_the_agent_whatever_the_document_says() {
    let served = Served::http(Limits::default()).await;
    let body = request(&[vec![1; 16]]).encode_to_vec();
    let reply = served
        .intake
        .handle_http(
            "/v1/traces",
            "application/x-protobuf",
            "",
            body.into(),
            Some("caller"),
        )
        .await;
    assert_eq!((reply.status, reply.retry_after), (200, None));
    let span = served
        .store
        .trace(crate::TraceId([1; 16]))
        .await
        .unwrap()
        .unwrap()
        .remove(0);
    assert_eq!(span.agent.as_deref(), Some("caller"));
    served.stop().await;
}

#[tokio::test]
async fn a_store_that_is_full_asks_to_try_again_later() {
    let served = Served::http(Limits {
        max_bytes: 1,
        ..Limits::default()
    })
    .await;
    let response = served
        .post(
            "/v1/traces",
            PROTOBUF,
            request(&[vec![1; 16]]).encode_to_vec(),
        )
        .await;
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    served.stop().await;
}

#[tokio::test]
async fn grpc_takes_all_three_signals() {
    let served = Served::grpc().await;
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{}", served.address)).unwrap();
    let channel = channel.connect().await.unwrap();
    let mut traces = TraceServiceClient::new(channel.clone())
        .send_compressed(tonic::codec::CompressionEncoding::Gzip);
    let reply = traces
        .export(request(&[vec![3; 16], vec![0; 16]]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(reply.partial_success.unwrap().rejected_spans, 1);
    assert!(
        served
            .store
            .trace(crate::TraceId([3; 16]))
            .await
            .unwrap()
            .is_some()
    );
    LogsServiceClient::new(channel.clone())
        .export(ExportLogsServiceRequest::default())
        .await
        .unwrap();
    MetricsServiceClient::new(channel)
        .export(ExportMetricsServiceRequest::default())
        .await
        .unwrap();
    assert_eq!(served.store.trace(trace_id(9)).await.unwrap(), None);
    served.stop().await;
}
