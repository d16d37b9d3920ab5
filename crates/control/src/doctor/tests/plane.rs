//! Checks that need a control plane: its agents, its jobs, its key.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use nasiko_contract::{
    AgentName, AgentState, Check, CheckState, DeployDirectory, DeployOptions, ErrorCode, FixCheck,
    Job, JobState, RunDoctor, RuntimeKind, StartWatch, StopAgent,
};
use nasiko_store::SecretString;
use tempfile::TempDir;

use super::fixtures::{assert_state, shows};
use crate::{
    ControlPlane,
    api::{self, Caller},
    jobs::{Work, new_job},
    records::Source,
    secrets::Belongs,
    tests::{end_of, open, until},
};

/// Answers at a port, once what comes first has run.
fn answering(first: &str, port: &str) -> String {
    format!(
        "import http.server, os, pathlib, sys\n{first}\n\
         class Answer(http.server.BaseHTTPRequestHandler):\n    \
         def do_GET(self):\n        self.send_response(200)\n        self.end_headers()\n\
         http.server.HTTPServer(('127.0.0.1', {port}), Answer).serve_forever()\n"
    )
}

const PORT: &str = "int(os.environ['PORT'])";

async fn deploy(plane: &ControlPlane, folder: &Path, name: &str) -> Job {
    let request = DeployDirectory {
        directory_path: folder.display().to_string(),
        options: DeployOptions {
            agent_name: Some(name.to_owned()),
            runtime: Some(RuntimeKind::Process),
            ..DeployOptions::default()
        },
    };
    let job = api::call(plane, &Caller::owner(), request).await.unwrap();
    end_of(&plane.shared, &job).await
}

fn program(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs_err::write(folder.path().join("main.py"), text).unwrap();
    folder
}

/// What is found of an agent, or of all.
async fn found(plane: &ControlPlane, check: &str, agent: Option<&str>) -> Check {
    let request = RunDoctor {
        agent: agent.map(Into::into),
    };
    let checkup = api::call(plane, &Caller::owner(), request).await.unwrap();
    let found = checkup
        .checks
        .into_iter()
        .find(|found| found.check == check);
    found.unwrap_or_else(|| panic!("there is no check {check}"))
}

async fn stop(plane: &ControlPlane, name: &str) {
    let request = StopAgent { agent: name.into() };
    let job = api::call(plane, &Caller::owner(), request).await.unwrap();
    end_of(&plane.shared, &job).await;
}

#[tokio::test]
async fn an_agent_that_crashes_again_and_again_is_told_and_started_again() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let fragile = "started = pathlib.Path('started')\nif started.exists():\n    sys.exit('it cannot start twice')\nstarted.touch()";
    let folder = program(&answering(fragile, PORT));
    let name: AgentName = "fragile".into();
    let deployed = deploy(&plane, folder.path(), "fragile").await;
    assert_eq!(deployed.state, JobState::Succeeded, "{:?}", deployed.fault);
    assert_state(
        &found(&plane, "agent.health", Some("fragile")).await,
        CheckState::Ok,
    );

    let shared = &plane.shared;
    let running = shared.runtime(RuntimeKind::Process).list().await.unwrap();
    let killed = Command::new("kill")
        .args(["-9", &running[0].handle])
        .status();
    assert!(killed.unwrap().success());
    let crashes = async || shared.agent(&name).await.unwrap().value.restarts >= 3;
    until(shared, "it is started again and again", crashes).await;
    let looping = found(&plane, "agent.health", None).await;
    assert_state(&looping, CheckState::Failed);
    assert_eq!(looping.agent.as_ref(), Some(&name));
    assert!(looping.fix.is_some(), "{looping:#?}");

    fs_err::remove_file(folder.path().join("started")).unwrap();
    let request = FixCheck {
        check: "agent.health".to_owned(),
        agent: Some(name.clone()),
    };
    let fixed = api::call(&plane, &Caller::owner(), request.clone())
        .await
        .unwrap();
    assert!(fixed.changed, "{fixed:?}");
    let answers = async || shared.agent(&name).await.unwrap().value.state == AgentState::Active;
    until(shared, "it answers again", answers).await;
    stop(&plane, "fragile").await;
    let stopped = api::call(&plane, &Caller::owner(), request).await.unwrap();
    assert!(
        !stopped.changed,
        "what a person stopped stays so: {stopped:?}"
    );
    plane.close().await;
}

#[tokio::test]
async fn a_variable_that_nobody_gives_is_told_with_where_it_is_read() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let folder = program(&answering("key = os.environ['GREETER_KEY']", PORT));
    let deployed = deploy(&plane, folder.path(), "greeter").await;
    assert_eq!(deployed.state, JobState::Failed, "{deployed:?}");
    let missing = found(&plane, "agent.variables", Some("greeter")).await;
    assert_state(&missing, CheckState::Failed);
    assert!(shows(&missing, "GREETER_KEY at main.py:2"), "{missing:#?}");
    let command = "nasiko secret set greeter GREETER_KEY";
    assert_eq!(missing.command.as_deref(), Some(command));
    let health = found(&plane, "agent.health", Some("greeter")).await;
    assert_state(&health, CheckState::Failed);
    assert!(
        health.fix.is_none(),
        "there is no version to start: {health:#?}"
    );

    let greeter: AgentName = "greeter".into();
    let value = SecretString::from("value");
    let sealed = plane
        .shared
        .seal(Belongs::Agent(&greeter), "GREETER_KEY", value)
        .await;
    sealed.unwrap();
    let deployed = deploy(&plane, folder.path(), "greeter").await;
    assert_eq!(deployed.state, JobState::Succeeded, "{:?}", deployed.fault);
    assert_state(
        &found(&plane, "agent.variables", Some("greeter")).await,
        CheckState::Ok,
    );
    stop(&plane, "greeter").await;
    plane.close().await;
}

#[tokio::test]
async fn an_agent_that_listens_elsewhere_than_it_is_told_to_is_told() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let folder = program(&answering("", &port));
    let deployed = deploy(&plane, folder.path(), "stubborn").await;
    assert_eq!(deployed.state, JobState::Succeeded, "{:?}", deployed.fault);
    let elsewhere = found(&plane, "agent.port", Some("stubborn")).await;
    assert_state(&elsewhere, CheckState::Warning);
    assert!(elsewhere.cause.contains(&port), "{elsewhere:#?}");
    stop(&plane, "stubborn").await;
    plane.close().await;
}

#[tokio::test]
async fn a_card_that_cannot_be_read_is_told_with_its_file() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let folder = program(&answering("", PORT));
    deploy(&plane, folder.path(), "carded").await;
    let well = found(&plane, "agent.card", Some("carded")).await;
    assert_state(&well, CheckState::Ok);
    let card = folder.path().join("AgentCard.json");
    fs_err::write(card, "{\n  \"name\": \"x\",\n").unwrap();
    let deployed = deploy(&plane, folder.path(), "carded").await;
    let fault = deployed.fault.expect("it is refused");
    assert_eq!(fault.code, ErrorCode::CardBroken);
    let broken = found(&plane, "agent.card", Some("carded")).await;
    assert_state(&broken, CheckState::Failed);
    assert!(broken.cause.contains("AgentCard.json"), "{broken:#?}");
    stop(&plane, "carded").await;
    plane.close().await;
}

#[tokio::test]
async fn a_watched_folder_that_is_gone_is_told() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let folder = program(&answering("", PORT));
    deploy(&plane, folder.path(), "watched").await;
    let name: AgentName = "watched".into();
    let request = StartWatch {
        agent: name.clone(),
    };
    api::call(&plane, &Caller::owner(), request).await.unwrap();
    let shared = &plane.shared;
    let agent = async || shared.agent(&name).await.unwrap().value;
    let watches = async || shared.watch_of(&agent().await).files > 0;
    until(shared, "it is watched", watches).await;
    assert_state(
        &found(&plane, "agent.watch", Some("watched")).await,
        CheckState::Ok,
    );
    folder.close().unwrap();
    let is_lost = async || shared.watch_of(&agent().await).fault.is_some();
    until(shared, "its folder is missed", is_lost).await;
    let lost = found(&plane, "agent.watch", Some("watched")).await;
    assert_state(&lost, CheckState::Failed);
    stop(&plane, "watched").await;
    plane.close().await;
}

#[tokio::test]
async fn a_job_that_was_given_up_is_told() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    assert_state(
        &found(&plane, "jobs.dead-letters", None).await,
        CheckState::Ok,
    );
    // It wants an engine, and there is none: worth another try, of which it has none left.
    let folder = program("");
    fs_err::write(
        folder.path().join("Dockerfile"),
        "FROM scratch\nCMD [\"x\"]\n",
    )
    .unwrap();
    let work = Work::Deploy {
        source: Source::Folder {
            path: folder.path().to_owned(),
        },
        name: Some("nowhere".into()),
        runtime: Some(RuntimeKind::Docker),
        force: false,
        replace: false,
        watch: None,
        order: None,
    };
    let job = new_job(&work, None).unwrap().max_attempts(1);
    let job = plane.shared.enqueue(job).await.unwrap();
    let ended = end_of(&plane.shared, &job).await;
    assert_eq!(ended.state, JobState::Dead, "{ended:?}");
    let dead = found(&plane, "jobs.dead-letters", None).await;
    assert_state(&dead, CheckState::Warning);
    assert!(shows(&dead, job.id.as_str()), "{dead:#?}");
    assert_state(
        &found(&plane, "engine.found", None).await,
        CheckState::Failed,
    );
    plane.close().await;
}

/// A registry of packages over HTTPS whose certificate nobody trusts.
struct Registry {
    server: Child,
    address: String,
    _folder: TempDir,
}

impl Registry {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-days",
                "2",
            ])
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let program = "import http.server, ssl\n\
            server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n\
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n\
            context.load_cert_chain('certificate.pem', 'key.pem')\n\
            server.socket = context.wrap_socket(server.socket, server_side=True)\n\
            print(server.server_port, flush=True)\n\
            server.serve_forever()";
        let mut server = Command::new("python3")
            .args(["-c", program])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let output = server.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut port).unwrap();
        Self {
            server,
            address: format!("https://localhost:{}/simple", port.trim()),
            _folder: folder,
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn a_certificate_that_no_tool_trusts_is_told_with_what_the_tool_said() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let registry = Registry::start();
    let folder = program(&answering("", PORT));
    let requirements = format!("--index-url {}\nnothing-of-this-name\n", registry.address);
    fs_err::write(folder.path().join("requirements.txt"), requirements).unwrap();
    let deployed = deploy(&plane, folder.path(), "behind").await;
    assert_eq!(deployed.state, JobState::Failed, "{deployed:?}");
    let found = found(&plane, "network.interception", None).await;
    assert_state(&found, CheckState::Failed);
    assert!(shows(&found, "behind: "), "{found:#?}");
    plane.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_well_is_left_alone() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let caller = Caller::owner();
    let ask = async |check: &str, agent: Option<&str>| {
        let request = FixCheck {
            check: check.to_owned(),
            agent: agent.map(Into::into),
        };
        api::call(&plane, &caller, request).await
    };
    assert_eq!(
        ask("no.such", None).await.unwrap_err().code,
        ErrorCode::NotFound
    );
    let nobody = ask("agent.health", Some("nobody")).await.unwrap_err();
    assert_eq!(nobody.code, ErrorCode::AgentNotFound);
    assert!(!ask("data.lock", None).await.unwrap().changed);
    plane.close().await;
}
