//! What bad input gets: a stable code, a sentence, a hint, the evidence; never a stack trace, never a silent hang.

use std::{io::Write, path::Path};

use nasiko_tests::{
    Output, Resident, example,
    faults::{assert_fault, error_of},
    folder, skip,
};

/// Listens and answers like an agent that is content with everything; `before` runs first.
fn program(before: &str) -> String {
    format!(
        "import http.server, os\n{before}\n\
         class H(http.server.BaseHTTPRequestHandler):\n    \
             def do_GET(self):\n        self.send_response(404); self.end_headers()\n\
         http.server.HTTPServer(('127.0.0.1', int(os.environ.get('PORT', '8000'))), H).serve_forever()\n"
    )
}

fn deploy(resident: &Resident, path: &Path) -> Output {
    resident.try_json(&["deploy", path.to_str().unwrap()])
}

#[test]
fn folders_that_are_none() {
    let resident = Resident::start();
    let parent = folder(&[("greeter/main.py", "print(1)")]);
    let output = deploy(&resident, &parent.path().join("greter"));
    assert_fault(&output, "intake.path_not_found", "greter", "");
    assert_eq!(
        output.code, 1,
        "a deploy that fails says 1, whatever the reason"
    );
    assert!(
        error_of(&output)["hint"]
            .as_str()
            .unwrap()
            .contains("greeter"),
        "the nearest one is offered"
    );

    let empty = folder(&[]);
    assert_fault(
        &deploy(&resident, empty.path()),
        "intake.folder_empty",
        "",
        "",
    );

    let nothing_runs = folder(&[("notes.txt", "hello")]);
    assert_fault(
        &deploy(&resident, nothing_runs.path()),
        "intake.no_entry",
        "",
        "",
    );

    let text = folder(&[("agent.txt", "I am no archive")]);
    assert_fault(
        &deploy(&resident, &text.path().join("agent.txt")),
        "intake.not_a_source",
        "",
        "",
    );

    assert_eq!(
        resident.json(&["ps"]),
        serde_json::json!([]),
        "none of these becomes an agent"
    );
}

fn zip(entries: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".zip").tempfile().unwrap();
    let mut zip = zip::ZipWriter::new(file.as_file_mut());
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    file
}

#[test]
fn archives_that_mean_harm() {
    let resident = Resident::start();
    let climbing = zip(&[("main.py", b"print(1)"), ("../evil.py", b"print(2)")]);
    assert_fault(
        &deploy(&resident, climbing.path()),
        "intake.archive_escapes",
        "../evil.py",
        "",
    );
    let absolute = zip(&[("/etc/evil", b"x")]);
    assert_fault(
        &deploy(&resident, absolute.path()),
        "intake.archive_escapes",
        "/etc/evil",
        "",
    );
    let zeros = vec![0; 300 << 20];
    let bomb = zip(&[("main.py", b"print(1)"), ("zeros", &zeros)]);
    assert_fault(
        &deploy(&resident, bomb.path()),
        "intake.archive_too_large",
        "",
        "",
    );
    let mut broken = tempfile::Builder::new().suffix(".zip").tempfile().unwrap();
    broken.write_all(b"PK\x03\x04 and then nothing").unwrap();
    assert_fault(
        &deploy(&resident, broken.path()),
        "intake.archive_broken",
        "",
        "",
    );
    let unpacked = resident.home().join("unpack");
    let left = std::fs::read_dir(&unpacked).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing of them stays in {}", unpacked.display());
}

#[test]
fn an_archive_as_a_mac_makes_it() {
    let resident = Resident::start();
    let card = std::fs::read(example("greeter").join("AgentCard.json")).unwrap();
    let main = std::fs::read(example("greeter").join("main.py")).unwrap();
    let archive = zip(&[
        ("__MACOSX/._greeter", b"x"),
        ("greeter/.DS_Store", b"x"),
        ("greeter/AgentCard.json", &card),
        ("greeter/main.py", &main),
    ]);
    let deployed = resident.json(&["deploy", archive.path().to_str().unwrap()]);
    assert_eq!(
        deployed["agent"], "greeter",
        "the wrapping folder is descended into: {deployed:#}"
    );
}

#[test]
fn programs_that_do_not_come_up() {
    let resident = Resident::start();

    let ends = folder(&[(
        "main.py",
        "import sys\nprint('the reason', file=sys.stderr)\nsys.exit(3)\n",
    )]);
    let output = deploy(&resident, ends.path());
    assert_fault(&output, "agent.start.exited", "3", "the reason");

    let import = folder(&[("main.py", &program("import not_there_at_all"))]);
    assert_fault(
        &deploy(&resident, import.path()),
        "agent.start.import_error",
        "not_there_at_all",
        "main.py",
    );

    let syntax = folder(&[("main.py", "def broken(:\n    pass\n")]);
    assert_fault(
        &deploy(&resident, syntax.path()),
        "agent.start.syntax_error",
        "",
        "def broken(:",
    );

    let variable = folder(&[("main.py", &program("key = os.environ['SOME_API_KEY']"))]);
    let output = deploy(&resident, variable.path());
    assert_fault(
        &output,
        "agent.start.missing_variable",
        "SOME_API_KEY",
        "main.py",
    );
    let mended = resident.json(&[
        "deploy",
        variable.path().to_str().unwrap(),
        "--env",
        "SOME_API_KEY=x",
    ]);
    assert_eq!(mended["state"], "active", "the hint works: {mended:#}");

    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let taken = format!(
        "import http.server\nhttp.server.HTTPServer(('127.0.0.1', {port}), http.server.BaseHTTPRequestHandler)\n"
    );
    let taken = folder(&[("main.py", &taken)]);
    assert_fault(
        &deploy(&resident, taken.path()),
        "agent.start.port_taken",
        "",
        &port.to_string(),
    );

    let silent = folder(&[
        (
            "main.py",
            "import time\nprint('still here', flush=True)\nwhile True: time.sleep(60)\n",
        ),
        ("nasiko.toml", "[run]\nstart_timeout = \"2s\"\n"),
    ]);
    let output = deploy(&resident, silent.path());
    assert_fault(&output, "agent.start.never_listened", "2 s", "still here");
    assert!(
        error_of(&output)["evidence"]
            .to_string()
            .contains("no port"),
        "{}",
        output.stdout
    );

    let deaf = folder(&[
        (
            "main.py",
            "import os, socket, time\nlistener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\ntime.sleep(600)\n",
        ),
        ("nasiko.toml", "[run]\nstart_timeout = \"2s\"\n"),
    ]);
    let output = deploy(&resident, deaf.path());
    assert_fault(
        &output,
        "agent.start.never_listened",
        "2 s",
        "It listens on",
    );

    assert!(
        resident.agent_processes().len() <= 1,
        "only the one that was mended runs"
    );
}

#[test]
fn a_program_on_another_port_is_found() {
    let resident = Resident::start();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let stubborn = program("").replace("int(os.environ.get('PORT', '8000'))", &free.to_string());
    let stubborn = folder(&[("main.py", &stubborn)]);
    let deployed = resident.json(&["deploy", stubborn.path().to_str().unwrap()]);
    assert_eq!(
        deployed["state"], "active",
        "what answers wins: {deployed:#}"
    );
}

#[test]
fn broken_cards_and_manifests() {
    let resident = Resident::start();
    let card = folder(&[
        ("main.py", &program("")),
        ("AgentCard.json", "{\n  \"name\": \"x\",\n  oops\n}"),
    ]);
    let output = deploy(&resident, card.path());
    assert_fault(&output, "card.broken", "AgentCard.json", "");
    assert!(
        output.stdout.contains('3'),
        "the line is named: {}",
        output.stdout
    );

    let manifest = folder(&[
        ("main.py", &program("")),
        ("nasiko.toml", "[run]\ncomand = [\"python\"]\n"),
    ]);
    let output = deploy(&resident, manifest.path());
    assert_fault(&output, "manifest.broken", "comand", "");
}

#[test]
fn names() {
    let resident = Resident::start();
    let greeter = example("greeter");
    resident.run(&["deploy", greeter.to_str().unwrap()]).ok();

    let output = resident.try_json(&["chat", "greter", "hello"]);
    assert_fault(&output, "agent.not_found", "greter", "");
    assert!(
        error_of(&output)["hint"]
            .as_str()
            .unwrap()
            .contains("greeter"),
        "{}",
        output.stdout
    );
    assert_eq!(output.code, 3);

    // Another folder of the same name, not asked for by name: a suffix and a notice. Asked for by name: refused.
    let copy = folder(&[]);
    for file in ["main.py", "AgentCard.json"] {
        std::fs::copy(greeter.join(file), copy.path().join(file)).unwrap();
    }
    let second = resident.json(&["deploy", copy.path().to_str().unwrap()]);
    assert_eq!(second["agent"], "greeter-2", "{second:#}");
    let output = resident.try_json(&["deploy", copy.path().to_str().unwrap(), "--name", "greeter"]);
    assert_fault(
        &output,
        "conflict",
        "greeter",
        greeter.canonicalize().unwrap().to_str().unwrap(),
    );

    let output = resident.try_json(&["deploy", greeter.to_str().unwrap(), "--name", "Not A Name"]);
    assert_fault(&output, "intake.invalid_name", "Not A Name", "");
    assert!(
        error_of(&output)["hint"]
            .as_str()
            .unwrap()
            .contains("not-a-name"),
        "{}",
        output.stdout
    );
}

#[test]
fn no_engine() {
    let resident = Resident::start();
    let output = resident.try_json(&[
        "deploy",
        example("greeter").to_str().unwrap(),
        "--runtime",
        "docker",
    ]);
    assert_fault(&output, "engine.absent", "", "/nonexistent/docker.sock");
}

#[test]
fn an_engine_on_whose_socket_nobody_listens() {
    let folder = folder(&[]);
    let socket = folder.path().join("docker.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let socket = socket.to_str().unwrap();
    let resident = Resident::with_engine(&format!("unix://{socket}"));
    let greeter = example("greeter");
    let output = resident.try_json(&["deploy", greeter.to_str().unwrap(), "--runtime", "docker"]);
    assert_fault(&output, "engine.stopped", socket, "");
}

#[test]
fn an_engine_that_may_not_be_opened() {
    let name = "bad_input::an_engine_that_may_not_be_opened";
    let can = std::process::Command::new("setpriv")
        .args([
            "--inh-caps=-dac_override",
            "--bounding-set=-dac_override",
            "id",
            "-u",
        ])
        .output();
    if !can.is_ok_and(|output| output.stdout == b"0\n") {
        skip::skip(
            name,
            "no other account can be played here (needs Linux, the superuser and setpriv)",
        );
        return;
    }
    let folder = folder(&[]);
    let socket = folder.path().join("docker.sock");
    let host = format!("unix://{}", socket.display());
    let mut resident = Resident::prepared(&host, &[]);
    // Gone before the resident is: whoever asked it then would wait for ever.
    let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::os::unix::fs::chown(&socket, Some(65534), Some(65534)).unwrap();
    let owners_alone = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&socket, owners_alone).unwrap();
    let socket = socket.to_str().unwrap();
    resident.serve_without_privilege();
    let greeter = example("greeter");
    let output = resident.try_json(&["deploy", greeter.to_str().unwrap(), "--runtime", "docker"]);
    assert_fault(&output, "engine.refused", socket, socket);
    assert!(
        error_of(&output)["hint"]
            .as_str()
            .unwrap()
            .contains("group docker"),
        "{}",
        output.stdout
    );
}

#[test]
fn no_control_plane() {
    let resident = Resident::prepared("unix:///nonexistent/docker.sock", &[]);
    let output = resident.try_json(&["ps"]);
    assert_fault(&output, "control.unreachable", "", "");
    assert_eq!(output.code, 4, "not reachable has an exit code of its own");
    assert_eq!(
        resident.json(&["status"])["running"],
        false,
        "asking how it is is no failure"
    );
}
