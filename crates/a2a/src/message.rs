//! What is said, in types that know neither spelling: messages, parts, tasks, and the events of an answer.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use serde_json::Value;

use crate::json::Object;

pub use reader::{read_event, read_message, read_part, read_task};
pub(crate) use writer::write_state;
pub use writer::{write_event, write_message, write_part, write_task};

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The person, or the agent that asks.
    User,
    /// The agent that answers.
    Agent,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Unique; made up when the sender gave none.
    pub id: String,
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub parts: Vec<Part>,
    /// The conversation.
    pub context_id: Option<String>,
    /// The task it belongs to.
    pub task_id: Option<String>,
    /// Whatever else the sender attached.
    pub metadata: Object,
}

impl Message {
    /// A message of one text part with a new id.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self {
            id: new_id(),
            role,
            parts: vec![Part::Text(text.into())],
            context_id: None,
            task_id: None,
            metadata: Object::new(),
        }
    }

    /// Its text parts, one after the other.
    pub fn plain_text(&self) -> String {
        plain_text(&self.parts)
    }
}

/// A piece of a message or artifact.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A file.
    File(FilePart),
    /// Structured data.
    Data(Value),
}

/// A file, carried along or pointed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// Its name.
    pub name: Option<String>,
    /// Its media type.
    pub media_type: Option<String>,
    /// Where its content is.
    pub content: FileContent,
}

/// Where a file's content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Base64, exactly as sent.
    Bytes(String),
    /// An address.
    Uri(String),
}

/// The state of a task. Unknown words are kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Accepted, not begun.
    Submitted,
    /// Being worked on.
    Working,
    /// The agent asks back.
    InputRequired,
    /// The agent needs credentials.
    AuthRequired,
    /// Done.
    Completed,
    /// Ended by an error.
    Failed,
    /// Ended on request.
    Canceled,
    /// Refused.
    Rejected,
    /// Some other word.
    Unknown(String),
}

impl TaskState {
    /// Reads either spelling, in any case, with `-` or `_`; numbers are read as in the protocol's enumeration.
    pub fn parse(word: &str) -> Self {
        let lower = word.trim().to_ascii_lowercase().replace('_', "-");
        match lower.strip_prefix("task-state-").unwrap_or(&lower) {
            "submitted" | "pending" | "1" => TaskState::Submitted,
            "working" | "running" | "in-progress" | "2" => TaskState::Working,
            "completed" | "complete" | "3" => TaskState::Completed,
            "failed" | "4" => TaskState::Failed,
            "canceled" | "cancelled" | "5" => TaskState::Canceled,
            "input-required" | "6" => TaskState::InputRequired,
            "rejected" | "7" => TaskState::Rejected,
            "auth-required" | "8" => TaskState::AuthRequired,
            _ => TaskState::Unknown(word.to_owned()),
        }
    }

    /// The 0.3 word, which is also what people see.
    pub fn as_str(&self) -> &str {
        match self {
            TaskState::Submitted => "submitted",
            TaskState::Working => "working",
            TaskState::InputRequired => "input-required",
            TaskState::AuthRequired => "auth-required",
            TaskState::Completed => "completed",
            TaskState::Failed => "failed",
            TaskState::Canceled => "canceled",
            TaskState::Rejected => "rejected",
            TaskState::Unknown(word) => word,
        }
    }

    /// Nothing more will come of this task.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            TaskState::Completed | TaskState::Failed | TaskState::Canceled | TaskState::Rejected
        )
    }

    /// It is the other side's turn: the task is over or cannot go on without an answer.
    pub fn ends_turn(&self) -> bool {
        self.is_terminal() || *self == TaskState::InputRequired
    }

    /// The agent is still at it.
    pub fn is_pending(&self) -> bool {
        matches!(self, TaskState::Submitted | TaskState::Working)
    }
}

/// A task as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id, given by the agent.
    pub id: String,
    /// The conversation.
    pub context_id: Option<String>,
    /// Where it stands.
    pub state: TaskState,
    /// What the agent says about where it stands.
    pub status_message: Option<Message>,
    /// What it produced.
    pub artifacts: Vec<Artifact>,
    /// What was said so far.
    pub history: Vec<Message>,
    /// Whatever else the agent attached.
    pub metadata: Object,
}

/// Something a task produced.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// Unique within the task; empty when the agent gave none.
    pub id: String,
    /// For people.
    pub name: Option<String>,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// A task changed its state.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusUpdate {
    /// The task.
    pub task_id: Option<String>,
    /// The conversation.
    pub context_id: Option<String>,
    /// Where it stands now.
    pub state: TaskState,
    /// What the agent says about it.
    pub message: Option<Message>,
    /// The agent says that the stream ends here.
    pub is_final: bool,
}

/// A whole artifact or a chunk of one.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactUpdate {
    /// The task.
    pub task_id: Option<String>,
    /// The conversation.
    pub context_id: Option<String>,
    /// The artifact, or this chunk of it.
    pub artifact: Artifact,
    /// Whether it continues what came before; many agents do not say.
    pub append: Option<bool>,
    /// Nothing more will come of this artifact.
    pub last: bool,
}

/// One event of an answer, whatever the agent's dialect.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// A complete message.
    Message(Message),
    /// A task as a whole: the first event of many streams, and the answer where there is no stream.
    Task(Task),
    /// A change of state.
    Status(StatusUpdate),
    /// A piece of the answer.
    Artifact(ArtifactUpdate),
    /// A piece of plain text, from agents without tasks.
    Text(String),
}

impl AgentEvent {
    /// Whether the turn ends with it, so that reading on would only wait (streams may stay open).
    pub fn ends_turn(&self) -> bool {
        match self {
            AgentEvent::Task(task) => task.state.ends_turn(),
            AgentEvent::Status(update) => update.is_final || update.state.ends_turn(),
            AgentEvent::Message(_) | AgentEvent::Artifact(_) | AgentEvent::Text(_) => false,
        }
    }

    /// The conversation as the agent calls it.
    pub fn context_id(&self) -> Option<&str> {
        match self {
            AgentEvent::Message(message) => message.context_id.as_deref(),
            AgentEvent::Task(task) => task.context_id.as_deref(),
            AgentEvent::Status(update) => update.context_id.as_deref(),
            AgentEvent::Artifact(update) => update.context_id.as_deref(),
            AgentEvent::Text(_) => None,
        }
    }

    /// The task it belongs to.
    pub fn task_id(&self) -> Option<&str> {
        match self {
            AgentEvent::Message(message) => message.task_id.as_deref(),
            AgentEvent::Task(task) => Some(task.id.as_str()).filter(|id| !id.is_empty()),
            AgentEvent::Status(update) => update.task_id.as_deref(),
            AgentEvent::Artifact(update) => update.task_id.as_deref(),
            AgentEvent::Text(_) => None,
        }
    }

    /// The state it tells.
    pub fn state(&self) -> Option<&TaskState> {
        match self {
            AgentEvent::Task(task) => Some(&task.state),
            AgentEvent::Status(update) => Some(&update.state),
            AgentEvent::Message(_) | AgentEvent::Artifact(_) | AgentEvent::Text(_) => None,
        }
    }
}

/// The text parts, one after the other.
pub fn plain_text(parts: &[Part]) -> String {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::File(_) | Part::Data(_) => None,
        })
        .collect()
}

/// A new unique id for messages and calls.
pub(crate) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
