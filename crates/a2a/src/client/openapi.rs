//! Where a plain agent is asked, read from its OpenAPI document or `capabilities.json`.

use serde_json::Value;

use super::plain::OPENAI_PATH;
use crate::dialect::Dialect;
use crate::json::{self, Object};

/// Last path segments that mean "talk to it", best first.
const TALKING: [&str; 10] = [
    "chat", "query", "invoke", "run", "ask", "message", "messages", "generate", "predict",
    "process",
];

/// Body fields that take the text, best first.
const FIELDS: [&str; 8] = [
    "message",
    "query",
    "input",
    "text",
    "prompt",
    "question",
    "content",
    "user_input",
];

/// The ways to talk that an OpenAPI document describes, best first.
pub(super) fn from_openapi(document: &Value) -> Vec<Dialect> {
    let Some(paths) = document.get("paths").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut ways: Vec<(usize, Dialect)> = Vec::new();
    for (path, item) in paths {
        let Some(operation) = item.get("post") else {
            continue;
        };
        if path.ends_with("/chat/completions") {
            ways.push((0, Dialect::OpenAiChat));
            continue;
        }
        if path.contains('{') {
            continue;
        }
        let Some(rank) = rank(path) else { continue };
        let field = body_field(document, operation).unwrap_or_else(|| usual_field(path).to_owned());
        ways.push((
            rank + 1,
            Dialect::RestChat {
                path: path.clone(),
                field,
            },
        ));
    }
    ways.sort_by_key(|(rank, _)| *rank);
    ways.into_iter().map(|(_, way)| way).collect()
}

/// The ways to talk that a `capabilities.json` names, wherever in it they stand.
pub(super) fn from_capabilities(document: &Value) -> Vec<Dialect> {
    let mut ways = Vec::new();
    search(document, 0, &mut ways);
    ways.sort_by_key(|(rank, _)| *rank);
    ways.dedup();
    ways.into_iter().map(|(_, way)| way).collect()
}

/// Documents nested deeper than this are not searched.
const MAX_DEPTH: usize = 12;

fn search(value: &Value, depth: usize, ways: &mut Vec<(usize, Dialect)>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::String(text) => ways.extend(way(text, None)),
        Value::Array(list) => list.iter().for_each(|inner| search(inner, depth + 1, ways)),
        Value::Object(object) => {
            let path = json::text(object, &["path", "endpoint", "url", "route"]);
            if let Some(found) = path.and_then(|path| way(path, described_field(object))) {
                ways.push(found);
                return;
            }
            for (key, inner) in object {
                ways.extend(way(key, inner.as_object().and_then(described_field)));
                search(inner, depth + 1, ways);
            }
        }
        _ => {}
    }
}

/// `"/chat"`, `"POST /chat"`, or an address that ends so.
fn way(text: &str, field: Option<&str>) -> Option<(usize, Dialect)> {
    let text = text.trim();
    let path = text.strip_prefix("POST").map_or(text, str::trim_start);
    let path = match path.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => path,
    };
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        return None;
    }
    if path == OPENAI_PATH {
        return Some((0, Dialect::OpenAiChat));
    }
    let rank = rank(path)?;
    let field = field.unwrap_or_else(|| usual_field(path)).to_owned();
    Some((
        rank + 1,
        Dialect::RestChat {
            path: path.to_owned(),
            field,
        },
    ))
}

/// The field that an endpoint's own description names, in whatever key it has for that.
fn described_field(object: &Object) -> Option<&str> {
    let described = json::field(
        object,
        &[
            "parameters",
            "body",
            "request",
            "input",
            "request_body",
            "requestBody",
        ],
    )?;
    let known = |name: &str| FIELDS.iter().copied().find(|field| *field == name);
    match described {
        Value::Object(fields) => FIELDS
            .iter()
            .copied()
            .find(|field| fields.contains_key(*field)),
        Value::Array(list) => list
            .iter()
            .find_map(|entry| known(entry.as_str().or_else(|| entry.get("name")?.as_str())?)),
        Value::String(name) => known(name),
        _ => None,
    }
}

fn rank(path: &str) -> Option<usize> {
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    TALKING.iter().position(|word| *word == last)
}

fn usual_field(path: &str) -> &'static str {
    match path.trim_end_matches('/').rsplit('/').next() {
        Some("query" | "ask") => "query",
        Some("invoke" | "run" | "process" | "predict") => "input",
        _ => "message",
    }
}

/// The text field of an operation's JSON body: one of the known names, else its first string.
fn body_field(document: &Value, operation: &Value) -> Option<String> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#')?)?,
        None => schema,
    };
    let properties = schema.get("properties")?.as_object()?;
    let known = FIELDS
        .iter()
        .find(|field| properties.contains_key(**field))
        .map(|field| (*field).to_owned());
    known.or_else(|| {
        let is_text = |schema: &Value| schema.get("type").and_then(Value::as_str) == Some("string");
        properties
            .iter()
            .find(|(_, schema)| is_text(schema))
            .map(|(name, _)| name.clone())
    })
}
