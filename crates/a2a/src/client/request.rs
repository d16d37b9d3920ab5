//! The bodies that are sent.

use serde_json::{Value, json};

use super::Outgoing;
use crate::card::Card;
use crate::dialect::{Method, Spelling};
use crate::json::{Object, put};
use crate::message::{Message, Part, Role, new_id, write_message};

/// A JSON-RPC call whose id starts with the session's.
pub(super) fn rpc(method: Method, spelling: Spelling, session_id: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": call_id(session_id), "method": method.name(spelling), "params": params})
}

/// The parameters of a question.
pub(super) fn send_params(outgoing: &Outgoing, card: Option<&Card>, spelling: Spelling) -> Value {
    let message = Message {
        id: new_id(),
        role: Role::User,
        parts: parts(outgoing),
        context_id: outgoing
            .context_id
            .clone()
            .or_else(|| not_empty(&outgoing.session_id)),
        task_id: outgoing.task_id.clone(),
        metadata: outgoing.metadata.clone(),
    };
    let mut metadata = outgoing.metadata.clone();
    put(&mut metadata, "session_id", not_empty(&outgoing.session_id));
    let mut params = Object::new();
    params.insert("message".to_owned(), write_message(&message, spelling));
    params.insert("metadata".to_owned(), Value::Object(metadata));
    let mut configuration = json!({"acceptedOutputModes": output_modes(card)});
    if spelling == Spelling::V0 {
        configuration["blocking"] = true.into();
        put(&mut params, "sessionId", not_empty(&outgoing.session_id));
    }
    params.insert("configuration".to_owned(), configuration);
    Value::Object(params)
}

/// The parameters that name a task.
pub(super) fn task_params(task_id: &str) -> Value {
    json!({"id": task_id})
}

/// The words and whatever goes with them.
pub(super) fn parts(outgoing: &Outgoing) -> Vec<Part> {
    let text = not_empty(&outgoing.text).map(Part::Text);
    text.into_iter()
        .chain(outgoing.parts.iter().cloned())
        .collect()
}

/// What we show: the agent's own words for its modes, since many compare them letter by letter, and ours.
fn output_modes(card: Option<&Card>) -> Vec<String> {
    let mut modes = card
        .map(|card| crate::json::strings(card.raw(), &["defaultOutputModes"]))
        .unwrap_or_default();
    for mode in ["text/plain", "text", "application/json"] {
        if !modes.iter().any(|known| known == mode) {
            modes.push(mode.to_owned());
        }
    }
    modes
}

fn call_id(session_id: &str) -> String {
    if session_id.is_empty() {
        new_id()
    } else {
        format!("{session_id}-{}", new_id())
    }
}

fn not_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
