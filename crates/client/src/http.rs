//! Calls over HTTP, for programs (command line, window process, tests).

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures::{FutureExt, StreamExt, TryStreamExt};
use nasiko_contract::{ErrorCode, Fault, Method, Problem};

use crate::{
    call::Call,
    transport::{BoxFuture, BoxStream, Frame, Transport, UploadFile},
};

/// How long a connection may take to be made; loopback answers at once or not at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Calls a control plane at an address, with a token.
pub struct HttpTransport {
    http: reqwest::Client,
    base: String,
    token: String,
    /// What to do when it does not answer.
    advice: &'static str,
}

impl HttpTransport {
    /// `base` is the API's address without a path, e.g. `http://127.0.0.1:8000`.
    pub fn new(base: impl Into<String>, token: impl Into<String>) -> Result<Self, Fault> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| {
                Fault::new(
                    ErrorCode::Internal,
                    format!("No HTTP client could be made: {error}"),
                )
            })?;
        Ok(Self {
            http,
            base: base.into().trim_end_matches('/').to_owned(),
            token: token.into(),
            advice: "Start it with `nasiko up`",
        })
    }

    /// The control plane is not this machine's to start.
    #[must_use]
    pub fn elsewhere(mut self) -> Self {
        self.advice = "Look whether it runs there, and whether the way to it is open";
        self
    }

    fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let method = match call.info.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        self.http
            .request(method, format!("{}{}", self.base, call.target))
            .bearer_auth(&self.token)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Fault> {
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response
            .bytes()
            .await
            .map_err(|error| self.unreachable(&error))?;
        Err(serde_json::from_slice::<Problem>(&body).map_or_else(
            |_| {
                Fault::new(
                    ErrorCode::Internal,
                    format!("The control plane answered {status}"),
                )
                .evidence(
                    String::from_utf8_lossy(&body)
                        .lines()
                        .take(5)
                        .map(str::to_owned),
                )
            },
            Fault::from,
        ))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Fault {
        Fault::new(
            ErrorCode::Unreachable,
            format!("The control plane at {} cannot be reached", self.base),
        )
        .hint(self.advice)
        .evidence([chain(error)])
        .retryable()
    }

    fn with_body(&self, call: &Call) -> reqwest::RequestBuilder {
        let request = self.request(call);
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        async move {
            let response = self.answer(self.with_body(&call)).await?;
            Ok(response
                .bytes()
                .await
                .map_err(|error| self.unreachable(&error))?
                .into())
        }
        .boxed()
    }

    fn stream(&self, call: Call) -> BoxFuture<'_, Result<BoxStream<Result<Frame, Fault>>, Fault>> {
        async move {
            let request = self.with_body(&call).header("accept", "text/event-stream");
            let response = self.answer(request).await?;
            let base = self.base.clone();
            let frames = response
                .bytes_stream()
                .eventsource()
                .map_ok(|event| Frame {
                    id: event.id,
                    event: event.event,
                    data: event.data,
                })
                .map_err(move |error| {
                    Fault::new(
                        ErrorCode::Unreachable,
                        format!("The stream from {base} broke off"),
                    )
                    .evidence([error.to_string()])
                    .retryable()
                });
            Ok(frames.boxed())
        }
        .boxed()
    }

    fn upload(&self, call: Call, file: UploadFile) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        async move {
            let mut form = reqwest::multipart::Form::new();
            if let Some(serde_json::Value::Object(fields)) = &call.body {
                for (name, value) in fields {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    form = form.text(name.clone(), text);
                }
            }
            let part = reqwest::multipart::Part::stream(file.bytes).file_name(file.name);
            let response = self
                .answer(self.request(&call).multipart(form.part("file", part)))
                .await?;
            Ok(response
                .bytes()
                .await
                .map_err(|error| self.unreachable(&error))?
                .into())
        }
        .boxed()
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
