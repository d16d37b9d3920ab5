//! Calls from a page to the server that served it: `fetch` over the page's own origin, authenticated by its cookie. The
//! page itself never holds a token.
//!
//! Browsers break off every request, those to this machine too, when a network interface comes or goes, as it does with
//! each container. So a call that did not arrive is made again: reads as they are, actions under the same
//! `Idempotency-Key`, so that none is done twice.

use eventsource_stream::Eventsource;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use gloo_net::http::{Request, RequestBuilder, Response};
use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use nasiko_contract::{ErrorCode, Fault, Method, Problem};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, Blob, FormData, RequestCredentials};

use crate::{
    call::Call,
    transport::{BoxFuture, BoxStream, Frame, Transport, UploadFile},
};

/// Milliseconds between the tries of a call that did not arrive.
const PAUSES: [u32; 2] = [150, 600];

/// Calls the control plane that served this page.
#[derive(Debug, Default, Clone, Copy)]
pub struct BrowserTransport;

impl Transport for BrowserTransport {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        async move {
            let key = idempotency_key(&call);
            let mut pauses = PAUSES.iter();
            loop {
                let fault = match once(&call, key.as_deref()).await {
                    Err(fault) if fault.code == ErrorCode::Unreachable => fault,
                    outcome => return outcome,
                };
                let repeatable = key.is_some() || call.info.method == Method::Get;
                match pauses.next().filter(|_| repeatable) {
                    Some(pause) => TimeoutFuture::new(*pause).await,
                    None => return Err(fault),
                }
            }
        }
        .boxed_local()
    }

    fn stream(&self, call: Call) -> BoxFuture<'_, Result<BoxStream<Result<Frame, Fault>>, Fault>> {
        async move {
            let request = Abortable::new()?;
            let response = request.answer(&call, "text/event-stream", None).await?;
            let body = response
                .body()
                .ok_or_else(|| unreachable("the answer has no body"))?;
            let frames = wasm_streams::ReadableStream::from_raw(body)
                .into_stream()
                .map_ok(|chunk| chunk.unchecked_into::<Uint8Array>().to_vec())
                .map_err(|error| describe(&error))
                .eventsource()
                .map_ok(|event| Frame {
                    id: event.id,
                    event: event.event,
                    data: event.data,
                })
                .map_err(|error| {
                    Fault::new(
                        ErrorCode::Unreachable,
                        "The stream from the control plane broke off",
                    )
                    .evidence([error.to_string()])
                    .retryable()
                });
            Ok(Held {
                frames,
                _request: request,
            }
            .boxed_local())
        }
        .boxed_local()
    }

    fn upload(&self, call: Call, file: UploadFile) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        async move {
            let form = form(&call, &file).map_err(|error| unreachable(&describe(&error)))?;
            let key = idempotency_key(&call);
            let request = Abortable::new()?;
            let response = request
                .answer_to(&call, "application/json", key.as_deref(), Some(form))
                .await?;
            read_body(&response).await
        }
        .boxed_local()
    }
}

/// The call's fields and its file, as one form.
fn form(call: &Call, file: &UploadFile) -> Result<FormData, JsValue> {
    let form = FormData::new()?;
    if let Some(serde_json::Value::Object(fields)) = &call.body {
        for (name, value) in fields {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            form.append_with_str(name, &text)?;
        }
    }
    let parts = js_sys::Array::of1(&Uint8Array::from(file.bytes.as_ref()));
    let content = Blob::new_with_u8_array_sequence(&parts)?;
    form.append_with_blob_and_filename("file", &content, &file.name)?;
    Ok(form)
}

/// Makes a call once.
async fn once(call: &Call, key: Option<&str>) -> Result<Vec<u8>, Fault> {
    // Dropped with the future, so that a page that no longer wants the answer frees the connection.
    let request = Abortable::new()?;
    let response = request.answer(call, "application/json", key).await?;
    read_body(&response).await
}

async fn read_body(response: &Response) -> Result<Vec<u8>, Fault> {
    response
        .binary()
        .await
        .map_err(|error| unreachable(&error.to_string()))
}

/// A key of its own for each action. It need not be secret, only new.
fn idempotency_key(call: &Call) -> Option<String> {
    (call.info.method == Method::Post).then(|| {
        let moment = js_sys::Date::now();
        let (one, other) = (js_sys::Math::random(), js_sys::Math::random());
        format!("page-{moment}-{one}-{other}")
    })
}

/// One request; dropping it ends the exchange on the wire.
struct Abortable {
    controller: AbortController,
}

impl Abortable {
    fn new() -> Result<Self, Fault> {
        let controller = AbortController::new().map_err(|error| unreachable(&describe(&error)))?;
        Ok(Self { controller })
    }

    async fn answer(
        &self,
        call: &Call,
        accept: &str,
        key: Option<&str>,
    ) -> Result<Response, Fault> {
        self.answer_to(call, accept, key, None).await
    }

    /// As [`Abortable::answer`], with a form instead of the call's JSON.
    async fn answer_to(
        &self,
        call: &Call,
        accept: &str,
        key: Option<&str>,
        form: Option<FormData>,
    ) -> Result<Response, Fault> {
        let mut builder = builder(call)
            .credentials(RequestCredentials::SameOrigin)
            .abort_signal(Some(&self.controller.signal()))
            .header("accept", accept);
        if let Some(key) = key {
            builder = builder.header("idempotency-key", key);
        }
        let request = match (form, &call.body) {
            (Some(form), _) => builder.body(form),
            (None, Some(body)) => builder.json(body),
            (None, None) => builder.build(),
        };
        let response = async { request?.send().await }
            .await
            .map_err(|error| unreachable(&error.to_string()))?;
        if response.ok() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        Err(serde_json::from_str::<Problem>(&body).map_or_else(
            |_| {
                Fault::new(
                    ErrorCode::Internal,
                    format!("The control plane answered {status}"),
                )
                .evidence(body.lines().take(5).map(str::to_owned))
            },
            Fault::from,
        ))
    }
}

impl Drop for Abortable {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

/// A stream that keeps its request open.
struct Held<S> {
    frames: S,
    _request: Abortable,
}

impl<S: Stream + Unpin> Stream for Held<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.frames.poll_next_unpin(context)
    }
}

fn builder(call: &Call) -> RequestBuilder {
    match call.info.method {
        Method::Get => Request::get(&call.target),
        Method::Post => Request::post(&call.target),
        Method::Put => Request::put(&call.target),
        Method::Patch => Request::patch(&call.target),
        Method::Delete => Request::delete(&call.target),
    }
}

fn unreachable(cause: &str) -> Fault {
    Fault::new(
        ErrorCode::Unreachable,
        "The control plane cannot be reached",
    )
    .hint("Start it with `nasiko up`")
    .evidence([cause])
    .retryable()
}

fn describe(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| error.message().into())
}
