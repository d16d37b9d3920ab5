//! One call: out it goes in the agent's dialect; back comes an answer, or a refusal that allows another try.

use reqwest::{Method as Verb, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::answer::{Answer, RpcError, excerpt, open_envelope, read_body};
use super::plan::{Attempt, Refusal};
use super::{Inner, Outgoing, address, plain, request};
use crate::dialect::{Dialect, Method, Spelling};
use crate::error::A2aError;
use crate::message::{AgentEvent, Task, read_event, read_task};

/// Error bodies are read this far, in bytes.
const MAX_ERROR_BODY: usize = 256 * 1024;

/// JSON-RPC: no such method; not a request (0.2 SDKs say so for methods they do not know).
const METHOD_NOT_FOUND: [i64; 2] = [-32601, -32600];
/// A2A: this version of the protocol is not spoken here.
const VERSION_NOT_SUPPORTED: i64 = -32009;
/// A2A: not supported, which for a stream means no streaming.
const UNSUPPORTED_OPERATION: i64 = -32004;

/// What came back instead of an answer.
pub(super) enum Trouble {
    /// Nothing ran; another way of asking may work.
    Refused(Refusal, String),
    /// That is the outcome.
    Failed(A2aError),
}

impl From<A2aError> for Trouble {
    fn from(error: A2aError) -> Self {
        Trouble::Failed(error)
    }
}

impl Inner {
    /// Asks in one way.
    pub(super) async fn ask(
        &self,
        attempt: &Attempt,
        outgoing: &Outgoing,
    ) -> Result<Answer, Trouble> {
        let card = self.hints.lock().card.clone();
        let method = if attempt.stream {
            Method::Stream
        } else {
            Method::Send
        };
        let (endpoint, body) = match &attempt.dialect {
            Dialect::V0 | Dialect::V1 => {
                let spelling = rpc_spelling(&attempt.dialect);
                let params = request::send_params(outgoing, card.as_ref(), spelling);
                (
                    attempt.endpoint.clone(),
                    request::rpc(method, spelling, &outgoing.session_id, &params),
                )
            }
            Dialect::HttpJson => {
                let verb = if attempt.stream {
                    "/message:stream"
                } else {
                    "/message:send"
                };
                let params = request::send_params(outgoing, card.as_ref(), Spelling::V1);
                (address::below(&attempt.endpoint, verb), params)
            }
            Dialect::RestChat { field, .. } => {
                (attempt.endpoint.clone(), plain::rest_body(field, outgoing))
            }
            Dialect::OpenAiChat => (attempt.endpoint.clone(), plain::openai_body(outgoing)),
        };
        let request = self
            .request(Verb::POST, &endpoint, &attempt.dialect, &outgoing.headers)?
            .json(&body);
        let accept = if attempt.stream {
            "text/event-stream, application/json"
        } else {
            "application/json"
        };
        let response = self
            .dispatch(request.header("accept", accept), &endpoint)
            .await?;
        if response.status().is_success() {
            return Ok(Answer::new(response, self.idle));
        }
        Err(self.judge_status(response, attempt).await)
    }

    /// Calls a method about a task; `Ok(None)` when the agent has no tasks.
    pub(super) async fn about_task(
        &self,
        method: Method,
        task_id: &str,
        headers: &[(String, String)],
    ) -> Result<Option<Value>, A2aError> {
        let hints = self.hints.lock().clone();
        let dialect = hints
            .dialect
            .or_else(|| hints.card.as_ref().map(crate::card::Card::dialect))
            .unwrap_or(Dialect::V0);
        let declared = hints.card.as_ref().and_then(|card| card.endpoint(&dialect));
        let endpoint = hints
            .endpoint
            .or(declared)
            .unwrap_or_else(|| "/".to_owned());
        let request = match &dialect {
            Dialect::RestChat { .. } | Dialect::OpenAiChat => return Ok(None),
            Dialect::HttpJson => {
                let (verb, suffix) = if method == Method::CancelTask {
                    (Verb::POST, ":cancel")
                } else {
                    (Verb::GET, "")
                };
                let path = address::below(&endpoint, &format!("/tasks/{task_id}{suffix}"));
                self.request(verb, &path, &dialect, headers)?
            }
            Dialect::V0 | Dialect::V1 => {
                let body = request::rpc(
                    method,
                    rpc_spelling(&dialect),
                    "",
                    &request::task_params(task_id),
                );
                self.request(Verb::POST, &endpoint, &dialect, headers)?
                    .json(&body)
            }
        };
        let response = self
            .dispatch(request.header("accept", "application/json"), &endpoint)
            .await?;
        let status = response.status();
        let body = read_body(response, super::MAX_BODY_BYTES, self.idle).await?;
        let text = String::from_utf8_lossy(&body);
        match serde_json::from_str(&text).map(open_envelope) {
            Ok(Ok(result)) if status.is_success() => Ok(Some(result)),
            Ok(Err(error)) => Err(error.into()),
            _ if status.is_success() => Err(unreadable("it is not JSON", &text)),
            _ => Err(A2aError::Status {
                status: status.as_u16(),
                body: excerpt(&text),
            }),
        }
    }

    /// Looks at a task.
    pub(super) async fn get_task(
        &self,
        task_id: &str,
        headers: &[(String, String)],
    ) -> Result<Task, A2aError> {
        let result = self.about_task(Method::GetTask, task_id, headers).await?;
        let result = result.ok_or_else(|| A2aError::NoProtocol {
            tried: vec!["the agent has no tasks".to_owned()],
        })?;
        match read_event(&result) {
            Some(AgentEvent::Task(task)) => Ok(task),
            _ => result
                .as_object()
                .map(read_task)
                .ok_or_else(|| unreadable("it is not a task", &result.to_string())),
        }
    }

    /// Cancels a task.
    pub(super) async fn cancel_task(&self, task_id: &str) -> Result<(), A2aError> {
        self.about_task(Method::CancelTask, task_id, &[])
            .await
            .map(|_| ())
    }

    pub(super) fn request(
        &self,
        verb: Verb,
        endpoint: &str,
        dialect: &Dialect,
        headers: &[(String, String)],
    ) -> Result<RequestBuilder, A2aError> {
        let mut request = self
            .http
            .request(verb, address::resolve(&self.base, endpoint)?);
        if dialect.spelling() == Some(Spelling::V1) {
            request = request.header("A2A-Version", "1.0");
        }
        Ok(headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        }))
    }

    async fn dispatch(
        &self,
        request: RequestBuilder,
        endpoint: &str,
    ) -> Result<Response, A2aError> {
        tokio::time::timeout(self.idle, request.send())
            .await
            .map_err(|_| A2aError::Silent { idle: self.idle })?
            .map_err(|source| {
                let url = address::resolve(&self.base, endpoint)
                    .map_or_else(|_| endpoint.to_owned(), String::from);
                A2aError::Unreachable { url, source }
            })
    }

    /// Tells a refusal from a failure by status and body: JSON-RPC errors come with any status.
    async fn judge_status(&self, response: Response, attempt: &Attempt) -> Trouble {
        let status = response.status();
        let body = match read_body(response, MAX_ERROR_BODY, self.idle).await {
            Ok(body) => body,
            Err(error) => return error.into(),
        };
        let text = String::from_utf8_lossy(&body);
        if let Ok(Err(error)) = serde_json::from_str(&text).map(open_envelope)
            && error.code != 0
            && rpc_refusal(&error, attempt).is_some()
        {
            return judge_rpc(error, attempt);
        }
        let told = || describe(attempt, &format!("HTTP status {}", status.as_u16()));
        let is_plain = attempt.dialect.spelling().is_none();
        match status {
            // Here the method is part of the path.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
                if attempt.dialect == Dialect::HttpJson =>
            {
                Trouble::Refused(Refusal::Method, told())
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                Trouble::Refused(Refusal::Path, told())
            }
            StatusCode::NOT_IMPLEMENTED => Trouble::Refused(Refusal::Method, told()),
            StatusCode::NOT_ACCEPTABLE if attempt.stream => {
                Trouble::Refused(Refusal::Stream, told())
            }
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY if is_plain => {
                Trouble::Refused(Refusal::Field, told())
            }
            _ => match serde_json::from_str(&text).map(open_envelope) {
                Ok(Err(error)) if error.code != 0 => Trouble::Failed(error.into()),
                _ => Trouble::Failed(A2aError::Status {
                    status: status.as_u16(),
                    body: excerpt(&text),
                }),
            },
        }
    }
}

/// Tells a refusal from a failure by the error's number.
pub(super) fn judge_rpc(error: RpcError, attempt: &Attempt) -> Trouble {
    match rpc_refusal(&error, attempt) {
        Some(refusal) => {
            let told = describe(attempt, &format!("error {}: {}", error.code, error.message));
            Trouble::Refused(refusal, told)
        }
        None => Trouble::Failed(error.into()),
    }
}

fn rpc_refusal(error: &RpcError, attempt: &Attempt) -> Option<Refusal> {
    match error.code {
        code if METHOD_NOT_FOUND.contains(&code) || code == VERSION_NOT_SUPPORTED => {
            Some(Refusal::Method)
        }
        UNSUPPORTED_OPERATION if attempt.stream => Some(Refusal::Stream),
        _ => None,
    }
}

fn describe(attempt: &Attempt, outcome: &str) -> String {
    let way = if attempt.stream {
        "streaming"
    } else {
        "without stream"
    };
    format!(
        "POST {} ({}, {way}): {outcome}",
        attempt.endpoint, attempt.dialect
    )
}

pub(super) fn unreadable(what: &str, text: &str) -> A2aError {
    A2aError::Unreadable {
        what: what.to_owned(),
        excerpt: excerpt(text),
    }
}

fn rpc_spelling(dialect: &Dialect) -> Spelling {
    dialect.spelling().unwrap_or(Spelling::V0)
}
