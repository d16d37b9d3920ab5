//! A newer version in place of the one that runs: it takes over, and agents and whoever calls them go on.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use nasiko_tests::{Resident, eventually, folder};
use serde_json::Value;

/// An agent that says which process it is, at once or in ten pieces.
const AGENT: &str = "import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def do_GET(self):
        self.send_response(200)
        word = b'%d ' % os.getpid()
        times = 10 if self.path == '/stream' else 1
        self.send_header('Content-Length', str(len(word) * times))
        self.end_headers()
        for i in range(times):
            self.wfile.write(word); self.wfile.flush()
            if times > 1: time.sleep(0.1)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
";

/// What became of the requests of one caller.
#[derive(Default)]
struct Asked {
    answers: usize,
    /// The processes that answered.
    processes: BTreeSet<String>,
    /// Connections that nobody took, in the moment in which the port changes hands.
    refused: usize,
    /// Anything else that went wrong.
    broken: Vec<String>,
}

/// Asks again and again until it is `over`, over a connection of its own each time.
fn ask_until(over: &AtomicBool, address: &str) -> Asked {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut asked = Asked::default();
    while !over.load(Ordering::Relaxed) {
        let outcome = runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build()?;
            let answer = client.get(address).send().await?;
            answer.error_for_status()?.text().await
        });
        match outcome {
            Ok(text) => {
                asked.answers += 1;
                asked
                    .processes
                    .extend(text.split_whitespace().map(str::to_owned));
            }
            Err(error) if error.is_connect() => asked.refused += 1,
            Err(error) => asked.broken.push(format!("{error:?}")),
        }
    }
    asked
}

/// Makes the one that runs look like an older version: this is all that tells.
fn pretend_older(resident: &Resident) {
    let path = resident.home().join("endpoint.json");
    let mut endpoint: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    endpoint["version"] = "0.0.1".into();
    std::fs::write(&path, endpoint.to_string()).unwrap();
}

#[test]
fn a_newer_version_takes_over_and_agents_keep_serving() {
    let resident = Resident::prepared("unix:///nonexistent/docker.sock", &[]);
    resident.run(&["up"]).ok();
    let agent = folder(&[("main.py", AGENT)]);
    let path = agent.path().to_str().unwrap();
    resident.run(&["deploy", path, "--name", "steady"]).ok();
    let before = resident.json(&["status"]);
    let processes = resident.agent_processes();
    let gateway = before["gateway"].as_str().unwrap();

    // The same version runs on: there is nothing to hand over.
    resident.run(&["up"]).ok();
    assert_eq!(resident.json(&["status"])["pid"], before["pid"]);

    let over = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = ["/", "/", "/stream", "/stream"]
        .into_iter()
        .map(|path| {
            let (over, address) = (Arc::clone(&over), format!("{gateway}/steady{path}"));
            thread::spawn(move || ask_until(&over, &address))
        })
        .collect();
    for _ in 0..3 {
        let before = resident.json(&["status"]);
        pretend_older(&resident);
        let after = resident.json(&["up"]);
        assert_ne!(after["pid"], before["pid"], "another one runs");
        for address in ["api", "gateway", "admin", "otlp_http", "otlp_grpc"] {
            assert_eq!(after[address], before[address], "{address} is where it was");
        }
        assert_eq!(resident.json(&["ps"])[0]["state"], "active");
    }
    over.store(true, Ordering::Relaxed);
    let asked: Vec<Asked> = askers
        .into_iter()
        .map(|asker| asker.join().unwrap())
        .collect();

    let broken: Vec<&String> = asked.iter().flat_map(|asked| &asked.broken).collect();
    assert_eq!(broken, [""; 0], "no request that was taken was lost");
    let answered: BTreeSet<&String> = asked.iter().flat_map(|asked| &asked.processes).collect();
    assert_eq!(
        answered.len(),
        1,
        "one process answered all the time: {answered:?}"
    );
    assert!(asked.iter().all(|asked| asked.answers > 0));
    let refused: usize = asked.iter().map(|asked| asked.refused).sum();
    let answers: usize = asked.iter().map(|asked| asked.answers).sum();
    // Milliseconds for each change of hands, in which callers of this test come by again and again.
    assert!(refused < answers, "{refused} refused, {answers} answered");
    assert_eq!(resident.agent_processes(), processes);
    let old = before["pid"].as_u64().unwrap();
    eventually("the old one is gone", || {
        match std::path::Path::new(&format!("/proc/{old}/exe")).read_link() {
            Err(_) => Ok(()),
            Ok(program) => Err(program.display().to_string()),
        }
    });
}

/// Whoever runs an older program beside a newer control plane leaves that alone.
#[test]
fn an_older_program_takes_nothing_over() {
    let resident = Resident::prepared("unix:///nonexistent/docker.sock", &[]);
    resident.run(&["up"]).ok();
    let before = resident.json(&["status"])["pid"].clone();
    let path = resident.home().join("endpoint.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let own = resident.json(&["status"])["version"]
        .as_str()
        .unwrap()
        .to_owned();
    for other in ["99.0.0", "no version"] {
        std::fs::write(&path, text.replace(&own, other)).unwrap();
        resident.run(&["up"]).ok();
        assert_eq!(resident.json(&["status"])["pid"], before, "{other}");
    }
}
