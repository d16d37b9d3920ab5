//! Owns every type and operation that crosses a boundary (HTTP, bridge, event, file). Must never perform I/O, know a
//! transport, an engine or a database; compiles to wasm.

pub mod fault;

pub use fault::{ErrorCode, Fault, Problem};
