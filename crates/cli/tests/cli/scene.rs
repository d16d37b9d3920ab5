//! A data directory, a resident that records, and the program.

use std::{path::PathBuf, process::Stdio, time::Duration};

use nasiko_client::resident::Endpoint;
use nasiko_contract::{GetStatus, Status};
use nasiko_server::testing::{OWNER_TOKEN, RecordingPlane, Reply, TestServer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

/// How long a command may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// The program on a data directory of its own.
pub(crate) fn program(home: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nasiko"));
    command
        .args(words)
        .env("NASIKO_HOME", home.path())
        .env("NO_COLOR", "1")
        // No engine: these tests must not touch the one of this machine.
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        // Nor its keyring.
        .env("NASIKO_VAULT_KEYRING", "none")
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in ["API", "GATEWAY", "ADMIN", "OTLP_GRPC", "OTLP_HTTP"] {
        command.env(format!("NASIKO_{name}_PORT"), "0");
    }
    command
}

/// Runs it to its end.
pub(crate) async fn finish(mut command: Command, input: Option<&str>) -> Ran {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input.as_bytes()).await.unwrap();
    }
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("the program must end")
        .unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A resident that records, found by the program like a real one.
pub(crate) struct Scene {
    pub(crate) home: TempDir,
    server: TestServer,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = TestServer::start().unwrap();
        let pid = std::process::id();
        let endpoint = Endpoint {
            pid,
            api: server.address.clone(),
            token: OWNER_TOKEN.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        endpoint.write(home.path()).unwrap();
        let status = Status {
            pid,
            version: "1.2.3".to_owned(),
            api: "http://127.0.0.1:8000".to_owned(),
            ..Status::default()
        };
        let status = serde_json::to_value(status).unwrap();
        server.plane.reply::<GetStatus>(Reply::Document(status));
        Self { home, server }
    }

    pub(crate) fn plane(&self) -> &RecordingPlane {
        &self.server.plane
    }

    pub(crate) fn program(&self, words: &[&str]) -> Command {
        program(&self.home, words)
    }

    pub(crate) async fn run(&self, words: &[&str]) -> Ran {
        finish(self.program(words), None).await
    }

    /// A folder to deploy.
    pub(crate) fn folder(&self) -> PathBuf {
        let folder = self.home.path().join("agent");
        std::fs::create_dir_all(&folder).unwrap();
        folder.canonicalize().unwrap()
    }
}

/// A job in some state.
pub(crate) fn job(state: &str, more: &Value) -> Value {
    let mut job = json!({
        "id": "job-1", "kind": "deploy", "agent": "greeter", "state": state, "progress": 0.5,
        "step": "Starting", "attempt": 1, "created": 1, "result": null,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        job[name] = value.clone();
    }
    job
}

/// A deploy that went well.
pub(crate) fn deployed() -> Value {
    let result = json!({
        "agent": "greeter", "version": "1.0.0", "runtime": "process", "url": "http://127.0.0.1:9100/greeter",
        "unchanged": false, "seconds": {"read": 0.1, "prepare": 0.2, "start": 0.3, "total": 0.6},
    });
    job("succeeded", &json!({ "progress": 1.0, "result": result }))
}

/// An agent that answers.
pub(crate) fn agent() -> Value {
    json!({
        "name": "greeter", "description": "Greets people", "state": "active", "activity": "", "runtime": "process",
        "version": "1.0.0", "url": "http://127.0.0.1:9100/greeter", "restarts": 2, "since": 1_700_000_000_000_i64,
        "created": 1_700_000_000_000_i64, "source": "/agents/greeter", "protocol": "a2a-0.3",
    })
}

/// A page that is the last one.
pub(crate) fn page(items: &[Value]) -> Reply {
    Reply::Document(json!({ "items": items }))
}
