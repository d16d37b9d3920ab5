//! Every example agent, deployed as a process and spoken to: by command line and by HTTP API.

use nasiko_tests::{Api, Resident, eventually, example};
use serde_json::json;

/// An example agent, something to say to it, and a word that must be in its answer.
pub(crate) const EXAMPLES: [(&str, &str, &str); 6] = [
    ("greeter", "My name is Ada", "Ada"),
    ("echo-sdk", "hello there", "hello there"),
    ("echo-sdk-03", "hello there", "hello there"),
    ("echo-node", "hello there", "hello there"),
    ("rest-capabilities", "hello there", "hello there"),
    ("no-dockerfile", "hello there", "hello there"),
];

/// Deploys an example by command line, talks to it, looks at its trace, and removes it.
pub(crate) fn deploy_and_talk(
    resident: &Resident,
    name: &str,
    runtime: &str,
    says: &str,
    answers: &str,
) {
    let path = example(name);
    let deployed = resident.json(&["deploy", path.to_str().unwrap(), "--runtime", runtime]);
    assert_eq!(deployed["runtime"], runtime, "{deployed:#}");
    assert_eq!(deployed["state"], "active", "{deployed:#}");
    assert_eq!(deployed["unchanged"], false, "{deployed:#}");
    let agent = deployed["agent"].as_str().unwrap();

    let answer = resident.json(&["chat", agent, says]);
    let text = answer["text"].as_str().unwrap();
    assert!(
        text.to_lowercase().contains(&answers.to_lowercase()),
        "`{answers}` is missing in {answer:#}"
    );

    let trace = answer["trace"].as_str().unwrap();
    let spans = eventually("the trace has the gateway's span", || {
        let document = resident.try_json(&["trace", trace]);
        if document.code != 0 {
            return Err(document.stdout);
        }
        let document = document.json();
        let spans = document["spans"].as_array().cloned().unwrap_or_default();
        let gateway = spans
            .iter()
            .find(|span| span["service"] == "nasiko-gateway")
            .cloned();
        gateway.map(|_| spans).ok_or_else(|| document.to_string())
    });
    let root = spans
        .iter()
        .find(|span| span["parent_id"].is_null())
        .expect("a trace has a root");
    let gateway = spans
        .iter()
        .find(|span| span["service"] == "nasiko-gateway")
        .expect("found above");
    assert_eq!(
        gateway["parent_id"], root["span_id"],
        "the gateway's span hangs under the question"
    );

    let again = resident.json(&["deploy", path.to_str().unwrap(), "--runtime", runtime]);
    assert_eq!(
        again["unchanged"], true,
        "the same folder again is nothing to do: {again:#}"
    );

    resident.run(&["rm", agent, "--yes"]).ok();
    let left = resident.json(&["ps"]);
    assert!(
        !left
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["name"] == agent),
        "{left:#}"
    );
}

macro_rules! process_tests {
    ($($test:ident: $index:literal;)*) => {$(
        #[test]
        fn $test() {
            let (name, says, answers) = EXAMPLES[$index];
            deploy_and_talk(&Resident::start(), name, "process", says, answers);
        }
    )*};
}

process_tests! {
    greeter_as_a_process: 0;
    echo_sdk_as_a_process: 1;
    echo_sdk_03_as_a_process: 2;
    echo_node_as_a_process: 3;
    rest_capabilities_as_a_process: 4;
    no_dockerfile_as_a_process: 5;
}

/// Deploys an example by HTTP API, holds a conversation of two turns, and removes it.
pub(crate) async fn deploy_and_talk_by_api(
    resident: &Resident,
    name: &str,
    runtime: &str,
    says: &str,
    answers: &str,
) {
    let api = Api::of(resident);
    let (status, job) = api
        .post(
            "/upload-agents/directory",
            &json!({ "directory_path": example(name), "runtime": runtime }),
        )
        .await;
    assert_eq!(status, 202, "{job:#}");
    let job = api.job(job["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let agent = job["agent"].as_str().unwrap();

    let (status, session) = api.post("/chat/sessions", &json!({ "agent": agent })).await;
    assert_eq!(status, 201, "{session:#}");
    let path = format!(
        "/chat/sessions/{}/messages",
        session["id"].as_str().unwrap()
    );
    let events = api.post_stream(&path, &json!({ "text": says })).await;
    assert_eq!(events.first().unwrap()["type"], "accepted", "{events:#?}");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "answer", "{events:#?}");
    assert!(last["message"]["fault"].is_null(), "{last:#}");
    let text = last["message"]["text"].as_str().unwrap();
    assert!(
        text.to_lowercase().contains(&answers.to_lowercase()),
        "{last:#}"
    );
    // What came in pieces is what stands there in the end.
    let mut told = String::new();
    for event in &events {
        match event["type"].as_str().unwrap() {
            "delta" => told.push_str(event["text"].as_str().unwrap()),
            "rewritten" => event["text"].as_str().unwrap().clone_into(&mut told),
            _ => {}
        }
    }
    assert_eq!(told, text, "{events:#?}");

    let (_, messages) = api.get(&path).await;
    let roles: Vec<_> = messages["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["role"])
        .collect();
    assert_eq!(roles, ["user", "agent"], "{messages:#}");
    let (status, detail) = api.get(&format!("/agents/{agent}")).await;
    assert_eq!(
        (status, &detail["state"]),
        (200, &json!("active")),
        "{detail:#}"
    );
}

#[tokio::test]
async fn every_example_as_a_process_by_api() {
    let resident = Resident::start();
    for (name, says, answers) in EXAMPLES {
        deploy_and_talk_by_api(&resident, name, "process", says, answers).await;
    }
    let (_, agents) = Api::of(&resident).get("/agents").await;
    assert_eq!(
        agents["items"].as_array().unwrap().len(),
        EXAMPLES.len(),
        "{agents:#}"
    );
}

#[test]
fn a_conversation_goes_on() {
    let resident = Resident::with_greeter();
    let first = resident.json(&["chat", "greeter", "My name is Ada"]);
    let session = first["session"].as_str().unwrap();
    let second = resident.json(&["chat", "--session", session, "What is my name?"]);
    assert!(
        second["text"].as_str().unwrap().contains("Ada"),
        "{second:#}"
    );
    let sessions = resident.json(&["sessions"]);
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions:#}");
}

#[test]
fn an_archive_becomes_an_agent() {
    let resident = Resident::start();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("greeter.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    for entry in std::fs::read_dir(example("greeter")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = format!(
                "greeter-main/{}",
                path.file_name().unwrap().to_str().unwrap()
            );
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            std::io::Write::write_all(&mut zip, &std::fs::read(&path).unwrap()).unwrap();
        }
    }
    zip.finish().unwrap();
    let deployed = resident.json(&["deploy", archive.to_str().unwrap()]);
    assert_eq!(deployed["agent"], "greeter", "{deployed:#}");
    let uploaded = resident.json(&[
        "upload-zip",
        archive.to_str().unwrap(),
        "--name",
        "uploaded",
    ]);
    assert_eq!(uploaded["agent"], "uploaded", "{uploaded:#}");
    for agent in ["greeter", "uploaded"] {
        let answer = resident.json(&["chat", agent, "My name is Ada"]);
        assert!(
            answer["text"].as_str().unwrap().contains("Ada"),
            "{answer:#}"
        );
    }
}

#[test]
fn a_repository_becomes_an_agent() {
    let resident = Resident::start();
    let repository = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(repository.path())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    for file in ["main.py", "AgentCard.json"] {
        std::fs::copy(example("greeter").join(file), repository.path().join(file)).unwrap();
    }
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "An agent"]);
    let address = format!("file://{}", repository.path().display());
    let deployed = resident.json(&["deploy", &address, "--name", "cloned"]);
    assert_eq!(deployed["agent"], "cloned", "{deployed:#}");
    let answer = resident.json(&["chat", "cloned", "My name is Ada"]);
    assert!(
        answer["text"].as_str().unwrap().contains("Ada"),
        "{answer:#}"
    );
}

#[test]
fn stop_start_restart_and_logs() {
    let resident = Resident::with_greeter();
    resident.run(&["stop", "greeter"]).ok();
    assert_eq!(resident.json(&["ps"])[0]["state"], "stopped");
    assert!(
        resident
            .agent_processes()
            .iter()
            .all(|pid| *pid == resident.pid()),
        "a stopped agent has no process"
    );
    let refused = resident.try_json(&["chat", "greeter", "hello"]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    resident.run(&["start", "greeter"]).ok();
    resident.json(&["chat", "greeter", "hello"]);
    let before = resident.agent_processes();
    resident.run(&["restart", "greeter"]).ok();
    resident.json(&["chat", "greeter", "hello"]);
    eventually("the old instance ends", || {
        let now = resident.agent_processes();
        if now.iter().any(|pid| before.contains(pid)) {
            Err(format!("{before:?} and {now:?}"))
        } else {
            Ok(())
        }
    });
    let logs = resident.run(&["logs", "greeter"]).ok();
    assert!(
        !logs.stdout.trim().is_empty(),
        "an agent that answered has written something"
    );
    assert_eq!(
        resident.run(&["ps", "--json"]).ok().json()[0]["state"],
        "active"
    );
}
