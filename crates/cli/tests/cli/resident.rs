//! The real resident: how it starts, is found, and ends.

use std::net::TcpListener;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};

use crate::scene::{PATIENCE, finish, program};

/// Starts `nasiko serve --json` and reads what it announces.
async fn serve(home: &TempDir) -> (Child, Value) {
    let mut child = program(home, &["serve", "--json"]).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    let mut stdout = BufReader::new(stdout);
    let read = tokio::time::timeout(PATIENCE, stdout.read_line(&mut line))
        .await
        .unwrap();
    assert!(read.unwrap() > 0, "the resident must announce itself");
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resident_announces_itself_is_found_and_ends_when_asked() {
    let home = TempDir::new().unwrap();
    let (mut child, announced) = serve(&home).await;
    assert_eq!(announced["running"], true);
    let status = finish(program(&home, &["status", "--json"]), None)
        .await
        .json();
    for field in [
        "pid",
        "version",
        "api",
        "gateway",
        "admin",
        "otlp_http",
        "otlp_grpc",
    ] {
        assert_eq!(
            status[field], announced[field],
            "{field} is announced as it is"
        );
        assert!(!status[field].is_null(), "{field} is known");
    }
    let endpoint = home.path().join("endpoint.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = endpoint.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the token is the owner's alone");
    }
    let second = finish(program(&home, &["serve", "--json"]), None).await;
    assert_eq!(second.code, Some(1), "{second:?}");
    assert_eq!(
        second.json()["error"]["code"],
        "control.data_directory_owned"
    );

    let down = finish(program(&home, &["down", "--json"]), None).await;
    assert_eq!(
        (down.code, &down.json()["running"]),
        (Some(0), &json!(false))
    );
    let status = tokio::time::timeout(PATIENCE, child.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(
        !endpoint.try_exists().unwrap(),
        "nothing points at what has ended"
    );
    let again = finish(program(&home, &["down"]), None).await;
    assert_eq!(again.code, Some(0), "down twice is as good as once");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_and_a_crash_is_survived() {
    use rustix::process::{Pid, Signal, kill_process};

    let home = TempDir::new().unwrap();
    for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
        let (mut child, _) = serve(&home).await;
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let status = tokio::time::timeout(PATIENCE, child.wait())
            .await
            .unwrap()
            .unwrap();
        let expected = if signal == Signal::KILL {
            None
        } else {
            Some(0)
        };
        assert_eq!(status.code(), expected, "{signal:?}");
    }
    let left_over = home.path().join("endpoint.json");
    assert!(
        left_over.try_exists().unwrap(),
        "a crash leaves its endpoint file"
    );
    let ran = finish(program(&home, &["ps", "--json"]), None).await;
    assert_eq!(
        ran.code,
        Some(4),
        "what it points at does not answer: {ran:?}"
    );
    let (_child, announced) = serve(&home).await;
    let status = finish(program(&home, &["status", "--json"]), None)
        .await
        .json();
    assert_eq!(status["pid"], announced["pid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_starts_the_resident_it_needs_once() {
    let home = TempDir::new().unwrap();
    let (first, second) = tokio::join!(
        finish(program(&home, &["up", "--json"]), None),
        finish(program(&home, &["up", "--json"]), None),
    );
    assert_eq!(
        (first.code, second.code),
        (Some(0), Some(0)),
        "{first:?} {second:?}"
    );
    assert_eq!(
        first.json()["pid"],
        second.json()["pid"],
        "two starts, one resident"
    );
    let log = finish(program(&home, &["logs", "--json"]), None).await;
    assert_eq!(log.code, Some(0), "{log:?}");
    let down = finish(program(&home, &["down"]), None).await;
    assert_eq!(down.code, Some(0), "{down:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_was_asked_for_and_is_taken_is_named_with_its_owner() {
    let home = TempDir::new().unwrap();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    let words = ["serve", "--json", "--gateway-port", &port];
    let ran = finish(program(&home, &words), None).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let error = ran.json()["error"].clone();
    assert_eq!(error["code"], "agent.start.port_taken");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains(&port) && message.contains("the gateway"),
        "{message}"
    );
    if cfg!(target_os = "linux") {
        assert!(
            message.contains(&std::process::id().to_string()),
            "{message} names the owner"
        );
    }
}
