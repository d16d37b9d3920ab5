//! Conversations with agents.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    fault::Fault,
    ids::{AgentName, MessageId, SessionId, TraceId},
};

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChatSession {
    /// Its id.
    pub id: SessionId,
    /// With whom.
    pub agent: AgentName,
    /// The first words, or what a person named it.
    pub title: String,
    /// Unix milliseconds.
    pub created: i64,
    /// Unix milliseconds of the last message.
    pub updated: i64,
    /// How many messages.
    pub messages: u64,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChatRole {
    /// The person.
    User,
    /// The agent.
    Agent,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChatMessage {
    /// Its id.
    pub id: MessageId,
    /// Whose conversation.
    pub session: SessionId,
    /// Who said it.
    pub role: ChatRole,
    /// All its text parts, joined.
    pub text: String,
    /// Every part, as A2A 1.0 parts.
    #[serde(default)]
    pub parts: Vec<Value>,
    /// Unix milliseconds.
    pub at: i64,
    /// The A2A task state it ended in (0.3 spelling, e.g. `completed`); empty for a plain message.
    #[serde(default)]
    pub task_state: String,
    /// The trace of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// Milliseconds from asking to the whole answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Tokens, where the agent's spans say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Why there is no (whole) answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What arrives while an agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(tag = "type")]
pub enum ChatEvent {
    /// The question was stored; the answer will be this message of this trace.
    Accepted {
        /// The conversation (new, if none was given).
        session: SessionId,
        /// The stored question.
        question: ChatMessage,
        /// The trace of the call.
        trace: TraceId,
    },
    /// The agent's task changed its state, with its words about that.
    Status {
        /// 0.3 spelling, e.g. `working`.
        state: String,
        /// What it says about it; empty if nothing.
        #[serde(default)]
        text: String,
    },
    /// More text of the answer.
    Delta {
        /// To be appended.
        text: String,
    },
    /// The agent said it anew: this stands in place of all text before.
    Rewritten {
        /// All of it.
        text: String,
    },
    /// The answer, whole and stored: the last event.
    Answer {
        /// It.
        message: ChatMessage,
    },
}

/// `POST /chat/sessions`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreateSession {
    /// With whom.
    pub agent: AgentName,
    /// A name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// `GET /chat/sessions`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListSessions {
    /// Only with this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `GET /chat/sessions/{session}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetSession {
    /// Which.
    pub session: SessionId,
}

/// `PATCH /chat/sessions/{session}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenameSession {
    /// Which.
    pub session: SessionId,
    /// Its new name.
    pub title: String,
}

/// `DELETE /chat/sessions/{session}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeleteSession {
    /// Which.
    pub session: SessionId,
}

/// `GET /chat/sessions/{session}/messages`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListMessages {
    /// Which.
    pub session: SessionId,
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `POST /chat/sessions/{session}/messages` (streams the answer)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SendMessage {
    /// Which.
    pub session: SessionId,
    /// The question.
    pub text: String,
}

/// `POST /chat/sessions/{session}/cancel`: stop the answer that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CancelAnswer {
    /// Which.
    pub session: SessionId,
}
