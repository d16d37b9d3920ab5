//! Owns the A2A protocol in all its spoken dialects: cards, messages, streams, and a client that can drive any agent; a
//! tolerant reader and a strict writer. Must never know routes, runtimes or stores.
//!
//! Reading is over plain JSON rather than an SDK's types: agents in the field mix spellings freely, and what is not
//! understood must survive being passed on.

pub mod card;
pub mod client;
pub mod dialect;
pub mod error;
mod json;
pub mod message;
pub mod stream;
pub mod transcript;
pub mod translate;

pub use card::{Card, CardError};
pub use client::{AgentClient, Hints, Outgoing};
pub use dialect::Dialect;
pub use error::A2aError;
pub use message::{AgentEvent, Message, Part, Role, Task, TaskState};
pub use transcript::{Change, Transcript};
