//! The whole control plane in this process, over a data directory and programs that are real.

#[path = "../../store/tests/store/servers.rs"]
#[expect(dead_code, reason = "the store's own tests do more with them")]
pub(crate) mod servers;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use nasiko_contract::{
    AgentName, AgentState, DeployArchive, DeployDirectory, DeployOptions, Job, JobState,
    RuntimeKind, StopAgent,
};
use nasiko_store::{FeedItem, SecretString};
use tempfile::TempDir;

use crate::{
    Config, ControlPlane, Listeners,
    api::{self, Caller, UploadedFile},
    plane::Shared,
    secrets::Belongs,
};

/// How long anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Answers once; started again, it ends at once.
const FRAGILE: &str = r#"
import http.server, os, pathlib, sys
started = pathlib.Path("started")
if started.exists():
    sys.exit(3)
started.touch()
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

pub(crate) async fn open(home: &Path) -> ControlPlane {
    open_with(home, "unix:///no-engine-here.sock", "nasiko-test").await
}

/// With an engine, and a network of that name.
pub(crate) async fn open_with(home: &Path, engine: &str, network: &str) -> ControlPlane {
    let config = config(home, engine, network);
    ControlPlane::open(config).await.unwrap()
}

/// What a control plane of a test opens with.
pub(crate) fn config(home: &Path, engine: &str, network: &str) -> Config {
    let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
    Config {
        home: home.to_owned(),
        listeners: Listeners {
            gateway: listener(),
            admin: listener(),
            otlp_http: listener(),
            otlp_grpc: listener(),
        },
        api: ([127, 0, 0, 1], 1).into(),
        notices: Vec::new(),
        engine: nasiko_engine::EngineConfig::at(engine),
        docker_network: network.to_owned(),
        // Not the keyring of the person who runs the tests.
        patience: Duration::ZERO,
        environment: std::iter::once(("NASIKO_VAULT_KEYRING".into(), "none".into()))
            .chain(std::env::vars_os())
            .collect(),
    }
}

pub(crate) async fn end_of(shared: &Shared, job: &Job) -> Job {
    let jobs = shared.store.jobs();
    let ended = tokio::time::timeout(PATIENCE, jobs.wait_for_end(job.id.as_str())).await;
    crate::jobs::shown(ended.expect("a job ends").unwrap())
}

/// Waits for the events, whatever they are, until `done`.
pub(crate) async fn until(shared: &Arc<Shared>, what: &str, done: impl AsyncFn() -> bool) {
    let mut feed = shared.store.subscribe(None);
    let waiting = async {
        while !done().await {
            match feed.next().await.unwrap() {
                FeedItem::Event(_) | FeedItem::Gap { .. } => {}
            }
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "{what}"
    );
}

/// Looks again and again until it is so, for what changes without an event.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    const STEP: Duration = Duration::from_millis(20);
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(STEP).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, looking).await;
    assert!(in_time.is_ok(), "{what}");
}

#[tokio::test]
async fn what_earlier_jobs_left_goes_at_the_start() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let left = Belongs::Job("never-accepted");
    let value = SecretString::from("value");
    plane.shared.seal(left, "KEY", value).await.unwrap();
    plane.close().await;
    drop(plane);
    let folders = ["unpack/a", "uploads/b", "sources/nobody"].map(|name| home.path().join(name));
    for folder in &folders {
        fs_err::create_dir_all(folder).unwrap();
        fs_err::write(folder.join("file"), "content").unwrap();
    }
    let cache = home.path().join("snapshots/0123456789abcdef");
    fs_err::create_dir_all(cache.parent().unwrap()).unwrap();
    fs_err::write(&cache, "hashes").unwrap();

    let plane = open(home.path()).await;
    assert!(plane.shared.reveal(left).await.unwrap().is_empty());
    let there = |path: &PathBuf| path.try_exists().unwrap();
    eventually("files of nobody go", async || {
        !there(&cache) && !folders.iter().any(there)
    })
    .await;
    plane.close().await;
}

#[tokio::test]
async fn an_upload_that_was_accepted_before_is_not_kept_twice() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let caller = Caller::owner().with_idempotency_key("once");
    let mut jobs = Vec::new();
    for name in ["first.zip", "second.zip"] {
        let path = home.path().join(name);
        // An archive with nothing in it.
        let mut empty = b"PK\x05\x06".to_vec();
        empty.resize(22, 0);
        fs_err::write(&path, empty).unwrap();
        let file = UploadedFile {
            name: name.to_owned(),
            path,
        };
        let request = DeployArchive {
            options: DeployOptions {
                env: [("KEY".to_owned(), "value".to_owned())].into(),
                ..DeployOptions::default()
            },
        };
        jobs.push(api::upload(&plane, &caller, request, file).await.unwrap());
    }
    assert_eq!(jobs[0].id, jobs[1].id);
    let ended = end_of(&plane.shared, &jobs[0]).await;
    assert_eq!(ended.state, JobState::Failed);
    let kept = fs_err::read_dir(home.path().join("uploads")).unwrap();
    assert_eq!(kept.count(), 0);
    let sealed = plane.shared.vault.agents().await.unwrap();
    assert!(
        !sealed.iter().any(|belongs| belongs.starts_with("job/")),
        "{sealed:?}"
    );
    plane.close().await;
}

#[tokio::test]
async fn a_stop_counts_for_more_than_a_start_of_our_own() {
    let home = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    fs_err::write(folder.path().join("main.py"), FRAGILE).unwrap();
    let plane = open(home.path()).await;
    let (shared, caller) = (&plane.shared, Caller::owner());
    let name: AgentName = "fragile".into();
    let request = DeployDirectory {
        directory_path: folder.path().display().to_string(),
        options: DeployOptions {
            agent_name: Some(name.to_string()),
            runtime: Some(RuntimeKind::Process),
            ..DeployOptions::default()
        },
    };
    let deployed = api::call(&plane, &caller, request).await.unwrap();
    let deployed = end_of(shared, &deployed).await;
    assert_eq!(deployed.state, JobState::Succeeded, "{:?}", deployed.fault);

    let running = shared.runtime(RuntimeKind::Process).list().await.unwrap();
    let killed = Command::new("kill")
        .args(["-9", &running[0].handle])
        .status();
    assert!(killed.unwrap().success());
    until(
        shared,
        "a start that fails is followed by another",
        async || {
            let agent = shared.agent(&name).await.unwrap().value;
            agent.restarts >= 2 && agent.activity.starts_with("Starting again")
        },
    )
    .await;

    let request = StopAgent {
        agent: name.clone(),
    };
    let stopped = api::call(&plane, &caller, request).await.unwrap();
    let stopped = end_of(shared, &stopped).await;
    assert_eq!(stopped.state, JobState::Succeeded);
    until(
        shared,
        "the start that waited comes to nothing",
        async || {
            let open = nasiko_store::JobQuery {
                states: vec![
                    nasiko_store::JobState::Queued,
                    nasiko_store::JobState::Running,
                ],
                ..nasiko_store::JobQuery::default()
            };
            shared
                .store
                .jobs()
                .list(&open)
                .await
                .unwrap()
                .items
                .is_empty()
        },
    )
    .await;
    let agent = shared.agent(&name).await.unwrap().value;
    assert_eq!(agent.state, AgentState::Stopped);
    assert_eq!(agent.activity, "");
    let request = nasiko_contract::DeleteAgent { agent: name };
    let removed = api::call(&plane, &caller, request).await.unwrap();
    assert_eq!(end_of(shared, &removed).await.state, JobState::Succeeded);
    let left = shared.runtime(RuntimeKind::Process).list().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    plane.close().await;
}
