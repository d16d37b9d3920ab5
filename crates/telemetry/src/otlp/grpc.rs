//! OTLP over gRPC.

use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    codec::CompressionEncoding,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};

use super::{FORWARDED, OtlpIntake, Sender, Taken, http::SHUTDOWN_GRACE, is_retryable};
use crate::TelemetryError;

impl OtlpIntake {
    /// The trace, logs and metrics services.
    pub fn grpc_routes(&self) -> Routes {
        let limit = self.store.limits().max_inflated_bytes;
        let traces = TraceServiceServer::new(self.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(limit);
        let logs = LogsServiceServer::new(self.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(limit);
        let metrics = MetricsServiceServer::new(self.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(limit);
        Routes::new(traces).add_service(logs).add_service(metrics)
    }

    /// Serves gRPC on `listener` until `cancel`, then lets open exports finish for a moment.
    pub async fn serve_grpc(
        &self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> Result<(), tonic::transport::Error> {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let stop = cancel.clone();
        let serving = Server::builder()
            .concurrency_limit_per_connection(self.store.limits().max_exports.max(1))
            .add_routes(self.grpc_routes())
            .serve_with_incoming_shutdown(incoming, async move { stop.cancelled().await });
        tokio::select! {
            ended = serving => ended,
            () = async { cancel.cancelled().await; tokio::time::sleep(SHUTDOWN_GRACE).await } => Ok(()),
        }
    }
}

impl From<TelemetryError> for Status {
    fn from(error: TelemetryError) -> Self {
        let message = error.to_string();
        match error {
            TelemetryError::Full { .. } => Self::resource_exhausted(message),
            error if is_retryable(&error) => Self::unavailable(message),
            _ => Self::invalid_argument(message),
        }
    }
}

impl Taken {
    /// How many, as OTLP counts, and why; none when all were taken.
    pub(crate) fn partial(&self) -> Option<(i64, String)> {
        (self.rejected > 0).then(|| {
            (
                i64::try_from(self.rejected).unwrap_or(i64::MAX),
                self.why.to_owned(),
            )
        })
    }

    pub(crate) fn traces_response(&self) -> ExportTraceServiceResponse {
        let partial = |(rejected_spans, error_message)| ExportTracePartialSuccess {
            rejected_spans,
            error_message,
        };
        ExportTraceServiceResponse {
            partial_success: self.partial().map(partial),
        }
    }

    pub(crate) fn logs_response(&self) -> ExportLogsServiceResponse {
        let partial = |(rejected_log_records, error_message)| ExportLogsPartialSuccess {
            rejected_log_records,
            error_message,
        };
        ExportLogsServiceResponse {
            partial_success: self.partial().map(partial),
        }
    }
}

#[tonic::async_trait]
impl TraceService for OtlpIntake {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let sender = Sender {
            agent: None,
            forwarded: request.metadata().contains_key(FORWARDED),
        };
        let taken = self.traces(request.into_inner(), sender).await?;
        Ok(Response::new(taken.traces_response()))
    }
}

#[tonic::async_trait]
impl LogsService for OtlpIntake {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let taken = self.logs(request.into_inner(), Sender::default()).await?;
        Ok(Response::new(taken.logs_response()))
    }
}

#[tonic::async_trait]
impl MetricsService for OtlpIntake {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics(request.get_ref());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
