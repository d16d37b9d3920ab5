//! Documents about the control plane itself.

use nasiko_contract::{
    AgentCounts, EnginePlace, EngineStatus, LoginStart, Peer, RuntimeKind, SecretInfo, Settings,
    StackService, Status, StoreStatus, TraceForwarding,
};
use serde::Serialize;

use super::store::StoreDocument;

/// `status`, `up`, `serve`
#[derive(Debug, Default, Serialize)]
pub(crate) struct StatusDocument {
    pub(crate) running: bool,
    pub(crate) context: String,
    pub(crate) pid: Option<u32>,
    pub(crate) version: Option<String>,
    pub(crate) api: Option<String>,
    pub(crate) gateway: Option<String>,
    pub(crate) admin: Option<String>,
    pub(crate) otlp_http: Option<String>,
    pub(crate) otlp_grpc: Option<String>,
    pub(crate) store: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) secrets: Option<String>,
    pub(crate) engine: Option<EngineStatus>,
    pub(crate) engines: Vec<EnginePlace>,
    pub(crate) stack: Vec<StackService>,
    pub(crate) forwarding: Option<TraceForwarding>,
    pub(crate) agents: Option<AgentCounts>,
    pub(crate) jobs: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) notices: Vec<String>,
    pub(crate) peers: Vec<Peer>,
}

impl From<Status> for StatusDocument {
    fn from(status: Status) -> Self {
        Self {
            running: true,
            context: String::new(),
            pid: Some(status.pid),
            version: Some(status.version),
            api: Some(status.api),
            gateway: Some(status.gateway),
            admin: Some(status.admin),
            otlp_http: Some(status.otlp_http),
            otlp_grpc: Some(status.otlp_grpc),
            store: Some(status.store),
            queue: Some(status.queue),
            secrets: Some(status.secrets),
            engine: status.engine,
            engines: status.engines,
            stack: status.stack,
            forwarding: status.forwarding,
            agents: Some(status.agents),
            jobs: status.jobs,
            memory_bytes: status.memory_bytes,
            notices: status.notices,
            peers: status.peers,
        }
    }
}

/// A row of `secret list`; `secret set`
#[derive(Debug, Serialize)]
pub(crate) struct SecretDocument {
    name: String,
    agent: Option<String>,
}

impl From<SecretInfo> for SecretDocument {
    fn from(secret: SecretInfo) -> Self {
        Self {
            name: secret.name,
            agent: secret.agent.map(|agent| agent.0),
        }
    }
}

/// `settings`
#[derive(Debug, Serialize)]
pub(crate) struct SettingsDocument {
    default_runtime: RuntimeKind,
    trace_retention_days: u32,
    start_timeout_seconds: u32,
    stop_timeout_seconds: u32,
    parallel_jobs: u32,
    kong_admin_url: Option<String>,
    otlp_forward_url: Option<String>,
    notifications: bool,
    quiet_hours: Option<String>,
    start_at_login: bool,
    store: StoreDocument,
}

impl SettingsDocument {
    pub(crate) fn new(settings: Settings, login: &LoginStart, store: StoreStatus) -> Self {
        Self {
            default_runtime: settings.default_runtime,
            trace_retention_days: settings.trace_retention_days,
            start_timeout_seconds: settings.start_timeout_seconds,
            stop_timeout_seconds: settings.stop_timeout_seconds,
            parallel_jobs: settings.parallel_jobs,
            kong_admin_url: settings.kong_admin_url,
            otlp_forward_url: settings.otlp_forward_url,
            notifications: settings.notifications,
            quiet_hours: settings.quiet_hours,
            start_at_login: login.on,
            store: store.into(),
        }
    }
}

/// `open`
#[derive(Debug, Serialize)]
pub(crate) struct LinkDocument<'a> {
    pub(crate) url: &'a str,
}
