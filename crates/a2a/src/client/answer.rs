//! The body of an answer, read as it comes: events of a stream, lines, or one piece.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::MAX_BODY_BYTES;
use crate::error::A2aError;
use crate::stream::{SseLimits, SseReader};

/// An answer whose status was good, at its beginning.
pub(super) struct Answer {
    response: Response,
    form: Form,
    frames: VecDeque<String>,
    idle: Duration,
}

enum Form {
    Events(SseReader),
    /// One JSON value per line.
    Lines(Vec<u8>),
    Whole(Vec<u8>),
    Ended,
}

impl Answer {
    pub(super) fn new(response: Response, idle: Duration) -> Self {
        let kind = content_type(&response);
        let form = match kind.as_str() {
            "text/event-stream" => Form::Events(SseReader::new(SseLimits::default())),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/jsonlines" => Form::Lines(Vec::new()),
            _ => Form::Whole(Vec::new()),
        };
        Self {
            response,
            form,
            frames: VecDeque::new(),
            idle,
        }
    }

    /// Whether it comes piece by piece.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.form, Form::Events(_) | Form::Lines(_))
    }

    /// The next piece; `None` at the end. Every wait is bounded by the idle limit; comments count as signs of life.
    pub(super) async fn next(&mut self) -> Result<Option<String>, A2aError> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            if matches!(self.form, Form::Ended) {
                return Ok(None);
            }
            let chunk = tokio::time::timeout(self.idle, self.response.chunk())
                .await
                .map_err(|_| A2aError::Silent { idle: self.idle })?;
            match chunk {
                Ok(Some(bytes)) => self.take(&bytes)?,
                Ok(None) => self.end(),
                Err(error) => return Err(A2aError::BrokeOff(error)),
            }
        }
    }

    fn take(&mut self, bytes: &Bytes) -> Result<(), A2aError> {
        match &mut self.form {
            Form::Events(reader) => {
                let mut events = Vec::new();
                reader
                    .push(bytes, &mut events)
                    .map_err(|error| A2aError::TooLarge { limit: error.limit })?;
                self.frames
                    .extend(events.into_iter().map(|event| event.data));
            }
            Form::Lines(held) => {
                hold(held, bytes)?;
                while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = held.drain(..=end).collect();
                    push_text(&mut self.frames, &line);
                }
            }
            Form::Whole(held) => hold(held, bytes)?,
            Form::Ended => {}
        }
        Ok(())
    }

    fn end(&mut self) {
        match std::mem::replace(&mut self.form, Form::Ended) {
            Form::Events(reader) => self.frames.extend(reader.finish().map(|event| event.data)),
            Form::Lines(held) | Form::Whole(held) => push_text(&mut self.frames, &held),
            Form::Ended => {}
        }
    }
}

/// Reads a body as far as `limit`; for errors, cards and documents.
pub(super) async fn read_body(
    mut response: Response,
    limit: usize,
    idle: Duration,
) -> Result<Vec<u8>, A2aError> {
    let mut held = Vec::new();
    loop {
        let chunk = tokio::time::timeout(idle, response.chunk())
            .await
            .map_err(|_| A2aError::Silent { idle })?;
        let Some(bytes) = chunk.map_err(A2aError::BrokeOff)? else {
            return Ok(held);
        };
        if held.len() + bytes.len() > limit {
            return Err(A2aError::TooLarge { limit });
        }
        held.extend_from_slice(&bytes);
    }
}

/// The media type, lower case, without parameters.
pub(super) fn content_type(response: &Response) -> String {
    let header = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    header
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// A JSON-RPC error, or an error object of that form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: String,
}

impl From<RpcError> for A2aError {
    fn from(error: RpcError) -> Self {
        A2aError::Rpc {
            code: error.code,
            message: error.message,
            data: error.data,
        }
    }
}

/// The result within a JSON-RPC response; what has no envelope is the result itself.
pub(super) fn open_envelope(value: Value) -> Result<Value, RpcError> {
    let Value::Object(mut object) = value else {
        return Ok(value);
    };
    match object.get("error") {
        Some(Value::Object(error)) => {
            let words = |key: &str| error.get(key).and_then(Value::as_str).map(str::to_owned);
            return Err(RpcError {
                code: error
                    .get("code")
                    .and_then(Value::as_i64)
                    .unwrap_or_default(),
                message: words("message")
                    .or_else(|| words("status"))
                    .unwrap_or_else(|| "no reason given".to_owned()),
                data: error
                    .get("data")
                    .or_else(|| error.get("details"))
                    .map(pretty)
                    .unwrap_or_default(),
            });
        }
        Some(Value::String(message)) => {
            return Err(RpcError {
                code: 0,
                message: message.clone(),
                data: String::new(),
            });
        }
        _ => {}
    }
    match object.remove("result") {
        Some(result) => Ok(result),
        None => Ok(Value::Object(object)),
    }
}

/// The beginning of a text, for evidence.
pub(super) fn excerpt(text: &str) -> String {
    const MAX: usize = 2000;
    let end = text.floor_char_boundary(MAX);
    text[..end].to_owned()
}

fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text),
        other => excerpt(&serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

fn hold(held: &mut Vec<u8>, bytes: &[u8]) -> Result<(), A2aError> {
    if held.len() + bytes.len() > MAX_BODY_BYTES {
        return Err(A2aError::TooLarge {
            limit: MAX_BODY_BYTES,
        });
    }
    held.extend_from_slice(bytes);
    Ok(())
}

fn push_text(frames: &mut VecDeque<String>, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let trimmed = text.trim();
    if !trimmed.is_empty() {
        frames.push_back(trimmed.to_owned());
    }
}
