//! The resident: one per data directory, found or started, ended without ending its agents; and what it keeps.

use std::{
    collections::BTreeSet,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nasiko_tests::{
    Api, Output, Resident,
    api::{ask, try_ask},
    eventually, example,
    faults::{assert_fault, error_of},
    folder, program, skip,
};
use serde_json::{Value, json};

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

fn said(output: &std::process::Output) -> Output {
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn up_status_down() {
    let resident = Resident::prepared(NO_ENGINE, &[]);
    assert_eq!(resident.json(&["status"])["running"], false);
    assert_eq!(
        resident.json(&["down"])["running"],
        false,
        "what does not run need not be ended"
    );
    let up = resident.json(&["up"]);
    assert_eq!(up["running"], true, "{up:#}");
    let again = resident.json(&["up"]);
    assert_eq!(up["pid"], again["pid"], "one that runs is found");
    let status = resident.json(&["status"]);
    assert_eq!(status["pid"], up["pid"]);
    for address in ["api", "gateway", "admin", "otlp_http", "otlp_grpc"] {
        assert!(
            status[address]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:"),
            "{status:#}"
        );
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(resident.home().join("endpoint.json"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "the token is its owner's alone");
    assert_eq!(
        resident.json(&["local", "status"])["pid"],
        up["pid"],
        "the older spelling"
    );
    assert_eq!(resident.json(&["down"])["running"], false);
    assert_eq!(resident.json(&["status"])["running"], false);
    assert!(
        !resident.home().join("endpoint.json").try_exists().unwrap(),
        "no address is left behind"
    );
    eventually("its process has ended", || {
        // Whoever inherits it may take its time to reap it.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", up["pid"])).unwrap_or_default();
        match stat.rsplit_once(") ") {
            Some((_, state)) if !state.starts_with('Z') => Err(stat),
            _ => Ok(()),
        }
    });
}

#[test]
fn two_at_once_are_one() {
    let resident = Resident::prepared(NO_ENGINE, &[]);
    let pids: BTreeSet<String> = std::thread::scope(|scope| {
        let ups: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| resident.json(&["up"])["pid"].to_string()))
            .collect();
        ups.into_iter().map(|up| up.join().unwrap()).collect()
    });
    assert_eq!(pids.len(), 1, "{pids:?}");
    resident.run(&["down"]).ok();
    assert_eq!(
        resident.json(&["status"])["running"],
        false,
        "nobody who came too late takes over"
    );
}

#[test]
fn a_data_directory_has_one_owner() {
    let resident = Resident::start();
    let second = resident.try_json(&["serve", "--no-tray"]);
    let home = resident.home().to_str().unwrap();
    assert_fault(
        &second,
        "control.data_directory_owned",
        "data directory",
        home,
    );
    assert_eq!(
        resident.json(&["status"])["pid"],
        resident.pid(),
        "the first one is not disturbed"
    );
}

#[test]
fn what_a_crash_leaves_is_no_resident() {
    let mut resident = Resident::start();
    let (address, _) = resident.endpoint();
    resident.kill();
    assert!(
        resident.home().join("endpoint.json").try_exists().unwrap(),
        "a crash cleans nothing up"
    );
    assert_eq!(resident.json(&["status"])["running"], false);
    assert_fault(&resident.try_json(&["ps"]), "control.unreachable", "", "");

    // Another program has its port now: one that takes calls and never answers.
    let squatter = TcpListener::bind(address.trim_start_matches("http://")).unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(resident.json(&["status"])["running"], false);
    assert!(
        begun.elapsed().as_secs() < 15,
        "not a silent hang: {:?}",
        begun.elapsed()
    );
    let up = resident.json(&["up"]);
    assert_eq!(up["running"], true, "{up:#}");
    drop(squatter);
    assert_eq!(resident.json(&["ps"]), json!([]));
}

#[tokio::test]
async fn agents_outlive_the_resident() {
    let resident = Resident::prepared(NO_ENGINE, &[]);
    resident.json(&["up"]);
    let source = folder(&[("main.py", &program::saying("living", ""))]);
    resident.json(&[
        "deploy",
        source.path().to_str().unwrap(),
        "--name",
        "living",
    ]);
    let gateway = |resident: &Resident| {
        resident.json(&["status"])["gateway"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let before = ask(&format!("{}/living/", gateway(&resident))).await;
    let port = before.split(' ').nth(3).unwrap().to_owned();
    resident.run(&["down"]).ok();
    let alone = try_ask(&format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(alone.as_ref(), Ok(&before), "it goes on answering");
    resident.json(&["up"]);
    assert_eq!(resident.json(&["ps"])[0]["state"], "active");
    assert_eq!(
        ask(&format!("{}/living/", gateway(&resident))).await,
        before,
        "the same process"
    );
    resident.run(&["down", "--stop-agents"]).ok();
    assert_eq!(resident.agent_processes(), Vec::<u32>::new());
    // Ended with the resident, not stopped by a person: it comes back with it.
    resident.json(&["up"]);
    let after = ask(&format!("{}/living/", gateway(&resident))).await;
    assert_ne!(after, before);
}

#[test]
fn a_taken_port() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().port();
    let own = format!("{}", std::process::id());
    let resident = Resident::prepared(NO_ENGINE, &[]);
    for (variable, flag) in [
        ("NASIKO_API_PORT", "--api-port"),
        ("NASIKO_GATEWAY_PORT", "--gateway-port"),
    ] {
        let asked = said(
            &resident
                .command(&["serve", "--no-tray", "--json"])
                .env(variable, taken.to_string())
                .output()
                .unwrap(),
        );
        assert_fault(&asked, "agent.start.port_taken", &taken.to_string(), "");
        assert!(
            error_of(&asked)["message"].as_str().unwrap().contains(&own),
            "the owner is named: {}",
            asked.stdout
        );
        let flagged = resident.try_json(&["serve", "--no-tray", flag, &taken.to_string()]);
        assert_fault(&flagged, "agent.start.port_taken", &taken.to_string(), "");
    }
}

#[test]
fn a_usual_port_that_is_taken_is_replaced() {
    // Held by us, or by whoever has it already.
    let _holder = TcpListener::bind("127.0.0.1:9101");
    let mut resident = Resident::prepared(NO_ENGINE, &[]);
    resident.serve_with(|mut command| {
        command.env_remove("NASIKO_ADMIN_PORT");
        command
    });
    let status = resident.json(&["status"]);
    let notices = status["notices"].to_string();
    assert!(
        notices.contains("9101") && notices.contains("held by"),
        "{status:#}"
    );
    let admin = status["admin"].as_str().unwrap();
    assert!(
        admin.starts_with("http://127.0.0.1:") && !admin.ends_with(":9101"),
        "{admin}"
    );
}

#[test]
fn exit_codes() {
    let resident = Resident::start();
    let agent = example("greeter");
    let agent = agent.to_str().unwrap();
    resident.run(&["deploy", agent]).ok();
    let broken = folder(&[("main.py", "raise SystemExit(1)\n")]);
    for (words, code) in [
        (&["status"][..], 0),
        (
            &[
                "deploy",
                broken.path().to_str().unwrap(),
                "--name",
                "broken",
            ],
            1,
        ),
        (&["deploy"], 2),
        (&["no-such-word"], 2),
        (&["deploy", agent, "--runtime", "moon"], 2),
        (&["settings", "set", "no-such-setting", "1"], 2),
        (&["new", "python", "Not A Name"], 2),
        (&["chat", "nobody", "hello"], 3),
        (&["logs", "nobody"], 3),
        (&["stop", "nobody"], 3),
        (&["rm", "nobody", "--yes"], 3),
        (&["jobs", "get", "nothing"], 3),
        (&["trace", "0123456789abcdef0123456789abcdef"], 3),
        (&["secret", "rm", "greeter", "NOTHING"], 3),
        (&["--context", "elsewhere", "ps"], 3),
    ] {
        let output = resident.run(words);
        assert_eq!(
            output.code, code,
            "{words:?}: {}{}",
            output.stdout, output.stderr
        );
        if code != 0 {
            assert!(!output.stderr.is_empty(), "{words:?} says why");
            let json = resident.try_json(words);
            assert_eq!(
                json.code, code,
                "{words:?} --json: {}{}",
                json.stdout, json.stderr
            );
            let error = error_of(&json);
            assert!(
                error["code"].is_string() && error["message"].is_string(),
                "{error:#}"
            );
        }
    }
    // The token of another run is refused, which is something else than not reached.
    let endpoint = resident.home().join("endpoint.json");
    let kept = std::fs::read_to_string(&endpoint).unwrap();
    let (_, token) = resident.endpoint();
    std::fs::write(&endpoint, kept.replace(&token, "wrong")).unwrap();
    let refused = resident.try_json(&["ps"]);
    assert!([4, 5].contains(&refused.code), "{}", refused.stdout);
    std::fs::write(&endpoint, kept).unwrap();
}

/// The verbs below a command, as its help lists them.
fn verbs(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|verb| verb != "help")
        .collect()
}

#[test]
fn everything_has_help() {
    let resident = Resident::prepared(NO_ENGINE, &[]);
    let hidden = [
        "local",
        "upload-directory",
        "upload-zip",
        "clone",
        "observability",
        "registry-list",
        "registry-get",
    ];
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    open.extend(hidden.map(|verb| vec![verb.to_owned()]));
    let mut seen = 0;
    while let Some(words) = open.pop() {
        let mut asked: Vec<&str> = words.iter().map(String::as_str).collect();
        asked.push("--help");
        let output = resident.run(&asked).ok();
        assert!(
            output.stdout.contains("Usage:"),
            "{asked:?}: {}",
            output.stdout
        );
        seen += 1;
        for verb in verbs(&output.stdout) {
            open.push(words.iter().cloned().chain([verb]).collect());
        }
    }
    assert!(seen > 35, "only {seen} commands");
    assert!(
        resident
            .run(&["--version"])
            .ok()
            .stdout
            .contains(env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            resident
                .run(&["completions", shell])
                .ok()
                .stdout
                .contains("nasiko")
        );
    }
}

#[tokio::test]
async fn the_event_log_replays() {
    let mut resident = Resident::start();
    let api = Api::of(&resident);
    let mut live = api.stream("/events", None).await;
    let source = folder(&[("main.py", &program::saying("seen", ""))]);
    let path = source.path().to_str().unwrap().to_owned();
    resident.json(&["deploy", &path, "--name", "seen"]);
    resident.run(&["stop", "seen"]).ok();
    resident.run(&["rm", "seen", "--yes"]).ok();
    let mut seen: Vec<(u64, String, String)> = Vec::new();
    loop {
        let event = live.next().await.unwrap().expect("the log goes on");
        let (seq, topic) = (
            event.id.expect("events are numbered"),
            event.data["topic"].as_str().unwrap().to_owned(),
        );
        assert_eq!(event.data["seq"], seq);
        seen.push((
            seq,
            topic.clone(),
            event.data["subject"].as_str().unwrap().to_owned(),
        ));
        if topic == "agent.removed" {
            break;
        }
    }
    for pair in seen.windows(2) {
        assert_eq!(pair[0].0 + 1, pair[1].0, "no holes: {seen:#?}");
    }
    for topic in [
        "job.changed",
        "agent.changed",
        "build.changed",
        "deployment.changed",
    ] {
        assert!(
            seen.iter().any(|event| event.1 == topic),
            "no {topic} in {seen:#?}"
        );
    }

    // From any point on, before a restart and after one, the same events in the same order.
    for crash in [false, true] {
        if crash {
            resident.kill();
            resident.serve();
        }
        let api = Api::of(&resident);
        for from in [0, seen.len() / 2, seen.len() - 2] {
            let mut replay = api.stream("/events", Some(seen[from].0)).await;
            for expected in &seen[from + 1..] {
                let event = replay.next().await.unwrap().expect("the log goes on");
                let topic = event.data["topic"].as_str().unwrap().to_owned();
                let subject = event.data["subject"].as_str().unwrap().to_owned();
                assert_eq!(&(event.id.unwrap(), topic, subject), expected);
            }
        }
    }
}

#[test]
fn what_new_makes_answers() {
    let resident = Resident::start();
    let place = tempfile::tempdir().unwrap();
    for template in ["python", "python-stream", "node"] {
        let name = format!("my-{template}");
        let made = resident
            .command(&["new", template, &name, "--json"])
            .current_dir(place.path())
            .output()
            .unwrap();
        let made = said(&made).ok().json();
        assert_eq!(made["name"], name.as_str(), "{made:#}");
        let path = place.path().join(&name);
        let again = said(
            &resident
                .command(&["new", template, &name])
                .current_dir(place.path())
                .output()
                .unwrap(),
        );
        assert_ne!(again.code, 0, "what is there is not written over");
        let deployed = resident.json(&["deploy", path.to_str().unwrap()]);
        assert_eq!(deployed["agent"], name.as_str(), "{deployed:#}");
        let answer = resident.json(&["chat", &name, "Hello there"]);
        assert!(answer["text"].as_str().unwrap().len() > 2, "{answer:#}");
    }
}

#[test]
fn jobs_registry_settings_secrets() {
    let resident = Resident::with_greeter();
    let jobs = resident.json(&["jobs", "--agent", "greeter"]);
    assert_eq!(jobs[0]["state"], "succeeded", "{jobs:#}");
    assert_eq!(jobs[0]["progress"], 1.0, "{jobs:#}");
    let id = jobs[0]["id"].as_str().unwrap();
    assert_eq!(resident.json(&["jobs", "get", id])["kind"], "deploy");
    resident.run(&["jobs", "log", id]).ok();
    assert_eq!(resident.json(&["jobs", "--state", "failed"]), json!([]));
    let cancelled = resident.json(&["jobs", "cancel", id]);
    assert_eq!(
        cancelled["state"], "succeeded",
        "what is over is not cancelled: {cancelled:#}"
    );

    let entry = resident.json(&["registry", "get", "greeter"]);
    assert_eq!(entry["edited"], false, "{entry:#}");
    let changed = resident.json(&[
        "registry",
        "update",
        "greeter",
        "--description",
        "Says hello",
        "--tag",
        "polite",
    ]);
    assert_eq!(
        (&changed["description"], &changed["edited"]),
        (&json!("Says hello"), &json!(true)),
        "{changed:#}"
    );
    let found = resident.json(&["registry", "list", "--text", "polite"]);
    assert_eq!(found[0]["id"], "greeter", "{found:#}");
    assert_eq!(
        resident.json(&["registry", "list", "--text", "no such words"]),
        json!([])
    );
    assert_eq!(
        resident.json(&["registry-list"])[0]["id"],
        "greeter",
        "the older spelling"
    );
    resident.run(&["registry", "delete", "greeter"]).ok();
    let reset = resident.json(&["registry", "get", "greeter"]);
    assert_eq!(reset["description"], entry["description"]);
    assert_eq!(reset["edited"], false);

    let settings = resident.json(&["settings"]);
    assert_eq!(settings["default_runtime"], "process");
    let changed = resident.json(&["settings", "set", "parallel-jobs", "2"]);
    assert_eq!(changed["parallel_jobs"], 2);
    assert_eq!(resident.json(&["settings"]), changed);

    resident.run(&["secret", "set", "greeter", "ONE", "1"]).ok();
    let secrets = resident.json(&["secret", "list", "greeter"]);
    assert_eq!(secrets, json!([{ "name": "ONE", "agent": "greeter" }]));
    resident.run(&["secret", "rm", "greeter", "ONE"]).ok();
    assert_eq!(resident.json(&["secret", "list", "greeter"]), json!([]));
    let refused = resident.try_json(&["secret", "set", "greeter", "NOT A NAME", "1"]);
    assert_fault(&refused, "request.invalid", "NOT A NAME", "");
}

#[test]
fn dead_letters() {
    let resident = Resident::start();
    assert_eq!(resident.json(&["dead-letters"]), json!([]));
    // No engine today, perhaps tomorrow: it is tried again, and then given up for now.
    let agent = example("greeter");
    let output = resident.try_json(&["deploy", agent.to_str().unwrap(), "--runtime", "docker"]);
    assert_fault(&output, "engine.absent", "", "/nonexistent/docker.sock");
    let dead = resident.json(&["dead-letters"]);
    assert_eq!(dead[0]["state"], "dead", "{dead:#}");
    assert_eq!(dead[0]["error"]["code"], "engine.absent", "{dead:#}");
    assert!(dead[0]["attempt"].as_u64() > Some(1), "{dead:#}");
    let id = dead[0]["id"].as_str().unwrap();
    let again = resident.json(&["dead-letters", "requeue", id]);
    assert_ne!(again["state"], "dead", "{again:#}");
    assert_eq!(resident.json(&["dead-letters"]), json!([]));
    eventually("it is given up again", || {
        let job = resident.json(&["jobs", "get", id]);
        if job["state"] == "dead" {
            Ok(())
        } else {
            Err(job.to_string())
        }
    });
    assert_eq!(
        resident.run(&["dead-letters", "requeue", "nothing"]).code,
        3
    );
}

const TINY_DISK: &str = "NASIKO_TEST_TINY_DISK";

/// A disk that is really full: a file system of a few megabytes in a mount namespace that ends with its processes.
#[test]
fn a_full_disk_loses_nothing() {
    let name = "resident::a_full_disk_loses_nothing";
    let can = Command::new("unshare").args(["--mount", "true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        skip::skip(
            name,
            "no mount namespace can be made here (needs Linux and the superuser)",
        );
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=12m tmpfs "$1" && exec "$2" resident::full_disk --exact --ignored --nocapture"#;
    let child = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(place.path())
        .arg(std::env::current_exe().unwrap())
        .env("TMPDIR", place.path())
        .env(TINY_DISK, place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// Fills the disk to the last byte.
fn fill(disk: &Path) -> PathBuf {
    let ballast = disk.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    for size in [1 << 16, 1 << 12, 1 << 6, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
    ballast
}

#[tokio::test]
#[ignore = "runs as the child of the test above"]
async fn full_disk() {
    let Some(disk) = std::env::var_os(TINY_DISK).map(PathBuf::from) else {
        return;
    };
    let resident = Resident::start();
    // The folder lies elsewhere: it is the control plane's disk that is full.
    let source = tempfile::Builder::new()
        .prefix("agent-")
        .tempdir_in("/var/tmp")
        .unwrap();
    let main = source.path().join("main.py");
    std::fs::write(&main, program::saying("v0", "")).unwrap();
    let path = source.path().to_str().unwrap();
    resident.json(&["deploy", path, "--name", "steady"]);
    let api = Api::of(&resident);
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = ask(&format!("{gateway}/steady/")).await;

    let ballast = fill(&disk);
    let mut accepted = Vec::new();
    let mut refused: Option<Value> = None;
    for version in 1..200 {
        std::fs::write(&main, program::saying(&format!("v{version}"), "")).unwrap();
        let body = json!({ "directory_path": path, "agent_name": "steady", "runtime": "process" });
        let (status, answer) = api.post("/upload-agents/directory", &body).await;
        match status {
            202 => accepted.push(answer["id"].as_str().unwrap().to_owned()),
            507 => {
                refused = Some(answer);
                break;
            }
            _ => panic!("{status} {answer:#}"),
        }
    }
    let refused = refused.expect("a full disk takes no more");
    assert_eq!(refused["code"], "disk.full", "{refused:#}");
    assert!(refused["hint"].is_string(), "{refused:#}");
    let output = resident.try_json(&["deploy", path, "--name", "steady"]);
    assert_eq!(error_of(&output)["code"], "disk.full", "{}", output.stdout);
    assert_eq!(
        api.agent("steady").await["name"],
        "steady",
        "it can still be looked at"
    );
    let says = ask(&format!("{gateway}/steady/")).await;
    assert!(
        says.starts_with('v') && !before.is_empty(),
        "what runs goes on answering: {says}"
    );

    std::fs::remove_file(ballast).unwrap();
    for id in &accepted {
        let job = api.job(id).await;
        let fine = job["state"] == "succeeded" || job["fault"]["code"] == "disk.full";
        assert!(fine, "what was accepted ends, with its reason: {job:#}");
    }
    std::fs::write(&main, program::saying("last", "")).unwrap();
    let deployed = resident.json(&["deploy", path, "--name", "steady"]);
    assert_eq!(deployed["state"], "active", "{deployed:#}");
    assert!(
        ask(&format!("{gateway}/steady/"))
            .await
            .starts_with("last ")
    );
}
