//! The client against agents that are odd in ways the examples are not.

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use futures::StreamExt;
use nasiko_contract::{ErrorCode, Fault};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;

use super::*;
use crate::message::{AgentEvent, FileContent, FilePart, TaskState};
use crate::transcript::Transcript;

/// What an agent was asked, in order.
type Heard = Arc<Mutex<Vec<Value>>>;

/// An agent at a free port; ends with this value.
struct Odd {
    base: String,
    heard: Heard,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Odd {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Odd {
    async fn serve(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            base,
            heard: Heard::default(),
            server,
        }
    }

    /// An agent that answers each JSON-RPC call by its method.
    async fn rpc(
        path: &str,
        answer: impl Fn(&str, &Value) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let heard = Heard::default();
        let ears = Arc::clone(&heard);
        let handler = post(
            move |headers: HeaderMap, Json(mut call): Json<Value>| async move {
                let response = answer(call["method"].as_str().unwrap_or_default(), &call);
                let shown = |name: &str| {
                    headers
                        .get(name)
                        .and_then(|value| value.to_str().ok())
                        .map(str::to_owned)
                };
                call["headers"] =
                    json!({"version": shown("a2a-version"), "traceparent": shown("traceparent")});
                ears.lock().push(call);
                response
            },
        );
        let mut odd = Self::serve(Router::new().route(path, handler)).await;
        odd.heard = heard;
        odd
    }

    fn client(&self, hints: Hints) -> AgentClient {
        AgentClient::new(reqwest::Client::new(), &self.base, hints).unwrap()
    }

    fn methods(&self) -> Vec<String> {
        self.heard
            .lock()
            .iter()
            .map(|call| call["method"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

fn result(value: &Value) -> Response {
    Json(json!({"jsonrpc": "2.0", "id": "x", "result": value})).into_response()
}

fn error(code: i64) -> Response {
    Json(json!({"jsonrpc": "2.0", "id": "x", "error": {"code": code, "message": "no", "data": {"why": "because"}}})).into_response()
}

fn said(text: &str) -> Value {
    json!({"kind": "message", "messageId": "m", "role": "agent", "parts": [{"kind": "text", "text": text}]})
}

/// A stream of results; stays open after the last one when asked to.
fn stream(results: Vec<Value>, stays_open: bool) -> Response {
    let frames = results.into_iter().map(|result| {
        Ok::<_, std::io::Error>(Bytes::from(format!(
            "data: {}\n\n",
            json!({"jsonrpc": "2.0", "id": "x", "result": result})
        )))
    });
    let frames = futures::stream::iter(frames);
    let body = if stays_open {
        Body::from_stream(frames.chain(futures::stream::pending()))
    } else {
        Body::from_stream(frames)
    };
    ([("content-type", "text/event-stream; charset=utf-8")], body).into_response()
}

fn status(state: &str) -> Value {
    json!({"kind": "status-update", "taskId": "t", "contextId": "c", "status": {"state": state}, "final": false})
}

fn streaming(dialect: Dialect) -> Hints {
    Hints {
        dialect: Some(dialect),
        endpoint: Some("/".to_owned()),
        ..Hints::default()
    }
}

fn question(text: &str) -> Outgoing {
    Outgoing {
        text: text.to_owned(),
        session_id: "s-1".to_owned(),
        ..Outgoing::default()
    }
}

/// The whole answer, or the error that ended it; each wait has its limit.
async fn ask(client: &AgentClient, outgoing: Outgoing) -> Result<Transcript, A2aError> {
    let mut stream = client.send(outgoing, CancellationToken::new());
    let mut transcript = Transcript::new();
    let all = async {
        while let Some(event) = stream.next().await {
            transcript.push(&event?);
        }
        Ok::<(), A2aError>(())
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("the answer ends")?;
    Ok(transcript)
}

#[tokio::test]
async fn the_session_is_everywhere_agents_look_for_it() {
    for (dialect, spelled) in [(Dialect::V0, "0"), (Dialect::V1, "1")] {
        let odd = Odd::rpc("/", |_, _| result(&said("hi"))).await;
        let client = odd.client(streaming(dialect));
        let mut outgoing = question("hello");
        outgoing
            .headers
            .push(("traceparent".to_owned(), "00-a-b-01".to_owned()));
        outgoing.metadata.insert("colour".to_owned(), json!("red"));
        ask(&client, outgoing.clone()).await.unwrap();
        outgoing.context_id = Some("theirs".to_owned());
        outgoing.task_id = Some("t-9".to_owned());
        ask(&client, outgoing).await.unwrap();

        let heard = odd.heard.lock().clone();
        let ids: Vec<&str> = heard
            .iter()
            .map(|call| call["id"].as_str().expect("the id is a string"))
            .collect();
        assert!(
            ids.iter().all(|id| id.starts_with("s-1")) && ids[0] != ids[1],
            "{ids:?}"
        );
        for call in &heard {
            assert_eq!(
                call["params"]["metadata"],
                json!({"colour": "red", "session_id": "s-1"})
            );
            assert!(
                call["params"]["message"]["messageId"]
                    .as_str()
                    .is_some_and(|id| !id.is_empty())
            );
            assert_eq!(call["headers"]["traceparent"], "00-a-b-01");
        }
        let old = spelled == "0";
        assert_eq!(
            heard[0]["params"]["sessionId"],
            if old { json!("s-1") } else { Value::Null }
        );
        assert_eq!(
            heard[0]["headers"]["version"],
            if old { Value::Null } else { json!("1.0") }
        );
        assert_eq!(
            heard[0]["params"]["message"]["role"],
            if old { "user" } else { "ROLE_USER" }
        );
        assert_eq!(heard[0]["params"]["message"]["contextId"], "s-1");
        assert_eq!(
            heard[1]["params"]["message"]["contextId"], "theirs",
            "the agent's own name once it gave one"
        );
        assert_eq!(heard[1]["params"]["message"]["taskId"], "t-9");
    }
}

#[tokio::test]
async fn a_refused_method_is_asked_for_in_other_words_and_remembered() {
    for refusal in [-32601, -32600, -32009] {
        let odd = Odd::rpc("/", move |method, _| match method {
            "message/send" => result(&said("old words")),
            _ => error(refusal),
        })
        .await;
        let client = odd.client(streaming(Dialect::V1));
        assert_eq!(
            ask(&client, question("hi")).await.unwrap().text(),
            "old words"
        );
        assert_eq!(
            odd.methods(),
            [
                "SendStreamingMessage",
                "message/stream",
                "SendMessage",
                "message/send"
            ]
        );
        odd.heard.lock().clear();
        ask(&client, question("hi")).await.unwrap();
        assert_eq!(odd.methods(), ["message/send"], "remembered");
    }
}

#[tokio::test]
async fn an_agent_that_does_not_stream_answers_all_the_same() {
    let odd = Odd::rpc("/", |method, _| match method {
        "message/send" => result(&said("whole")),
        _ => error(-32004),
    })
    .await;
    assert_eq!(
        ask(&odd.client(streaming(Dialect::V0)), question("hi"))
            .await
            .unwrap()
            .text(),
        "whole"
    );
    assert_eq!(odd.methods(), ["message/stream", "message/send"]);
}

#[tokio::test]
async fn other_paths_are_tried() {
    let odd = Odd::rpc("/a2a", |_, _| result(&said("here"))).await;
    let client = odd.client(Hints::default());
    assert_eq!(ask(&client, question("hi")).await.unwrap().text(), "here");
    assert_eq!(client.learned().endpoint.as_deref(), Some("/a2a"));
}

#[tokio::test]
async fn errors_come_with_any_status() {
    let inner = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32050, "message": "quota", "data": {"left": 0}}});
    let with = |status: StatusCode, body: Value| {
        Odd::rpc("/", move |_, _| {
            (status, Json(body.clone())).into_response()
        })
    };
    for status in [
        StatusCode::OK,
        StatusCode::BAD_REQUEST,
        StatusCode::INTERNAL_SERVER_ERROR,
    ] {
        let odd = with(status, inner.clone()).await;
        let error = ask(&odd.client(streaming(Dialect::V0)), question("hi"))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, A2aError::Rpc { code: -32050, message, .. } if message == "quota"),
            "{status}: {error:?}"
        );
        let fault = Fault::from(error);
        assert_eq!(fault.code, ErrorCode::AgentError);
        assert!(
            fault.evidence.iter().any(|line| line.contains("left")),
            "{fault:?}"
        );
        assert_eq!(
            odd.heard.lock().len(),
            1,
            "an agent's own error is not asked for twice"
        );
    }
    let odd = with(StatusCode::SERVICE_UNAVAILABLE, json!("starting")).await;
    let error = ask(&odd.client(streaming(Dialect::V0)), question("hi"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, A2aError::Status { status: 503, .. }) && error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn reading_stops_at_the_end_of_the_turn() {
    let last = json!({"kind": "status-update", "taskId": "t", "status": {"state": "auth-required"}, "final": true});
    for ending in [
        status("completed"),
        status("failed"),
        status("input-required"),
        last,
    ] {
        let odd = Odd::rpc("/", move |_, _| {
            stream(vec![status("working"), ending.clone()], true)
        })
        .await;
        let answer = ask(&odd.client(streaming(Dialect::V0)), question("hi"))
            .await
            .unwrap();
        assert!(
            !answer.state().unwrap().is_pending(),
            "the stream stays open, the answer does not"
        );
    }
}

#[tokio::test]
async fn silence_has_a_limit() {
    let odd = Odd::rpc("/", |_, _| stream(vec![status("working")], true)).await;
    let client = odd
        .client(streaming(Dialect::V0))
        .with_idle_timeout(Duration::from_millis(200));
    let error = ask(&client, question("hi")).await.unwrap_err();
    assert!(matches!(error, A2aError::Silent { .. }), "{error:?}");
    assert_eq!(Fault::from(error).code, ErrorCode::TimedOut);
}

#[tokio::test]
async fn a_task_that_goes_on_is_followed() {
    let looks = Arc::new(Mutex::new(0));
    let odd = Odd::rpc("/", move |method, _| match method {
        "message/stream" => stream(vec![status("working")], false),
        "tasks/get" => {
            *looks.lock() += 1;
            let done = *looks.lock() > 2;
            let state = if done { "completed" } else { "working" };
            let artifacts = if done { json!([{"artifactId": "a", "parts": [{"kind": "text", "text": "late"}]}]) } else { json!([]) };
            result(&json!({"kind": "task", "id": "t", "status": {"state": state}, "artifacts": artifacts}))
        }
        _ => error(-32601),
    })
    .await;
    let answer = ask(&odd.client(streaming(Dialect::V0)), question("hi"))
        .await
        .unwrap();
    assert_eq!(
        (answer.text(), answer.state()),
        ("late", Some(&TaskState::Completed))
    );
}

#[tokio::test]
async fn cancelling_tells_the_agent_first() {
    let odd = Odd::rpc("/", |method, _| match method {
        "message/stream" => stream(vec![status("working")], true),
        _ => result(&json!({"kind": "task", "id": "t", "status": {"state": "canceled"}})),
    })
    .await;
    let cancel = CancellationToken::new();
    let mut events = odd
        .client(streaming(Dialect::V0))
        .send(question("hi"), cancel.clone());
    assert!(matches!(
        events.next().await,
        Some(Ok(AgentEvent::Status(_)))
    ));
    cancel.cancel();
    assert!(matches!(
        events.next().await,
        Some(Err(A2aError::Cancelled))
    ));
    assert!(events.next().await.is_none());
    assert_eq!(odd.methods(), ["message/stream", "tasks/cancel"]);
    assert_eq!(odd.heard.lock()[1]["params"]["id"], "t");
}

#[tokio::test]
async fn plain_agents_are_found_by_their_openapi_document() {
    let document = json!({"openapi": "3.1.0", "paths": {
        "/health": {"get": {}}, "/items/{id}/query": {"post": {}},
        "/api/v2/ask": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ask"}}}}}},
    }, "components": {"schemas": {"Ask": {"properties": {"user": {"type": "string"}, "question": {"type": "string"}}}}}});
    let router = Router::new()
        .route(
            "/openapi.json",
            get(move || async move { Json(document.clone()) }),
        )
        .route(
            "/api/v2/ask",
            post(
                |Json(body): Json<Value>| async move { Json(json!({"result": {"answer": body}})) },
            ),
        );
    let odd = Odd::serve(router.route("/api/echo", any(|| async { "" }))).await;
    let client = odd.client(Hints::default());
    let answer = ask(&client, question("why?")).await;
    assert!(
        matches!(answer, Err(A2aError::Unreadable { .. })),
        "an object without words is no answer: {answer:?}"
    );
    let expected = Dialect::RestChat {
        path: "/api/v2/ask".to_owned(),
        field: "question".to_owned(),
    };
    assert_eq!(client.learned().dialect, Some(expected));
}

#[tokio::test]
async fn undescribed_plain_agents_are_found_by_trying() {
    let router = Router::new().route(
        "/query",
        post(|Json(body): Json<Value>| async move {
            match body["query"].as_str() {
                Some(text) => {
                    Json(json!({"response": text.to_uppercase(), "session_id": body["session_id"]}))
                        .into_response()
                }
                None => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
            }
        }),
    );
    let odd = Odd::serve(router).await;
    let client = odd.client(Hints::default());
    let mut outgoing = question("see");
    let content = FileContent::Uri("http://u/f.txt".to_owned());
    outgoing.parts.push(Part::File(FilePart {
        name: Some("f.txt".to_owned()),
        media_type: None,
        content,
    }));
    assert_eq!(
        ask(&client, outgoing).await.unwrap().text(),
        "SEE\nF.TXT HTTP://U/F.TXT"
    );
    let expected = Dialect::RestChat {
        path: "/query".to_owned(),
        field: "query".to_owned(),
    };
    assert_eq!(client.learned().dialect, Some(expected));
    assert!(
        client.cancel_task("t").await.is_ok(),
        "there is nothing to cancel"
    );
}

#[tokio::test]
async fn chat_completions_stream() {
    let router = Router::new().route(
        "/v1/chat/completions",
        post(|| async {
            let piece = |text: &str| {
                format!(
                    "data: {}\n\n",
                    json!({"choices": [{"delta": {"content": text}}]})
                )
            };
            let role = format!(
                "data: {}\n\n",
                json!({"choices": [{"delta": {"role": "assistant"}}]})
            );
            let body = [
                role,
                piece("Hel"),
                piece("lo"),
                "data: [DONE]\n\n".to_owned(),
            ]
            .concat();
            ([("content-type", "text/event-stream")], body)
        }),
    );
    let odd = Odd::serve(router).await;
    let capabilities = json!({"endpoints": ["GET /health", "POST /v1/chat/completions"]});
    let hints = Hints {
        capabilities: Some(capabilities),
        ..Hints::default()
    };
    assert_eq!(
        ask(&odd.client(hints), question("hi"))
            .await
            .unwrap()
            .text(),
        "Hello"
    );
}

#[tokio::test]
async fn the_http_binding_is_spoken() {
    let router = Router::new()
        .route("/rest/message:stream", post(|| async { StatusCode::NOT_FOUND }))
        .route(
            "/rest/message:send",
            post(|Json(body): Json<Value>| async move {
                Json(json!({"message": {"role": "ROLE_AGENT", "messageId": "m", "parts": body["message"]["parts"]}}))
            }),
        );
    let odd = Odd::serve(router).await;
    let card = json!({"name": "R", "supportedInterfaces": [{"url": "http://x/rest", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"}]});
    let hints = Hints {
        card: Some(Card::from_value(card).unwrap()),
        ..Hints::default()
    };
    let client = odd.client(hints);
    assert_eq!(
        ask(&client, question("there")).await.unwrap().text(),
        "there"
    );
    assert_eq!(client.learned().dialect, Some(Dialect::HttpJson));
}

#[tokio::test]
async fn what_speaks_nothing_is_told_with_every_try() {
    let odd = Odd::serve(Router::new()).await;
    let error = ask(&odd.client(Hints::default()), question("hi"))
        .await
        .unwrap_err();
    let fault = Fault::from(error);
    assert_eq!(fault.code, ErrorCode::ProtocolUnknown);
    for way in [
        "POST / (a2a-1.0",
        "POST / (a2a-0.3",
        "POST /a2a",
        "POST /chat",
    ] {
        assert!(
            fault.evidence.iter().any(|line| line.starts_with(way)),
            "{way} is missing from {:?}",
            fault.evidence
        );
    }
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let gone = Odd::serve(Router::new()).await.base.clone();
    let client = AgentClient::new(reqwest::Client::new(), &gone, Hints::default()).unwrap();
    tokio::task::yield_now().await;
    let error = ask(&client, question("hi")).await.unwrap_err();
    assert!(matches!(error, A2aError::Unreachable { .. }), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_broken_card_says_so() {
    let odd = Odd::serve(
        Router::new().route("/.well-known/agent.json", get(|| async { "{\"name\": }" })),
    )
    .await;
    let error = odd.client(Hints::default()).fetch_card().await.unwrap_err();
    assert!(
        matches!(&error, A2aError::Card(card) if (card.line, card.column) == (1, 10)),
        "{error:?}"
    );
    assert_eq!(Fault::from(error).code, ErrorCode::CardBroken);
}

#[tokio::test]
async fn the_card_is_found_below_its_declared_path() {
    let served = json!({"name": "Deep", "url": "http://elsewhere/agents/deep"});
    let router = Router::new().route(
        "/agents/deep/agent-card.json",
        get(move || async move { Json(served.clone()) }),
    );
    let odd = Odd::serve(router).await;
    let declared = Card::from_value(json!({"url": "http://localhost:10001/agents/deep/"})).unwrap();
    let client = odd.client(Hints {
        card: Some(declared),
        ..Hints::default()
    });
    assert_eq!(client.fetch_card().await.unwrap().name(), Some("Deep"));
}

#[test]
fn addresses_must_be_of_the_web() {
    for bad in ["", "ftp://x", "http://", "not an address"] {
        let made = AgentClient::new(reqwest::Client::new(), bad, Hints::default());
        assert!(matches!(made, Err(A2aError::BadAddress(_))), "{bad:?}");
    }
    assert!(AgentClient::new(reqwest::Client::new(), "127.0.0.1:8000", Hints::default()).is_ok());
}
