//! The hook through which agents in containers export telemetry: the gateway is the only thing they can reach.

use bytes::Bytes;
use futures::future::BoxFuture;

/// Takes telemetry exports that came through the network exposure. The gateway passes bytes on and knows no encoding.
pub trait OtlpSink: Send + Sync {
    /// Takes one export. Dropping the future abandons it.
    fn export(&self, request: OtlpRequest) -> BoxFuture<'static, OtlpReply>;
}

/// An export as it arrived.
#[derive(Debug, Clone)]
pub struct OtlpRequest {
    /// The agent whose credential was presented.
    pub agent: String,
    /// `/v1/traces`, `/v1/logs` or `/v1/metrics`.
    pub path: String,
    /// The `Content-Type`, empty when absent.
    pub content_type: String,
    /// The `Content-Encoding`, empty when absent.
    pub content_encoding: String,
    /// The body as sent, still compressed.
    pub body: Bytes,
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct OtlpReply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}
