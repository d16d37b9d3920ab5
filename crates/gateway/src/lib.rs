//! Owns the reverse proxy to agents: the live route table, streaming both ways, limits, and one record per request.
//! Must never know the store, the runtime, the encoding of OTLP, or how an agent is started.
//!
//! One request walks: `server` accepts, `door` decides whether it may come in and which agent it names, `route`
//! leases the agent's current upstream, `proxy` sends it over a pooled connection (`pool`) and hands the answer
//! back chunk by chunk (`body`), and `record` says what happened once the last byte is through.
//!
//! Nothing here waits for a switch: whoever replaces an upstream calls [`RouteTable::set`], requests that were leased
//! before keep their upstream, and the returned [`Drain`] tells when the last of them is done. Only where nothing can
//! answer for a moment do requests wait, within limits: [`RouteTable::hold`].

mod admin;
mod body;
mod card;
mod config;
mod credentials;
mod door;
mod error;
mod exchange;
mod headers;
mod nearest;
mod otlp;
mod pool;
mod proxy;
mod record;
mod route;
mod server;
mod trace_context;
mod upgrade;

#[cfg(test)]
mod tests;

pub use config::GatewayConfig;
pub use credentials::Credentials;
pub use door::Exposure;
pub use error::GatewayError;
pub use otlp::{OtlpReply, OtlpRequest, OtlpSink};
pub use record::{Caller, Failure, Origin, RequestRecord, RequestSink};
pub use route::{Drain, Drained, RouteInfo, RouteState, RouteTable, Upstream};
pub use server::{Gateway, GatewayCounters};
pub use trace_context::{SpanId, TraceId};
