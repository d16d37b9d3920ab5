#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{answers, capture, eventually};
use crate::daemon::Daemon;
use crate::places::Scratch;

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    shell
}

#[test]
fn what_a_command_says_is_kept_apart_from_why_it_failed() {
    let said = capture(
        &mut shell("echo out; echo err >&2"),
        Duration::from_secs(10),
    );
    assert_eq!(said.expect("it works"), "out\n");
    let failed = capture(
        &mut shell("echo out; echo err >&2; exit 3"),
        Duration::from_secs(10),
    );
    let failed = format!("{:#}", failed.expect_err("it fails"));
    assert!(failed.contains("err") && failed.contains('3'), "{failed}");
}

#[test]
fn a_command_past_its_limit_is_ended() {
    let began = Instant::now();
    let late = capture(&mut shell("exec sleep 60"), Duration::from_millis(100));
    assert!(format!("{:#}", late.expect_err("it is late")).contains("no answer within"));
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "it was not waited for"
    );
}

#[test]
fn an_absent_program_answers_nothing() {
    assert!(!answers(&mut Command::new("there-is-no-such-program")));
}

#[test]
fn a_daemon_ends_with_all_that_it_started() {
    let scratch = Scratch::new("daemon").expect("a folder");
    let log = scratch.0.join("log");
    let mut daemon =
        Daemon::start("shell", &mut shell("sleep 60 & echo $!; wait"), &log).expect("it starts");
    daemon
        .until(Duration::from_secs(10), |said| said.ends_with('\n'))
        .expect("it speaks");
    let grandchild = Path::new("/proc").join(daemon.output().trim());
    assert!(grandchild.is_dir() || cfg!(not(target_os = "linux")));
    drop(daemon);
    let gone = || {
        // A process whose parent is gone may stay in the table until somebody collects it.
        let state = std::fs::read_to_string(grandchild.join("stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z")
    };
    eventually(Duration::from_secs(10), gone).expect("the grandchild ends, too");
}

#[test]
fn a_daemon_that_ends_early_shows_its_last_words() {
    let scratch = Scratch::new("early").expect("a folder");
    let mut daemon = Daemon::start(
        "shell",
        &mut shell("echo no room; exit 4"),
        &scratch.0.join("log"),
    )
    .expect("starts");
    let early = daemon
        .until(Duration::from_secs(10), |_| false)
        .expect_err("it ends");
    assert!(format!("{early:#}").contains("no room"), "{early:#}");
}
