//! From OTLP's messages to spans and log records. Tolerant: what can be kept is kept.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    logs::v1 as wire_logs,
    resource::v1::Resource,
    trace::v1 as wire,
};
use serde_json::Value;

use crate::{
    Attributes, Limits, LogRecord, Scope, Span, SpanEvent, SpanId, SpanKind, SpanLink, SpanStatus,
    StatusCode, TraceId, model::bound_attributes,
};

/// How deep attribute values are followed.
const MAX_DEPTH: usize = 16;

/// Who made a group of items.
struct Maker {
    service: String,
    agent: Option<String>,
    resource: Arc<Attributes>,
}

impl Maker {
    /// The sender, if it is known for certain, is the agent whatever the resource says; then `agent.id`, then the
    /// service's name.
    fn of(resource: Option<Resource>, sender: Option<&str>, limits: &Limits) -> Self {
        let mut resource = attributes(resource.unwrap_or_default().attributes);
        bound_attributes(&mut resource, limits);
        let text = |key| {
            resource
                .get(key)
                .and_then(Value::as_str)
                .filter(|text: &&str| !text.is_empty())
        };
        let service = text("service.name").unwrap_or_default().to_owned();
        let agent = sender
            .or_else(|| text("agent.id"))
            .or_else(|| text("service.name"))
            .map(Into::into);
        Self {
            service,
            agent,
            resource: Arc::new(resource),
        }
    }
}

/// The spans of an export, and how many had no valid id.
pub(crate) fn spans(
    request: ExportTraceServiceRequest,
    sender: Option<&str>,
    limits: &Limits,
) -> (Vec<Span>, u64) {
    let mut spans = Vec::new();
    let mut unfit = 0;
    for group in request.resource_spans {
        let maker = Maker::of(group.resource, sender, limits);
        for group in group.scope_spans {
            let scope = scope(group.scope);
            for wire in group.spans {
                match span(wire, &maker, &scope) {
                    Some(span) => spans.push(span),
                    None => unfit += 1,
                }
            }
        }
    }
    (spans, unfit)
}

/// The log records of an export.
pub(crate) fn logs(
    request: ExportLogsServiceRequest,
    sender: Option<&str>,
    limits: &Limits,
) -> Vec<LogRecord> {
    let mut logs = Vec::new();
    for group in request.resource_logs {
        let maker = Maker::of(group.resource, sender, limits);
        for group in group.scope_logs {
            let scope = scope(group.scope);
            logs.extend(
                group
                    .log_records
                    .into_iter()
                    .map(|wire| log(wire, &maker, &scope)),
            );
        }
    }
    logs
}

fn span(wire: wire::Span, maker: &Maker, scope: &Arc<Scope>) -> Option<Span> {
    let status = wire.status.unwrap_or_default();
    let events = wire.events.into_iter().map(|event| SpanEvent {
        time_ns: event.time_unix_nano,
        name: event.name,
        attributes: attributes(event.attributes),
    });
    let links = wire.links.into_iter().filter_map(|link| {
        Some(SpanLink {
            trace_id: TraceId::from_slice(&link.trace_id)?,
            span_id: SpanId::from_slice(&link.span_id)?,
            attributes: attributes(link.attributes),
        })
    });
    // A span without a start is put where it ended.
    let start_ns = if wire.start_time_unix_nano == 0 {
        wire.end_time_unix_nano
    } else {
        wire.start_time_unix_nano
    };
    Some(Span {
        trace_id: TraceId::from_slice(&wire.trace_id)?,
        span_id: SpanId::from_slice(&wire.span_id)?,
        parent_id: SpanId::from_slice(&wire.parent_span_id),
        name: wire.name,
        service: maker.service.clone(),
        agent: maker.agent.clone(),
        kind: SpanKind::from_number(wire.kind),
        start_ns,
        end_ns: wire.end_time_unix_nano.max(start_ns),
        status: SpanStatus {
            code: StatusCode::from_number(status.code),
            message: status.message,
        },
        attributes: attributes(wire.attributes),
        events: events.collect(),
        links: links.collect(),
        resource: Arc::clone(&maker.resource),
        scope: Arc::clone(scope),
    })
}

fn log(wire: wire_logs::LogRecord, maker: &Maker, scope: &Arc<Scope>) -> LogRecord {
    let body = match wire.body.map(|body| value(body, 0)) {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => wire.event_name,
        Some(other) => other.to_string(),
    };
    LogRecord {
        time_ns: if wire.time_unix_nano == 0 {
            wire.observed_time_unix_nano
        } else {
            wire.time_unix_nano
        },
        severity: u8::try_from(wire.severity_number).unwrap_or(0),
        severity_text: wire.severity_text,
        body,
        trace_id: TraceId::from_slice(&wire.trace_id),
        span_id: SpanId::from_slice(&wire.span_id),
        service: maker.service.clone(),
        agent: maker.agent.clone(),
        attributes: attributes(wire.attributes),
        resource: Arc::clone(&maker.resource),
        scope: Arc::clone(scope),
    }
}

fn scope(scope: Option<InstrumentationScope>) -> Arc<Scope> {
    let scope = scope.unwrap_or_default();
    Arc::new(Scope {
        name: scope.name,
        version: scope.version,
    })
}

fn attributes(list: Vec<KeyValue>) -> Attributes {
    let pairs = list.into_iter().map(|pair| {
        (
            pair.key,
            pair.value.map_or(Value::Null, |any| value(any, 0)),
        )
    });
    pairs.collect()
}

fn value(any: AnyValue, depth: usize) -> Value {
    use any_value::Value as Any;
    match any.value {
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(flag)) => Value::Bool(flag),
        Some(Any::IntValue(number)) => number.into(),
        // JSON has no number for infinity and what is not one.
        Some(Any::DoubleValue(number)) => serde_json::Number::from_f64(number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number),
        Some(Any::BytesValue(bytes)) => Value::String(BASE64_STANDARD.encode(bytes)),
        Some(Any::ArrayValue(list)) if depth < MAX_DEPTH => list
            .values
            .into_iter()
            .map(|any| value(any, depth + 1))
            .collect(),
        Some(Any::KvlistValue(list)) if depth < MAX_DEPTH => {
            let pair = |pair: KeyValue| {
                (
                    pair.key,
                    pair.value.map_or(Value::Null, |any| value(any, depth + 1)),
                )
            };
            Value::Object(list.values.into_iter().map(pair).collect())
        }
        Some(Any::ArrayValue(_) | Any::KvlistValue(_) | Any::StringValueStrindex(_)) | None => {
            Value::Null
        }
    }
}
