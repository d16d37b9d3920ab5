//! Traces forwarded to a viewer: another resident, one that is killed and comes back, and a service of the local stack.

use std::{fmt::Write, process::Stdio};

use nasiko_tests::{Api, Output, Resident, api::ask, eventually, example, faults::assert_fault};
use serde_json::Value;

use crate::stack::Scene;

/// A resident whose OTLP intake stays where it is over restarts.
fn viewer() -> Resident {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port()
        .to_string();
    let environment = [("NASIKO_OTLP_HTTP_PORT", &*port)];
    let mut viewer = Resident::prepared("unix:///nonexistent/docker.sock", &environment);
    viewer.serve();
    viewer
}

fn intake(resident: &Resident) -> String {
    let status = resident.json(&["status"]);
    status["otlp_http"].as_str().unwrap().to_owned()
}

fn forward(resident: &Resident, to: &str) -> Output {
    resident.try_json(&["settings", "set", "otlp-forward-url", to])
}

/// Waits until forwarding stands so.
fn stands(resident: &Resident, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, || {
        let now = resident.json(&["status"])["forwarding"].clone();
        if is_so(&now) {
            Ok(now)
        } else {
            Err(format!("{now:#}"))
        }
    })
}

fn greeter(resident: &Resident) {
    let path = example("greeter");
    let deployed = resident.json(&["deploy", path.to_str().unwrap(), "--runtime", "process"]);
    assert_eq!(deployed["agent"], "greeter", "{deployed:#}");
}

/// Asks the greeter something, and gives the whole trace of it: the question's span, the gateway's and its own.
fn conversation(resident: &Resident) -> Value {
    let answer = resident.json(&["chat", "greeter", "My name is Ada"]);
    let trace = answer["trace"].as_str().unwrap();
    eventually("the agent's own spans are there", || {
        let document = resident.try_json(&["trace", trace]);
        let whole = ["\"nasiko\"", "\"nasiko-gateway\"", "\"greeter\""];
        if document.code == 0
            && whole
                .iter()
                .all(|service| document.stdout.contains(service))
        {
            return Ok(document.json());
        }
        Err(document.stdout)
    })
}

/// Waits until a trace is at the viewer as it is here.
fn arrives(viewer: &Resident, resident: &Resident, trace: &Value) {
    let id = trace["trace_id"].as_str().unwrap();
    eventually("the same trace is there", || {
        // Of late spans, both have the same in the end.
        let here = resident.json(&["trace", id]);
        let there = viewer.try_json(&["trace", id]);
        if there.code == 0 && there.json() == here {
            return Ok(());
        }
        Err(format!("{here:#}\n{}", there.stdout))
    });
}

#[tokio::test]
async fn a_conversation_is_the_same_trace_at_the_viewer() {
    let (resident, viewer) = (Resident::start(), viewer());
    forward(&resident, &intake(&viewer)).ok();
    // Two that forward to each other: nothing goes round.
    forward(&viewer, &intake(&resident)).ok();
    greeter(&resident);
    let trace = conversation(&resident);
    arrives(&viewer, &resident, &trace);

    // The resource came along as it was.
    let agent = resident.json(&["status"]);
    assert_eq!(agent["agents"]["total"], 1);
    let found = Api::of(&viewer)
        .get("/traces?attributes=service.name%3Dgreeter,agent.id%3Dgreeter")
        .await;
    assert_eq!(
        found.1["items"][0]["traceId"], trace["trace_id"],
        "{found:?}"
    );

    let sent = stands(&resident, "all of it is sent", |now| now["waiting"] == 0);
    assert_eq!(
        (&sent["state"], &sent["dropped"]),
        (&"sending".into(), &0.into())
    );
    assert_eq!(sent["target"], Value::String(intake(&viewer)));
    let back = viewer.json(&["status"])["forwarding"].clone();
    assert_eq!(
        (&back["sent"], &back["waiting"]),
        (&0.into(), &0.into()),
        "{back:#}"
    );
    let shown = resident.run(&["status"]).ok().stdout;
    assert!(
        shown.contains("Traces go to") && shown.contains("spans sent"),
        "{shown}"
    );

    forward(&resident, "").ok();
    assert_eq!(resident.json(&["status"])["forwarding"], Value::Null);
}

#[test]
fn a_viewer_that_is_killed_slows_nobody_and_gets_the_rest_once_it_is_back() {
    let (resident, mut viewer) = (Resident::start(), viewer());
    forward(&resident, &intake(&viewer)).ok();
    greeter(&resident);
    let first = conversation(&resident);
    arrives(&viewer, &resident, &first);
    viewer.kill();
    let missed: Vec<Value> = (0..3).map(|_| conversation(&resident)).collect();
    let away = stands(&resident, "its absence is shown", |now| {
        now["state"] == "failing"
    });
    assert!(
        away["lastError"].as_str().unwrap().contains("reached"),
        "{away:#}"
    );
    viewer.serve();
    for trace in &missed {
        arrives(&viewer, &resident, trace);
    }
    let back = stands(&resident, "it is well again", |now| {
        now["state"] == "sending" && now["waiting"] == 0
    });
    assert_eq!(back["dropped"], 0, "{back:#}");
}

#[test]
fn nobody_forwards_to_themselves() {
    let resident = Resident::start();
    let own = intake(&resident);
    for address in [own.clone(), own.replace("127.0.0.1", "localhost")] {
        let refused = forward(&resident, &address);
        assert_fault(&refused, "request.invalid", "own intake", "");
    }
    assert_eq!(
        resident.json(&["settings"])["otlp_forward_url"],
        Value::Null
    );
}

/// A viewer that is well once a file is there, and shows in hex what it was sent.
const VIEWER: &str = r#"
services:
  viewer:
    image: python:3.11-slim
    init: true
    labels: {nasiko.otlp: "4318"}
    ports: ["127.0.0.1::4318"]
    command: [python, -uc, "$PROGRAM"]
    healthcheck:
      test: [CMD, test, -f, /tmp/well]
      interval: 1s
      timeout: 5s
      retries: 1000
"#;

const PROGRAM: &str = r"
import gzip, http.server
seen = b''
class Viewer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = seen.hex().encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        global seen
        body = self.rfile.read(int(self.headers['Content-Length']))
        well = self.path == '/v1/traces' and self.headers['Content-Type'] == 'application/x-protobuf'
        seen += gzip.decompress(body)
        self.send_response(200 if well else 400)
        self.send_header('Content-Type', 'application/x-protobuf')
        self.send_header('Content-Length', '0')
        self.end_headers()
http.server.ThreadingHTTPServer(('0.0.0.0', 4318), Viewer).serve_forever()
";

#[tokio::test]
async fn the_stacks_viewer_is_found_by_its_label() {
    let Some(scene) = Scene::new("the_stacks_viewer_is_found_by_its_label") else {
        return;
    };
    let resident = &scene.resident;
    greeter(resident);
    assert_eq!(resident.json(&["status"])["forwarding"], Value::Null);
    // In YAML, a text in JSON is one too.
    let program = serde_json::to_string(PROGRAM).unwrap();
    let path = scene.write(&VIEWER.replace("\"$PROGRAM\"", &program));
    let mut starting = resident
        .command(&["up", "-f", path.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let waits = stands(resident, "it is awaited", |now| now["state"] == "waiting");
    assert_eq!(waits["service"], "viewer");
    let early = conversation(resident);
    scene.exec("viewer", &["touch", "/tmp/well"]);
    assert!(starting.wait().unwrap().success());
    let used = stands(resident, "it is used", |now| now["target"].is_string());
    arrived(&used, &early).await;

    // Taken away and brought back: the other port makes no difference.
    resident.run(&["stack", "stop", "viewer"]).ok();
    stands(resident, "it is awaited again", |now| {
        now["state"] == "waiting"
    });
    let meanwhile = conversation(resident);
    resident.run(&["stack", "start", "viewer"]).ok();
    let used = stands(resident, "it is used again", |now| {
        now["target"].is_string()
    });
    arrived(&used, &meanwhile).await;

    let api = Api::of(resident);
    let (_, job) = api.post("/stack/down", &serde_json::json!({})).await;
    api.job(job["id"].as_str().unwrap()).await;
    stands(resident, "there is none any more", Value::is_null);
}

/// Waits until the viewer was sent every span of a trace, and what its resource says.
async fn arrived(forwarding: &Value, trace: &Value) {
    let target = forwarding["target"].as_str().unwrap();
    let hex = |text: &str| {
        text.bytes().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let spans = trace["spans"].as_array().unwrap();
    let mut wanted: Vec<String> = spans.iter().map(|span| text(&span["span_id"])).collect();
    wanted.push(text(&trace["trace_id"]));
    wanted.extend(["agent.id", "greeter", "nasiko-gateway"].map(hex));
    let deadline = std::time::Instant::now() + nasiko_tests::wait::PATIENCE;
    loop {
        let seen = ask(target).await;
        let missing: Vec<&String> = wanted.iter().filter(|one| !seen.contains(*one)).collect();
        if missing.is_empty() {
            return;
        }
        let left = deadline.checked_duration_since(std::time::Instant::now());
        assert!(left.is_some(), "missing {missing:?} of {trace:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
