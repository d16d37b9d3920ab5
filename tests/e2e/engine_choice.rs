//! Which container engine is used, and what people are told of it.

use nasiko_tests::{Resident, faults::assert_fault, folder, skip};
use serde_json::{Value, json};
use std::os::unix::net::UnixListener;

/// The engine's places in a document, by their state.
fn places<'a>(document: &'a Value, state: &str) -> Vec<&'a Value> {
    let places = document["engines"].as_array().expect("a list");
    places
        .iter()
        .filter(|place| place["state"] == state)
        .collect()
}

#[test]
fn a_docker_context_is_followed_and_told() {
    let Some(host) = skip::engine_or_skip("engine_choice::a_docker_context_is_followed_and_told")
    else {
        return;
    };
    let meta = json!({ "Name": "mine", "Endpoints": { "docker": { "Host": host } } }).to_string();
    let settings = folder(&[
        ("config.json", r#"{"currentContext": "elsewhere"}"#),
        ("contexts/meta/0123/meta.json", &meta),
    ]);
    let config = settings.path().display().to_string();
    let mut resident = Resident::prepared(
        "",
        &[("DOCKER_CONFIG", &config), ("DOCKER_CONTEXT", "mine")],
    );
    resident.serve();
    let status = resident.json(&["status"]);
    assert_eq!(status["engine"]["endpoint"], host, "{status:#}");
    assert_eq!(status["engine"]["why"], "the Docker context mine");
    let stack = resident.json(&["stack"]);
    assert_eq!(places(&stack, "used").len(), 1, "{stack:#}");
    let said = resident.run(&["status"]).ok().stdout;
    assert!(said.contains("the Docker context mine"), "{said}");
}

#[test]
fn what_is_given_is_the_only_one_and_the_others_are_named() {
    let home = folder(&[(".orbstack/run/here", "")]);
    let other = home.path().join(".orbstack/run/docker.sock");
    let _listener = UnixListener::bind(&other).unwrap();
    let person = home.path().display().to_string();
    let mut resident = Resident::prepared(
        "unix:///nonexistent/docker.sock",
        &[("HOME", &person), ("DOCKER_CONTEXT", "never looked at")],
    );
    resident.serve();
    let status = resident.json(&["status"]);
    assert_eq!(status["engine"], Value::Null);
    let absent = places(&status, "absent");
    assert_eq!(absent.len(), 1, "DOCKER_HOST alone is tried: {status:#}");
    assert_eq!(absent[0]["why"], "given by DOCKER_HOST");
    let address = format!("unix://{}", other.display());
    let beside = places(&status, "not-tried");
    assert!(
        beside.iter().any(|place| place["endpoint"] == address),
        "{status:#}"
    );
    let said = resident.run(&["status"]).ok().stderr;
    assert!(said.contains("OrbStack"), "{said}");
}

#[test]
fn tls_is_refused_in_so_many_words() {
    let mut resident = Resident::prepared("tcp://127.0.0.1:1", &[("DOCKER_TLS_VERIFY", "1")]);
    resident.serve();
    let status = resident.json(&["status"]);
    let refused = places(&status, "unsupported");
    assert!(
        refused[0]["found"].as_str().unwrap().contains("TLS"),
        "{status:#}"
    );
    // Nor is anybody caught with a stack that cannot be had.
    let folder = folder(&[("services.yml", "services: {one: {image: busybox}}")]);
    let file = folder.path().join("services.yml");
    let wanted = resident.try_json(&["up", "-f", file.to_str().unwrap()]);
    assert_fault(&wanted, "request.invalid", "TLS", "");
    resident.run(&["up"]).ok();
    resident.run(&["down"]).ok();
}
