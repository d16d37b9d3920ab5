//! Owns HTTP, server-sent events, OpenAPI, the ways in and the embedded web UI over the control plane. Must never know
//! what an operation does: every one is mounted from the contract's list.

mod access;
mod answer;
mod app;
mod docs;
mod fields;
mod health;
mod idempotency;
mod mount;
mod observe;
mod openapi;
pub mod ports;
mod request;
mod resident;
mod serve;
mod sessions;
mod stream;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod upload;
mod web;

pub use access::Access;
pub use app::{Limits, ServerConfig, router};
pub use nasiko_control::{EngineConfig, doctor};
pub use resident::{Config, Ports, Resident};
pub use serve::serve;

#[cfg(test)]
mod tests;
