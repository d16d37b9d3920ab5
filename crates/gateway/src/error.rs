//! What can go wrong between a caller and an agent, and how the caller is told.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use nasiko_contract::{ErrorCode, Fault, Problem};

use crate::{
    body::GatewayBody,
    record::{Failure, Origin},
};

/// Why a request was not answered by its agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The path names no agent.
    #[error("The path names no agent")]
    NoAgent,
    /// No agent of that name.
    #[error("No agent is named `{agent}`")]
    UnknownAgent {
        /// What was asked for.
        agent: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// Known, but nothing of it runs.
    #[error("Agent `{agent}` is not running")]
    NotRunning {
        /// The agent.
        agent: String,
    },
    /// It is another control plane's, and out of reach from here.
    #[error("Agent `{agent}` cannot be reached from here: {holder}")]
    Elsewhere {
        /// The agent.
        agent: String,
        /// Whose it is, and how that one is.
        holder: String,
    },
    /// The `Host` is not this machine: DNS rebinding, or a wrong address.
    #[error("The gateway answers to loopback names only, not to `{host}`")]
    ForeignHost {
        /// The host that was asked for.
        host: String,
    },
    /// A page of another site is calling.
    #[error("Pages of `{origin}` may not call agents on this machine")]
    ForeignOrigin {
        /// The page's origin.
        origin: String,
    },
    /// No or a wrong credential on the network exposure.
    #[error("The gateway needs the agent's own credential here")]
    Unauthenticated,
    /// The request's body is larger than the limit.
    #[error("The body is larger than {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The agent has too many requests open.
    #[error("Agent `{agent}` has {limit} requests open already")]
    TooManyInFlight {
        /// The agent.
        agent: String,
        /// The limit.
        limit: usize,
    },
    /// Too many requests wait for the agent already.
    #[error("{limit} requests wait for agent `{agent}` already")]
    TooManyHeld {
        /// The agent.
        agent: String,
        /// The limit.
        limit: usize,
    },
    /// The agent did not come back while the request waited for it.
    #[error("Agent `{agent}` did not come back within {} s", limit.as_secs_f32())]
    HeldTooLong {
        /// The agent.
        agent: String,
        /// The limit.
        limit: Duration,
    },
    /// No connection to the agent.
    #[error("Agent `{agent}` does not listen on {address}")]
    Connect {
        /// The agent.
        agent: String,
        /// Where it should listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The agent sent no answer in time.
    #[error("Agent `{agent}` sent no answer within {} s", limit.as_secs_f32())]
    AnswerTimeout {
        /// The agent.
        agent: String,
        /// The limit.
        limit: Duration,
    },
    /// The agent broke the connection or does not speak HTTP.
    #[error("Agent `{agent}` broke the connection before it answered")]
    Broken {
        /// The agent.
        agent: String,
        /// What the protocol layer said.
        #[source]
        source: hyper::Error,
    },
    /// The agent changed to another protocol without being asked.
    #[error("Agent `{agent}` changed the protocol unasked")]
    UnaskedChange {
        /// The agent.
        agent: String,
    },
    /// The caller broke off its upload.
    #[error("The request's body ended before its time")]
    UploadBroken,
    /// The agent serves no card and none is known.
    #[error("Agent `{agent}` serves no agent card")]
    NoCard {
        /// The agent.
        agent: String,
    },
    /// An unknown path of the gateway's own.
    #[error("The gateway has nothing at `{path}`")]
    NotFound {
        /// The path.
        path: String,
    },
    /// The request cannot be passed on as it is.
    #[error("The request cannot be passed on: {reason}")]
    Unfit {
        /// Why.
        reason: &'static str,
    },
    /// A fault of ours; the log has it.
    #[error("The gateway failed on this request")]
    Internal,
}

impl GatewayError {
    /// The stable code and who is to blame.
    pub fn failure(&self) -> Failure {
        use ErrorCode as Code;
        let (code, origin) = match self {
            Self::NoAgent | Self::NotFound { .. } => (Code::NotFound, Origin::Caller),
            Self::UnknownAgent { .. } => (Code::AgentNotFound, Origin::Caller),
            Self::ForeignHost { .. } | Self::ForeignOrigin { .. } => {
                (Code::ForeignOrigin, Origin::Caller)
            }
            Self::Unauthenticated => (Code::Unauthenticated, Origin::Caller),
            Self::BodyTooLarge { .. } => (Code::TooLarge, Origin::Caller),
            Self::UploadBroken | Self::Unfit { .. } => (Code::InvalidRequest, Origin::Caller),
            Self::NotRunning { .. } => (Code::AgentNotRunning, Origin::Upstream),
            Self::Connect { .. }
            | Self::Broken { .. }
            | Self::UnaskedChange { .. }
            | Self::Elsewhere { .. } => (Code::AgentUnreachable, Origin::Upstream),
            Self::AnswerTimeout { .. } | Self::HeldTooLong { .. } => {
                (Code::TimedOut, Origin::Upstream)
            }
            Self::NoCard { .. } => (Code::NotFound, Origin::Upstream),
            Self::TooManyInFlight { .. } | Self::TooManyHeld { .. } => {
                (Code::LimitReached, Origin::Gateway)
            }
            Self::Internal => (Code::Internal, Origin::Gateway),
        };
        Failure { code, origin }
    }

    /// The HTTP status. That an agent does not run, or not yet, is an outage for its callers.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotRunning { .. } | Self::HeldTooLong { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::from_u16(self.failure().code.status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The problem document for the caller. `request_id` is the trace id, so that the trace can be looked up.
    pub(crate) fn into_response(self, request_id: &str) -> Response<GatewayBody> {
        let (status, failure) = (self.status(), self.failure());
        let passes_soon = matches!(
            self,
            Self::TooManyInFlight { .. } | Self::TooManyHeld { .. } | Self::HeldTooLong { .. }
        );
        let mut problem = Problem::new(self.into(), request_id);
        problem.status = status.as_u16();
        let mut document = serde_json::to_value(&problem).unwrap_or_default();
        document["origin"] = failure.origin.as_str().into();
        let mut response = Response::new(GatewayBody::full(Bytes::from(document.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer, Basic realm=\"nasiko\""),
            );
        }
        if passes_soon {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<GatewayError> for Fault {
    fn from(error: GatewayError) -> Self {
        let fault = Fault::new(error.failure().code, error.to_string());
        match error {
            GatewayError::NoAgent => fault.hint("Call /<agent>/<path>, for example /greeter/"),
            GatewayError::UnknownAgent {
                nearest: Some(nearest),
                ..
            } => fault.hint(format!("Did you mean `{nearest}`?")),
            GatewayError::NotRunning { agent } => fault
                .hint(format!("Start it with `nasiko start {agent}`"))
                .retryable(),
            GatewayError::Elsewhere { .. } => fault
                .hint("Call it there; `nasiko status` lists the control planes on this store")
                .retryable(),
            GatewayError::ForeignHost { .. } => {
                fault.hint("Use http://localhost or http://127.0.0.1 with the gateway's port")
            }
            GatewayError::Unauthenticated => {
                fault.hint("Use the address in NASIKO_GATEWAY_URL, which holds the credential")
            }
            GatewayError::Connect { agent, source, .. } => fault
                .hint(format!("Look at `nasiko logs {agent}`"))
                .evidence([source.to_string()])
                .retryable(),
            GatewayError::Broken { agent, source } => fault
                .hint(format!("Look at `nasiko logs {agent}`"))
                .evidence(causes(&source))
                .retryable(),
            GatewayError::AnswerTimeout { agent, .. } => fault
                .hint(format!("Look at `nasiko logs {agent}`"))
                .retryable(),
            GatewayError::HeldTooLong { agent, .. } => fault
                .hint(format!("Look at `nasiko logs {agent}`, and try again"))
                .retryable(),
            GatewayError::TooManyInFlight { .. } | GatewayError::TooManyHeld { .. } => {
                fault.hint("Wait for some of them to finish").retryable()
            }
            _ => fault,
        }
    }
}

fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect()
}
