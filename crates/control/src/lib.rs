//! Owns the control plane: operations, state machines, jobs, events; composes every room below it. Must never know a
//! transport (HTTP, bridge, terminal).

pub mod api;
