//! How many spans per second become durable: `span_rate SECONDS DIRECTORY [forward]`. With `forward`, each is also sent
//! on to a viewer that takes everything.
#![expect(clippy::print_stdout, reason = "the figure is what it is for")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::{Router, body::Bytes, routing::post};
use nasiko_telemetry::{
    Aim, Attributes, Forwarder, Limits, Scope, Span, SpanId, SpanKind, SpanStatus, TelemetryError,
    TraceId, TraceStore,
};
use serde_json::json;

/// Programs that export at once.
const EXPORTERS: u64 = 8;
/// Spans of one export, and of one trace.
const EXPORT: u64 = 512;
const TRACE: u64 = 8;
/// Not counted: files and caches warm up.
const WARM_UP: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [seconds, directory, rest @ ..] = words.as_slice() else {
        return Err("say: SECONDS DIRECTORY [forward]".into());
    };
    let store = TraceStore::open(Path::new(directory), Limits::default())?;
    let forwarder = if rest.first().is_some_and(|word| word == "forward") {
        let forwarder = Forwarder::start(&store)?;
        forwarder.aim(Aim::At(viewer().await?));
        Some(forwarder)
    } else {
        None
    };
    let end = Instant::now() + WARM_UP + Duration::from_secs(seconds.parse()?);
    let exporters = (0..EXPORTERS).map(|exporter| {
        let store = store.clone();
        tokio::spawn(async move { export(&store, exporter, end).await })
    });
    let exporters: Vec<_> = exporters.collect();
    tokio::time::sleep(WARM_UP).await;
    let (before, started) = (store.counters().accepted, Instant::now());
    tokio::time::sleep_until(end.into()).await;
    let rate = (store.counters().accepted - before) as f64 / started.elapsed().as_secs_f64();
    for exporter in exporters {
        exporter.await??;
    }
    print!("{rate:.0} spans per second");
    if let Some(forwarder) = forwarder {
        forwarder.close().await;
        let forwarded = forwarder.forwarded();
        print!(", {} sent, {} dropped", forwarded.sent, forwarded.dropped);
    }
    println!();
    Ok(())
}

/// Gives the address of a viewer that reads what it is sent and looks at none of it.
async fn viewer() -> std::io::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/v1/traces", post(|_: Bytes| async {}))
        .layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

/// Exports without a pause, each export once the one before is durable.
async fn export(store: &TraceStore, exporter: u64, end: Instant) -> Result<(), TelemetryError> {
    let mut resource = Attributes::new();
    resource.insert("service.name".to_owned(), json!("greeter"));
    resource.insert("agent.id".to_owned(), json!(format!("agent-{exporter}")));
    let resource = Arc::new(resource);
    let scope = Arc::new(Scope::default());
    let mut number = exporter << 48;
    while Instant::now() < end {
        let spans = (0..EXPORT).map(|_| {
            number += 1;
            span(number, &resource, &scope)
        });
        store.ingest(spans.collect()).await?;
    }
    Ok(())
}

fn span(number: u64, resource: &Arc<Attributes>, scope: &Arc<Scope>) -> Span {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let start_ns = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(0));
    let mut attributes = Attributes::new();
    attributes.insert("gen_ai.operation.name".to_owned(), json!("chat"));
    attributes.insert("gen_ai.usage.input_tokens".to_owned(), json!(number % 1000));
    attributes.insert("http.response.status_code".to_owned(), json!(200));
    Span {
        trace_id: TraceId(u128::from(number / TRACE + 1).to_be_bytes()),
        span_id: SpanId(number.to_be_bytes()),
        parent_id: (!number.is_multiple_of(TRACE)).then(|| SpanId((number - 1).to_be_bytes())),
        name: "chat model".to_owned(),
        service: "greeter".to_owned(),
        agent: Some("greeter".to_owned()),
        kind: SpanKind::Client,
        start_ns,
        end_ns: start_ns + 1_000_000,
        status: SpanStatus::default(),
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    }
}
