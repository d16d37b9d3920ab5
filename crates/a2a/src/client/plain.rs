//! Agents without A2A: `POST /chat` and the like, and OpenAI-style chat completions.

use serde_json::{Value, json};

use super::Outgoing;
use super::answer::{RpcError, open_envelope};
use crate::json::{self, Object, put};
use crate::message::{AgentEvent, Part, plain_text, read_event};

/// Where OpenAI-style agents are asked.
pub(super) const OPENAI_PATH: &str = "/v1/chat/completions";

/// Keys under which plain agents put their answer, most telling first.
const ANSWER_KEYS: [&str; 14] = [
    "response",
    "reply",
    "answer",
    "output",
    "message",
    "text",
    "content",
    "delta",
    "token",
    "result",
    "completion",
    "generated_text",
    "data",
    "output_text",
];

/// Answers nested deeper than this are not searched.
const MAX_DEPTH: usize = 6;

/// The body for a plain agent.
pub(super) fn rest_body(field: &str, outgoing: &Outgoing) -> Value {
    let mut body = Object::new();
    body.insert(field.to_owned(), Value::String(words(outgoing)));
    if !outgoing.session_id.is_empty() {
        put(&mut body, "session_id", Some(outgoing.session_id.as_str()));
    }
    if !outgoing.metadata.is_empty() {
        body.insert(
            "metadata".to_owned(),
            Value::Object(outgoing.metadata.clone()),
        );
    }
    Value::Object(body)
}

/// The body of a chat completion.
pub(super) fn openai_body(outgoing: &Outgoing) -> Value {
    json!({
        "model": "default",
        "messages": [{"role": "user", "content": words(outgoing)}],
        "stream": true,
        "user": outgoing.session_id,
    })
}

/// All there is to say, as text: data as JSON, files by name and address.
fn words(outgoing: &Outgoing) -> String {
    let mut words = outgoing.text.clone();
    for part in &outgoing.parts {
        if !words.is_empty() {
            words.push('\n');
        }
        match part {
            Part::Text(text) => words.push_str(text),
            Part::Data(data) => words.push_str(&data.to_string()),
            Part::File(file) => {
                words.push_str(file.name.as_deref().unwrap_or("file"));
                if let crate::message::FileContent::Uri(uri) = &file.content {
                    words.push(' ');
                    words.push_str(uri);
                }
            }
        }
    }
    words
}

/// What one piece of a plain answer holds.
pub(super) enum Read {
    Text(String),
    Event(Box<AgentEvent>),
    Error(RpcError),
    Nothing(Value),
    End,
}

/// Reads a whole answer or one piece of a stream.
pub(super) fn read(text: String) -> Read {
    if text.trim() == "[DONE]" {
        return Read::End;
    }
    let value: Value = match serde_json::from_str(&text) {
        Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) => value,
        _ => return Read::Text(text),
    };
    let value = match open_envelope(value) {
        Ok(value) => value,
        Err(error) => return Read::Error(error),
    };
    if let Some(event @ (AgentEvent::Task(_) | AgentEvent::Status(_) | AgentEvent::Artifact(_))) =
        read_event(&value)
        && plainly_a2a(&value)
    {
        return Read::Event(Box::new(event));
    }
    match find_text(&value, 0) {
        Some(text) => Read::Text(text),
        None => Read::Nothing(value),
    }
}

/// `status` alone is a word that plain agents use too.
fn plainly_a2a(value: &Value) -> bool {
    ["kind", "statusUpdate", "artifactUpdate", "task"]
        .iter()
        .any(|key| value.get(key).is_some())
}

fn find_text(value: &Value, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let texts: Vec<String> = list
                .iter()
                .filter_map(|inner| find_text(inner, depth + 1))
                .collect();
            (!texts.is_empty()).then(|| texts.concat())
        }
        Value::Object(object) => {
            if let Some(message) =
                crate::message::read_message(object).filter(|_| object.contains_key("parts"))
            {
                return Some(plain_text(&message.parts));
            }
            if let Some(choice) = json::list(object, &["choices"]).first() {
                let said = ["delta", "message"]
                    .iter()
                    .find_map(|key| choice.get(key))
                    .unwrap_or(choice);
                return find_text(said, depth + 1).or_else(|| Some(String::new()));
            }
            ANSWER_KEYS
                .iter()
                .filter_map(|key| object.get(*key))
                .find_map(|inner| find_text(inner, depth + 1))
        }
        _ => None,
    }
}
