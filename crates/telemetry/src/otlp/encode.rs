//! From spans back to OTLP's messages, for export.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as WireSpan, Status, TracesData, span},
};
use serde_json::Value;

use super::same_origin;
use crate::{Attributes, Span};

/// Spans as one document, neighbours of one resource and scope together.
pub(crate) fn document(spans: &[Span]) -> TracesData {
    let groups = spans.chunk_by(same_origin).map(|group| {
        let first = &group[0];
        ResourceSpans {
            resource: Some(Resource {
                attributes: attributes(&first.resource),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: first.scope.name.clone(),
                    version: first.scope.version.clone(),
                    ..InstrumentationScope::default()
                }),
                spans: group.iter().map(encode).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }
    });
    TracesData {
        resource_spans: groups.collect(),
    }
}

fn encode(span: &Span) -> WireSpan {
    WireSpan {
        trace_id: span.trace_id.0.to_vec(),
        span_id: span.span_id.0.to_vec(),
        parent_span_id: span
            .parent_id
            .map(|parent| parent.0.to_vec())
            .unwrap_or_default(),
        name: span.name.clone(),
        kind: span.kind.number(),
        start_time_unix_nano: span.start_ns,
        end_time_unix_nano: span.end_ns,
        attributes: attributes(&span.attributes),
        events: span
            .events
            .iter()
            .map(|event| span::Event {
                time_unix_nano: event.time_ns,
                name: event.name.clone(),
                attributes: attributes(&event.attributes),
                ..span::Event::default()
            })
            .collect(),
        links: span
            .links
            .iter()
            .map(|link| span::Link {
                trace_id: link.trace_id.0.to_vec(),
                span_id: link.span_id.0.to_vec(),
                attributes: attributes(&link.attributes),
                ..span::Link::default()
            })
            .collect(),
        status: Some(Status {
            code: span.status.code.number(),
            message: span.status.message.clone(),
        }),
        ..WireSpan::default()
    }
}

fn attributes(attributes: &Attributes) -> Vec<KeyValue> {
    attributes
        .iter()
        .map(|(key, value)| pair(key, value))
        .collect()
}

fn pair(key: &str, value: &Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: any(value) }),
        ..KeyValue::default()
    }
}

fn any(value: &Value) -> Option<any_value::Value> {
    use any_value::Value as Any;
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => Any::BoolValue(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Any::IntValue(number),
            None => Any::DoubleValue(number.as_f64()?),
        },
        Value::String(text) => Any::StringValue(text.clone()),
        Value::Array(list) => {
            let values = list
                .iter()
                .map(|value| AnyValue { value: any(value) })
                .collect();
            Any::ArrayValue(ArrayValue { values })
        }
        Value::Object(map) => {
            let values = map.iter().map(|(key, value)| pair(key, value)).collect();
            Any::KvlistValue(KeyValueList { values })
        }
    })
}
