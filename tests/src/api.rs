//! The API as a script uses it: plain HTTP, JSON, server-sent events.

use std::time::Duration;

use serde_json::Value;

use crate::{Resident, wait::PATIENCE};

/// The pause before a request is tried again while nobody listens.
const AGAIN: Duration = Duration::from_millis(20);

/// The API of one resident. A cheap handle.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    /// Where it is, without `/api/v1`.
    pub base: String,
    /// The bearer token.
    pub token: String,
}

impl Api {
    /// The API of the resident as it runs now.
    pub fn of(resident: &Resident) -> Self {
        let (base, token) = resident.endpoint();
        Self {
            http: client(),
            base,
            token,
        }
    }

    /// A request with the token.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(&self.token)
    }

    /// Status and document of a `GET`.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(reqwest::Method::GET, path)).await
    }

    /// Status and document of a `POST`.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.request(reqwest::Method::POST, path).json(body)).await
    }

    /// Status and document of a `POST` that is said once under this key.
    pub async fn post_once(&self, path: &str, body: &Value, key: &str) -> (u16, Value) {
        let request = self.request(reqwest::Method::POST, path).json(body);
        answer(request.header("Idempotency-Key", key)).await
    }

    /// Status and document of a `DELETE`.
    pub async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.request(reqwest::Method::DELETE, path)).await
    }

    /// Status and document of an uploaded archive.
    pub async fn upload(&self, file: &str, content: Vec<u8>, name: &str) -> (u16, Value) {
        let boundary = "----nasiko-test";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"agent_name\"\r\n\r\n{name}\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\nContent-Type: application/zip\r\n\r\n"
        )
        .into_bytes();
        body.extend(content);
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        let request = self
            .request(reqwest::Method::POST, "/upload-agents/zip")
            .header(
                "Content-Type",
                format!("multipart/form-data; boundary={boundary}"),
            );
        answer(request.body(body)).await
    }

    /// Accepts a folder for deployment and gives the job's id.
    pub async fn deploy(&self, folder: &std::path::Path, name: &str, runtime: &str) -> String {
        let body = serde_json::json!({
            "directory_path": folder, "agent_name": name, "runtime": runtime,
        });
        let (status, job) = self.post("/upload-agents/directory", &body).await;
        assert_eq!(status, 202, "{job:#}");
        job["id"].as_str().expect("a job has an id").to_owned()
    }

    /// The `data:` documents of a stream, read to its end.
    pub async fn post_stream(&self, path: &str, body: &Value) -> Vec<Value> {
        let request = self.request(reqwest::Method::POST, path).json(body);
        let mut stream = Stream::open(request).await.expect("the stream opens");
        let mut documents = Vec::new();
        while let Some(event) = stream.next().await.expect("the stream goes on") {
            documents.push(event.data);
        }
        documents
    }

    /// A stream of server-sent events, taken up after an event that was seen.
    pub async fn stream(&self, path: &str, after: Option<u64>) -> Stream {
        let mut request = self.request(reqwest::Method::GET, path);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after.to_string());
        }
        Stream::open(request).await.expect("the stream opens")
    }

    /// Waits for a job's end and gives it.
    pub async fn job(&self, id: &str) -> Value {
        self.job_seen(id, |_| {}).await
    }

    /// Waits for a job's end, shows every change of it, and gives it as it ended.
    pub async fn job_seen(&self, id: &str, mut see: impl FnMut(&Value)) -> Value {
        let followed = async {
            let mut stream = self.stream(&format!("/jobs/{id}/log"), None).await;
            let mut last = Value::Null;
            while let Some(event) = stream.next().await.expect("the job's log goes on") {
                if event.data["job"].is_object() {
                    see(&event.data["job"]);
                    last = event.data["job"].clone();
                }
            }
            last
        };
        let last = tokio::time::timeout(PATIENCE * 3, followed)
            .await
            .unwrap_or_else(|_| panic!("the job {id} does not end"));
        assert!(is_final(&last), "the log ended before its job: {last:#}");
        last
    }

    /// The lines of a job's log, once it has ended.
    pub async fn job_lines(&self, id: &str) -> Vec<String> {
        let mut stream = self.stream(&format!("/jobs/{id}/log"), None).await;
        let mut lines = Vec::new();
        while let Some(event) = stream.next().await.expect("the job's log goes on") {
            lines.extend(event.data["line"].as_str().map(str::to_owned));
        }
        lines
    }

    /// All jobs there are.
    pub async fn jobs(&self) -> Vec<Value> {
        let (status, page) = self.get("/jobs?limit=500").await;
        assert_eq!(status, 200, "{page:#}");
        page["items"].as_array().expect("a page").clone()
    }

    /// An agent's row.
    pub async fn agent(&self, name: &str) -> Value {
        let (status, agent) = self.get(&format!("/agents/{name}")).await;
        assert_eq!(status, 200, "{agent:#}");
        agent
    }
}

/// Whether nothing more will happen to a job.
pub fn is_final(job: &Value) -> bool {
    !matches!(job["state"].as_str(), None | Some("queued" | "running"))
}

/// A client that goes straight to loopback.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}

/// Status and document of a request; a body that is no JSON is given as a text.
pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a whole answer");
    let document = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, document)
}

/// Asks an address until it answers with a success, and gives its text.
pub async fn ask(url: &str) -> String {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let reason = match try_ask(url).await {
            Ok(text) => return text,
            Err(reason) => reason,
        };
        assert!(
            std::time::Instant::now() < deadline,
            "{url} does not answer: {reason}"
        );
        tokio::time::sleep(AGAIN).await;
    }
}

/// Asks an address once.
pub async fn try_ask(url: &str) -> Result<String, String> {
    let limit = Duration::from_secs(10);
    let sent = client().get(url).timeout(limit).send().await;
    let response = sent.map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let text = response.text().await;
    let text = text.map_err(|error| format!("cut off: {error:?}"))?;
    if status.is_success() {
        Ok(text)
    } else {
        Err(format!("{status}: {text}"))
    }
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub struct SseEvent {
    /// Its number, where the stream is numbered.
    pub id: Option<u64>,
    /// Its kind; empty for plain items.
    pub kind: String,
    /// Its document.
    pub data: Value,
}

/// Server-sent events as they come.
pub struct Stream {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Stream {
    /// Opens a stream; it must be one.
    pub async fn open(request: reqwest::RequestBuilder) -> Result<Self, String> {
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("{status}: {:?}", response.text().await));
        }
        Ok(Self {
            response,
            buffer: Vec::new(),
        })
    }

    /// The next event; none at the end; an error where it breaks off.
    pub async fn next(&mut self) -> Result<Option<SseEvent>, String> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(event) = parse(&String::from_utf8_lossy(&block)) {
                    return Ok(Some(event));
                }
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => return Ok(None),
                Err(error) => return Err(format!("{error:?}")),
            }
        }
    }
}

fn parse(block: &str) -> Option<SseEvent> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let data = field("data")?;
    Some(SseEvent {
        id: field("id").and_then(|id| id.parse().ok()),
        kind: field("event").unwrap_or_default().to_owned(),
        data: serde_json::from_str(data).expect("events carry JSON"),
    })
}
