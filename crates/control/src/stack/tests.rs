//! The stack without an engine: what is declared, what is remembered, what is sealed, and what is refused.

use std::path::Path;

use nasiko_contract::{
    ErrorCode, Fault, FollowStackLogs, GetStack, GetStatus, JobKind, JobState, ServiceState,
    StackDown, StackUp, StartService,
};
use nasiko_store::ExposeSecret;
use tempfile::TempDir;

use super::{StackRecord, files::PASSWORDS, project_of};
use crate::{
    ControlPlane,
    api::{self, Caller},
    secrets::Belongs,
    tests::{end_of, open},
};

const SERVICES: &str = "
services:
  one:
    image: busybox
    environment: {PASSWORD_IS: '${NASIKO_STACK_REDIS_PASSWORD}'}
  two:
    image: busybox
    profiles: [extra]
";

async fn up(plane: &ControlPlane, request: StackUp) -> Result<nasiko_contract::Job, Fault> {
    api::call(plane, &Caller::owner(), request).await
}

async fn down(plane: &ControlPlane, request: StackDown) -> Result<nasiko_contract::Job, Fault> {
    api::call(plane, &Caller::owner(), request).await
}

async fn stack_of(plane: &ControlPlane) -> nasiko_contract::Stack {
    api::call(plane, &Caller::owner(), GetStack {})
        .await
        .unwrap()
}

fn with_file(path: &Path) -> StackUp {
    StackUp {
        files: Some(vec![path.display().to_string()]),
        ..StackUp::default()
    }
}

#[tokio::test]
async fn the_product_has_a_stack_and_none_of_it_is_on() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let stack = api::call(&plane, &Caller::owner(), GetStack {})
        .await
        .unwrap();
    assert!(!stack.on);
    assert_eq!(stack.project, "nasiko-test");
    assert_eq!(stack.files, ["stack.yml"]);
    let profiles: Vec<(&str, bool)> = stack
        .profiles
        .iter()
        .map(|profile| (profile.name.as_str(), profile.enabled))
        .collect();
    assert_eq!(
        profiles,
        [("core", false), ("traces", false), ("gateway-kong", false)]
    );
    let services: Vec<&str> = stack
        .services
        .iter()
        .map(|service| service.service.as_str())
        .collect();
    assert_eq!(services, ["redis", "mongodb", "jaeger", "kong"]);
    for service in &stack.services {
        assert_eq!(service.state, ServiceState::Absent);
        assert!(!service.image.is_empty(), "{service:?}");
        assert_eq!(service.profiles.len(), 1, "none is on by itself");
    }
    let fault = stack.fault.expect("there is no engine");
    assert_eq!(fault.code, ErrorCode::EngineAbsent);

    let refused = up(&plane, StackUp::default()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidRequest);
    assert!(refused.hint.unwrap().contains("core, traces, gateway-kong"));
    let status = api::call(&plane, &Caller::owner(), GetStatus {})
        .await
        .unwrap();
    assert_eq!(status.stack, []);
    plane.close().await;
}

#[tokio::test]
async fn everything_of_the_product_listens_on_loopback_and_passwords_are_no_variables() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let project = plane.shared.declared(&[]).await.unwrap();
    let passwords = plane.shared.reveal(Belongs::Stack).await.unwrap();
    assert_eq!(passwords.len(), PASSWORDS.len());
    for service in project.services.values() {
        for port in &service.ports {
            assert_eq!(port.value.host_ip.as_deref(), Some("127.0.0.1"));
        }
        let shown = format!(
            "{:?} {:?} {:?} {:?}",
            service.environment, service.command, service.labels, service.healthcheck
        );
        for (name, password) in &passwords {
            assert!(
                !shown.contains(password.expose_secret()),
                "{name} in {}",
                service.name
            );
        }
    }
    plane.close().await;
}

#[tokio::test]
async fn passwords_are_made_once_and_lie_nowhere_in_plain() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    plane.shared.declared(&[]).await.unwrap();
    let first = plane.shared.reveal(Belongs::Stack).await.unwrap();
    plane.close().await;
    drop(plane);
    let plane = open(home.path()).await;
    plane.shared.declared(&[]).await.unwrap();
    let second = plane.shared.reveal(Belongs::Stack).await.unwrap();
    plane.close().await;
    for ((name, one), (_, other)) in first.iter().zip(&second) {
        assert_eq!(one.expose_secret(), other.expose_secret(), "{name}");
        assert_eq!(one.expose_secret().len(), 32);
    }
    assert_ne!(first[0].1.expose_secret(), first[1].1.expose_secret());
    let mut open = vec![home.path().to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs_err::read_dir(&path)
                    .unwrap()
                    .map(|found| found.unwrap().path()),
            );
            continue;
        }
        let content = fs_err::read(&path).unwrap();
        for (name, password) in &first {
            let password = password.expose_secret().as_bytes();
            let is_there = content.windows(password.len()).any(|part| part == password);
            assert!(!is_there, "{name} lies in {}", path.display());
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_files_is_said_before_anything_is_begun() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let file = home.path().join("mine.yml");

    let relative = StackUp {
        files: Some(vec!["mine.yml".to_owned()]),
        ..StackUp::default()
    };
    let fault = up(&plane, relative).await.unwrap_err();
    assert_eq!(fault.code, ErrorCode::InvalidRequest);
    assert!(fault.hint.is_some());

    let fault = up(&plane, with_file(&file)).await.unwrap_err();
    assert!(fault.evidence[0].contains("mine.yml"), "{fault:?}");

    let bad = "services:\n  one:\n    image: busybox\n    comand: [true]\n";
    fs_err::write(&file, bad).unwrap();
    let fault = up(&plane, with_file(&file)).await.unwrap_err();
    assert_eq!(fault.code, ErrorCode::InvalidRequest);
    assert!(fault.evidence[0].contains("mine.yml:4"), "{fault:?}");
    assert!(fault.hint.unwrap().contains("command"));

    fs_err::write(&file, SERVICES).unwrap();
    let unknown = StackUp {
        profiles: vec!["extr".to_owned()],
        ..with_file(&file)
    };
    let fault = up(&plane, unknown).await.unwrap_err();
    assert!(fault.hint.unwrap().contains("extra"));

    let jobs = plane.shared.store.jobs();
    let none = jobs.list(&nasiko_store::JobQuery::default()).await.unwrap();
    assert!(none.items.is_empty(), "no job was made of any of them");
    assert_eq!(
        plane.shared.stack_record().await.unwrap(),
        StackRecord::default()
    );
    plane.close().await;
}

#[tokio::test]
async fn without_an_engine_it_is_wanted_waited_for_and_switched_off() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let file = home.path().join("mine.yml");
    fs_err::write(&file, SERVICES).unwrap();
    // Who asks for something new is told that it cannot be had now, at once and not after many tries.
    let job = up(&plane, with_file(&file)).await.unwrap();
    assert_eq!(job.kind, JobKind::StackUp);
    let ended = end_of(&plane.shared, &job).await;
    let fault = ended.fault.unwrap();
    assert_eq!(fault.code, ErrorCode::EngineAbsent);
    assert!(fault.hint.unwrap().contains("comes up by itself"));
    assert_eq!(ended.attempt, 1);
    let stack = stack_of(&plane).await;
    assert!(stack.on && stack.waiting);

    // Who only wants it to be there again waits.
    let again = StackUp {
        wait: true,
        ..StackUp::default()
    };
    let job = up(&plane, again).await.unwrap();
    let ended = end_of(&plane.shared, &job).await;
    assert_eq!(ended.state, JobState::Succeeded, "{ended:?}");
    assert!(ended.result["waiting"].is_string());
    let notices = |status: nasiko_contract::Status| status.notices.join("; ");
    let status = api::call(&plane, &Caller::owner(), GetStatus {}).await;
    assert!(notices(status.unwrap()).contains("waits for the container engine"));
    plane.close().await;
    drop(plane);

    // It is not forgotten with the control plane, and can be switched off all the same.
    let plane = open(home.path()).await;
    assert!(stack_of(&plane).await.waiting);
    let part = StackDown {
        files: vec![file.display().to_string()],
        ..StackDown::default()
    };
    let job = down(&plane, part).await.unwrap();
    let refused = end_of(&plane.shared, &job).await;
    assert_eq!(refused.fault.unwrap().code, ErrorCode::EngineAbsent);
    let job = down(&plane, StackDown::default()).await.unwrap();
    let ended = end_of(&plane.shared, &job).await;
    assert_eq!(ended.state, JobState::Succeeded, "{ended:?}");
    let stack = stack_of(&plane).await;
    assert!(!stack.on && stack.waiting, "its rest is still to go");

    let started = StartService {
        service: "one".to_owned(),
    };
    let fault = api::call(&plane, &Caller::owner(), started)
        .await
        .unwrap_err();
    assert_eq!(fault.code, ErrorCode::EngineAbsent);
    plane.close().await;
}

#[tokio::test]
async fn a_part_is_what_is_on_for_it_alone() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs_err::write(&path, text).unwrap();
        path
    };
    let first = file(
        "first.yml",
        "services: {one: {image: busybox, volumes: ['shared:/a', 'own:/b']}}\nvolumes: {shared: {}, own: {}}\n",
    );
    let second = file(
        "second.yml",
        "services: {two: {image: busybox, volumes: ['shared:/a'], depends_on: [three]},\n  \
         three: {image: busybox}, four: {image: busybox, profiles: [extra]}}\nvolumes: {shared: {}}\n",
    );
    let on = StackRecord {
        on: true,
        profiles: vec!["core".to_owned(), "extra".to_owned()],
        files: vec![first.clone(), second.clone()],
        pending: None,
    };
    plane.shared.remember_stack(&on).await.unwrap();
    let part = async |profiles: &[&str], files: &[&std::path::PathBuf]| {
        let work = super::DownWork {
            profiles: profiles.iter().map(|name| (*name).to_owned()).collect(),
            files: files.iter().map(|path| (*path).clone()).collect(),
            volumes: false,
        };
        let removal = plane.shared.part(&work).await.unwrap();
        (removal.part, removal.after)
    };
    let (gone, after) = part(&[], &[&first]).await;
    assert_eq!(gone.services, ["one"]);
    assert_eq!(gone.volumes, ["nasiko-test_own"], "what others mount stays");
    assert!(gone.networks.is_empty(), "others are on it");
    assert_eq!(after.files, std::slice::from_ref(&second));
    assert_eq!(after.profiles, on.profiles);

    let (gone, after) = part(&[], &[&second]).await;
    assert_eq!(gone.services, ["two", "three", "four"]);
    assert_eq!(after.profiles, ["core"], "its own profile goes with it");

    let (gone, after) = part(&["core"], &[]).await;
    assert_eq!(gone.services, ["redis", "mongodb"]);
    assert_eq!(gone.volumes.len(), 3);
    assert!(after.on);

    let (gone, after) = part(&["core"], &[&first, &second]).await;
    assert_eq!(gone.services.len(), 6);
    assert!(
        gone.networks.is_empty(),
        "services that are off name it too"
    );
    assert!(!after.on, "nothing is left");

    let unknown = StackDown {
        profiles: vec!["cor".to_owned()],
        ..StackDown::default()
    };
    let fault = down(&plane, unknown).await.unwrap_err();
    assert!(fault.hint.unwrap().contains("core"));
    plane.close().await;
}

#[tokio::test]
async fn paths_and_variables_of_a_persons_file_are_beside_it() {
    let home = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let file = folder.path().join("mine.yml");
    let text = "services:\n  mine:\n    image: ${IMAGE}\n    volumes: ['./here:/there']\n";
    fs_err::write(&file, text).unwrap();
    fs_err::write(folder.path().join(".env"), "IMAGE=from-env\n").unwrap();
    fs_err::create_dir_all(plane.shared.home.stack()).unwrap();
    let product = plane.shared.home.stack().join(".env");
    fs_err::write(product, "NASIKO_STACK_REDIS_PORT=16379\n").unwrap();
    let project = plane.shared.declared(&[file]).await.unwrap();
    let mine = &project.services["mine"];
    assert_eq!(mine.image.as_ref().unwrap().value, "from-env");
    let mounts = format!("{:?}", mine.mounts);
    assert!(
        mounts.contains(&folder.path().join("here").display().to_string()),
        "{mounts}"
    );
    let redis = &project.services["redis"];
    assert_eq!(redis.ports[0].value.published, Some((16_379, 16_379)));
    assert_eq!(redis.ports[0].value.target, 6_379);
    let written = plane.shared.home.stack().join("stack.yml");
    assert!(
        fs_err::read_to_string(written)
            .unwrap()
            .contains("nasiko up")
    );
    plane.close().await;
}

#[test]
fn profiles_that_are_on_stay_on_until_it_is_taken_down() {
    let names =
        |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).into()).collect() };
    let first = StackRecord::default().with(&names(&["core"]), Some(&["/a.yml".into()]));
    assert!(first.on);
    let second = first.with(&names(&["traces", "core"]), None);
    assert_eq!(second.profiles, names(&["core", "traces"]));
    assert_eq!(second.files, [Path::new("/a.yml")]);
    let off = StackRecord {
        on: false,
        ..second
    };
    let again = off.with(&names(&["traces"]), Some(&[]));
    assert_eq!(again.profiles, names(&["traces"]));
    assert!(again.files.is_empty());
}

#[test]
fn a_project_is_called_after_the_network() {
    for (network, project) in [
        ("nasiko-network", "nasiko"),
        ("Nasiko.Test", "nasiko-test"),
        ("-network", "nasiko"),
        ("_x", "x"),
    ] {
        assert_eq!(project_of(network), project);
    }
}

/// What nobody can follow is refused, instead of a stream that stays empty.
#[tokio::test]
async fn logs_of_a_service_that_is_not_there() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let request = FollowStackLogs {
        service: Some("nobody".to_owned()),
        ..FollowStackLogs::default()
    };
    let fault = api::stream(&plane, &Caller::owner(), request)
        .await
        .err()
        .unwrap();
    assert_eq!(fault.code, ErrorCode::NotFound);
    assert!(fault.hint.unwrap().contains("redis"));
    let down = api::call(&plane, &Caller::owner(), StackDown::default())
        .await
        .unwrap();
    assert_eq!(down.kind, JobKind::StackDown);
    plane.close().await;
}
