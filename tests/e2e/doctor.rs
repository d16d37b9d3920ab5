//! The doctor on the command line: with a control plane and where none starts, with real sockets, limits and keyrings.

use std::{
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::PathBuf,
    process::{Command, Stdio},
};

use nasiko_tests::{
    Output, Resident, eventually, folder,
    keyring::{PASSWORD, Session, VARIABLE},
    program,
    prompter::Prompter,
    resident::{WITHOUT_PRIVILEGE, behind},
    screen::{ENTER, Screen},
    skip,
};
use serde_json::Value;
use tempfile::TempDir;

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// What was found of one check.
#[track_caller]
fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let all = document.as_array().expect("a list of checks");
    let found = all.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {document:#}"))
}

fn run(mut command: Command) -> Output {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("it can be run");
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `nasiko doctor --json` behind another program, as `prlimit` and `unshare` are.
fn doctor_behind(resident: &Resident, program: &[&str]) -> Output {
    run(behind(program, &resident.command(&["doctor", "--json"])))
}

#[test]
fn where_no_control_plane_runs_what_can_be_seen_is_told() {
    let nothing = Resident::prepared(NO_ENGINE, &[]);
    let output = nothing.run(&["doctor"]).ok();
    assert!(
        output.stderr.contains("No control plane answers"),
        "{}",
        output.stderr
    );
    assert!(
        output.stdout.contains("engine.found") || output.stdout.contains("engine.address"),
        "{}",
        output.stdout
    );
    let document = nothing.json(&["doctor"]);
    for field in ["check", "state", "cause", "evidence", "fix"] {
        let all = document.as_array().unwrap();
        assert!(
            all.iter().all(|check| check.get(field).is_some()),
            "{field}: {document:#}"
        );
    }
    assert_eq!(check(&document, "data.store")["state"], "ok");
    assert!(
        !nothing.home().join("nasiko.db").try_exists().unwrap(),
        "looking makes nothing"
    );
}

#[test]
fn what_keeps_a_control_plane_from_starting_is_told_and_mended() {
    let mut resident = Resident::prepared(NO_ENGINE, &[]);
    resident.serve();
    let document = resident.json(&["doctor"]);
    assert_eq!(check(&document, "data.lock")["state"], "ok");
    assert_eq!(check(&document, "network.ports")["state"], "ok");
    resident.kill();

    // A dead one's address, a list that makes no sense, and a directory that others may read.
    let endpoint = resident.home().join("endpoint.json");
    assert!(endpoint.try_exists().unwrap(), "it was killed");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(resident.home(), open).unwrap();
    std::fs::write(resident.home().join("contexts.json"), "{").unwrap();

    let found = resident.try_json(&["doctor"]);
    assert_eq!(found.code, 1, "{}", found.stderr);
    let document = found.json();
    assert_eq!(check(&document, "data.lock")["state"], "warning");
    assert_eq!(check(&document, "data.permissions")["state"], "failed");
    assert_eq!(check(&document, "data.contexts")["state"], "failed");

    let mended = resident.json(&["doctor", "--fix"]);
    for name in ["data.lock", "data.permissions", "data.contexts"] {
        let mended = check(&mended, name);
        assert_eq!(mended["state"], "ok", "{mended:#}");
        assert!(mended["fixed"].is_string(), "{mended:#}");
    }
    let again = resident.json(&["doctor", "--fix"]);
    let all = again.as_array().unwrap();
    assert!(
        all.iter().all(|check| check["fixed"].is_null()),
        "{again:#}"
    );
    resident.serve();
    resident.json(&["status"]);
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_told_with_its_holder() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    let resident = Resident::prepared(NO_ENGINE, &[("NASIKO_GATEWAY_PORT", &port)]);
    let found = resident.try_json(&["doctor"]);
    assert_eq!(found.code, 1, "{}", found.stderr);
    let document = found.json();
    let ports = check(&document, "network.ports");
    assert_eq!(ports["state"], "failed");
    let evidence = ports["evidence"][0].as_str().unwrap();
    assert!(
        evidence.contains(&port) && evidence.contains(&std::process::id().to_string()),
        "{evidence}"
    );
}

#[test]
fn a_socket_that_this_account_may_not_open_is_told_with_what_lets_it() {
    // The resident of a test leaves an engine alone that it finds at such a place.
    let place = folder(&[("nonexistent/here", "")]);
    let socket = place.path().join("nonexistent/docker.sock");
    let _engine = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    let resident = Resident::prepared(&format!("unix://{}", socket.display()), &[]);
    let found = doctor_behind(&resident, &WITHOUT_PRIVILEGE);
    assert_eq!(found.code, 1, "{}", found.stderr);
    let document = found.json();
    let access = check(&document, "engine.access");
    assert_eq!(access["state"], "failed", "{access:#}");
    assert_eq!(access["command"], "sudo usermod -aG docker \"$USER\"");
    assert!(
        access["evidence"].to_string().contains("mode 0000"),
        "{access:#}"
    );
}

#[test]
fn a_name_localhost_that_leads_elsewhere_is_told() {
    let place = folder(&[("hosts", "192.0.2.7 localhost\n")]);
    let hosts = place.path().join("hosts");
    let resident = Resident::prepared(NO_ENGINE, &[]);
    let script = format!(
        "mount --bind {} /etc/hosts && exec \"$0\" \"$@\"",
        hosts.display()
    );
    let found = doctor_behind(&resident, &["unshare", "--mount", "sh", "-c", &script]);
    let document = found.json();
    let name = check(&document, "network.localhost");
    assert_eq!(name["state"], "failed", "{name:#}");
    assert!(
        name["evidence"].to_string().contains("192.0.2.7"),
        "{name:#}"
    );
}

#[test]
fn a_low_limit_of_open_files_is_told_and_what_may_be_raised_is() {
    let resident = Resident::prepared(NO_ENGINE, &[]);
    let document = doctor_behind(&resident, &["prlimit", "--nofile=400:400"]).json();
    let fixed = check(&document, "machine.open-files");
    assert_eq!(
        (&fixed["state"], &fixed["fix"]),
        (&Value::from("warning"), &Value::Null)
    );
    assert!(fixed["command"].is_string(), "{fixed:#}");
    let document = doctor_behind(&resident, &["prlimit", "--nofile=400:4000"]).json();
    let raisable = check(&document, "machine.open-files");
    assert!(raisable["fix"].is_object(), "{raisable:#}");
}

#[test]
fn a_keyring_that_is_locked_or_gone_is_told() {
    let Some(program) = skip::path_or_skip("doctor::a_keyring_that_is_locked", VARIABLE, "keyring")
    else {
        return;
    };
    let mut session = Session::unlocked(program);
    let bus = session.bus();
    let in_session = [
        ("DBUS_SESSION_BUS_ADDRESS", bus.as_str()),
        ("NASIKO_VAULT_KEYRING", ""),
    ];
    let mut resident = Resident::prepared(NO_ENGINE, &in_session);
    resident.serve();
    let state = |resident: &Resident| {
        let document = resident.try_json(&["doctor"]).json();
        check(&document, "secrets.keyring")["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let source = folder(&[("main.py", "")]);
    let path = source.path().to_str().unwrap();
    // A secret makes the key, wherever its agent gets to.
    resident.run(&["deploy", path, "--name", "keeper", "--env", "KEPT=value"]);
    assert_eq!(state(&resident), "ok");
    session.lock();
    assert_eq!(state(&resident), "failed");
    session.kill_keyring();
    assert_eq!(state(&resident), "failed");
    session.start_keyring(true);
    assert_eq!(state(&resident), "ok");
}

/// A session whose keyring holds the key of a resident with an agent that has a secret.
fn with_key_in_keyring(daemon: PathBuf) -> (Session, Resident, TempDir) {
    let session = Session::unlocked(daemon);
    let bus = session.bus();
    let in_session = [
        ("DBUS_SESSION_BUS_ADDRESS", bus.as_str()),
        ("NASIKO_VAULT_KEYRING", ""),
    ];
    let mut resident = Resident::prepared(NO_ENGINE, &in_session);
    resident.serve();
    let source = folder(&[("main.py", &program::saying("here", ""))]);
    let path = source.path().to_str().unwrap();
    resident.json(&["deploy", path, "--name", "keeper", "--env", "KEPT=value"]);
    (session, resident, source)
}

/// In the window of the keyring's own program, with a password that is typed.
#[test]
fn a_locked_key_is_told_and_opened_in_the_keyrings_own_window() {
    let test = "doctor::a_locked_key_is_told_and_opened_in_the_keyrings_own_window";
    let Some(keyring) = skip::path_or_skip(test, VARIABLE, "keyring") else {
        return;
    };
    let Some(prompter) = Prompter::program() else {
        skip::skip(test, "no program of the keyring that asks for its password");
        return;
    };
    if skip::path_or_skip(test, "NASIKO_TEST_DISPLAY", "display").is_none() {
        return;
    }
    let (session, mut resident, _source) = with_key_in_keyring(keyring);
    resident.kill();
    session.lock();
    resident.serve();
    let refused = resident.try_json(&["secret", "set", "keeper", "OTHER", "value"]);
    assert_ne!(refused.code, 0, "the key is out of reach: {refused:?}");
    let locked = resident.try_json(&["doctor"]).json();
    for name in ["secrets.key", "secrets.keyring"] {
        let locked = check(&locked, name);
        assert_eq!(locked["state"], "failed", "{locked:#}");
        assert!(locked["fix"].is_object(), "{locked:#}");
    }

    let prompter = Prompter::start(&session, prompter);
    let fixing = resident.command(&["doctor", "--fix", "--json"]);
    let fixing = std::thread::spawn(move || run(fixing));
    let screen = Screen::connect();
    let window = screen.window_of(prompter.pid());
    screen.write(window, std::str::from_utf8(PASSWORD).unwrap());
    screen.press(window, &[ENTER]);
    let mended = fixing.join().unwrap().json();
    for name in ["secrets.key", "secrets.keyring"] {
        let mended = check(&mended, name);
        assert_eq!(mended["state"], "ok", "{mended:#}");
    }
    let said = ["secrets.key", "secrets.keyring"].map(|name| &check(&mended, name)["fixed"]);
    assert!(said.iter().any(|said| said.is_string()), "{mended:#}");
    resident.run(&["restart", "keeper"]).ok();
}

#[test]
fn a_key_that_is_lost_or_another_one_is_told() {
    let mut resident = Resident::start();
    let source = folder(&[("main.py", &program::saying("here", ""))]);
    let path = source.path().to_str().unwrap();
    let key = || check(&resident.try_json(&["doctor"]).json(), "secrets.key").clone();
    assert_eq!(key()["state"], "ok", "nothing needed it yet");
    resident.json(&["deploy", path, "--name", "keeper", "--env", "KEPT=value"]);
    assert_eq!(key()["state"], "ok");
    resident.kill();
    let file = resident.home().join("vault.key");
    std::fs::remove_file(&file).unwrap();
    resident.serve();
    let found = |resident: &Resident| {
        // It is looked for when something needs it.
        let restarted = resident.try_json(&["restart", "keeper"]);
        assert_ne!(restarted.code, 0, "{restarted:?}");
        check(&resident.try_json(&["doctor"]).json(), "secrets.key").clone()
    };
    let lost = found(&resident);
    assert_eq!(lost["state"], "failed", "{lost:#}");
    assert!(
        lost["fix"].is_null() && lost["hint"].is_string(),
        "{lost:#}"
    );
    std::fs::write(&file, [7; 32]).unwrap();
    let other = found(&resident);
    assert_eq!(other["state"], "failed", "{other:#}");
    assert_ne!(other["cause"], lost["cause"]);
}

#[test]
fn a_folder_that_the_system_has_no_more_watches_for_is_told() {
    let few = "echo 6 > /proc/sys/user/max_inotify_watches && exec \"$0\" \"$@\"";
    let words = ["unshare", "--user", "--map-root-user", "sh", "-c", few];
    let can = Command::new(words[0])
        .args(&words[1..])
        .arg("true")
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        let test = "doctor::a_folder_that_the_system_has_no_more_watches_for_is_told";
        skip::skip(
            test,
            "no account can be given limits of its own here (needs Linux)",
        );
        return;
    }
    let mut resident = Resident::prepared(NO_ENGINE, &[]);
    resident.serve_with(|serve| behind(&words, &serve));
    let source = folder(&[("main.py", &program::saying("here", ""))]);
    for number in 0..12 {
        let below = source.path().join(format!("part{number}"));
        std::fs::create_dir(&below).unwrap();
        std::fs::write(below.join("text.txt"), "text").unwrap();
    }
    let path = source.path().to_str().unwrap();
    resident.json(&["deploy", path, "--name", "watched", "--watch"]);
    eventually("it is told that saves come late", || {
        let document = resident.try_json(&["doctor"]).json();
        let watch = check(&document, "agent.watch").clone();
        let is_told = watch["state"] == "warning" && watch["agent"] == "watched";
        if is_told && watch["evidence"].to_string().contains("limit of watches") {
            Ok(())
        } else {
            Err(format!("{watch:#}"))
        }
    });
}

#[test]
fn the_report_shows_nothing_private() {
    let person = folder(&[]);
    let home = person.path().display().to_string();
    let secret = "hunter2-canary-0123456789abcdef";
    let proxy = format!("http://me:{secret}@127.0.0.1:9");
    let environment = [
        ("HOME", home.as_str()),
        ("USER", "adalovelace"),
        ("HTTPS_PROXY", &proxy),
        ("OPENAI_API_KEY", secret),
    ];
    let mut resident = Resident::prepared(NO_ENGINE, &environment);
    let report = |resident: &Resident| resident.run(&["doctor", "--report"]).ok().stdout;
    let without = report(&resident);
    resident.serve();
    let (_, token) = resident.endpoint();
    for text in [without, report(&resident)] {
        assert!(text.contains("`network.proxy`"), "{text}");
        for private in [secret, "adalovelace", &home, &token] {
            assert!(!text.contains(private), "{private} is in {text}");
        }
    }
}

#[test]
fn docker_that_is_well_is_told_so_and_what_it_refuses_or_keeps_too_long_is_told() {
    let Some(host) = skip::engine_or_skip("doctor::docker_that_is_well_is_told_so") else {
        return;
    };
    let resident = Resident::with_engine(&host);
    let document = resident.try_json(&["doctor"]).json();
    for name in [
        "found",
        "running",
        "access",
        "address",
        "api",
        "architecture",
        "clock",
        "pull",
    ] {
        let found = check(&document, &format!("engine.{name}"));
        assert_eq!(found["state"], "ok", "{found:#}");
    }

    // Nobody listens there.
    let source = folder(&[(
        "Dockerfile",
        "FROM 127.0.0.1:1/nothing/here:1\nCMD [\"x\"]\n",
    )]);
    let path = source.path().to_str().unwrap();
    let deployed = resident.run(&["deploy", path, "--name", "puller", "--runtime", "docker"]);
    assert_ne!(deployed.code, 0);
    // Of this installation, and of no agent: as a crash between two steps leaves one.
    let installation = std::fs::read_to_string(resident.home().join("installation")).unwrap();
    let label = format!("nasiko.installation={}", installation.trim());
    let labels = [
        label.as_str(),
        "nasiko.type=agent",
        "nasiko.name=gone",
        "nasiko.deployment=of-nobody",
    ];
    let mut words = vec!["create"];
    words.extend(labels.iter().flat_map(|label| ["--label", label]));
    words.extend(["python:3.11-slim", "true"]);
    let container = resident.docker(&words);
    assert!(!container.trim().is_empty(), "it is created");

    let document = resident.try_json(&["doctor"]).json();
    let pull = check(&document, "engine.pull");
    assert_eq!(pull["state"], "failed", "{pull:#}");
    let left = check(&document, "agents.leftovers");
    assert_eq!(left["state"], "warning", "{left:#}");
    let mended = resident.try_json(&["doctor", "--fix"]).json();
    let left = check(&mended, "agents.leftovers");
    assert_eq!(left["state"], "ok", "{left:#}");
    assert!(resident.containers().is_empty());
}

/// Makes an image that is another one, but for the machine that it says it is made for.
const RELABEL: &str = r"
import copy, io, json, subprocess, sys, tarfile
base, image, machine = sys.argv[1:]
saved = tarfile.open(fileobj=io.BytesIO(subprocess.check_output(['docker', 'save', base])))
manifest = json.load(saved.extractfile('manifest.json'))
name = manifest[0]['Config']
config = json.load(saved.extractfile(name))
config['architecture'] = machine
manifest[0]['RepoTags'] = [image]
changed = {name: config, 'manifest.json': manifest}
written = io.BytesIO()
with tarfile.open(fileobj=written, mode='w') as archive:
    for entry in saved:
        if entry.name == 'repositories':
            continue
        content = saved.extractfile(entry) if entry.isfile() else None
        if entry.name in changed:
            text = json.dumps(changed[entry.name]).encode()
            entry, content = copy.copy(entry), io.BytesIO(text)
            entry.size = len(text)
        archive.addfile(entry, content)
subprocess.run(['docker', 'load'], input=written.getvalue(), check=True)
";

#[test]
fn docker_that_runs_an_image_of_another_machine_is_told() {
    let Some(host) = skip::engine_or_skip("doctor::docker_that_runs_an_image_of_another_machine")
    else {
        return;
    };
    let resident = Resident::with_engine(&host);
    let image = format!("{}/foreign:1", resident.network());
    // What is in it runs here; what it says of itself is what it would be on another machine.
    let other = if cfg!(target_arch = "x86_64") {
        "arm64"
    } else {
        "amd64"
    };
    let made = Command::new("python3")
        .args(["-c", RELABEL, "python:3.11-slim", &image, other])
        .env("DOCKER_HOST", &host)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let from = format!("FROM {image}\nWORKDIR /app\nCOPY . .\nCMD [\"python3\", \"main.py\"]\n");
    let source = folder(&[
        ("main.py", &program::saying("here", "")),
        ("Dockerfile", &from),
    ]);
    let path = source.path().to_str().unwrap();
    let deployed = resident.run(&["deploy", path, "--name", "foreign", "--runtime", "docker"]);
    let found = resident.try_json(&["doctor", "--agent", "foreign"]).json();
    let removed = resident.run(&["rm", "foreign", "--yes"]);
    resident.docker(&["rmi", "--force", &image]);
    deployed.ok();
    let image = check(&found, "agent.image");
    assert_eq!(image["state"], "warning", "{image:#}");
    let cause = image["cause"].as_str().unwrap();
    assert!(
        cause.contains("arm64") && cause.contains("amd64"),
        "{cause}"
    );
    removed.ok();
}
