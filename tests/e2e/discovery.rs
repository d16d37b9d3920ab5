//! Agents in containers that somebody else started, in a real engine: there when they start, gone when they end.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nasiko_tests::{
    Api, Resident,
    api::{ask, client},
    engine::OwnEngine,
    eventually,
    faults::{assert_fault, error_of},
    folder, program, skip,
};
use serde_json::{Value, json};

/// How often an agent comes and goes.
const TIMES: usize = 10;

/// Serves a page, and a card where it is told to.
fn serving(word: &str, card: bool) -> String {
    let card = if card {
        let card = json!({ "name": word, "description": format!("Says {word}"), "version": "3.1.4",
            "protocolVersion": "0.3.0", "url": "http://localhost:8000/", "capabilities": {}, "skills": [],
            "defaultInputModes": [], "defaultOutputModes": [] });
        format!("mkdir -p /www/.well-known && echo '{card}' > /www/.well-known/agent-card.json && ")
    } else {
        String::new()
    };
    format!(
        "mkdir -p /www && echo {word} > /www/index.html && {card}exec httpd -f -p ${{AT:-8000}} -h /www"
    )
}

/// A person's engine, network and containers, and a resident beside them.
struct Scene {
    resident: Resident,
    api: Api,
    gateway: String,
    /// Makes names unlike those of other tests on this engine.
    unique: String,
    started: Vec<String>,
}

impl Scene {
    fn new(test: &str) -> Option<Self> {
        skip::engine_or_skip(&format!("discovery::{test}")).map(|host| Self::over(&host))
    }

    fn over(host: &str) -> Self {
        let resident = Resident::with_engine(host);
        resident.docker(&["network", "create", resident.network()]);
        let gateway = resident.json(&["status"])["gateway"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            api: Api::of(&resident),
            gateway,
            unique: format!("t{}", std::process::id()),
            resident,
            started: Vec::new(),
        }
    }

    /// Runs a container on the agents' network by hand and gives its id.
    fn run(&mut self, options: &[&str], command: &str) -> String {
        let network = self.resident.network().to_owned();
        let mut words = vec!["run", "-d", "--stop-signal", "KILL", "--network", &network];
        words.extend(options);
        words.extend(["busybox:latest", "sh", "-c", command]);
        let id = self.resident.docker(&words).trim().to_owned();
        assert_eq!(id.len(), 64, "docker {words:?} gave {id:?}");
        self.started.push(id.clone());
        id
    }

    /// The row of an agent, once it is as it should be.
    fn row(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{name} is shown as it is"), || {
            let rows = self.resident.json(&["ps"]);
            let found = rows
                .as_array()
                .unwrap()
                .iter()
                .find(|row| row["name"] == name);
            found
                .filter(|row| wanted(row))
                .cloned()
                .ok_or_else(|| format!("{rows:#}"))
        })
    }

    fn names(&self) -> Vec<String> {
        let rows = self.resident.json(&["ps"]);
        let names = rows.as_array().unwrap().iter();
        names
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    }

    fn gone(&self, name: &str) {
        eventually(&format!("{name} is gone"), || {
            let names = self.names();
            if names.iter().any(|other| other == name) {
                Err(format!("{names:?}"))
            } else {
                Ok(())
            }
        });
    }

    /// When the engine says that something last happened to a container.
    fn event_at(&self, id: &str, what: &str) -> SystemTime {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let until = format!("{}.{:09}", now.as_secs(), now.subsec_nanos());
        let since = (now.as_secs() - 60).to_string();
        let (container, event) = (format!("container={id}"), format!("event={what}"));
        let told = self.resident.docker(&[
            "events",
            "--since",
            &since,
            "--until",
            &until,
            "--filter",
            &container,
            "--filter",
            &event,
            "--format",
            "{{.TimeNano}}",
        ]);
        let nanoseconds = told.lines().last().unwrap().trim().parse().unwrap();
        UNIX_EPOCH + Duration::from_nanos(nanoseconds)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for id in &self.started {
            self.resident.docker(&["rm", "-f", "-v", id]);
        }
    }
}

#[tokio::test]
async fn what_others_start_is_an_agent_until_it_ends() {
    let Some(mut scene) = Scene::new("what_others_start_is_an_agent_until_it_ends") else {
        return;
    };
    let named = format!("agent-{}-named", scene.unique);
    let shown = named.trim_start_matches("agent-").to_owned();
    let options = [
        "--label",
        "nasiko.type=agent",
        "--label",
        "nasiko.name=labelled",
        "--expose",
        "8000",
    ];
    let labelled = scene.run(&options, &serving("labelled", true));
    let by_name = scene.run(&["--name", &named], &serving("by-name", false));
    let plain = format!("{}-plain", scene.unique);
    scene.run(
        &["--name", &plain, "--expose", "8000"],
        &serving("plain", false),
    );
    let elsewhere = [
        "--label",
        "nasiko.type=agent",
        "--label",
        "nasiko.name=waiting",
        "--label",
        "nasiko.standby=true",
    ];
    scene.run(&elsewhere, &serving("waiting", false));

    let row = scene.row("labelled", |row| row["state"] == "active");
    assert_eq!(
        (&row["runtime"], &row["description"], &row["version"]),
        (&json!("docker"), &json!("Says labelled"), &json!("3.1.4")),
        "{row:#}"
    );
    scene.row(&shown, |row| row["state"] == "active");
    assert_eq!(
        ask(&format!("{}/labelled/", scene.gateway)).await,
        "labelled\n"
    );
    assert_eq!(
        ask(&format!("{}/agents/{shown}/", scene.gateway)).await,
        "by-name\n"
    );
    let mut names = scene.names();
    names.sort();
    let mut expected = vec!["labelled".to_owned(), shown.clone()];
    expected.sort();
    assert_eq!(names, expected, "neither what is no agent nor what waits");
    let (status, page) = scene.api.get("/registries?text=labelled").await;
    assert_eq!(
        (status, page["items"].as_array().unwrap().len()),
        (200, 1),
        "{page:#}"
    );
    assert_eq!(page["items"][0]["card"]["name"], "labelled");

    // Nothing but calling it.
    for words in [
        ["stop", "labelled"],
        ["restart", "labelled"],
        ["rebuild", "labelled"],
    ] {
        let output = scene.resident.try_json(&words);
        assert_fault(&output, "state.wrong", "labelled", "");
        let hint = error_of(&output)["hint"].to_string();
        assert!(hint.contains("docker stop"), "{hint}");
    }
    let output = scene.resident.try_json(&["rm", "labelled", "--yes"]);
    assert_fault(&output, "state.wrong", "labelled", "");
    let running = scene
        .resident
        .docker(&["inspect", "-f", "{{.State.Running}}", &labelled]);
    assert_eq!(running.trim(), "true");

    // A conversation stays under its name.
    let (status, session) = scene
        .api
        .post("/chat/sessions", &json!({ "agent": "labelled" }))
        .await;
    assert!(matches!(status, 200 | 201), "{session:#}");

    // The resident starts anew: what runs is there, what ended meanwhile is not.
    scene.resident.kill();
    scene.resident.docker(&["stop", &by_name]);
    scene.resident.serve();
    scene.api = Api::of(&scene.resident);
    scene.gateway = scene.resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    scene.row("labelled", |row| row["state"] == "active");
    assert_eq!(
        ask(&format!("{}/labelled/", scene.gateway)).await,
        "labelled\n"
    );
    scene.gone(&shown);

    scene
        .resident
        .docker(&["rename", &plain, &named.replace("named", "renamed")]);
    scene.row(&shown.replace("named", "renamed"), |row| {
        row["state"] == "active"
    });

    scene.resident.docker(&["stop", &labelled]);
    scene.gone("labelled");
    until(format!("{}/labelled/", scene.gateway), |status| {
        status == 404
    })
    .await;
    scene.resident.docker(&["start", &labelled]);
    scene.row("labelled", |row| row["state"] == "active");
    let (status, page) = scene.api.get("/chat/sessions?agent=labelled").await;
    assert_eq!(
        (status, page["items"].as_array().unwrap().len()),
        (200, 1),
        "{page:#}"
    );
    scene
        .resident
        .docker(&["network", "disconnect", scene.resident.network(), &labelled]);
    scene.gone("labelled");
}

#[tokio::test]
async fn a_name_of_ours_is_not_taken_over() {
    let Some(mut scene) = Scene::new("a_name_of_ours_is_not_taken_over") else {
        return;
    };
    let source = folder(&[("main.py", &program::saying("ours", ""))]);
    let path = source.path().to_str().unwrap();
    scene
        .resident
        .json(&["deploy", path, "--name", "greeter", "--runtime", "process"]);
    let theirs = scene.run(
        &[
            "--label",
            "nasiko.type=agent",
            "--label",
            "nasiko.name=greeter",
        ],
        &serving("theirs", false),
    );
    let strange = scene.run(
        &[
            "--label",
            "nasiko.type=agent",
            "--label",
            "nasiko.name=My Agent",
            "--label",
            "nasiko.version=9.9.9",
            "--label",
            "nasiko.port=7777",
            "-e",
            "AT=7777",
        ],
        &serving("strange", false),
    );
    scene.row("greeter-2", |row| row["state"] == "active");
    assert!(
        ask(&format!("{}/greeter/", scene.gateway))
            .await
            .starts_with("ours ")
    );
    assert_eq!(
        ask(&format!("{}/greeter-2/", scene.gateway)).await,
        "theirs\n"
    );
    let finding = scene.api.agent("greeter-2").await["findings"][0].clone();
    assert_eq!(finding["code"], "container.name_taken", "{finding:#}");
    let row = scene.row("my-agent", |row| row["state"] == "active");
    assert_eq!(row["version"], "9.9.9", "{row:#}");
    assert_eq!(
        ask(&format!("{}/my-agent/", scene.gateway)).await,
        "strange\n"
    );
    let finding = scene.api.agent("my-agent").await["findings"][0].clone();
    assert_eq!(finding["code"], "container.name_changed", "{finding:#}");
    for id in [theirs, strange] {
        scene.resident.docker(&["rm", "-f", &id]);
    }
    scene.gone("greeter-2");
    scene.gone("my-agent");
    assert_eq!(scene.names(), ["greeter"]);
}

#[tokio::test]
async fn an_engine_that_comes_back_brings_what_others_started() {
    let name = "discovery::an_engine_that_comes_back_brings_what_others_started";
    let Some(mut engine) = OwnEngine::start_or_skip(name, "busybox:latest") else {
        return;
    };
    let mut scene = Scene::over(engine.host());
    let labels = |name: &'static str| ["--label", "nasiko.type=agent", "--label", name];
    let mut lasting = labels("nasiko.name=lasting").to_vec();
    lasting.extend(["--restart", "always"]);
    scene.run(&lasting, &serving("lasting", false));
    scene.run(&labels("nasiko.name=passing"), &serving("passing", false));
    for name in ["lasting", "passing"] {
        scene.row(name, |row| row["state"] == "active");
    }
    engine.stop();
    // Told of its end, or of the engine's: either way nobody takes it for one that answers.
    eventually("the loss is told", || {
        let rows = scene.resident.json(&["ps"]);
        let answers = |row: &Value| row["state"] == "active";
        if rows.as_array().unwrap().iter().any(answers) {
            Err(format!("{rows:#}"))
        } else {
            Ok(())
        }
    });
    engine.restart();
    scene.row("lasting", |row| {
        row["state"] == "active" && row["error"].is_null()
    });
    scene.gone("passing");
    let url = format!("{}/lasting/", scene.gateway);
    assert_eq!(ask(&url).await, "lasting\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_there_and_gone_at_once() {
    let Some(mut scene) = Scene::new("it_is_there_and_gone_at_once") else {
        return;
    };
    let id = scene.run(
        &[
            "--label",
            "nasiko.type=agent",
            "--label",
            "nasiko.name=quick",
            "--expose",
            "8000",
        ],
        "mkdir -p /www; echo quick > /www/index.html; exec httpd -f -p 8000 -h /www",
    );
    scene.row("quick", |row| row["state"] == "active");
    let url = format!("{}/quick/", scene.gateway);
    let (mut routes, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let gone = tokio::spawn(until(url.clone(), |status| status == 404));
        scene.resident.docker(&["stop", &id]);
        let (gone, ended) = (gone.await.unwrap(), scene.event_at(&id, "die"));
        ends.push(gone.duration_since(ended).unwrap_or_default());
        let routed = tokio::spawn(until(url.clone(), |status| status != 404));
        let answers = tokio::spawn(until(url.clone(), |status| status == 200));
        scene.resident.docker(&["start", &id]);
        let (routed, answers) = (routed.await.unwrap(), answers.await.unwrap());
        let started = scene.event_at(&id, "start");
        routes.push(routed.duration_since(started).unwrap_or_default());
        starts.push(answers.duration_since(started).unwrap_or_default());
    }
    eprintln!("from the start event to the route: {routes:?}");
    eprintln!("from the start event to an answer behind the gateway: {starts:?}");
    eprintln!("from the end event to gone: {ends:?}");
}

/// Asks an address until it answers with such a status, and says when that was.
async fn until(url: String, wanted: impl Fn(u16) -> bool) -> SystemTime {
    let http = client();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = http.get(&url).send().await.unwrap();
        if wanted(answer.status().as_u16()) {
            return SystemTime::now();
        }
        assert!(Instant::now() < deadline, "{url}: {}", answer.status());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
