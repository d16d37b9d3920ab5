//! Engines that are absent, do not answer, are the wrong one or too old. Where the engine has to be one that nobody has any
//! more, or one whose clock goes wrong, a double answers that speaks as much of the API as is asked of it.

use std::{
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{Json, Router, http::Uri};
use nasiko_contract::{Check, CheckState, FixCheck, GetStatus, RunDoctor};
use nasiko_engine::EngineConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fixtures::{around, assert_state, check, shows};
use crate::{
    ControlPlane,
    api::{self, Caller},
    doctor::{Surroundings, examine, run::quietly},
};

/// Where an engine of this person may be, below their home.
const USUAL: &str = ".docker/run/docker.sock";

/// An engine of other days: what it says of its version and of itself.
fn double(socket: &Path, version: Value, about: Value) -> tokio::task::JoinHandle<()> {
    let answer = move |uri: Uri| async move {
        let path = uri.path();
        Json(if path.ends_with("/version") {
            version
        } else if path.ends_with("/info") {
            about
        } else {
            json!("OK")
        })
    };
    fs_err::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = tokio::net::UnixListener::bind(socket).unwrap();
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

fn version(api: &str, architecture: &str) -> Value {
    json!({ "Version": "1.12.6", "ApiVersion": api, "MinAPIVersion": "1.12", "Arch": architecture, "Os": "linux" })
}

fn address(socket: &Path) -> String {
    format!("unix://{}", socket.display())
}

fn looking_at(home: &TempDir, engine: EngineConfig) -> Surroundings {
    let mut surroundings = around(home.path());
    surroundings.engine = engine;
    surroundings
}

async fn at(home: &TempDir, socket: &Path, name: &str) -> Check {
    check(looking_at(home, EngineConfig::at(address(socket))), name).await
}

/// This machine's own word.
fn here() -> &'static str {
    crate::doctor::engine::dockers_word(std::env::consts::ARCH)
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_a_failure_for_whoever_needs_one() {
    let home = TempDir::new().unwrap();
    let mut surroundings = around(home.path());
    let absent = check(surroundings.clone(), "engine.found").await;
    assert_state(&absent, CheckState::Warning);
    assert!(shows(&absent, "/no-engine-here.sock"), "{absent:#?}");
    surroundings.needs.engine = true;
    assert_state(
        &check(surroundings, "engine.found").await,
        CheckState::Failed,
    );
}

#[tokio::test]
async fn a_socket_without_anybody_behind_it_is_an_engine_that_is_stopped() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("docker.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let stopped = at(&home, &socket, "engine.running").await;
    assert_state(&stopped, CheckState::Warning);
    assert!(
        stopped.command.is_some() && stopped.hint.is_some(),
        "{stopped:#?}"
    );
}

#[tokio::test]
async fn an_engine_that_hangs_does_not_hold_up_the_rest() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("docker.sock");
    let _nobody_reads = UnixListener::bind(&socket).unwrap();
    let surroundings = looking_at(&home, EngineConfig::at(address(&socket)));
    let checkup = examine(&Arc::new(surroundings), &mut quietly).await;
    let state = |name: &str| {
        let found = checkup.checks.iter().find(|check| check.check == name);
        found.unwrap().state
    };
    assert_eq!(state("engine.running"), CheckState::Warning);
    assert_eq!(state("data.lock"), CheckState::Ok);
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_told() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("docker.sock");
    let _old = double(&socket, version("1.24", here()), json!({}));
    let old = at(&home, &socket, "engine.api").await;
    assert_state(&old, CheckState::Failed);
    assert!(old.cause.contains("1.24"), "{old:#?}");
}

#[tokio::test]
async fn an_engine_of_another_architecture_or_time_is_told() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("docker.sock");
    let about = json!({ "SystemTime": "2021-03-04T05:06:07.890Z" });
    let _strange = double(&socket, version("1.45", "s390x"), about);
    let other = at(&home, &socket, "engine.architecture").await;
    assert_state(&other, CheckState::Warning);
    assert!(other.cause.contains("s390x"), "{other:#?}");
    let late = at(&home, &socket, "engine.clock").await;
    assert_state(&late, CheckState::Warning);
    assert!(late.cause.contains("behind"), "{late:#?}");
    assert_state(&at(&home, &socket, "engine.api").await, CheckState::Ok);
}

#[tokio::test]
async fn of_two_engines_one_is_to_be_chosen() {
    let home = TempDir::new().unwrap();
    let time = jiff::Timestamp::now().to_string();
    let sockets: Vec<PathBuf> = [USUAL, ".orbstack/run/docker.sock"]
        .map(|path| home.path().join(path))
        .into();
    let _engines: Vec<_> = sockets
        .iter()
        .map(|socket| {
            double(
                socket,
                version("1.45", here()),
                json!({ "SystemTime": time }),
            )
        })
        .collect();
    let found = EngineConfig {
        socket_folders: vec![home.path().to_owned()],
        ..EngineConfig::default()
    };
    // Before these, the machine's own engine would be tried.
    let has_own = ["/var/run/docker.sock", "/run/podman/podman.sock"]
        .iter()
        .any(|path| Path::new(path).try_exists().unwrap());
    let two = check(looking_at(&home, found.clone()), "engine.choice").await;
    assert_state(&two, CheckState::Warning);
    let other = sockets[usize::from(!has_own)].display().to_string();
    assert!(shows(&two, &other), "{two:#?}");
    let named = EngineConfig {
        host: Some(address(&sockets[0])),
        ..found
    };
    let named = check(looking_at(&home, named), "engine.choice").await;
    assert_state(&named, CheckState::Ok);
}

/// A control plane that is told of a place where no engine is, while one answers at a usual place.
async fn misled(home: &TempDir) -> ControlPlane {
    let mut config =
        crate::tests::config(home.path(), "unix:///no-engine-here.sock", "nasiko-test");
    config.engine.socket_folders = vec![home.path().to_owned()];
    ControlPlane::open(config).await.unwrap()
}

#[tokio::test]
async fn a_wrong_docker_host_is_told_and_the_engine_that_answers_is_used_instead() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join(USUAL);
    let time = jiff::Timestamp::now().to_string();
    let _right = double(
        &socket,
        version("1.45", here()),
        json!({ "SystemTime": time }),
    );
    let plane = misled(&home).await;
    let caller = Caller::owner();
    let find = async || {
        let checkup = api::call(&plane, &caller, RunDoctor::default())
            .await
            .unwrap();
        let mut checks = checkup.checks.into_iter();
        checks
            .find(|check| check.check == "engine.address")
            .unwrap()
    };
    let wrong = find().await;
    assert_state(&wrong, CheckState::Failed);
    assert!(wrong.fix.is_some(), "{wrong:#?}");
    let request = FixCheck {
        check: "engine.address".to_owned(),
        agent: None,
    };
    let fixed = api::call(&plane, &caller, request.clone()).await.unwrap();
    assert!(fixed.changed && fixed.did.contains(USUAL), "{fixed:?}");
    assert_state(&find().await, CheckState::Ok);
    let status = api::call(&plane, &caller, GetStatus {}).await.unwrap();
    let engine = status.engine.expect("an engine is used");
    assert_eq!(engine.endpoint, address(&socket));
    assert!(
        engine.why.contains("until the control plane ends"),
        "{engine:?}"
    );
    let again = api::call(&plane, &caller, request).await.unwrap();
    assert!(!again.changed, "{again:?}");
    plane.close().await;
}
