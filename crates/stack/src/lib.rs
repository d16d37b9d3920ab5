//! Owns the local Docker stack: Compose files read into typed values, and a stack brought up, down and kept in view through the
//! engine's API. Must never know agents, the store, the gateway or the control plane.

pub mod compose;
mod label;
pub mod observed;
pub mod plan;
mod spec;

pub use self::spec::{Contents, HashKey};
