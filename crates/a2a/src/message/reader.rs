//! The tolerant reader: either spelling, any mixture of both, and what agents in the field send besides.

use serde_json::Value;

use super::writer::WRAPPED_DATA;
use super::{
    AgentEvent, Artifact, ArtifactUpdate, FileContent, FilePart, Message, Part, Role, StatusUpdate,
    Task, TaskState, new_id,
};
use crate::json::{self, Object};

const TASK_ID: &[&str] = &["taskId", "task_id"];
const CONTEXT_ID: &[&str] = &["contextId", "context_id", "sessionId"];

/// Reads the result of a call or one event of a stream; `None` when it is none of A2A's shapes.
pub fn read_event(value: &Value) -> Option<AgentEvent> {
    let object = match value {
        Value::String(text) => return Some(AgentEvent::Message(Message::text(Role::Agent, text))),
        Value::Object(object) => object,
        _ => return None,
    };
    match json::text(object, &["kind", "type"])
        .map(|kind| kind.to_ascii_lowercase().replace('_', "-"))
        .as_deref()
    {
        Some("task") => return Some(AgentEvent::Task(read_task(object))),
        Some("message") => return read_message(object).map(AgentEvent::Message),
        Some("status-update") => return Some(AgentEvent::Status(read_status_update(object))),
        Some("artifact-update") => return read_artifact_update(object).map(AgentEvent::Artifact),
        _ => {}
    }
    if let Some(task) = json::object(object, &["task"]) {
        return Some(AgentEvent::Task(read_task(task)));
    }
    if let Some(update) = json::object(object, &["statusUpdate", "status_update"]) {
        return Some(AgentEvent::Status(read_status_update(update)));
    }
    if let Some(update) = json::object(object, &["artifactUpdate", "artifact_update"]) {
        return read_artifact_update(update).map(AgentEvent::Artifact);
    }
    if let Some(message) = json::object(object, &["message", "msg"]) {
        return read_message(message).map(AgentEvent::Message);
    }
    read_unlabelled(object)
}

/// Neither `kind` nor a wrapper key: told apart by what only one of them has.
fn read_unlabelled(object: &Object) -> Option<AgentEvent> {
    if object.contains_key("artifact") {
        return read_artifact_update(object).map(AgentEvent::Artifact);
    }
    if object.contains_key("status") {
        let whole = ["id", "artifacts", "history"]
            .iter()
            .any(|key| object.contains_key(*key));
        return Some(if whole {
            AgentEvent::Task(read_task(object))
        } else {
            AgentEvent::Status(read_status_update(object))
        });
    }
    if object.contains_key("parts") || object.contains_key("role") {
        return read_message(object).map(AgentEvent::Message);
    }
    if object.contains_key("artifacts") {
        return Some(AgentEvent::Task(read_task(object)));
    }
    None
}

/// Reads a message; `None` when it has neither parts nor text of any kind.
pub fn read_message(object: &Object) -> Option<Message> {
    let content = json::field(object, &["parts", "content", "text"])?;
    let parts = match content {
        Value::Array(list) => list.iter().filter_map(read_part).collect(),
        single => read_part(single).into_iter().collect(),
    };
    let role = match json::text(object, &["role"])
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("user" | "role_user") => Role::User,
        _ => Role::Agent,
    };
    Some(Message {
        id: json::owned(object, &["messageId", "message_id", "id"]).unwrap_or_else(new_id),
        role,
        parts,
        context_id: json::owned(object, CONTEXT_ID),
        task_id: json::owned(object, TASK_ID),
        metadata: json::object(object, &["metadata"])
            .cloned()
            .unwrap_or_default(),
    })
}

/// Reads a part with `kind`, `type` or neither; `None` when nothing in it is known.
pub fn read_part(value: &Value) -> Option<Part> {
    let object = match value {
        Value::String(text) => return Some(Part::Text(text.clone())),
        Value::Object(object) => object,
        _ => return None,
    };
    if let Some(inner @ Value::Object(_)) = object.get("root") {
        return read_part(inner);
    }
    if let Some(text) = json::text(object, &["text"]) {
        return Some(Part::Text(text.to_owned()));
    }
    if let Some(file) = json::object(object, &["file"]) {
        return read_file(file, object).map(Part::File);
    }
    if let Some(file) = read_file(object, object) {
        return Some(Part::File(file));
    }
    let data = object.get("data")?;
    let wrapped = json::object(object, &["metadata"])
        .is_some_and(|metadata| json::flag(metadata, &[WRAPPED_DATA]) == Some(true));
    let datum = data.get("value").filter(|_| wrapped).unwrap_or(data);
    Some(Part::Data(datum.clone()))
}

fn read_file(file: &Object, part: &Object) -> Option<FilePart> {
    let bytes = json::text(file, &["bytes", "raw", "fileWithBytes", "file_with_bytes"]);
    let content = match bytes {
        Some(bytes) => FileContent::Bytes(bytes.to_owned()),
        None => FileContent::Uri(json::owned(
            file,
            &["uri", "url", "fileWithUri", "file_with_uri"],
        )?),
    };
    let both = |keys: &[&str]| json::owned(file, keys).or_else(|| json::owned(part, keys));
    Some(FilePart {
        name: both(&["name", "filename", "fileName"]),
        media_type: both(&["mimeType", "mediaType", "mime_type", "media_type"]),
        content,
    })
}

/// Reads a task; what is missing is empty, a missing state is unknown.
pub fn read_task(object: &Object) -> Task {
    let (state, status_message) = read_status(object);
    Task {
        id: json::owned(object, &["id", "taskId", "task_id"]).unwrap_or_default(),
        context_id: json::owned(object, CONTEXT_ID),
        state,
        status_message,
        artifacts: json::list(object, &["artifacts"])
            .iter()
            .filter_map(read_artifact)
            .collect(),
        history: json::list(object, &["history"])
            .iter()
            .filter_map(Value::as_object)
            .filter_map(read_message)
            .collect(),
        metadata: json::object(object, &["metadata"])
            .cloned()
            .unwrap_or_default(),
    }
}

/// The `status` of a task or update, which some agents send as the bare word.
fn read_status(object: &Object) -> (TaskState, Option<Message>) {
    match json::field(object, &["status"]) {
        Some(Value::Object(status)) => {
            let message = match json::field(status, &["message", "update"]) {
                Some(Value::Object(message)) => read_message(message),
                Some(Value::String(text)) => Some(Message::text(Role::Agent, text)),
                _ => None,
            };
            (read_state(status.get("state")), message)
        }
        Some(word) => (read_state(Some(word)), None),
        None => (read_state(object.get("state")), None),
    }
}

fn read_state(value: Option<&Value>) -> TaskState {
    match value {
        Some(Value::String(word)) => TaskState::parse(word),
        Some(Value::Number(number)) => TaskState::parse(&number.to_string()),
        _ => TaskState::Unknown(String::new()),
    }
}

fn read_status_update(object: &Object) -> StatusUpdate {
    let (state, message) = read_status(object);
    StatusUpdate {
        task_id: json::owned(object, &["taskId", "task_id", "id"]),
        context_id: json::owned(object, CONTEXT_ID),
        state,
        message,
        is_final: json::flag(object, &["final", "isFinal"]).unwrap_or(false),
    }
}

fn read_artifact(value: &Value) -> Option<Artifact> {
    let object = value.as_object()?;
    Some(Artifact {
        id: json::owned(object, &["artifactId", "artifact_id", "id"]).unwrap_or_default(),
        name: json::owned(object, &["name"]),
        parts: json::list(object, &["parts"])
            .iter()
            .filter_map(read_part)
            .collect(),
    })
}

fn read_artifact_update(object: &Object) -> Option<ArtifactUpdate> {
    let inner = object.get("artifact")?;
    // Before 0.2.6 the flags stood on the artifact itself.
    let flag = |keys: &[&str]| {
        json::flag(object, keys).or_else(|| {
            inner
                .as_object()
                .and_then(|artifact| json::flag(artifact, keys))
        })
    };
    Some(ArtifactUpdate {
        task_id: json::owned(object, &["taskId", "task_id", "id"]),
        context_id: json::owned(object, CONTEXT_ID),
        artifact: read_artifact(inner)?,
        append: flag(&["append"]),
        last: flag(&["lastChunk", "last_chunk"]).unwrap_or(false),
    })
}
