//! The gateway's records become spans, and the traces operations answer from the trace store.

use std::sync::Arc;

use futures::StreamExt;
use nasiko_contract::{
    ErrorCode, Fault, GetTrace, ListTraces, Page, SpanEvent, SpanStatus, TailTraces, Trace,
    TraceId, TraceSummary,
};
use nasiko_gateway::{Caller as GatewayCaller, RequestRecord, RequestSink};
use nasiko_telemetry::{Attributes, Scope, Span, SpanKind, StatusCode, TraceFilter, TraceStore};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::{
    api::{Caller, Items, Numbered, Serve, ServeStream},
    plane::ControlPlane,
};

/// Statuses from here on make a server span an error (OpenTelemetry semantic conventions, HTTP server spans).
const SERVER_ERROR: u16 = 500;

/// Writes one span per request that went through the gateway.
pub(crate) struct GatewaySpans {
    traces: TraceStore,
    resource: Arc<Attributes>,
    scope: Arc<Scope>,
}

impl GatewaySpans {
    pub(crate) fn new(traces: TraceStore) -> Self {
        let mut resource = Attributes::new();
        resource.insert("service.name".to_owned(), json!("nasiko-gateway"));
        resource.insert(
            "service.version".to_owned(),
            json!(env!("CARGO_PKG_VERSION")),
        );
        let scope = Scope {
            name: "nasiko.gateway".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self {
            traces,
            resource: Arc::new(resource),
            scope: Arc::new(scope),
        }
    }
}

impl RequestSink for GatewaySpans {
    fn record(&self, record: RequestRecord) {
        let failed = record.error.is_some() || record.status >= SERVER_ERROR;
        let mut attributes = Attributes::new();
        let mut set = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
        set("http.request.method", json!(record.method.as_str()));
        set("http.response.status_code", json!(record.status));
        set("url.path", json!(record.path));
        set("http.request.body.size", json!(record.bytes_in));
        set("http.response.body.size", json!(record.bytes_out));
        set("nasiko.agent", json!(&*record.agent));
        set("nasiko.streamed", json!(record.streamed));
        if let Some(instance) = &record.instance {
            set("nasiko.deployment", json!(&**instance));
        }
        if let Some(first_byte) = record.first_byte_ns {
            set("nasiko.first_byte_ns", json!(first_byte));
        }
        if let Some(held) = record.held_ns {
            set("nasiko.held_ns", json!(held));
        }
        if let GatewayCaller::Agent(caller) = &record.caller {
            set("nasiko.caller", json!(&**caller));
        }
        if let Some(failure) = &record.error {
            set("error.type", json!(failure.code.as_str()));
            set("nasiko.error.origin", json!(failure.origin.as_str()));
        }
        let span = Span {
            trace_id: nasiko_telemetry::TraceId(record.trace_id.0),
            span_id: nasiko_telemetry::SpanId(record.span_id.0),
            parent_id: record
                .parent_span_id
                .map(|id| nasiko_telemetry::SpanId(id.0)),
            name: format!("{} /{}{}", record.method, record.agent, record.path),
            service: "nasiko-gateway".to_owned(),
            agent: Some(record.agent.to_string()),
            kind: SpanKind::Server,
            start_ns: record.start_unix_ns,
            end_ns: record.start_unix_ns.saturating_add(record.duration_ns),
            status: nasiko_telemetry::SpanStatus {
                code: if failed {
                    StatusCode::Error
                } else {
                    StatusCode::Unset
                },
                message: record
                    .error
                    .map(|failure| failure.code.as_str().to_owned())
                    .unwrap_or_default(),
            },
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::clone(&self.resource),
            scope: Arc::clone(&self.scope),
        };
        // A full queue is counted by the store; a request never waits for its own trace.
        self.traces.offer(span);
    }
}

impl Serve<ListTraces> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListTraces) -> Result<Page<TraceSummary>, Fault> {
        let page = self.shared.traces.traces(filter(request)?).await?;
        Ok(Page {
            items: page.items.into_iter().map(summary).collect(),
            next_cursor: page.next,
        })
    }
}

impl Serve<GetTrace> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetTrace) -> Result<Trace, Fault> {
        let not_found = || {
            Fault::new(ErrorCode::TraceNotFound, format!("There is no trace `{}`", request.trace))
                .hint("Spans arrive a moment after the answer, and are kept for the days that the settings say")
        };
        let id = request.trace.as_str().parse().map_err(|_| not_found())?;
        // Whoever asks right after an answer wants the spans that are just being written.
        self.shared.traces.flush().await?;
        let spans = self.shared.traces.trace(id).await?.ok_or_else(not_found)?;
        Ok(Trace {
            trace_id: request.trace,
            spans: spans_of(spans),
        })
    }
}

impl ServeStream<TailTraces> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: TailTraces,
    ) -> Result<Items<TraceSummary>, Fault> {
        let traces = self.shared.traces.clone();
        let notices = traces.subscribe();
        Ok(futures::stream::unfold(
            (notices, request.agent),
            |(mut notices, agent)| async move {
                loop {
                    match notices.recv().await {
                        Ok(notice) => {
                            let summary = summary(notice.summary);
                            if agent.as_ref().is_none_or(|agent| *agent == summary.agent) {
                                return Some((Ok(Numbered::from(summary)), (notices, agent)));
                            }
                        }
                        // Whoever is too slow for the tail misses some; each notice carries the whole summary anyway.
                        Err(RecvError::Lagged(missed)) => {
                            tracing::debug!(missed, "a follower of traces was too slow");
                        }
                        Err(RecvError::Closed) => return None,
                    }
                }
            },
        )
        .boxed())
    }
}

fn filter(request: ListTraces) -> Result<TraceFilter, Fault> {
    const NANOS_PER_MILLI: u64 = 1_000_000;
    let nanos = |millis: i64| {
        u64::try_from(millis)
            .unwrap_or(0)
            .saturating_mul(NANOS_PER_MILLI)
    };
    let attributes = request
        .attributes
        .iter()
        .flat_map(|text| text.split(','))
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .ok_or_else(|| {
                    Fault::new(
                        ErrorCode::InvalidRequest,
                        format!("`{pair}` is not an attribute filter"),
                    )
                    .hint("Write it as key=value")
                })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(TraceFilter {
        agent: request.agent.map(|agent| agent.0),
        status: request.status.map(|status| match status {
            SpanStatus::Unset => StatusCode::Unset,
            SpanStatus::Ok => StatusCode::Ok,
            SpanStatus::Error => StatusCode::Error,
        }),
        min_duration_ns: request
            .min_duration_ms
            .map(|millis| millis.saturating_mul(NANOS_PER_MILLI)),
        max_duration_ns: request
            .max_duration_ms
            .map(|millis| millis.saturating_mul(NANOS_PER_MILLI)),
        since_ns: request.since.map(nanos),
        until_ns: request.until.map(nanos),
        text: request.text,
        attributes,
        cursor: request.cursor,
        limit: Some(request.limit.map_or(100, |limit| limit.clamp(1, 500)) as usize),
        ..TraceFilter::default()
    })
}

/// A trace's row as everybody sees it.
pub(crate) fn summary(summary: nasiko_telemetry::TraceSummary) -> TraceSummary {
    TraceSummary {
        trace_id: TraceId(summary.trace_id.to_string()),
        tokens: Some(summary.tokens()).filter(|tokens| *tokens > 0),
        agent: summary.agent.into(),
        name: summary.name,
        start_ns: summary.start_ns,
        duration_ns: summary.duration_ns,
        status: status(summary.status),
        spans: summary.spans,
        cost: summary.cost,
    }
}

fn status(code: StatusCode) -> SpanStatus {
    match code {
        StatusCode::Unset => SpanStatus::Unset,
        StatusCode::Ok => SpanStatus::Ok,
        StatusCode::Error => SpanStatus::Error,
    }
}

/// Spans as everybody sees them, with their depth. The store gives parents before their children.
fn spans_of(spans: Vec<Span>) -> Vec<nasiko_contract::Span> {
    let mut depths = std::collections::HashMap::new();
    spans
        .into_iter()
        .map(|span| {
            let above = span
                .parent_id
                .and_then(|parent| depths.get(&parent).copied());
            let depth: u32 = above.map_or(0, |depth: u32| depth + 1);
            depths.entry(span.span_id).or_insert(depth);
            nasiko_contract::Span {
                span_id: span.span_id.to_string().into(),
                parent_id: span.parent_id.map(|id| id.to_string().into()),
                duration_ns: span.duration_ns(),
                name: span.name,
                service: span.service,
                kind: span.kind.as_str().to_owned(),
                start_ns: span.start_ns,
                status: status(span.status.code),
                status_message: span.status.message,
                attributes: span.attributes,
                events: span
                    .events
                    .into_iter()
                    .map(|event| SpanEvent {
                        name: event.name,
                        at_ns: event.time_ns,
                        attributes: event.attributes,
                    })
                    .collect(),
                depth,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
