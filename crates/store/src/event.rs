//! The ordered event log's items.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event to append with a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened, dotted, e.g. `agent.changed`.
    pub topic: String,
    /// To what, e.g. an agent's name or a job's id.
    pub subject: String,
    /// The rest.
    pub data: Value,
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place: consecutive over the whole log, from 1.
    pub seq: u64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What happened.
    pub topic: String,
    /// To what.
    pub subject: String,
    /// The rest.
    pub data: Value,
}

/// Events after a place in the log.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// In order, consecutive.
    pub events: Vec<Arc<Event>>,
    /// Set when events between the asked place and the first kept one are gone (or the place is beyond the log's end,
    /// as after a fresh start): the first seq that is kept. Whoever follows must read the whole state again.
    pub gap: Option<u64>,
}
