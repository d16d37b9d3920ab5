//! The process runtime with real programs: what it starts, sees, adopts and ends.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use nasiko_contract::ErrorCode;
use parking_lot::Mutex;
use rustix::process::Signal;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::inspect::{self, INSTALLATION_VARIABLE, ProcessIdentity};
use super::{ProcessConfig, ProcessRuntime};
use crate::{
    Artifact, Exit, Instance, InstanceId, InstanceState, Limits, LogLine, LogQuery, LogStream,
    PreparePlan, Progress, Requirements, RequirementsKind, Runtime, RuntimeError, RuntimeEvent,
    StartSpec, diagnose,
};

const PATIENCE: Duration = Duration::from_secs(20);

const SERVER: &str = r#"
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("hello from " + os.environ["NASIKO_INSTANCE"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        print("served", self.path, file=sys.stderr)
server = http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
print("listening")
server.serve_forever()
"#;

/// A home and an agent's folder. Ends every program that was started over it.
struct Ground {
    home: tempfile::TempDir,
    folder: tempfile::TempDir,
    installation: String,
}

impl Ground {
    fn home(&self) -> &Path {
        self.home.path()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn instance_folder(&self, id: &str) -> PathBuf {
        self.home().join("instances").join(id)
    }

    async fn open(self) -> House {
        let runtime = open(self.home(), &self.installation, host_environment()).await;
        House {
            runtime,
            ground: self,
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for process in inspect::marked(INSTALLATION_VARIABLE, &self.installation) {
            process.signal_group(Signal::KILL);
            process.signal(Signal::KILL);
        }
    }
}

/// A runtime over a ground of its own.
struct House {
    runtime: ProcessRuntime,
    ground: Ground,
}

impl Deref for House {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl House {
    async fn new() -> Self {
        let ground = Ground {
            home: tempfile::tempdir().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            installation: uuid::Uuid::new_v4().to_string(),
        };
        ground.open().await
    }

    fn spec(&self, id: &str, program: &str) -> StartSpec {
        std::fs::write(self.folder().join("main.py"), program).unwrap();
        spec(id, self.folder(), &["python", "main.py"])
    }

    async fn start(&self, spec: &StartSpec) -> Result<Instance, RuntimeError> {
        self.runtime.start(spec, &CancellationToken::new()).await
    }

    /// Starts a program and waits for its end.
    async fn run(&self, id: &str, program: &str) -> Exit {
        let started = self.start(&self.spec(id, program)).await.unwrap();
        self.exit(&started.id).await
    }

    async fn exit(&self, id: &InstanceId) -> Exit {
        let cancel = CancellationToken::new();
        let waiting = self.runtime.wait_exit(id, &cancel);
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the program ends in time")
            .unwrap()
    }

    async fn lines(&self, id: &InstanceId) -> Vec<LogLine> {
        self.runtime
            .logs(id, LogQuery::default())
            .await
            .unwrap()
            .collect()
            .await
    }

    /// Loses the runtime as a crash would; what it started goes on.
    fn lose(self) -> Ground {
        self.ground
    }
}

fn host_environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

async fn open(
    home: &Path,
    installation: &str,
    environment: Vec<(OsString, OsString)>,
) -> ProcessRuntime {
    let config = ProcessConfig {
        home: home.to_owned(),
        installation: installation.to_owned(),
        environment,
    };
    ProcessRuntime::open(config).await.unwrap()
}

fn spec(id: &str, folder: &Path, command: &[&str]) -> StartSpec {
    StartSpec {
        agent: "greeter".to_owned(),
        deployment_id: id.to_owned(),
        owner: "me".to_owned(),
        version: "1.0.0".to_owned(),
        artifact: Artifact::Folder,
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        workdir: folder.to_owned(),
        env: Vec::new(),
        port: None,
        labels: BTreeMap::new(),
        limits: Limits::default(),
    }
}

fn get(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(b"GET /it HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Repeats until the answer is there; fails after [`PATIENCE`].
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn answered(address: SocketAddr) -> String {
    eventually("an answer", async || get(address)).await
}

/// The process ids that a program printed as `name=<pid>`.
async fn printed_pid(house: &House, id: &InstanceId, name: &str) -> ProcessIdentity {
    let prefix = format!("{name}=");
    eventually("the line with the process id", async || {
        let lines: Vec<_> = house
            .runtime
            .logs(id, LogQuery::default())
            .await
            .unwrap()
            .collect()
            .await;
        let pid = lines
            .iter()
            .find_map(|line| line.text.strip_prefix(&prefix)?.parse().ok())?;
        ProcessIdentity::of(pid)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_started_answers_is_measured_and_stopped() {
    let house = House::new().await;
    let mut events = house.runtime.events();
    let instance = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    assert_eq!(instance.state, InstanceState::Running);
    let address = instance.address.unwrap();
    assert!(answered(address).await.contains("hello from d-1"));

    assert_eq!(
        house.runtime.listening(&instance.id).await,
        [address.port()]
    );
    let stats = house.runtime.stats(&instance.id).await.unwrap();
    assert!(stats.memory_bytes > 1_000_000, "{stats:?}");
    assert_eq!(stats.tasks, 1);

    house
        .runtime
        .stop(&instance.id, Duration::from_secs(5))
        .await
        .unwrap();
    house
        .runtime
        .stop(&instance.id, Duration::from_secs(5))
        .await
        .expect("stopping twice is fine");
    let exit = house.exit(&instance.id).await;
    assert!(exit.requested);
    assert_eq!(exit.signal, Some(15), "python ends by the polite signal");
    assert!(matches!(
        events.recv().await.unwrap(),
        RuntimeEvent::Started { ours: true, .. }
    ));
    assert!(matches!(events.recv().await.unwrap(), RuntimeEvent::Exited(told) if told == exit));
    assert!(TcpListener::bind(address).is_ok(), "the port is free again");

    let listed = house.runtime.list().await.unwrap();
    assert_eq!(
        listed.len(),
        1,
        "a stopped instance is listed until it is removed"
    );
    assert!(matches!(listed[0].state, InstanceState::Exited { .. }));
    house.runtime.remove(&instance.id).await.unwrap();
    assert!(house.runtime.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_what_is_meant_reaches_the_program() {
    let house = House::new().await;
    let home = house.home();
    let environment = [
        ("PATH", std::env::var_os("PATH").unwrap()),
        ("CONTROL_SECRET", "leak".into()),
    ];
    let environment = environment
        .map(|(name, value)| (OsString::from(name), value))
        .to_vec();
    let runtime = open(home, &house.installation, environment).await;
    let program = "import os, sys\n\
        for name in sorted(os.environ): print(name)\n\
        print('fds=' + ','.join(sorted(f for f in os.listdir('/proc/self/fd') if int(f) < 3 or os.path.exists('/proc/self/fd/' + f))))\n\
        print('key=' + str(len(os.environ['API_KEY'])))\n\
        print('argv=' + ' '.join(sys.argv[1:]))\n";
    let mut spec = house.spec("d-1", program);
    spec.command
        .extend(["--port".to_owned(), "${PORT}".to_owned()]);
    spec.env = vec![(
        "API_KEY".to_owned(),
        SecretString::from("canary-4711").into(),
    )];
    let started = runtime
        .start(&spec, &CancellationToken::new())
        .await
        .unwrap();
    runtime
        .wait_exit(&started.id, &CancellationToken::new())
        .await
        .unwrap();

    let lines: Vec<_> = runtime
        .logs(&started.id, LogQuery::default())
        .await
        .unwrap()
        .collect()
        .await;
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert!(!text.contains(&"CONTROL_SECRET"), "{text:?}");
    assert!(text.contains(&"key=11"), "{text:?}");
    assert!(
        text.contains(&"fds=0,1,2"),
        "no descriptor is inherited: {text:?}"
    );
    let port = started.address.unwrap().port();
    assert!(
        text.contains(&format!("argv=--port {port}").as_str()),
        "{text:?}"
    );
    for entry in std::fs::read_dir(house.instance_folder("d-1")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&bytes).contains("canary-4711"),
            "a file of ours holds the secret"
        );
    }
    runtime.remove(&started.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_followed_while_they_come() {
    let house = House::new().await;
    let program = "import sys, time\n\
        print('first')\n\
        print('oops', file=sys.stderr)\n\
        line = open(sys.argv[1]).readline()\n\
        print('then ' + line.strip())\n\
        sys.stdout.write('unfinished')\n";
    let pipe = house.folder().join("pipe");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    let mut spec = house.spec("d-1", program);
    spec.command.push(pipe.to_string_lossy().into_owned());
    let started = house.start(&spec).await.unwrap();

    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let mut lines = house.runtime.logs(&started.id, query).await.unwrap();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next())
            .await
            .expect("a line comes in time");
        line.map(|line| (line.stream, line.text))
    };
    let mut early = vec![next().await.unwrap(), next().await.unwrap()];
    early.sort_by_key(|(stream, _)| *stream == LogStream::Stderr);
    assert_eq!(
        early,
        [
            (LogStream::Stdout, "first".to_owned()),
            (LogStream::Stderr, "oops".to_owned())
        ]
    );

    tokio::task::spawn_blocking(move || std::fs::write(pipe, "more\n").unwrap())
        .await
        .unwrap();
    assert_eq!(next().await.unwrap().1, "then more");
    assert_eq!(
        next().await.unwrap().1,
        "unfinished",
        "a last line without an end is told"
    );
    assert!(next().await.is_none(), "following ends with the program");

    let tail = LogQuery {
        tail: Some(1),
        ..LogQuery::default()
    };
    let last: Vec<_> = house
        .runtime
        .logs(&started.id, tail)
        .await
        .unwrap()
        .collect()
        .await;
    assert_eq!(last.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_kept_within_its_limit() {
    let house = House::new().await;
    let program = "import os, sys, time\n\
        for number in range(40):\n\
        \x20   print('%04d' % number + 'x' * 1000)\n\
        \x20   if number % 10 == 9: time.sleep(0.3)\n\
        print('done')\n";
    let mut spec = house.spec("d-1", program);
    spec.limits.log_bytes = 10_000;
    let started = house.start(&spec).await.unwrap();
    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let lines = house.runtime.logs(&started.id, query).await.unwrap();
    let followed: Vec<_> = tokio::time::timeout(PATIENCE, lines.collect())
        .await
        .expect("following ends in time");
    assert_eq!(
        followed.len(),
        41,
        "a follower misses nothing when the file is turned over"
    );
    let folder = house.instance_folder("d-1");
    let length = std::fs::metadata(folder.join("stdout.log")).unwrap().len();
    assert!(length < 30_000, "{length} bytes are kept of 40,000");
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_are_explained() {
    let house = House::new().await;
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let binding = format!("import socket\nsocket.socket().bind(('127.0.0.1', {port}))\n");
    for (id, program, code) in [
        (
            "import",
            "import no_such_module_at_all\n",
            ErrorCode::ImportError,
        ),
        ("syntax", "def f(:\n    pass\n", ErrorCode::SyntaxError),
        (
            "variable",
            "import os\nos.environ['SOME_TOKEN']\n",
            ErrorCode::MissingVariable,
        ),
        (
            "exit",
            "import sys\nprint('bye', file=sys.stderr)\nsys.exit(3)\n",
            ErrorCode::ExitedAtOnce,
        ),
        ("port", binding.as_str(), ErrorCode::PortTaken),
    ] {
        let exit = house.run(id, program).await;
        assert_eq!(diagnose(&exit).code, code, "{id}: {:?}", exit.last_lines);
        assert!(!exit.requested);
        assert_eq!(exit.code, Some(if id == "exit" { 3 } else { 1 }), "{id}");
        assert!(!exit.last_lines.is_empty(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_leaves_nothing() {
    let house = House::new().await;
    let missing = spec("d-1", house.folder(), &["no-such-program-at-all"]);
    assert!(matches!(
        house.start(&missing).await.unwrap_err(),
        RuntimeError::ToolMissing { .. }
    ));
    let mut gone = spec("d-1", house.folder(), &["python3", "-V"]);
    gone.workdir = house.folder().join("gone");
    assert!(matches!(
        house.start(&gone).await.unwrap_err(),
        RuntimeError::StartFailed { .. }
    ));
    let outside = spec("../d-1", house.folder(), &["python3", "-V"]);
    assert!(matches!(
        house.start(&outside).await.unwrap_err(),
        RuntimeError::InvalidSpec { .. }
    ));

    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let mut taken = spec("d-1", house.folder(), &["python3", "-V"]);
    taken.port = Some(port);
    let RuntimeError::PortTaken { port: told, owner } = house.start(&taken).await.unwrap_err()
    else {
        panic!("another failure")
    };
    assert_eq!(told, port);
    assert!(
        owner.contains(&std::process::id().to_string()),
        "{owner} is not this test"
    );

    assert!(house.runtime.list().await.unwrap().is_empty());
    assert_eq!(
        std::fs::read_dir(house.home().join("instances"))
            .unwrap()
            .count(),
        0
    );
}

const FAMILY: &str = r#"
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = [sys.executable, "-c", "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]
inside = subprocess.Popen(sleeper)
outside = subprocess.Popen(sleeper, start_new_session=True)
bare = subprocess.Popen(sleeper, env={})
print("inside=%d" % inside.pid)
print("outside=%d" % outside.pid)
print("bare=%d" % bare.pid)
time.sleep(600 if len(sys.argv) < 2 else 0)
"#;

async fn family(house: &House, id: &InstanceId) -> Vec<ProcessIdentity> {
    let mut family = Vec::new();
    for name in ["inside", "outside", "bare"] {
        family.push(printed_pid(house, id, name).await);
    }
    family
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_children_that_ignore_it_or_left_the_group() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", FAMILY)).await.unwrap();
    let family = family(&house, &started.id).await;
    house
        .runtime
        .stop(&started.id, Duration::from_millis(200))
        .await
        .unwrap();
    for process in family {
        assert!(!process.alive(), "{process:?} is left");
    }
    assert_eq!(house.exit(&started.id).await.signal, Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_leaves_behind_is_ended_when_it_ends() {
    let house = House::new().await;
    let mut spec = house.spec("d-1", FAMILY);
    spec.command.push("end".to_owned());
    let started = house.start(&spec).await.unwrap();
    house.exit(&started.id).await;
    let left = super::inspect::members(&house.installation, "d-1", None);
    eventually("the end of the children", async || {
        left.iter().all(|process| !process.alive()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_is_adopted_after_a_loss() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    let address = started.address.unwrap();
    answered(address).await;

    let house = house.lose().open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(listed, [started.clone()], "it is the same instance");
    assert!(
        answered(address).await.contains("hello from d-1"),
        "it went on serving"
    );
    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let lines = house.runtime.logs(&started.id, query).await.unwrap();
    let mut events = house.runtime.events();
    house
        .runtime
        .stop(&started.id, Duration::from_secs(5))
        .await
        .unwrap();
    let lines: Vec<_> = tokio::time::timeout(PATIENCE, lines.collect())
        .await
        .expect("following ends in time");
    assert!(
        lines.iter().any(|line| line.text == "served /it"),
        "{lines:?}"
    );
    assert!(matches!(events.recv().await.unwrap(), RuntimeEvent::Exited(exit) if exit.requested));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_whose_start_was_never_recorded_is_found_by_its_marks() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    answered(started.address.unwrap()).await;
    // As a crash between start and record leaves it.
    let folder = house.instance_folder("d-1");
    let mut record = super::record::Record::read(&folder).unwrap();
    record.process = None;
    record.write(&folder).unwrap();

    let house = house.lose().open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].state, &listed[0].handle),
        (InstanceState::Running, &started.handle)
    );

    // As somebody who deletes the folder leaves it.
    std::fs::remove_dir_all(&folder).unwrap();
    let house = house.lose().open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0].deployment_id, listed[0].address),
        (&"d-1".to_owned(), started.address)
    );
    house.runtime.remove(&started.id).await.unwrap();
    assert!(get(started.address.unwrap()).is_none(), "it was ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ended_meanwhile_is_seen_as_ended() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    let process = ProcessIdentity::of(started.handle.parse().unwrap()).unwrap();
    let ground = house.lose();
    process.signal_group(rustix::process::Signal::KILL);
    eventually("the end", async || (!process.alive()).then_some(())).await;
    let house = ground.open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(listed[0].state, InstanceState::Exited { code: None });
    assert_eq!(house.exit(&started.id).await.code, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_sees_and_touches_nothing() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    let other = House::new().await;
    assert!(other.runtime.list().await.unwrap().is_empty());
    other
        .runtime
        .stop(&started.id, Duration::ZERO)
        .await
        .unwrap();
    assert!(answered(started.address.unwrap()).await.contains("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_instances_start_at_once_on_ports_of_their_own() {
    let house = House::new().await;
    let specs: Vec<_> = (0..20)
        .map(|number| house.spec(&format!("d-{number}"), SERVER))
        .collect();
    let started = futures::future::join_all(specs.iter().map(|spec| house.start(spec))).await;
    for (number, instance) in started.into_iter().enumerate() {
        let answer = answered(instance.unwrap().address.unwrap()).await;
        assert!(
            answer.ends_with(&format!("hello from d-{number}")),
            "{answer}"
        );
    }
}

mod environments;
