//! The process runtime with real programs: what it starts, sees, adopts and ends.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt as _;
use nasiko_contract::ErrorCode;
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::inspect::{self, INSTALLATION_VARIABLE, ProcessIdentity};
use super::system::End;
use super::{ProcessConfig, ProcessRuntime};
use crate::{
    Artifact, Exit, Instance, InstanceId, InstanceState, Limits, LogLine, LogQuery, LogStream,
    PreparePlan, Progress, Requirements, RequirementsKind, Runtime, RuntimeError, RuntimeEvent,
    StartSpec, diagnose,
};

mod environments;
mod output;
mod programs;
mod standby;
mod survival;

const PATIENCE: Duration = Duration::from_secs(20);

const SERVER: &str = r#"
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("hello from " + os.environ["NASIKO_INSTANCE"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        print("served", self.path, file=sys.stderr)
server = http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
print("listening")
server.serve_forever()
"#;

/// A home and an agent's folder. Ends every program that was started over it.
struct Ground {
    home: tempfile::TempDir,
    folder: tempfile::TempDir,
    installation: String,
}

impl Ground {
    fn home(&self) -> &Path {
        self.home.path()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn instance_folder(&self, id: &str) -> PathBuf {
        self.home().join("instances").join(id)
    }

    async fn open(self) -> House {
        let runtime = open(self.home(), &self.installation, host_environment()).await;
        House {
            runtime,
            ground: self,
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for process in inspect::marked(INSTALLATION_VARIABLE, &self.installation) {
            process.end_group(End::Force);
            process.end(End::Force);
        }
    }
}

/// A runtime over a ground of its own.
struct House {
    runtime: ProcessRuntime,
    ground: Ground,
}

impl Deref for House {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl House {
    async fn new() -> Self {
        let ground = Ground {
            home: tempfile::tempdir().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            installation: uuid::Uuid::new_v4().to_string(),
        };
        ground.open().await
    }

    fn spec(&self, id: &str, program: &str) -> StartSpec {
        std::fs::write(self.folder().join("main.py"), program).unwrap();
        spec(id, self.folder(), &["python", "main.py"])
    }

    async fn start(&self, spec: &StartSpec) -> Result<Instance, RuntimeError> {
        self.runtime.start(spec, &CancellationToken::new()).await
    }

    /// Starts a program and waits for its end.
    async fn run(&self, id: &str, program: &str) -> Exit {
        let started = self.start(&self.spec(id, program)).await.unwrap();
        self.exit(&started.id).await
    }

    async fn exit(&self, id: &InstanceId) -> Exit {
        let cancel = CancellationToken::new();
        let waiting = self.runtime.wait_exit(id, &cancel);
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the program ends in time")
            .unwrap()
    }

    async fn lines(&self, id: &InstanceId) -> Vec<LogLine> {
        self.runtime
            .logs(id, LogQuery::default())
            .await
            .unwrap()
            .collect()
            .await
    }

    /// Loses the runtime as a crash would; what it started goes on.
    fn lose(self) -> Ground {
        self.ground
    }
}

fn host_environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

async fn open(
    home: &Path,
    installation: &str,
    environment: Vec<(OsString, OsString)>,
) -> ProcessRuntime {
    let config = ProcessConfig {
        home: home.to_owned(),
        installation: installation.to_owned(),
        environment,
    };
    ProcessRuntime::open(config).await.unwrap()
}

fn spec(id: &str, folder: &Path, command: &[&str]) -> StartSpec {
    StartSpec {
        agent: "greeter".to_owned(),
        deployment_id: id.to_owned(),
        owner: "me".to_owned(),
        version: "1.0.0".to_owned(),
        artifact: Artifact::Folder,
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        workdir: folder.to_owned(),
        env: Vec::new(),
        port: None,
        labels: BTreeMap::new(),
        limits: Limits::default(),
        overlay: None,
    }
}

fn get(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(b"GET /it HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Repeats until the answer is there; fails after [`PATIENCE`].
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn answered(address: SocketAddr) -> String {
    eventually("an answer", async || get(address)).await
}

/// The process ids that a program printed as `name=<pid>`.
async fn printed_pid(house: &House, id: &InstanceId, name: &str) -> ProcessIdentity {
    let prefix = format!("{name}=");
    eventually("the line with the process id", async || {
        let lines: Vec<_> = house
            .runtime
            .logs(id, LogQuery::default())
            .await
            .unwrap()
            .collect()
            .await;
        let pid = lines
            .iter()
            .find_map(|line| line.text.strip_prefix(&prefix)?.parse().ok())?;
        ProcessIdentity::of(pid)
    })
    .await
}
