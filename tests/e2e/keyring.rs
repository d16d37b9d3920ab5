//! The key that seals secrets, in a real keyring and elsewhere: an agent gets its secret over restarts, locks and moves.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use nasiko_tests::{
    Output, Resident,
    api::ask,
    eventually, folder,
    keyring::{Session, VARIABLE},
    program, skip,
};
use serde_json::{Value, json};

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// An agent that says how long its secret is.
fn keeper_program() -> String {
    program::saying("WORD", "length = len(os.environ.get('KEPT', ''))").replace(
        "('WORD %d %s %d' % (os.getpid(), socket.gethostname(), port))",
        "str(length)",
    )
}

fn session_or_skip(test: &str) -> Option<Session> {
    skip::path_or_skip(test, VARIABLE, "keyring").map(Session::unlocked)
}

/// A resident in a session.
fn resident_in(session: &Session) -> Resident {
    let bus = session.bus();
    let mut resident = Resident::prepared(
        NO_ENGINE,
        &[
            ("DBUS_SESSION_BUS_ADDRESS", &bus),
            ("NASIKO_VAULT_KEYRING", ""),
        ],
    );
    resident.serve();
    resident
}

fn deploy(resident: &Resident) -> tempfile::TempDir {
    let source = folder(&[("main.py", &keeper_program())]);
    let path = source.path().to_str().unwrap();
    resident.run(&["deploy", path, "--name", "keeper"]).ok();
    resident
        .run(&["secret", "set", "keeper", "KEPT", "seven77"])
        .ok();
    resident.run(&["restart", "keeper"]).ok();
    source
}

async fn says(resident: &Resident) -> String {
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    ask(&format!("{gateway}/keeper/")).await
}

fn key(resident: &Resident) -> Value {
    resident.json(&["secret", "key"])
}

/// Runs a command with something on its standard input.
fn run_with(resident: &Resident, words: &[&str], input: &str) -> Output {
    let mut child = resident
        .command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Ends the agents, so that the next start has to start them.
fn end_agents(resident: &Resident) {
    for pid in resident.agent_processes() {
        let pid = pid.to_string();
        let ended = Command::new("kill").args(["-9", &pid]).status().unwrap();
        assert!(ended.success());
    }
}

fn code_of(output: &Output) -> Value {
    assert_ne!(output.code, 0, "{output:?}");
    output.json()["error"]["code"].clone()
}

#[tokio::test]
async fn a_secret_is_kept_by_the_keyring_over_restarts() {
    let Some(session) = session_or_skip("keyring::a_secret_is_kept_by_the_keyring_over_restarts")
    else {
        return;
    };
    let mut resident = resident_in(&session);
    assert_eq!(key(&resident)["kept_in"], Value::Null);
    assert_eq!(resident.json(&["status"])["secrets"], "none");
    let _source = deploy(&resident);
    assert_eq!(says(&resident).await, "7");
    let found = key(&resident);
    assert_eq!(
        (&found["kept_in"], &found["state"], &found["keyring"]),
        (&json!("keyring"), &json!("open"), &json!("ready")),
        "{found:#}"
    );
    assert_eq!(session.entries(), 1);
    assert!(!resident.home().join("vault.key").try_exists().unwrap());
    let listed = resident.run(&["secret", "list"]).ok();
    assert!(listed.stderr.contains("keyring"), "{}", listed.stderr);

    resident.kill();
    resident.serve();
    resident.run(&["restart", "keeper"]).ok();
    assert_eq!(says(&resident).await, "7");
    assert_eq!(key(&resident)["key_id"], found["key_id"]);

    // Another data directory has a key of its own.
    let other = resident_in(&session);
    let _source = deploy(&other);
    assert_ne!(key(&other)["key_id"], found["key_id"]);
    assert_eq!(session.entries(), 2);
}

#[tokio::test]
async fn a_locked_keyring_keeps_nobody_from_starting_and_agents_come_once_it_is_unlocked() {
    let Some(mut session) = session_or_skip(
        "keyring::a_locked_keyring_keeps_nobody_from_starting_and_agents_come_once_it_is_unlocked",
    ) else {
        return;
    };
    let mut resident = resident_in(&session);
    let _source = deploy(&resident);
    resident.kill();
    end_agents(&resident);
    for gone in [false, true] {
        if gone {
            session.kill_keyring();
        } else {
            session.lock();
        }
        resident.serve();
        let code = if gone {
            "vault.keyring_unavailable"
        } else {
            "vault.locked"
        };
        let refused = resident.try_json(&["secret", "set", "keeper", "OTHER", "value"]);
        assert_eq!(code_of(&refused), code);
        let said = refused.json();
        assert!(said["error"]["hint"].is_string(), "{said:#}");
        let found = key(&resident);
        assert_eq!(
            (&found["kept_in"], &found["state"], &found["error"]["code"]),
            (&json!("keyring"), &json!("locked"), &json!(code)),
            "{found:#}"
        );
        assert!(!resident.home().join("vault.key").try_exists().unwrap());

        if !gone {
            session.kill_keyring();
        }
        session.start_keyring(true);
        eventually("the agent runs with its secret", || {
            let agents = resident.json(&["ps"]);
            let state = agents[0]["state"].clone();
            (state == "active").then_some(()).ok_or(agents.to_string())
        });
        assert_eq!(says(&resident).await, "7");
        assert_eq!(key(&resident)["state"], "open");
        resident.kill();
        end_agents(&resident);
    }
    resident.serve();
}

#[tokio::test]
async fn the_key_moves_and_agents_do_not_notice() {
    let Some(session) = session_or_skip("keyring::the_key_moves_and_agents_do_not_notice") else {
        return;
    };
    let mut resident = resident_in(&session);
    let _source = deploy(&resident);
    let id = key(&resident)["key_id"].clone();
    let restarted = async |resident: &mut Resident| {
        resident.kill();
        resident.serve();
        resident.run(&["restart", "keeper"]).ok();
        assert_eq!(says(resident).await, "7");
        assert_eq!(key(resident)["key_id"], id);
    };

    let moved = resident.json(&["secret", "keep-in", "file"]);
    assert_eq!(moved["kept_in"], "file");
    assert_eq!(session.entries(), 0);
    restarted(&mut resident).await;

    let refused = resident.try_json(&["secret", "keep-in", "passphrase"]);
    assert_eq!(code_of(&refused), "vault.locked");
    run_with(
        &resident,
        &["secret", "keep-in", "passphrase"],
        "open sesame\n",
    )
    .ok();
    assert!(!resident.home().join("vault.key").try_exists().unwrap());
    assert_eq!(resident.json(&["status"])["secrets"], "passphrase");
    resident.kill();
    resident.serve();
    let locked = resident.try_json(&["secret", "set", "keeper", "OTHER", "value"]);
    assert_eq!(code_of(&locked), "vault.locked");
    let wrong = run_with(&resident, &["secret", "unlock", "--json"], "open barley\n");
    assert_eq!(code_of(&wrong), "vault.wrong_passphrase");
    run_with(&resident, &["secret", "unlock"], "open sesame\n").ok();
    resident.run(&["restart", "keeper"]).ok();
    assert_eq!(says(&resident).await, "7");

    // At hand, it needs no passphrase to be moved on.
    let moved = resident.json(&["secret", "keep-in", "keyring"]);
    assert_eq!(moved["kept_in"], "keyring");
    assert_eq!(session.entries(), 1);
    assert!(!resident.home().join("vault.sealed").try_exists().unwrap());
    restarted(&mut resident).await;
}

/// No keyring, as everywhere but in this file: and what a lost key comes to.
#[tokio::test]
async fn a_lost_key_is_told_and_secrets_begin_anew_on_demand() {
    let mut resident = Resident::start();
    let _source = deploy(&resident);
    let found = key(&resident);
    assert_eq!(found["kept_in"], "file");
    assert!(
        found["reason"].as_str().unwrap().contains("none"),
        "{found:#}"
    );
    resident.kill();
    std::fs::remove_file(resident.home().join("vault.key")).unwrap();
    resident.serve();
    let lost = resident.try_json(&["restart", "keeper"]);
    assert_ne!(lost.code, 0, "{lost:?}");
    let refused = resident.try_json(&["secret", "set", "keeper", "KEPT", "eight888"]);
    assert_eq!(code_of(&refused), "vault.key_missing");

    std::fs::write(resident.home().join("vault.key"), [7; 32]).unwrap();
    let other = resident.try_json(&["restart", "keeper"]);
    assert_eq!(code_of(&other), "vault.wrong_key");

    assert_eq!(resident.try_json(&["secret", "reset"]).code, 2);
    resident.run(&["secret", "reset", "--yes"]).ok();
    resident
        .run(&["secret", "set", "keeper", "KEPT", "eight888"])
        .ok();
    resident.run(&["restart", "keeper"]).ok();
    assert_eq!(says(&resident).await, "8");
}

/// For servers: a key and a passphrase that are mounted as files.
#[tokio::test]
async fn a_server_gets_key_or_passphrase_from_a_file() {
    let mounted = tempfile::TempDir::new().unwrap();
    let (key_file, passphrase_file) = (
        mounted.path().join("key"),
        mounted.path().join("passphrase"),
    );
    std::fs::write(&key_file, format!("{}\n", "07".repeat(32))).unwrap();
    std::fs::write(&passphrase_file, "open sesame\n").unwrap();
    for (variable, path, place) in [
        ("NASIKO_VAULT_KEY_FILE", &key_file, "file"),
        (
            "NASIKO_VAULT_PASSPHRASE_FILE",
            &passphrase_file,
            "passphrase",
        ),
    ] {
        let mut resident = Resident::prepared(NO_ENGINE, &[(variable, path.to_str().unwrap())]);
        resident.serve();
        let _source = deploy(&resident);
        resident.kill();
        resident.serve();
        resident.run(&["restart", "keeper"]).ok();
        assert_eq!(says(&resident).await, "7");
        let found = key(&resident);
        assert_eq!(found["kept_in"], place);
        assert!(
            found["reason"].as_str().unwrap().contains(variable),
            "{found:#}"
        );
        assert!(!resident.home().join("vault.key").try_exists().unwrap());
    }
}
