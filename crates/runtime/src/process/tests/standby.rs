//! Programs that are started ahead and wait to be let go, and the freshness of the code they then run.

use super::*;
use crate::{Standby, WarmUp};

/// Serves what its own module says; prints what it finds when it begins.
const AGENT: &str = r#"
import http.server, os, subprocess, sys
print("loaded=" + ",".join(name for name in ("decimal", "exits", "words", "sitecustomize") if name in sys.modules))
print("ours=" + ",".join(name for name in os.environ if name in ("PYTHONPATH", "NASIKO_PRELOAD")))
print("stdin=" + repr(sys.stdin.read()))
print("path=" + str(any("gate" in entry for entry in sys.path)))
child = "import os, sys; print('child=' + os.environ.get('PYTHONPATH', '') + str('sitecustomize' in sys.modules))"
print(subprocess.check_output([sys.executable, "-c", child], text=True), end="")
import words
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(words.HELLO.encode())
http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"#;

impl House {
    fn say(&self, words: &str) {
        let text = format!("HELLO = {words:?}\n");
        std::fs::write(self.folder().join("words.py"), text).unwrap();
    }

    async fn standby(&self, spec: &StartSpec, modules: &[&str]) -> Option<Box<dyn Standby>> {
        let warm_up = WarmUp {
            python_modules: modules.iter().map(|name| (*name).to_owned()).collect(),
        };
        let cancel = CancellationToken::new();
        let made = self.runtime.standby(spec, &warm_up, &cancel).await;
        made.unwrap()
    }

    async fn agent_on_standby(&self, id: &str, modules: &[&str]) -> Box<dyn Standby> {
        let spec = self.spec(id, AGENT);
        let standby = self.standby(&spec, modules).await;
        standby.expect("this command comes to the gate")
    }

    async fn listed(&self) -> Vec<Instance> {
        self.runtime.list().await.unwrap()
    }
}

async fn release(standby: Box<dyn Standby>) -> Instance {
    standby
        .release(None, &CancellationToken::new())
        .await
        .unwrap()
}

fn process_of(instance: &Instance) -> ProcessIdentity {
    ProcessIdentity::of(instance.handle.parse().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_with_dependencies_loaded_and_reads_its_own_code_when_let_go() {
    let house = House::new().await;
    let mut events = house.runtime.events();
    house.say("old");
    std::fs::write(house.folder().join("exits.py"), "import sys; sys.exit(3)").unwrap();
    let modules = ["absent", "exits", "words", "decimal"];
    let standby = house.agent_on_standby("d-1", &modules).await;
    let listed = house.listed().await;
    assert_eq!(listed.len(), 1, "it can be found and ended");
    assert_eq!(
        (listed[0].state, listed[0].address),
        (InstanceState::Created, None)
    );
    let waiting = process_of(&listed[0]);

    house.say("new");
    let edited = AGENT.replace("stdin=", "edited=");
    std::fs::write(house.folder().join("main.py"), edited).unwrap();
    assert!(events.try_recv().is_err(), "nothing is told of it before");
    let instance = release(standby).await;
    assert_eq!(instance.state, InstanceState::Running);
    assert_eq!(process_of(&instance), waiting, "it is the one that waited");
    assert!(answered(instance.address.unwrap()).await.ends_with("new"));
    assert!(
        matches!(events.recv().await.unwrap(), RuntimeEvent::Started { instance: told, ours: true } if told == instance)
    );
    assert_eq!(house.listed().await, std::slice::from_ref(&instance));
    let expected = [
        "loaded=decimal",
        "ours=",
        "edited=''",
        "path=False",
        "child=False",
    ];
    // The two outputs of a program come on ways of their own.
    let text = eventually("what it found", async || {
        let lines = house.lines(&instance.id).await.into_iter();
        let said = lines.filter(|line| line.stream == LogStream::Stdout);
        let text: Vec<String> = said.map(|line| line.text).collect();
        (text.len() >= expected.len()).then_some(text)
    })
    .await;
    assert_eq!(
        text, expected,
        "only dependencies were loaded, and nothing of the waiting is left"
    );

    let grace = Duration::from_secs(5);
    house.runtime.stop(&instance.id, grace).await.unwrap();
    assert!(matches!(events.recv().await.unwrap(), RuntimeEvent::Exited(exit) if exit.requested));
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_python_wait_and_what_does_not_is_left_to_an_ordinary_start() {
    let house = House::new().await;
    house.say("hello");
    let python = std::process::Command::new("python3")
        .args(["-c", "import sys; print(sys.executable, end='')"])
        .output()
        .unwrap();
    let script = house.folder().join("serve");
    let shebang = String::from_utf8(python.stdout).unwrap();
    std::fs::write(
        &script,
        format!("#!{shebang}\nimport runpy\nrunpy.run_path('main.py')\n"),
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).unwrap();
    let command = |id: &str, words: &[&str]| {
        let mut spec = house.spec(id, AGENT);
        spec.command = words.iter().map(|word| (*word).to_owned()).collect();
        spec
    };
    for (id, words) in [
        ("d-1", &["./serve"][..]),
        ("d-2", &["python3", "-m", "main"]),
    ] {
        let standby = house.standby(&command(id, words), &[]).await.unwrap();
        let instance = release(standby).await;
        assert!(answered(instance.address.unwrap()).await.ends_with("hello"));
    }
    for words in [
        &["sh", "-c", "exec python3 main.py"][..],
        &["python", "-I", "main.py"],
        &["sleep", "60"],
    ] {
        let none = house.standby(&command("d-3", words), &[]).await;
        assert!(none.is_none(), "{words:?}");
    }
    assert_eq!(house.listed().await.len(), 2, "nothing is left of those");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ended_meanwhile_is_started_anew() {
    let house = House::new().await;
    let mut events = house.runtime.events();
    house.say("hello");
    let standby = house.agent_on_standby("d-1", &[]).await;
    let waiting = process_of(&house.listed().await[0]);
    assert!(standby.is_alive());
    waiting.end(End::Force);
    eventually("its end", async || (!standby.is_alive()).then_some(())).await;
    house.exit(standby.instance()).await;
    let instance = release(standby).await;
    assert_eq!(instance.id, InstanceId::new("d-1"));
    assert_ne!(process_of(&instance), waiting);
    assert!(answered(instance.address.unwrap()).await.ends_with("hello"));
    assert!(
        matches!(events.recv().await.unwrap(), RuntimeEvent::Started { instance: told, .. } if told == instance),
        "the end of the first one is no crash"
    );
    assert!(events.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_port_was_taken_meanwhile_gets_another() {
    let house = House::new().await;
    house.say("hello");
    let standby = house.agent_on_standby("d-1", &[]).await;
    let folder = house.instance_folder("d-1");
    let port = super::super::record::Record::read(&folder).unwrap().port;
    let _somebody_else = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let instance = release(standby).await;
    let address = instance.address.unwrap();
    assert_ne!(address.port(), port);
    assert!(answered(address).await.ends_with("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_comes_to_the_gate_is_started_anew() {
    let house = House::new().await;
    // As an interpreter that imports nothing at its start has it: the program runs at once.
    std::fs::write(house.home().join("gate").join("sitecustomize.py"), "").unwrap();
    house.say("old");
    let standby = house.agent_on_standby("d-1", &[]).await;
    let waiting = process_of(&house.listed().await[0]);
    eventually("its own code", async || {
        let lines = house.lines(standby.instance()).await;
        lines
            .iter()
            .any(|line| line.text.starts_with("loaded"))
            .then_some(())
    })
    .await;
    house.say("new");
    let instance = release(standby).await;
    assert!(!waiting.alive());
    assert!(answered(instance.address.unwrap()).await.ends_with("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_wanted_leaves_nothing() {
    let house = House::new().await;
    let mut events = house.runtime.events();
    house.say("hello");
    let first = house.agent_on_standby("d-1", &[]).await;
    let second = house.agent_on_standby("d-2", &[]).await;
    let third = house.agent_on_standby("d-3", &[]).await;
    let waiting: Vec<_> = house.listed().await.iter().map(process_of).collect();
    first.discard().await;
    drop(second);
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    // One that loads for ever would keep it; this one may also be faster than the cancellation.
    let released = third.release(None, &cancelled).await;
    assert!(released.is_ok() || matches!(released, Err(RuntimeError::Cancelled { .. })));
    if let Ok(released) = released {
        house.runtime.remove(&released.id).await.unwrap();
        events = house.runtime.events();
    }
    eventually("the end of all", async || {
        house.listed().await.is_empty().then_some(())
    })
    .await;
    assert!(waiting.iter().all(|process| !process.alive()));
    assert!(events.try_recv().is_err(), "nobody needs to know");
}

/// Run by the test below in a process of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs as the child of the test below, which kills it"]
async fn resident_with_a_standby() {
    let home = PathBuf::from(std::env::var_os("STANDBY_HOME").unwrap());
    let installation = std::env::var("STANDBY_INSTALLATION").unwrap();
    let runtime = open(&home, &installation, host_environment()).await;
    let spec = spec("d-1", &home, &["python", "main.py"]);
    let cancel = CancellationToken::new();
    let standby = runtime.standby(&spec, &WarmUp::default(), &cancel).await;
    let standby = standby.unwrap().unwrap();
    std::future::pending::<()>().await;
    drop(standby);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_the_resident() {
    let house = House::new().await;
    std::fs::write(house.home().join("main.py"), "raise SystemExit(1)").unwrap();
    let mut resident = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "process::tests::standby::resident_with_a_standby",
            "--ignored",
        ])
        .env("STANDBY_HOME", house.home())
        .env("STANDBY_INSTALLATION", &house.installation)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let waiting = eventually("the standby", async || {
        let processes = inspect::marked(INSTALLATION_VARIABLE, &house.installation);
        processes.into_iter().next()
    })
    .await;
    resident.kill().await.unwrap();
    eventually("its end", async || (!waiting.alive()).then_some(())).await;
    let listed = house.listed().await;
    assert!(
        matches!(listed[0].state, InstanceState::Exited { .. }),
        "what is left can be found"
    );
    assert!(
        house.lines(&listed[0].id).await.is_empty(),
        "none of its own code ran"
    );
}

/// Two saves of one size within one second, the first of them run by the person.
fn save_twice_in_a_second(house: &House) {
    let words = house.folder().join("words.py");
    let saved = |text: &str, millis: u64| {
        house.say(text);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let file = std::fs::File::options().append(true).open(&words).unwrap();
        file.set_modified(at).unwrap();
    };
    saved("old", 1_700_000_000_100);
    let status = std::process::Command::new("python3")
        .args(["-c", "import words"])
        .current_dir(house.folder())
        .env_remove("PYTHONDONTWRITEBYTECODE")
        .status();
    assert!(status.unwrap().success());
    saved("new", 1_700_000_000_900);
}

fn bytecode(house: &House) -> Vec<(OsString, SystemTime)> {
    let entries = std::fs::read_dir(house.folder().join("__pycache__")).unwrap();
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (
            entry.file_name(),
            entry.metadata().unwrap().modified().unwrap(),
        )
    };
    entries.map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytecode_of_an_earlier_save_is_not_run() {
    let house = House::new().await;
    let mut spec = house.spec("d-1", AGENT);
    let standby = house.standby(&spec, &[]).await.unwrap();
    save_twice_in_a_second(&house);
    let before = bytecode(&house);
    assert_eq!(before.len(), 1, "the person's run left it");
    let released = release(standby).await;
    spec.deployment_id = "d-2".to_owned();
    let started = house.start(&spec).await.unwrap();
    for instance in [released, started] {
        let answer = answered(instance.address.unwrap()).await;
        assert!(answer.ends_with("new"), "{answer}");
    }
    assert_eq!(
        bytecode(&house),
        before,
        "the person's folder stays as it is"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_dropped_can_be_waited_for() {
    let house = House::new().await;
    house.say("hello");
    let standby = house.agent_on_standby("d-1", &[]).await;
    let waiting = process_of(&house.listed().await[0]);
    drop(standby);
    house.runtime.given_up().await;
    assert!(!waiting.alive());
    assert!(house.listed().await.is_empty());
}
