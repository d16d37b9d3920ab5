//! What bad folders get: code, sentence, hint, evidence.

use nasiko_contract::{ErrorCode, Fault};

use super::*;

/// The fault that stops a deploy to the runtime.
fn fault(files: &[(&str, &str)], runtime: RuntimeKind) -> Fault {
    described(files)
        .refusal(runtime)
        .unwrap_or_else(|| panic!("{files:?} is accepted"))
        .clone()
}

#[test]
fn an_empty_folder() {
    let temp = folder(&[(".git/config", "")]);
    let fault = Fault::from(describe_at(&temp.path().join("sample")).unwrap_err());
    assert_eq!(fault.code, ErrorCode::FolderEmpty);
    assert!(fault.message.contains("sample"), "{}", fault.message);
    assert!(fault.hint.unwrap().contains("nasiko new"));
}

#[test]
fn no_such_folder() {
    let fault = Fault::from(describe_at(Path::new("/nonexistent/agent")).unwrap_err());
    assert_eq!(fault.code, ErrorCode::PathNotFound);
}

#[test]
fn a_folder_that_is_gone_for_a_moment_is_not_taken_for_an_empty_one() {
    let temp = folder(&[("main.py", "print('hi')"), ("other.py", "")]);
    let root = temp.path().join("sample");
    let snapshot = snapshot_of(&root).unwrap();
    let aside = temp.path().join("aside");
    fs_err::rename(&root, &aside).unwrap();
    let gone = Fault::from(describe(&root, &snapshot).unwrap_err());
    assert_eq!(gone.code, ErrorCode::PathNotFound);
    fs_err::rename(&aside, &root).unwrap();
    assert!(describe(&root, &snapshot).unwrap().entry.is_some());
    fs_err::remove_file(root.join("other.py")).unwrap();
    let less = Fault::from(describe(&root, &snapshot).unwrap_err());
    assert_eq!(less.code, ErrorCode::FolderChanged);
    assert_eq!(less.message, "other.py changed while sample was read");
    assert!(less.retryable);
}

#[cfg(unix)]
#[test]
fn what_can_never_be_read_is_not_gone() {
    use std::os::unix::{ffi::OsStrExt as _, fs::symlink};

    let temp = folder(&[("main.py", "print('hi')")]);
    let root = temp.path().join("sample");
    symlink("nowhere.py", root.join("link.py")).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.py");
    fs_err::write(root.join(name), "").unwrap();
    assert!(describe_at(&root).unwrap().entry.is_some());
}

#[test]
fn nothing_to_run() {
    let fault = fault(
        &[("notes.txt", "x"), ("data/a.csv", "1")],
        RuntimeKind::Process,
    );
    assert_eq!(fault.code, ErrorCode::NoEntry);
    assert_eq!(fault.message, "Nothing in sample can be run");
    assert!(fault.hint.unwrap().contains("main.py"));
    assert!(
        fault.evidence.iter().any(|line| line == "Procfile: none"),
        "{:?}",
        fault.evidence
    );
    assert!(
        fault.evidence.iter().any(|line| line.contains("notes.txt")),
        "{:?}",
        fault.evidence
    );
}

#[test]
fn several_agents_and_none_itself() {
    let files = [
        ("weather/main.py", "x = 1"),
        ("weather/Dockerfile", "FROM a"),
        ("news/src/__main__.py", "x = 1"),
        ("news/pyproject.toml", ""),
        ("README.md", "# Two"),
    ];
    let description = described(&files);
    assert_eq!(description.agents, ["news", "weather"]);
    let fault = description.refusal(RuntimeKind::Docker).unwrap();
    assert_eq!(fault.code, ErrorCode::SeveralAgents);
    assert_eq!(fault.evidence, ["news", "weather"]);
    assert!(fault.hint.as_ref().unwrap().contains("news"));
}

#[test]
fn a_single_agent_below_is_pointed_at() {
    let fault = fault(
        &[
            ("agents/weather/go.mod", "module x"),
            ("agents/weather/main.go", "package main"),
        ],
        RuntimeKind::Process,
    );
    assert_eq!(fault.code, ErrorCode::NoEntry);
    assert!(
        fault
            .evidence
            .iter()
            .any(|line| line.contains("agents/weather")),
        "{:?}",
        fault.evidence
    );
}

#[test]
fn a_dockerfile_that_does_not_parse() {
    let files = [
        ("main.py", "print(1)"),
        ("Dockerfile", "FROM python:3.11-slim\nCOPYY a b\n"),
    ];
    let fault = fault(&files, RuntimeKind::Docker);
    assert_eq!(fault.code, ErrorCode::DockerfileBroken);
    assert!(fault.message.contains("line 2"), "{}", fault.message);
    assert_eq!(fault.evidence, ["Dockerfile:2: COPYY a b"]);
    assert_eq!(fault.hint.as_deref(), Some("Correct line 2"));
    assert_eq!(
        described(&files).refusal(RuntimeKind::Process),
        None,
        "a process needs no image"
    );
}

#[test]
fn a_dockerfile_that_copies_a_missing_file() {
    let files = [
        ("main.py", "print(1)"),
        ("requirements.txt", ""),
        (
            "Dockerfile",
            "FROM python\nWORKDIR /app\nCOPY requirments.txt main.py ./\nCMD [\"python\", \"main.py\"]\n",
        ),
    ];
    let fault = fault(&files, RuntimeKind::Docker);
    assert_eq!(fault.code, ErrorCode::CopyMissing);
    assert!(
        fault.message.contains("line 3") && fault.message.contains("requirments.txt"),
        "{}",
        fault.message
    );
    assert_eq!(
        fault.hint.as_deref(),
        Some("Did you mean requirements.txt?")
    );
    assert_eq!(
        fault.evidence,
        ["Dockerfile:3: COPY requirments.txt main.py ./"]
    );
    let finding = described(&files)
        .findings
        .into_iter()
        .find(|finding| finding.code == "dockerfile.copy_missing")
        .unwrap();
    assert_eq!((finding.severity, finding.line), (Severity::Error, Some(3)));
}

#[test]
fn a_copied_file_that_dockerignore_leaves_out() {
    let fault = fault(
        &[
            ("main.py", ""),
            (".dockerignore", "*.json\n"),
            ("a.json", "{}"),
            ("Dockerfile", "FROM x\nCOPY a.json /\nCMD [\"x\"]"),
        ],
        RuntimeKind::Docker,
    );
    assert_eq!(fault.code, ErrorCode::CopyMissing);
    assert!(fault.hint.unwrap().contains(".dockerignore"));
}

#[test]
fn a_card_that_is_not_json() {
    let fault = fault(
        &[
            ("main.py", ""),
            (
                "AgentCard.json",
                "{\n  \"name\": \"x\",\n  \"url\" \"y\"\n}",
            ),
        ],
        RuntimeKind::Process,
    );
    assert_eq!(fault.code, ErrorCode::CardBroken);
    assert!(
        fault.message.contains("line 3, column 9"),
        "{}",
        fault.message
    );
    assert_eq!(fault.evidence, ["AgentCard.json:3: \"url\" \"y\""]);
    assert!(fault.hint.unwrap().contains("AgentCard.json"));
}

#[test]
fn a_card_that_is_no_object() {
    let fault = fault(
        &[("main.py", ""), (".well-known/agent.json", "[]")],
        RuntimeKind::Docker,
    );
    assert_eq!(fault.code, ErrorCode::CardBroken);
}

#[test]
fn a_manifest_with_an_unknown_key() {
    let fault = fault(
        &[("main.py", ""), ("nasiko.toml", "[agent]\nnaem = \"x\"\n")],
        RuntimeKind::Process,
    );
    assert_eq!(fault.code, ErrorCode::ManifestBroken);
    assert!(fault.message.contains("naem"), "{}", fault.message);
    assert_eq!(fault.evidence, ["nasiko.toml:2: naem = \"x\""]);
}
