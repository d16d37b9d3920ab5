//! Owns the control plane: operations, state machines, jobs, events; composes every room below it. Must never know a
//! transport (HTTP, bridge, terminal).
//!
//! A request comes through the gate ([`api`]), becomes a job ([`jobs`], [`worker`]) if it is long, walks the road of a
//! folder ([`intake`], [`read`], [`deploy`], [`launch`], [`probe`]), and what runs is watched ([`supervise`]) and taken
//! over again after a restart ([`adopt`]). Containers of others are found ([`discover`]), and other control planes on the same
//! store ([`peers`]). The local
//! Docker stack stands beside the agents ([`stack`]). What happens while nobody looks is told ([`notices`]). Traces are forwarded to a viewer ([`forwarding`]). What jobs leave behind goes ([`sweep`]). What may be wrong with all of it is looked for by [`doctor`].

mod address;
mod adopt;
mod agents;
pub mod api;
pub mod browser_codes;
mod chat;
mod deploy;
mod discover;
pub mod doctor;
mod engine;
mod environment;
mod events;
mod exchange;
mod figures;
mod forwarding;
mod home;
mod house;
mod intake;
mod jobs;
mod kong;
mod launch;
mod lifecycle;
mod listen;
mod live;
mod login;
mod logs;
mod notices;
mod peers;
mod pins;
mod plane;
mod plans;
mod platform;
mod probe;
mod read;
mod records;
mod registry;
mod replace;
mod report;
mod retire;
mod samples;
mod secrets;
mod settings;
mod spans;
mod stack;
mod start;
mod status;
mod supervise;
mod sweep;
#[cfg(test)]
mod tests;
mod time;
mod updates;
mod vault;
mod worker;

pub use nasiko_engine::EngineConfig;
pub use nasiko_runtime::port_owner;
pub use plane::{Addresses, Config, ControlPlane, Listeners};
