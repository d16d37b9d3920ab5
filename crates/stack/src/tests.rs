//! Stacks in a real engine. Without one each test says that it was skipped, and why.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_engine::{Engine, EngineConfig};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::compose::{self, Project, Request};
use crate::observed::{Container, Health, State};
use crate::plan::{Action, Reason};
use crate::{DownOptions, HashKey, Outcome, Phase, Progress, Stack, StackError, UpOptions};

mod control;
mod failing;
mod lifecycle;
mod others;
mod registry;
mod together;
mod watching;

const PATIENCE: Duration = Duration::from_secs(60);
const IMAGE: &str = "busybox:latest";

/// A project of its own in the engine. Removes all that is in it when dropped.
struct Corner {
    host: String,
    stack: Stack,
    name: String,
    folder: tempfile::TempDir,
    told: Arc<Mutex<Vec<Progress>>>,
}

impl Corner {
    async fn new(test: &str) -> Option<Self> {
        let given = std::env::var("NASIKO_TEST_DOCKER_HOST").ok();
        let host = given.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
        let engine = engine(&host);
        let reason = match engine.client().await {
            Err(error) => error.to_string(),
            Ok(client) => match client.inspect_image(IMAGE).await {
                Err(error) => format!("{IMAGE}: {error}"),
                Ok(_) => {
                    return Some(Self {
                        host,
                        stack: Stack::new(engine, HashKey::new([1; 32])),
                        name: format!("nasiko-test-{}", uuid::Uuid::new_v4().simple()),
                        folder: tempfile::tempdir().unwrap(),
                        told: Arc::default(),
                    });
                }
            },
        };
        skip(test, &reason);
        None
    }

    fn read(&self, text: &str) -> Project {
        let file = self.folder.path().join("compose.yml");
        fs_err::write(&file, text).unwrap();
        let request = Request {
            files: vec![file],
            name: Some(self.name.clone()),
            ..Request::default()
        };
        compose::load(&request).unwrap_or_else(|error| panic!("{error}"))
    }

    async fn up_with(&self, text: &str, options: &UpOptions) -> Result<Outcome, StackError> {
        let project = self.read(text);
        let never = CancellationToken::new();
        self.up_until(&project, options, &never).await
    }

    async fn up_until(
        &self,
        project: &Project,
        options: &UpOptions,
        cancel: &CancellationToken,
    ) -> Result<Outcome, StackError> {
        let told = Arc::clone(&self.told);
        let sink = move |progress| told.lock().push(progress);
        let up = self.stack.up(project, options, &sink, cancel);
        tokio::time::timeout(PATIENCE, up)
            .await
            .expect("up ends in time")
    }

    async fn up(&self, text: &str) -> Result<Outcome, StackError> {
        self.up_with(text, &UpOptions::default()).await
    }

    async fn down(&self, volumes: bool) -> Result<(), StackError> {
        let (never, quiet) = (CancellationToken::new(), |_: Progress| {});
        let options = DownOptions { volumes };
        self.stack.down(&self.name, options, &quiet, &never).await
    }

    async fn status(&self) -> Vec<Container> {
        self.stack.status(&self.name).await.unwrap()
    }

    async fn container(&self, service: &str) -> Container {
        let found = self.status().await;
        let found = found.into_iter().find(|found| found.service == service);
        found.unwrap_or_else(|| panic!("there is no container of {service}"))
    }

    /// What a command in a service writes.
    async fn run(&self, service: &str, command: &[&str]) -> (i64, String) {
        let written = Mutex::new(Vec::new());
        let exec = crate::Exec {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            ..crate::Exec::default()
        };
        let take = |output: crate::ExecOutput| written.lock().extend_from_slice(&output.bytes);
        let never = CancellationToken::new();
        let code = self
            .stack
            .exec(&self.name, service, exec, &take, &never)
            .await
            .unwrap();
        let text = String::from_utf8(written.lock().clone()).unwrap();
        (code, text)
    }

    /// The phases a service went through.
    fn phases(&self, service: &str) -> Vec<Phase> {
        let told = self.told.lock();
        let of = |progress: &Progress| match progress {
            Progress::Service { service: of, phase } if of == service => Some(phase.clone()),
            _ => None,
        };
        told.iter().filter_map(of).collect()
    }
}

impl Drop for Corner {
    fn drop(&mut self) {
        let (host, name) = (self.host.clone(), self.name.clone());
        let tidy = move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async move {
                let stack = Stack::new(engine(&host), HashKey::new([1; 32]));
                let options = DownOptions { volumes: true };
                let (quiet, never) = (|_: Progress| {}, CancellationToken::new());
                let _ = stack.down(&name, options, &quiet, &never).await;
            });
        };
        std::thread::spawn(tidy).join().unwrap();
    }
}

fn engine(host: &str) -> Arc<Engine> {
    Arc::new(Engine::new(EngineConfig {
        host: Some(host.to_owned()),
        ..EngineConfig::default()
    }))
}

fn skip(test: &str, reason: &str) {
    let Some(file) = std::env::var_os("NASIKO_TEST_SKIPS") else {
        println!("SKIP {test}: {reason}");
        return;
    };
    let mut file = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .unwrap();
    writeln!(file, "SKIP {test}: {reason}").unwrap();
}

/// A port that nothing holds.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
