//! What a trace can be found by: hashed terms in one inverted index.
//!
//! A term is 64 bits of a hash over its kind and text. Two terms out of ten million meet with a probability of one in
//! a hundred thousand, and all that would do is show a trace too many.

use serde_json::Value;

use crate::{Attributes, Span, StatusCode};

/// Longest attribute value, in bytes, that can be filtered by.
const MAX_VALUE: usize = 256;
/// Bytes of one attribute's text in which words are looked for.
const MAX_TEXT: usize = 4096;
/// Shortest and longest word that is indexed, in bytes.
const WORD: std::ops::RangeInclusive<usize> = 2..=40;

/// Attributes that name a conversation, the usual one first.
const SESSION_KEYS: [&str; 4] = [
    "session.id",
    "gen_ai.conversation.id",
    "nasiko.session",
    "thread.id",
];

pub(crate) fn agent(name: &str) -> i64 {
    hash("agent", &[name])
}

pub(crate) fn failed() -> i64 {
    hash("failed", &[])
}

pub(crate) fn session(id: &str) -> i64 {
    hash("session", &[id])
}

pub(crate) fn attribute(key: &str, value: &str) -> i64 {
    hash("attribute", &[key, value])
}

pub(crate) fn word(word: &str) -> i64 {
    hash("word", &[word])
}

/// The conversation a span belongs to, if it says so.
pub(crate) fn session_of(attributes: &Attributes) -> Option<&str> {
    SESSION_KEYS
        .iter()
        .find_map(|key| attributes.get(*key))
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty())
}

/// A scalar as one types it into a filter; none for what cannot be filtered by.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.len() <= MAX_VALUE => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Terms of a resource: the same for each of its spans.
pub(crate) fn of_resource(
    service: &str,
    agent_name: Option<&str>,
    resource: &Attributes,
) -> Vec<i64> {
    let names = agent_name
        .into_iter()
        .chain((!service.is_empty()).then_some(service));
    let mut terms: Vec<i64> = names.map(agent).collect();
    terms.extend(
        resource
            .iter()
            .filter_map(|(key, value)| Some(attribute(key, &scalar(value)?))),
    );
    terms
}

/// Terms of a span itself, at most `limit`, and its words through `found`, which says whether a word is new.
pub(crate) fn of_span(span: &Span, limit: usize, mut found: impl FnMut(&str, i64)) -> Vec<i64> {
    let mut terms = Vec::with_capacity(span.attributes.len() + 8);
    if span.status.code == StatusCode::Error {
        terms.push(failed());
    }
    terms.extend(session_of(&span.attributes).map(session));
    terms.extend(
        span.attributes
            .iter()
            .filter_map(|(key, value)| Some(attribute(key, &scalar(value)?))),
    );
    let texts = span.attributes.values().filter_map(Value::as_str);
    for text in [span.name.as_str(), span.status.message.as_str()]
        .into_iter()
        .chain(texts)
    {
        for_words(text, |one| {
            if terms.len() < limit {
                let term = word(one);
                terms.push(term);
                found(one, term);
            }
        });
    }
    terms.truncate(limit);
    terms
}

/// The words of a text: runs of letters and digits, in lower case.
pub(crate) fn for_words(text: &str, mut each: impl FnMut(&str)) {
    let text = &text[..text.floor_char_boundary(MAX_TEXT)];
    for run in text.split(|character: char| !character.is_alphanumeric()) {
        if WORD.contains(&run.len()) {
            each(&run.to_lowercase());
        }
    }
}

fn hash(kind: &str, parts: &[&str]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    for part in parts {
        hasher.update(&[0]).update(part.as_bytes());
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    i64::from_be_bytes(bytes)
}
