//! Every limit of the gateway, named.

use std::time::Duration;

/// The gateway's limits. Every field has a default that suits one machine.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Largest request body in bytes; 0 lets bodies of any length stream through with backpressure.
    pub max_body_bytes: u64,
    /// Largest request head (request line and headers) in bytes.
    pub max_header_bytes: usize,
    /// Requests one upstream may have open at once; more are refused with `limit.reached`.
    pub max_in_flight_per_agent: usize,
    /// Requests that may wait at once for an agent on hold ([`crate::RouteTable::hold`]); more are refused with
    /// `limit.reached`.
    pub max_held_per_agent: usize,
    /// Connections from callers open at once; more wait in the listen queue.
    pub max_connections: usize,
    /// Idle connections kept to one upstream.
    pub max_idle_connections_per_agent: usize,
    /// How long an idle connection to an upstream is kept. Below five seconds, because that is when common agent
    /// servers close theirs, and a request written at that instant would be lost.
    pub pool_idle_timeout: Duration,
    /// Longest wait for a connection to an upstream.
    pub connect_timeout: Duration,
    /// Longest wait between the request and the head of the answer.
    pub response_header_timeout: Duration,
    /// Longest silence inside a streamed answer.
    pub idle_stream_timeout: Duration,
    /// Longest silence on an upgraded connection (WebSocket).
    pub upgrade_idle_timeout: Duration,
    /// Longest wait for a caller's request head; also how long an idle caller connection is kept.
    pub header_read_timeout: Duration,
    /// Largest agent card read for rewriting, in bytes.
    pub max_card_bytes: usize,
    /// Largest telemetry export accepted from a container, in bytes.
    pub max_otlp_bytes: usize,
    /// How long open requests may go on after a stop.
    pub shutdown_grace: Duration,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 0,
            max_header_bytes: 64 * 1024,
            max_in_flight_per_agent: 1024,
            max_held_per_agent: 1000,
            max_connections: 8192,
            max_idle_connections_per_agent: 64,
            pool_idle_timeout: Duration::from_secs(4),
            connect_timeout: Duration::from_secs(5),
            response_header_timeout: Duration::from_secs(300),
            idle_stream_timeout: Duration::from_secs(300),
            upgrade_idle_timeout: Duration::from_secs(3600),
            header_read_timeout: Duration::from_secs(75),
            max_card_bytes: 1024 * 1024,
            max_otlp_bytes: 16 * 1024 * 1024,
            shutdown_grace: Duration::from_secs(5),
        }
    }
}
