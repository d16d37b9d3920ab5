//! What can go wrong between us and an agent, and who is to blame.

use std::time::Duration;

use nasiko_contract::{ErrorCode, Fault};

use crate::card::CardError;

/// Why an agent could not be asked, or its answer not be had. In a stream it is the last item.
#[derive(Debug, thiserror::Error)]
pub enum A2aError {
    /// No connection, or none that answered.
    #[error("{url} could not be reached")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The connection ended in the middle of the answer.
    #[error("the agent broke off its answer")]
    BrokeOff(#[source] reqwest::Error),
    /// An HTTP status that says no.
    #[error("the agent answered with HTTP status {status}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// A JSON-RPC error, with whatever HTTP status it came.
    #[error("the agent answered with error {code}: {message}")]
    Rpc {
        /// JSON-RPC's or A2A's number.
        code: i64,
        /// The agent's sentence.
        message: String,
        /// Whatever it attached, as JSON text; empty when nothing.
        data: String,
    },
    /// The answer is of no known shape.
    #[error("the agent's answer is not understood: {what}")]
    Unreadable {
        /// What is wrong with it.
        what: String,
        /// The beginning of what came.
        excerpt: String,
    },
    /// Every known way of asking was refused before anything ran.
    #[error("the agent speaks no known protocol")]
    NoProtocol {
        /// One line per try: what was asked, what came back.
        tried: Vec<String>,
    },
    /// The answer is larger than what is held.
    #[error("the agent's answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Nothing came for too long.
    #[error("the agent was silent for {} s", idle.as_secs())]
    Silent {
        /// How long was waited.
        idle: Duration,
    },
    /// The caller cancelled.
    #[error("the question was cancelled")]
    Cancelled,
    /// The agent serves no card.
    #[error("the agent serves no card")]
    NoCard {
        /// The addresses that were asked.
        asked: Vec<String>,
    },
    /// The agent serves a card that cannot be read.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The agent's address is none.
    #[error("{0:?} is not a web address")]
    BadAddress(String),
}

impl A2aError {
    /// The code for machines.
    pub fn code(&self) -> ErrorCode {
        match self {
            A2aError::Unreachable { .. } | A2aError::BrokeOff(_) => ErrorCode::AgentUnreachable,
            A2aError::Status { .. } | A2aError::Rpc { .. } | A2aError::TooLarge { .. } => {
                ErrorCode::AgentError
            }
            A2aError::Unreadable { .. } | A2aError::NoProtocol { .. } => ErrorCode::ProtocolUnknown,
            A2aError::Silent { .. } => ErrorCode::TimedOut,
            A2aError::Cancelled => ErrorCode::Cancelled,
            A2aError::NoCard { .. } => ErrorCode::NotFound,
            A2aError::Card(_) => ErrorCode::CardBroken,
            A2aError::BadAddress(_) => ErrorCode::InvalidRequest,
        }
    }

    /// Whether the same question may be answered later without any change.
    pub fn is_retryable(&self) -> bool {
        match self {
            A2aError::Unreachable { .. } | A2aError::BrokeOff(_) | A2aError::Silent { .. } => true,
            A2aError::Status { status, .. } => matches!(status, 429 | 502..=504),
            _ => false,
        }
    }
}

impl From<A2aError> for Fault {
    fn from(error: A2aError) -> Self {
        let mut fault = Fault::of_error(error.code(), &error);
        if error.is_retryable() {
            fault = fault.retryable();
        }
        match error {
            A2aError::Unreachable { source, .. } | A2aError::BrokeOff(source) => fault
                .hint("Look at the agent's log: it may have ended or still be starting")
                .evidence(causes(&source)),
            A2aError::Status {
                status: 401 | 403,
                body,
            } => fault
                .hint("Give the agent the credentials that it asks for")
                .evidence(lines(&body)),
            A2aError::Status { body, .. } => {
                fault.hint("Look at the agent's log").evidence(lines(&body))
            }
            A2aError::Rpc { data, .. } => {
                fault.hint("Look at the agent's log").evidence(lines(&data))
            }
            A2aError::Unreadable { excerpt, .. } => fault.evidence(lines(&excerpt)),
            A2aError::NoProtocol { tried } => fault
                .hint("Give the agent an A2A endpoint, or POST /chat with {\"message\": ...}")
                .evidence(tried),
            A2aError::Silent { .. } => {
                fault.hint("Let the agent send progress, or raise the idle limit")
            }
            A2aError::NoCard { asked } => fault
                .hint("Serve a card at /.well-known/agent-card.json")
                .evidence(asked),
            A2aError::TooLarge { .. }
            | A2aError::Cancelled
            | A2aError::Card(_)
            | A2aError::BadAddress(_) => fault,
        }
    }
}

fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect()
}
