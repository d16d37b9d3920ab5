//! The two encodings of OTLP over HTTP, and gzip around them.

use std::io::Read;

use axum::http::StatusCode;
use bytes::Bytes;
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};

use super::{super::is_retryable, HttpReply};
use crate::TelemetryError;

/// How a body is written. Answers come in the encoding of the request.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// `google.rpc.Status`, which OTLP answers failures with.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

impl Encoding {
    /// The encoding that a `Content-Type` names.
    pub(super) fn of(content_type: &str) -> Result<Self, TelemetryError> {
        let media = content_type.split(';').next().unwrap_or_default().trim();
        match media.to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Ok(Self::Protobuf),
            "application/json" => Ok(Self::Json),
            _ => Err(TelemetryError::Unsupported {
                given: media.to_owned(),
            }),
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    pub(super) fn parse<Request: Message + Default + DeserializeOwned>(
        self,
        body: &[u8],
    ) -> Result<Request, TelemetryError> {
        let malformed = |reason: String| TelemetryError::Malformed { reason };
        match self {
            Self::Protobuf => Request::decode(body).map_err(|error| malformed(error.to_string())),
            Self::Json => {
                serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
            }
        }
    }

    pub(super) fn success<Reply: Message + Serialize>(self, reply: &Reply) -> HttpReply {
        let body = match self {
            Self::Protobuf => reply.encode_to_vec(),
            Self::Json => serde_json::to_vec(reply).unwrap_or_else(|_| b"{}".to_vec()),
        };
        HttpReply {
            status: 200,
            content_type: self.content_type(),
            body: body.into(),
            retry_after: None,
        }
    }

    pub(super) fn failure(self, error: &TelemetryError) -> HttpReply {
        let status = match error {
            TelemetryError::NoSignal { .. } => StatusCode::NOT_FOUND,
            TelemetryError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            TelemetryError::Unsupported { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            TelemetryError::Full { .. } => StatusCode::TOO_MANY_REQUESTS,
            error if is_retryable(error) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let code = if is_retryable(error) {
            tonic::Code::Unavailable
        } else {
            tonic::Code::InvalidArgument
        };
        let reply = RpcStatus {
            code: code.into(),
            message: error.to_string(),
        };
        let body = match self {
            Self::Protobuf => reply.encode_to_vec().into(),
            Self::Json => serde_json::json!({ "code": reply.code, "message": reply.message })
                .to_string()
                .into(),
        };
        let retry_after = is_retryable(error).then_some(1);
        HttpReply {
            status: status.as_u16(),
            content_type: self.content_type(),
            body,
            retry_after,
        }
    }
}

/// Inflates up to the limit and refuses what is larger, without ever holding more than the limit.
pub(super) fn inflate(body: &[u8], limit: usize) -> Result<Bytes, TelemetryError> {
    let mut inflated = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    flate2::read::MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut inflated)
        .map_err(|error| TelemetryError::Malformed {
            reason: error.to_string(),
        })?;
    if inflated.len() > limit {
        Err(TelemetryError::TooLarge { limit })
    } else {
        Ok(inflated.into())
    }
}
