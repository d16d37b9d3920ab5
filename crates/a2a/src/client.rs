//! A client that can drive any agent: it finds out what the agent speaks, asks, and gives back one stream of events.

mod address;
mod answer;
mod call;
mod discover;
mod drive;
mod openapi;
mod plain;
mod plan;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::Url;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::card::Card;
use crate::dialect::Dialect;
use crate::error::A2aError;
use crate::json::Object;
use crate::message::{Part, Task};

pub use drive::AnswerStream;

/// How long an agent may be silent unless told otherwise. There is no limit to the whole: long agents are normal.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(5);

/// The largest answer that is read in one piece, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// What is known of an agent beforehand, or was learned by speaking with it. Worth keeping per agent; when the agent
/// changed meanwhile, the client finds out and learns anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hints {
    /// Its card.
    pub card: Option<Card>,
    /// Its `capabilities.json`, for agents without a card.
    pub capabilities: Option<Value>,
    /// What it answered to.
    pub dialect: Option<Dialect>,
    /// The path on the agent that answered.
    pub endpoint: Option<String>,
    /// Whether it streamed.
    pub streaming: Option<bool>,
}

/// What to say to an agent.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// The words; no text part is made when empty.
    pub text: String,
    /// Files and data besides.
    pub parts: Vec<Part>,
    /// Our conversation; put everywhere that agents look for it.
    pub session_id: String,
    /// The agent's own name for the conversation, once it gave one.
    pub context_id: Option<String>,
    /// The task that this goes on with, when the agent asked back.
    pub task_id: Option<String>,
    /// Whatever else to attach.
    pub metadata: Object,
    /// Headers to send along, such as `traceparent`.
    pub headers: Vec<(String, String)>,
}

/// Speaks with one agent. Cheap to clone; clones learn together.
#[derive(Debug, Clone)]
pub struct AgentClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    base: Url,
    hints: Mutex<Hints>,
    idle: Duration,
}

impl AgentClient {
    /// A client for the agent whose root is at `base_url`. Addresses in cards only count for their path: cards often lie
    /// about host and port.
    pub fn new(http: reqwest::Client, base_url: &str, hints: Hints) -> Result<Self, A2aError> {
        let base = address::parse_base(base_url)?;
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                base,
                hints: Mutex::new(hints),
                idle: IDLE_TIMEOUT,
            }),
        })
    }

    /// The same client with another limit for silence.
    #[must_use]
    pub fn with_idle_timeout(self, idle: Duration) -> Self {
        let inner = &self.inner;
        let hints = Mutex::new(inner.hints.lock().clone());
        Self {
            inner: Arc::new(Inner {
                http: inner.http.clone(),
                base: inner.base.clone(),
                hints,
                idle,
            }),
        }
    }

    /// What is known by now; to be handed to [`AgentClient::new`] the next time.
    pub fn learned(&self) -> Hints {
        self.inner.hints.lock().clone()
    }

    /// Fetches the agent's card from the well-known paths, on its root and on the path that is declared for it, and
    /// remembers it. [`A2aError::NoCard`] when none is served, [`A2aError::Card`] when it cannot be read.
    pub async fn fetch_card(&self) -> Result<Card, A2aError> {
        let card = self.inner.fetch_card().await?;
        self.inner.hints.lock().card = Some(card.clone());
        Ok(card)
    }

    /// Asks. Always a stream, whether or not the agent streams; it ends with the turn, or with one error as its last
    /// item. Cancelling cancels the agent's task first and then gives [`A2aError::Cancelled`]; dropping the stream just
    /// disconnects.
    pub fn send(&self, outgoing: Outgoing, cancel: CancellationToken) -> AnswerStream {
        drive::answer(Arc::clone(&self.inner), outgoing, cancel)
    }

    /// Asks the agent to cancel a task. Agents without tasks have nothing to cancel: that is no error.
    pub async fn cancel_task(&self, task_id: &str) -> Result<(), A2aError> {
        self.inner.cancel_task(task_id).await
    }

    /// Looks at a task. [`A2aError::NoProtocol`] for agents without tasks.
    pub async fn get_task(&self, task_id: &str) -> Result<Task, A2aError> {
        self.inner.get_task(task_id, &[]).await
    }
}
