//! Calls and answers turned from one spelling of A2A into the other, for callers and agents of different generations.
//!
//! Pure functions over JSON: only the protocol's own words change, and what is not understood passes as it is. Methods
//! about push notifications differ in more than spelling and are not turned.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::dialect::{Method, Spelling};
use crate::json::{self, Object};
use crate::message::{TaskState, read_part, write_part, write_state};

/// What each kind of result is called: in `kind`, and as wrapper key.
const KINDS: [(&str, &str); 4] = [
    ("task", "task"),
    ("message", "message"),
    ("status-update", "statusUpdate"),
    ("artifact-update", "artifactUpdate"),
];

/// Turns a JSON-RPC call; `None` when its method cannot be turned. A call that is in that spelling already passes.
pub fn request(call: &Value, to: Spelling) -> Option<Value> {
    let (method, from) = Method::parse(call.get("method")?.as_str()?)?;
    let mut turned = call.clone();
    if from == to {
        return Some(turned);
    }
    if matches!(
        method,
        Method::SetPush | Method::GetPush | Method::ListPush | Method::DeletePush
    ) {
        return None;
    }
    turned["method"] = method.name(to).into();
    if let Some(params) = turned.get_mut("params").and_then(Value::as_object_mut) {
        if let Some(message) = params.get_mut("message") {
            turn_message(message, to);
        }
        if let Some(configuration) = params
            .get_mut("configuration")
            .and_then(Value::as_object_mut)
        {
            turn_configuration(configuration, to);
        }
    }
    Some(turned)
}

/// Turns a JSON-RPC response, whole or of a stream. `method` is what was called: only answers to messages and events of
/// streams have a wrapper in 1.0. Errors are the same in both.
pub fn response(response: &Value, method: Method, to: Spelling) -> Value {
    let mut turned = response.clone();
    if let Some(result) = turned.get_mut("result") {
        turn_result(result, method, to);
    }
    turned
}

fn turn_result(result: &mut Value, method: Method, to: Spelling) {
    let wraps = matches!(method, Method::Send | Method::Stream | Method::Resubscribe);
    match method {
        Method::Send
        | Method::Stream
        | Method::Resubscribe
        | Method::GetTask
        | Method::CancelTask => {}
        Method::ListTasks => {
            let tasks = result.get_mut("tasks").and_then(Value::as_array_mut);
            tasks
                .into_iter()
                .flatten()
                .for_each(|task| turn_kind(task, "task", to));
            return;
        }
        Method::SetPush
        | Method::GetPush
        | Method::ListPush
        | Method::DeletePush
        | Method::ExtendedCard => return,
    }
    let Some((kind, wrapper)) = kind_of(result, wraps) else {
        return;
    };
    let labelled = result.get("kind").is_some();
    let mut inner = match result.get_mut(wrapper) {
        Some(inner) if wraps && !labelled && inner.is_object() => inner.take(),
        _ => result.take(),
    };
    turn_kind(&mut inner, kind, to);
    *result = if wraps && to == Spelling::V1 {
        json!({ wrapper: inner })
    } else {
        inner
    };
}

/// What a result is, whichever spelling it is in.
fn kind_of(result: &Value, wraps: bool) -> Option<(&'static str, &'static str)> {
    let object = result.as_object()?;
    let by_label = json::text(object, &["kind"])
        .and_then(|label| KINDS.iter().find(|(kind, _)| *kind == label));
    let by_wrapper = || {
        KINDS
            .iter()
            .find(|(_, wrapper)| wraps && object.get(*wrapper).is_some_and(Value::is_object))
    };
    let bare_task = || {
        KINDS
            .first()
            .filter(|_| !wraps && object.contains_key("status"))
    };
    by_label.or_else(by_wrapper).or_else(bare_task).copied()
}

/// Turns one task, message or update in place.
fn turn_kind(value: &mut Value, kind: &str, to: Spelling) {
    if kind == "message" {
        turn_message(value, to);
        return;
    }
    let Some(object) = value.as_object_mut() else {
        return;
    };
    let state = turn_status(object, to);
    label(object, kind, to);
    if kind == "status-update" {
        match to {
            Spelling::V0 => {
                object
                    .entry("final")
                    .or_insert_with(|| state.is_some_and(|state| state.ends_turn()).into());
            }
            Spelling::V1 => {
                object.remove("final");
            }
        }
    }
    if let Some(artifact) = object.get_mut("artifact") {
        turn_parts(artifact, to);
    }
    for (key, turn) in [
        ("artifacts", turn_parts as fn(&mut Value, Spelling)),
        ("history", turn_message),
    ] {
        let entries = object.get_mut(key).and_then(Value::as_array_mut);
        entries
            .into_iter()
            .flatten()
            .for_each(|entry| turn(entry, to));
    }
}

fn turn_status(object: &mut Object, to: Spelling) -> Option<TaskState> {
    let status = object.get_mut("status")?.as_object_mut()?;
    if let Some(message) = status.get_mut("message") {
        turn_message(message, to);
    }
    let state = TaskState::parse(status.get("state")?.as_str()?);
    status.insert("state".to_owned(), write_state(&state, to).into());
    Some(state)
}

fn turn_message(message: &mut Value, to: Spelling) {
    turn_parts(message, to);
    let Some(object) = message.as_object_mut() else {
        return;
    };
    label(object, "message", to);
    let is_user = json::text(object, &["role"])
        .is_some_and(|role| role.to_ascii_lowercase().ends_with("user"));
    let role = match (is_user, to) {
        (true, Spelling::V0) => "user",
        (false, Spelling::V0) => "agent",
        (true, Spelling::V1) => "ROLE_USER",
        (false, Spelling::V1) => "ROLE_AGENT",
    };
    object.insert("role".to_owned(), role.into());
}

fn turn_parts(holder: &mut Value, to: Spelling) {
    let parts = holder.get_mut("parts").and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten() {
        let Some(read) = read_part(part) else {
            continue;
        };
        let mut written = write_part(&read, to);
        if let Some(metadata) = part
            .get("metadata")
            .filter(|_| written.get("metadata").is_none())
        {
            written["metadata"] = metadata.clone();
        }
        *part = written;
    }
}

/// 0.3 says `blocking`, 1.0 says `returnImmediately`.
fn turn_configuration(configuration: &mut Object, to: Spelling) {
    let (old, new) = match to {
        Spelling::V0 => ("returnImmediately", "blocking"),
        Spelling::V1 => ("blocking", "returnImmediately"),
    };
    match configuration.remove(old).and_then(|value| value.as_bool()) {
        Some(value) => {
            configuration.insert(new.to_owned(), (!value).into());
        }
        // 1.0 waits unless told otherwise, 0.3 does not.
        None if to == Spelling::V0 => {
            configuration.entry(new).or_insert(true.into());
        }
        None => {}
    }
}

fn label(object: &mut Object, kind: &str, to: Spelling) {
    match to {
        Spelling::V0 => {
            object.insert("kind".to_owned(), kind.into());
        }
        Spelling::V1 => {
            object.remove("kind");
        }
    }
}
