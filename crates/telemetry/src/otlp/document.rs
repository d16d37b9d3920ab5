//! Traces as files: OTLP JSON out and in.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde_json::Value;

use super::{decode, encode};
use crate::{TelemetryError, TraceId, TraceStore};

/// What an import brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The traces of the document, each once.
    pub traces: Vec<TraceId>,
    /// Spans that are in the store now.
    pub accepted: u64,
    /// Spans without a valid id, older than the retention, or from the future.
    pub rejected: u64,
}

impl TraceStore {
    /// A trace as an OTLP JSON document; none when there is no such trace.
    pub async fn export(&self, trace: TraceId) -> Result<Option<Value>, TelemetryError> {
        let Some(spans) = self.trace(trace).await? else {
            return Ok(None);
        };
        let document = serde_json::to_value(encode::document(&spans));
        document
            .map(Some)
            .map_err(|error| TelemetryError::Malformed {
                reason: error.to_string(),
            })
    }

    /// Takes an OTLP JSON document of spans and returns once it is durable. Spans that are there already stay as they
    /// are.
    pub async fn import(&self, json: &[u8]) -> Result<Imported, TelemetryError> {
        let limit = self.limits().max_inflated_bytes;
        if json.len() > limit {
            return Err(TelemetryError::TooLarge { limit });
        }
        // A request is a document by another name.
        let request: ExportTraceServiceRequest =
            serde_json::from_slice(json).map_err(|error| TelemetryError::Malformed {
                reason: error.to_string(),
            })?;
        let (spans, unfit) = decode::spans(request, None, self.limits());
        let mut traces: Vec<TraceId> = spans.iter().map(|span| span.trace_id).collect();
        traces.sort_unstable();
        traces.dedup();
        let items = spans.len() as u64;
        let rejected = self.write(spans, Vec::new(), true).await?.rejected;
        Ok(Imported {
            traces,
            accepted: items - rejected,
            rejected: unfit + rejected,
        })
    }
}
