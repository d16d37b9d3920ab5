//! The program itself, with programs of this machine. Nothing is laid over this machine's files.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(10);
const LET_GO: &str = "\u{1b}]nasiko;let go\u{1b}\\\n";

fn gate(words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_nasiko-gate"))
        .args(words)
        .env("GIVEN", "yes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The word that ends an archive without files.
fn go() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o600);
    builder
        .append_data(&mut header, ".nasiko/go", std::io::empty())
        .unwrap();
    builder.into_inner().unwrap()
}

fn let_go(gate: &mut Child) {
    gate.stdin.as_mut().unwrap().write_all(&go()).unwrap();
}

fn end(mut gate: Child) -> Output {
    let deadline = Instant::now() + PATIENCE;
    while gate.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            gate.kill().unwrap();
            panic!("it does not end: {:?}", gate.wait_with_output().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    gate.wait_with_output().unwrap()
}

fn lines(gate: &mut Child) -> BufReader<ChildStdout> {
    BufReader::new(gate.stdout.take().unwrap())
}

fn line(lines: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line
}

fn signal(gate: &Child, signal: Signal) {
    kill_process(
        Pid::from_raw(gate.id().try_into().unwrap()).unwrap(),
        signal,
    )
    .unwrap();
}

#[test]
fn a_program_runs_once_it_is_let_go_and_its_end_is_ours() {
    let script = "read line && exit 1; echo $GIVEN $1; exit 3";
    let mut gate = gate(&["run", "--", "sh", "-c", script, "sh", "word"]);
    let_go(&mut gate);
    let output = end(gate);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{LET_GO}yes word\n")
    );
}

#[test]
fn nothing_runs_when_the_other_end_is_gone() {
    let mut gate = gate(&["run", "--", "sh", "-c", "echo ran"]);
    gate.stdin
        .as_mut()
        .unwrap()
        .write_all(&go()[..300])
        .unwrap();
    drop(gate.stdin.take());
    let output = end(gate);
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
}

#[test]
fn a_signal_ends_it_before_and_reaches_the_program_after() {
    let waiting = gate(&["run", "--", "sh", "-c", "echo ran"]);
    // Signals have their handlers once the thread that reads them is there.
    let tasks = format!("/proc/{}/task", waiting.id());
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_dir(&tasks).unwrap().count() < 3 {
        assert!(Instant::now() < deadline, "its threads do not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&waiting, Signal::TERM);
    assert_eq!(end(waiting).status.code(), Some(128 + 15));

    let script = "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.01; done";
    let mut handling = gate(&["run", "--", "sh", "-c", script]);
    let_go(&mut handling);
    let mut said = lines(&mut handling);
    assert_eq!(
        (line(&mut said), line(&mut said)),
        (LET_GO.to_owned(), "ready\n".to_owned())
    );
    signal(&handling, Signal::USR1);
    assert_eq!(line(&mut said), "got it\n");
    assert_eq!(end(handling).status.code(), Some(5));

    let mut dying = gate(&["run", "--", "sh", "-c", "echo ready; exec sleep 60"]);
    let_go(&mut dying);
    let mut said = lines(&mut dying);
    assert_eq!(
        (line(&mut said), line(&mut said)),
        (LET_GO.to_owned(), "ready\n".to_owned())
    );
    signal(&dying, Signal::TERM);
    assert_eq!(end(dying).status.code(), Some(128 + 15));
}

#[test]
fn a_program_that_loads_is_started_at_once_and_waits_by_itself() {
    let script = "echo $NASIKO_PRELOAD $PYTHONPATH; printf r >&0; head -c 1; echo; exit 4";
    let mut gate = gate(&["run", "--preload", "os,json", "--", "sh", "-c", script]);
    let mut said = lines(&mut gate);
    let first = line(&mut said);
    assert!(first.starts_with("os,json /.nasiko/python"), "{first}");
    let_go(&mut gate);
    assert_eq!(
        (line(&mut said), line(&mut said)),
        (LET_GO.to_owned(), "g\n".to_owned())
    );
    assert_eq!(end(gate).status.code(), Some(4));
}

#[test]
fn a_program_that_does_not_wait_is_started_anew() {
    // Closing its input says that it will never wait there.
    let script = "if [ \"${NASIKO_PRELOAD+x}\" ]; then echo early; exec <&-; exec sleep 60; else echo late; exit 6; fi";
    let mut gate = gate(&["run", "--preload", "", "--", "sh", "-c", script]);
    let mut said = lines(&mut gate);
    assert_eq!(line(&mut said), "early\n");
    let_go(&mut gate);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, format!("{LET_GO}late\n"));
    assert_eq!(end(gate).status.code(), Some(6));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let mut gate = gate(&["run", "--", "/no/such/program"]);
    let_go(&mut gate);
    let output = end(gate);
    assert_eq!(output.status.code(), Some(127));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        said,
        "[FATAL nasiko-gate] exec /no/such/program failed: No such file or directory\n"
    );
}
