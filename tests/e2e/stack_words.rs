//! What people do with the local stack from the command line, in a real engine.

use std::{
    io::Write,
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use nasiko_tests::{Api, Output, Resident, eventually, faults::error_of, skip};
use serde_json::Value;

use crate::stack::Scene;

const SLEEPER: &str = "image: busybox, init: true, command: [sleep, '3600']";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn write(scene: &Scene, name: &str, content: &str) -> std::path::PathBuf {
    let path = scene.folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn a_stack_that_was_asked_for_without_an_engine_comes_up_with_it() {
    let test = "stack_words::a_stack_that_was_asked_for_without_an_engine_comes_up_with_it";
    let Some(host) = skip::engine_or_skip(test) else {
        return;
    };
    let Some(engine) = host.strip_prefix("unix://") else {
        return skip::skip(test, "the engine has no socket");
    };
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("engine.sock");
    let address = format!("unix://{}", socket.display());
    let mut scene = Scene::of(Resident::prepared(&address, &[]));
    scene.resident.serve();
    let file = scene.write(&format!("services: {{one: {{{SLEEPER}}}}}"));
    let refused = scene.resident.try_json(&["up", "-f", text(&file)]);
    let error = error_of(&refused);
    assert_eq!(error["code"], "engine.absent");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("comes up by itself"), "{hint}");
    let waits = scene.resident.run(&["up"]).ok();
    assert!(
        waits.stderr.contains("waits for the engine"),
        "{}",
        waits.stderr
    );
    let status = scene.resident.json(&["status"]);
    assert!(
        status["notices"].to_string().contains("waits"),
        "{status:#}"
    );

    symlink(engine, &socket).unwrap();
    eventually("the stack comes up by itself", || {
        let stack = scene.resident.json(&["stack"]);
        let services = stack["services"].as_array().unwrap();
        let runs = |row: &Value| row["service"] == "one" && row["state"] == "running";
        let is_up = services.iter().any(runs) && stack["waiting"] == false;
        is_up.then_some(()).ok_or_else(|| stack.to_string())
    });

    // Switched off while the engine is away, it goes when that is back.
    scene.resident.kill();
    std::fs::remove_file(&socket).unwrap();
    scene.resident.serve();
    let off = scene.resident.run(&["down"]).ok();
    assert!(off.stderr.contains("The stack is off"), "{}", off.stderr);
    symlink(engine, &socket).unwrap();
    assert_eq!(scene.labelled(&["ps", "-q"]).len(), 1, "it still runs");
    scene.resident.serve();
    eventually("what was left of it is removed", || {
        let left = scene.labelled(&["ps", "-aq"]);
        left.is_empty().then_some(()).ok_or_else(|| left.join(" "))
    });
    assert_eq!(scene.resident.json(&["stack"])["waiting"], false);
}

#[test]
fn a_file_or_a_profile_is_taken_down_by_itself() {
    let Some(scene) = Scene::new("words_a_file_or_a_profile_is_taken_down_by_itself") else {
        return;
    };
    let first = write(
        &scene,
        "first.yml",
        &format!(
            "services: {{one: {{{SLEEPER}, volumes: ['first:/v']}}}}\nvolumes: {{first: {{}}}}\n"
        ),
    );
    let second = write(
        &scene,
        "second.yml",
        &format!(
            "services:\n  two: {{{SLEEPER}, volumes: ['second:/v']}}\n  more: {{{SLEEPER}, profiles: [more]}}\n\
             volumes: {{second: {{}}}}\n"
        ),
    );
    let resident = &scene.resident;
    resident
        .run(&[
            "up",
            "-f",
            text(&first),
            "-f",
            text(&second),
            "--profile",
            "more",
        ])
        .ok();
    let running = || {
        let stack = resident.json(&["stack"]);
        let services = stack["services"].as_array().unwrap().iter();
        let running = services.filter(|row| row["state"] == "running");
        running
            .map(|row| row["service"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(running(), ["one", "two", "more"]);
    resident.run(&["down", "--profile", "more"]).ok();
    assert_eq!(running(), ["one", "two"], "and the control plane stays");
    resident
        .run(&["down", "-f", text(&first), "--volumes", "--yes"])
        .ok();
    assert_eq!(running(), ["two"]);
    let volumes = scene.labelled(&["volume", "ls", "-q"]);
    assert_eq!(volumes, [format!("{}_second", scene.project)]);
    // It is not brought up again by the next one.
    resident.run(&["up"]).ok();
    assert_eq!(running(), ["two"]);
    resident.run(&["down", "--volumes", "--yes"]).ok();
    assert!(scene.labelled(&["volume", "ls", "-q"]).is_empty());
}

#[test]
fn who_holds_a_port_is_told_and_how_to_take_another() {
    let Some(scene) = Scene::new("words_who_holds_a_port_is_told_and_how_to_take_another") else {
        return;
    };
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let file = scene.write(&format!(
        "services:\n  one:\n    image: busybox\n    init: true\n    command: [sleep, '3600']\n    ports:\n      \
         - \"127.0.0.1:${{MY_PORT:-{port}}}:80\"\n"
    ));
    let refused = scene.resident.try_json(&["up", "-f", text(&file)]);
    let error = error_of(&refused);
    assert_eq!(error["code"], "agent.start.port_taken", "{error:#}");
    let owner = format!("(process {})", std::process::id());
    assert!(
        error["message"].as_str().unwrap().contains(&owner),
        "{error:#}"
    );
    let hint = error["hint"].as_str().unwrap();
    let (setting, environment) = hint
        .split_once("put ")
        .and_then(|(_, rest)| rest.split_once(" into "))
        .unwrap_or_else(|| panic!("{hint}"));
    assert!(setting.starts_with("MY_PORT="), "{hint}");
    assert_eq!(scene.labelled(&["ps", "-aq"]).len(), 0, "nothing was begun");
    // The hint is good as it stands.
    std::fs::write(environment, setting).unwrap();
    scene.resident.run(&["up"]).ok();
    assert_eq!(scene.service("one")["state"], "running");
    drop(held);
    scene.resident.run(&["down", "--volumes", "--yes"]).ok();
}

#[test]
fn services_are_looked_into_as_compose_users_expect() {
    let Some(scene) = Scene::new("words_services_are_looked_into_as_compose_users_expect") else {
        return;
    };
    let resident = &scene.resident;
    let talker = "image: busybox, init: true, command: [sh, -c, 'echo hello; exec sleep 3600']";
    scene.up(&format!(
        "services:\n  one: {{{talker}}}\n  two: {{{talker}}}\n"
    ));
    let stats = resident.json(&["stack", "stats"]);
    let rows = stats["services"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{stats:#}");
    for row in rows {
        assert!(row["memory_bytes"].as_u64().unwrap() > 0, "{row:#}");
        assert!(row["tasks"].as_u64().unwrap() > 0, "{row:#}");
    }
    let table = resident.run(&["stack", "stats", "one"]).ok().stdout;
    assert!(table.contains("one") && !table.contains("two"), "{table}");
    let unknown = resident.run(&["stack", "stats", "nobody"]);
    assert_eq!(unknown.code, 3, "{}", unknown.stderr);

    let said: Output = resident.run(&[
        "stack",
        "exec",
        "one",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 7",
    ]);
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.as_str()),
        (7, "out\n", "err\n")
    );
    let who = resident.run(&[
        "stack",
        "exec",
        "-u",
        "1:1",
        "-w",
        "/tmp",
        "one",
        "sh",
        "-c",
        "id -u; pwd",
    ]);
    assert_eq!(who.ok().stdout, "1\n/tmp\n");

    let logs = |words: &[&str]| {
        let mut all = vec!["stack", "logs"];
        all.extend(words);
        resident.run(&all).ok().stdout
    };
    assert_eq!(logs(&["one", "two"]).lines().count(), 2);
    assert_eq!(logs(&["--since", "1h"]).lines().count(), 2);
    assert_eq!(logs(&["--since", "2999-01-01T00:00:00Z"]), "");
    assert!(
        logs(&["two"]).starts_with("two | hello"),
        "{}",
        logs(&["two"])
    );
    let wrong = resident.run(&["stack", "logs", "--since", "yesterday"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);

    resident.run(&["stack", "stop", "one", "two"]).ok();
    assert_eq!(scene.service("two")["state"], "exited");
    let started = resident.json(&["stack", "start", "one", "two"]);
    assert_eq!(started.as_array().unwrap().len(), 2, "{started:#}");
    let listed = resident.run(&["stack", "ps"]).ok().stdout;
    assert!(listed.contains("running"), "{listed}");

    // One that no file declares any more is told of, and goes on request; the other is not made anew.
    let kept = scene.container("one");
    let file = scene.write(&format!(
        "services:\n  one: {{{talker}, labels: {{a: b}}}}\n"
    ));
    let up = resident
        .run(&["up", "-f", text(&file), "--no-recreate"])
        .ok();
    assert!(up.stderr.contains("--remove-orphans"), "{}", up.stderr);
    let stack = resident.json(&["stack"]);
    assert_eq!(stack["orphans"].as_array().unwrap().len(), 1, "{stack:#}");
    assert_eq!(scene.container("one"), kept);
    resident
        .run(&["up", "--remove-orphans", "--no-recreate"])
        .ok();
    assert_eq!(scene.labelled(&["ps", "-aq"]).len(), 1);
    resident.run(&["up", "--force-recreate"]).ok();
    assert_ne!(scene.container("one"), kept);
    resident.run(&["down", "--volumes", "--yes"]).ok();
}

/// Runs a command at a terminal, at which somebody types `answer`; none where there is no program that makes one.
fn at_a_terminal(resident: &Resident, words: &[&str], answer: &str) -> Option<String> {
    let whole = resident.command(words);
    let line: Vec<&str> = std::iter::once(whole.get_program())
        .chain(whole.get_args())
        .map(|word| word.to_str().unwrap())
        .collect();
    let mut command = Command::new("script");
    command
        .args(["-qec", &line.join(" "), "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for (name, value) in whole.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn().ok()?;
    writeln!(child.stdin.take().unwrap(), "{answer}").unwrap();
    let said = child.wait_with_output().unwrap().stdout;
    Some(String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn who_is_to_lose_volumes_is_told_which_and_asked() {
    let test = "words_who_is_to_lose_volumes_is_told_which_and_asked";
    let Some(scene) = Scene::new(test) else {
        return;
    };
    let file = scene.write(&format!(
        "services: {{one: {{{SLEEPER}, volumes: ['kept:/v']}}}}\nvolumes: {{kept: {{}}}}\n"
    ));
    let resident = &scene.resident;
    resident.run(&["up", "-f", text(&file)]).ok();
    let down = ["down", "-f", text(&file), "--volumes"];
    let Some(said) = at_a_terminal(resident, &down, "n") else {
        return skip::skip(test, "no program `script` that makes a terminal");
    };
    assert!(said.contains(&format!("{}_kept", scene.project)), "{said}");
    assert!(said.contains("Nothing was removed"), "{said}");
    assert_eq!(scene.service("one")["state"], "running");
    let said = at_a_terminal(resident, &down, "y").unwrap();
    assert!(!said.contains("Nothing was removed"), "{said}");
    assert_eq!(
        scene.labelled(&["volume", "ls", "-q"]),
        Vec::<String>::new()
    );
}

/// The product's own services, on an image that every machine of ours has.
const OVER_THE_PRODUCT: &str = "
services:
  redis: {image: busybox, init: true, command: !override [sleep, '3600'], ports: !reset [], healthcheck: !override {disable: true}}
  mongodb: {image: busybox, init: true, command: !override [sleep, '3600'], ports: !reset [], healthcheck: !override {disable: true}}
";

#[tokio::test]
async fn the_products_passwords_are_in_their_files_and_nowhere_else() {
    let Some(scene) =
        Scene::new("words_the_products_passwords_are_in_their_files_and_nowhere_else")
    else {
        return;
    };
    let resident = &scene.resident;
    let file = scene.write(OVER_THE_PRODUCT);
    let filter = format!("label=com.docker.compose.project={}", scene.project);
    let told = tempfile::NamedTempFile::new().unwrap();
    // From before the first of them: an engine remembers the last few alone, whoever's they are.
    let mut listening = resident
        .docker_command(&[
            "events",
            "--since",
            "1m",
            "--format",
            "{{json .}}",
            "--filter",
            &filter,
        ])
        .stdout(told.reopen().unwrap())
        .spawn()
        .unwrap();
    resident
        .run(&["up", "--profile", "core", "-f", text(&file)])
        .ok();
    let read = |service: &str| {
        let path = format!("/run/secrets/{service}_password");
        let said = scene.exec(service, &["cat", &path]);
        said["stdout"].as_str().unwrap().trim().to_owned()
    };
    let passwords = [read("redis"), read("mongodb")];
    assert!(passwords.iter().all(|password| password.len() == 32));
    assert_ne!(passwords[0], passwords[1]);
    let conf = scene.exec("redis", &["cat", "/run/secrets/redis.conf"]);
    assert!(conf["stdout"].as_str().unwrap().contains(&passwords[0]));

    let absent = |place: &str, content: &[u8]| {
        for password in &passwords {
            let there = content
                .windows(password.len())
                .any(|part| part == password.as_bytes());
            assert!(!there, "a password is in {place}");
        }
    };
    let events = eventually("the engine tells of both", || {
        let told = std::fs::read_to_string(told.path()).unwrap();
        if told.contains("redis") && told.contains("mongodb") {
            Ok(told)
        } else {
            Err(told)
        }
    });
    listening.kill().unwrap();
    listening.wait().unwrap();
    absent("the engine's events", events.as_bytes());
    for what in [
        &["ps", "-aq"][..],
        &["volume", "ls", "-q"],
        &["network", "ls", "-q"],
    ] {
        for id in scene.labelled(what) {
            let kind = if what[0] == "ps" {
                "container"
            } else {
                what[0]
            };
            let inspected = resident.docker(&[kind, "inspect", &id]);
            absent(&format!("{kind} {id}"), inspected.as_bytes());
        }
    }
    // Arguments and environments of all processes of this machine, the containers' among them.
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            let path = process.path().join(file);
            let content = std::fs::read(&path).unwrap_or_default();
            absent(&path.display().to_string(), &content);
        }
    }
    // Everything that the control plane keeps: records, jobs with their payloads and lines, events, logs.
    let mut open = vec![resident.home().to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap().flatten();
            open.extend(entries.map(|entry| entry.path()));
        } else if let Ok(content) = std::fs::read(&path) {
            absent(&path.display().to_string(), &content);
        }
    }
    let api = Api::of(resident);
    for path in ["/stack", "/status", "/jobs", "/secrets", "/settings"] {
        let (_, answer) = api.get(path).await;
        absent(path, answer.to_string().as_bytes());
    }
    resident.run(&["down", "--volumes", "--yes"]).ok();
}
