//! The OTLP intake: gRPC, and HTTP with protobuf or JSON.

mod decode;
mod document;
pub(crate) mod encode;
mod grpc;
mod http;

use std::sync::Arc;

use nasiko_contract::ErrorCode;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use tokio::sync::Semaphore;

use crate::{Span, TelemetryError, TraceStore};

pub use document::Imported;
pub use http::HttpReply;
pub(crate) use http::RpcStatus;

/// Takes what programs export and puts it into the store. A cheap handle; clones share the same store.
#[derive(Clone)]
pub struct OtlpIntake {
    store: TraceStore,
    /// One permit per export that is in memory.
    places: Arc<Semaphore>,
}

/// A request with this header holds what another store forwarded. It is kept and goes no further, so that two stores
/// that forward to each other do not send the same spans round for ever.
pub(crate) const FORWARDED: &str = "nasiko-forwarded";

/// Where an export comes from.
#[derive(Debug, Clone, Copy, Default)]
struct Sender<'name> {
    /// The agent that sent it, where that is known for certain.
    agent: Option<&'name str>,
    /// It was forwarded by another store.
    forwarded: bool,
}

/// What became of an export: how many items were refused, and why.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    rejected: u64,
    why: &'static str,
}

const NO_ID: &str = "some spans have no valid trace or span id";
const OUT_OF_TIME: &str = "some items are older than the retention or from the future";

impl OtlpIntake {
    /// An intake in front of `store`.
    pub fn new(store: TraceStore) -> Self {
        let places = Arc::new(Semaphore::new(store.limits().max_exports.max(1)));
        Self { store, places }
    }

    /// Writes an export of spans.
    async fn traces(
        &self,
        request: ExportTraceServiceRequest,
        sender: Sender<'_>,
    ) -> Result<Taken, TelemetryError> {
        let (spans, unfit) = decode::spans(request, sender.agent, self.store.limits());
        let written = self.store.write(spans, Vec::new(), !sender.forwarded);
        let refused = written.await?.rejected;
        Ok(Taken {
            rejected: unfit + refused,
            why: if unfit > 0 { NO_ID } else { OUT_OF_TIME },
        })
    }

    async fn logs(
        &self,
        request: ExportLogsServiceRequest,
        sender: Sender<'_>,
    ) -> Result<Taken, TelemetryError> {
        let logs = decode::logs(request, sender.agent, self.store.limits());
        let refused = self.store.write(Vec::new(), logs, false).await?.rejected;
        Ok(Taken {
            rejected: refused,
            why: OUT_OF_TIME,
        })
    }

    /// Metrics are taken and let go: everything shown is counted from spans, and refusing would only fill agents' logs.
    #[expect(
        clippy::unused_self,
        reason = "the third of three signals, alike from outside"
    )]
    fn metrics(&self, request: &ExportMetricsServiceRequest) -> Taken {
        tracing::trace!(resources = request.resource_metrics.len(), "metrics let go");
        Taken::default()
    }
}

/// Whether a sender should send the same again: it was our state, not its data.
pub(crate) fn is_retryable(error: &TelemetryError) -> bool {
    !matches!(
        error.code(),
        ErrorCode::InvalidRequest | ErrorCode::TooLarge
    )
}

/// Spans of one resource and scope, in their order.
pub(crate) fn same_origin(left: &Span, right: &Span) -> bool {
    (Arc::ptr_eq(&left.resource, &right.resource) || left.resource == right.resource)
        && left.scope == right.scope
        && left.agent == right.agent
}
