//! The strict writer, in either spelling.

use serde_json::{Value, json};

use super::{AgentEvent, Artifact, FileContent, Message, Part, Role, Task, TaskState};
use crate::dialect::Spelling;
use crate::json::{Object, put};

/// Metadata of a 0.3 data part that says: its `value` is the datum.
pub(crate) const WRAPPED_DATA: &str = "data_part_compat";

/// Writes a message.
pub fn write_message(message: &Message, spelling: Spelling) -> Value {
    let role = match (message.role, spelling) {
        (Role::User, Spelling::V0) => "user",
        (Role::Agent, Spelling::V0) => "agent",
        (Role::User, Spelling::V1) => "ROLE_USER",
        (Role::Agent, Spelling::V1) => "ROLE_AGENT",
    };
    let mut object = labelled("message", spelling);
    put(&mut object, "messageId", Some(message.id.as_str()));
    put(&mut object, "role", Some(role));
    put(
        &mut object,
        "parts",
        Some(write_parts(&message.parts, spelling)),
    );
    put(&mut object, "contextId", message.context_id.as_deref());
    put(&mut object, "taskId", message.task_id.as_deref());
    put(&mut object, "metadata", not_empty(&message.metadata));
    Value::Object(object)
}

/// Writes a part.
pub fn write_part(part: &Part, spelling: Spelling) -> Value {
    match (part, spelling) {
        (Part::Text(text), Spelling::V0) => json!({"kind": "text", "text": text}),
        (Part::Text(text), Spelling::V1) => json!({"text": text}),
        (Part::Data(data), Spelling::V0) => {
            // 0.3 wants an object there; the official SDK wraps anything else just so.
            if data.is_object() {
                json!({"kind": "data", "data": data})
            } else {
                json!({"kind": "data", "data": {"value": data}, "metadata": {WRAPPED_DATA: true}})
            }
        }
        (Part::Data(data), Spelling::V1) => json!({"data": data, "mediaType": "application/json"}),
        (Part::File(file), Spelling::V0) => {
            let mut inner = Object::new();
            put(&mut inner, "name", file.name.as_deref());
            put(&mut inner, "mimeType", file.media_type.as_deref());
            match &file.content {
                FileContent::Bytes(bytes) => put(&mut inner, "bytes", Some(bytes.as_str())),
                FileContent::Uri(uri) => put(&mut inner, "uri", Some(uri.as_str())),
            }
            json!({"kind": "file", "file": inner})
        }
        (Part::File(file), Spelling::V1) => {
            let mut object = Object::new();
            match &file.content {
                FileContent::Bytes(bytes) => put(&mut object, "raw", Some(bytes.as_str())),
                FileContent::Uri(uri) => put(&mut object, "url", Some(uri.as_str())),
            }
            put(&mut object, "filename", file.name.as_deref());
            put(&mut object, "mediaType", file.media_type.as_deref());
            Value::Object(object)
        }
    }
}

/// Writes a task.
pub fn write_task(task: &Task, spelling: Spelling) -> Value {
    let mut object = labelled("task", spelling);
    put(&mut object, "id", Some(task.id.as_str()));
    put(&mut object, "contextId", task.context_id.as_deref());
    put(
        &mut object,
        "status",
        Some(write_status(
            &task.state,
            task.status_message.as_ref(),
            spelling,
        )),
    );
    if !task.artifacts.is_empty() {
        let artifacts: Vec<Value> = task
            .artifacts
            .iter()
            .map(|artifact| write_artifact(artifact, spelling))
            .collect();
        put(&mut object, "artifacts", Some(artifacts));
    }
    if !task.history.is_empty() {
        let history: Vec<Value> = task
            .history
            .iter()
            .map(|message| write_message(message, spelling))
            .collect();
        put(&mut object, "history", Some(history));
    }
    put(&mut object, "metadata", not_empty(&task.metadata));
    Value::Object(object)
}

/// Writes an event as the `result` of one response. Plain text becomes a message.
pub fn write_event(event: &AgentEvent, spelling: Spelling) -> Value {
    let (wrapper, value) = match event {
        AgentEvent::Message(message) => ("message", write_message(message, spelling)),
        AgentEvent::Text(text) => (
            "message",
            write_message(&Message::text(Role::Agent, text), spelling),
        ),
        AgentEvent::Task(task) => ("task", write_task(task, spelling)),
        AgentEvent::Status(update) => {
            let mut object = labelled("status-update", spelling);
            put(&mut object, "taskId", update.task_id.as_deref());
            put(&mut object, "contextId", update.context_id.as_deref());
            put(
                &mut object,
                "status",
                Some(write_status(
                    &update.state,
                    update.message.as_ref(),
                    spelling,
                )),
            );
            if spelling == Spelling::V0 {
                put(&mut object, "final", Some(update.is_final));
            }
            ("statusUpdate", Value::Object(object))
        }
        AgentEvent::Artifact(update) => {
            let mut object = labelled("artifact-update", spelling);
            put(&mut object, "taskId", update.task_id.as_deref());
            put(&mut object, "contextId", update.context_id.as_deref());
            put(
                &mut object,
                "artifact",
                Some(write_artifact(&update.artifact, spelling)),
            );
            put(&mut object, "append", update.append);
            put(&mut object, "lastChunk", Some(update.last));
            ("artifactUpdate", Value::Object(object))
        }
    };
    match spelling {
        Spelling::V0 => value,
        Spelling::V1 => json!({ wrapper: value }),
    }
}

/// The word for a state.
pub(crate) fn write_state(state: &TaskState, spelling: Spelling) -> String {
    match (state, spelling) {
        (TaskState::Unknown(_), Spelling::V0) => "unknown".to_owned(),
        (TaskState::Unknown(_), Spelling::V1) => "TASK_STATE_UNSPECIFIED".to_owned(),
        (known, Spelling::V0) => known.as_str().to_owned(),
        (known, Spelling::V1) => format!(
            "TASK_STATE_{}",
            known.as_str().to_ascii_uppercase().replace('-', "_")
        ),
    }
}

fn write_status(state: &TaskState, message: Option<&Message>, spelling: Spelling) -> Value {
    let mut status = Object::new();
    put(&mut status, "state", Some(write_state(state, spelling)));
    put(
        &mut status,
        "message",
        message.map(|message| write_message(message, spelling)),
    );
    Value::Object(status)
}

fn write_artifact(artifact: &Artifact, spelling: Spelling) -> Value {
    let mut object = Object::new();
    put(&mut object, "artifactId", Some(artifact.id.as_str()));
    put(&mut object, "name", artifact.name.as_deref());
    put(
        &mut object,
        "parts",
        Some(write_parts(&artifact.parts, spelling)),
    );
    Value::Object(object)
}

fn write_parts(parts: &[Part], spelling: Spelling) -> Vec<Value> {
    parts
        .iter()
        .map(|part| write_part(part, spelling))
        .collect()
}

fn labelled(kind: &str, spelling: Spelling) -> Object {
    let mut object = Object::new();
    if spelling == Spelling::V0 {
        put(&mut object, "kind", Some(kind));
    }
    object
}

fn not_empty(object: &Object) -> Option<Value> {
    (!object.is_empty()).then(|| Value::Object(object.clone()))
}
