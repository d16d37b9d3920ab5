//! The local stack where things break: real servers, one of which fails; a control plane that is killed at every stretch of
//! an `up`; a cancelled `up`; an engine that restarts.

use std::{collections::BTreeMap, path::Path, time::Duration};

use nasiko_tests::{Api, Chance, Resident, engine::OwnEngine, eventually, faults::error_of, skip};
use serde_json::{Value, json};

use crate::stack::Scene;

/// Asks Redis and the MongoDB server something by the names that services have, until both answer.
const ASK_SERVERS: &str = "
import socket, time
deadline = time.time() + 60
def until(ask):
    while True:
        try:
            return ask()
        except OSError:
            if time.time() > deadline: raise
            time.sleep(0.1)
def cache():
    with socket.create_connection(('cache', 6379), 5) as s:
        s.sendall(b'PING\\r\\n')
        assert s.recv(16) == b'+PONG\\r\\n'
until(cache)
until(lambda: socket.create_connection(('records', 27017), 5).close())
print('both')
";

impl Scene {
    /// Asks for an `up` of these files; gives the job's id.
    async fn ask_up(&self, api: &Api, files: &[&Path]) -> String {
        let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
        let (status, job) = api.post("/stack/up", &json!({ "files": files })).await;
        assert_eq!(status, 202, "{job:#}");
        job["id"].as_str().unwrap().to_owned()
    }

    /// The container of each service that has one.
    fn by_service(&self) -> BTreeMap<String, String> {
        let stack = self.resident.json(&["stack"]);
        let rows = stack["services"].as_array().unwrap().iter();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.map(|row| (text(row, "service"), text(row, "container")))
            .filter(|(_, container)| !container.is_empty())
            .collect()
    }

    fn running(&self) -> Vec<String> {
        let stack = self.resident.json(&["stack"]);
        let rows = stack["services"].as_array().unwrap().iter();
        rows.filter(|row| row["state"] == "running")
            .map(|row| row["service"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Waits until the log of a job says one of these words; false where it ended without.
async fn said(api: &Api, job: &str, words: &str) -> bool {
    let mut log = api.stream(&format!("/jobs/{job}/log"), None).await;
    while let Some(event) = log.next().await.unwrap() {
        let line = event.data["line"].as_str().unwrap_or_default();
        if line.contains(words) {
            return true;
        }
    }
    false
}

#[test]
fn eight_services_of_real_servers_one_of_which_fails() {
    let Some(scene) = Scene::new("eight_services_of_real_servers_one_of_which_fails") else {
        return;
    };
    let resident = &scene.resident;
    let name = "stack_rough::eight_services_of_real_servers_one_of_which_fails";
    for image in ["nasiko-test/redis:latest", "nasiko-test/mongodb:latest"] {
        if resident.docker(&["images", "-q", image]).trim().is_empty() {
            return skip::skip(name, &format!("the engine has no {image}"));
        }
    }
    let eight = Path::new(env!("CARGO_MANIFEST_DIR")).join("stack/eight.yml");
    let eight = eight.to_str().unwrap();
    let laid_over = scene.write(
        "services:\n  cache:\n    healthcheck: {test: 'echo it feels sick; exit 1', interval: 200ms, retries: 3}\n",
    );
    let laid_over = laid_over.to_str().unwrap();

    // Those that need the one that fails are kept back, and no others.
    let output = resident.try_json(&["up", "-f", eight, "-f", laid_over]);
    let error = error_of(&output);
    assert_eq!(error["code"], "agent.start.failed", "{error:#}");
    let evidence = error["evidence"].to_string();
    assert!(evidence.contains("it feels sick"), "{error:#}");
    let mut running = scene.running();
    running.sort();
    assert_eq!(running, ["cache", "docs", "mail", "metrics", "records"]);
    let before = scene.by_service();

    // Once it is well, they come; who ran goes on as it was.
    resident.json(&["up", "-f", eight]);
    assert_eq!(scene.running().len(), 8);
    let after = scene.by_service();
    for kept in ["docs", "mail", "metrics", "records"] {
        assert_eq!(before[kept], after[kept], "{kept} is left alone");
    }
    let asked = scene.exec("api", &["python", "-c", ASK_SERVERS]);
    assert_eq!(asked["stdout"], "both\n", "{asked:#}");
    let started = |name: &str| scene.service(name)["started"].as_u64().unwrap();
    for (early, late) in [
        ("cache", "api"),
        ("records", "api"),
        ("api", "web"),
        ("mail", "docs"),
    ] {
        assert!(started(early) <= started(late), "{early} before {late}");
    }

    // One value of one service: one container is another.
    scene.write("services: {worker: {environment: {WORD: two}}}\n");
    resident.json(&["up", "-f", eight, "-f", laid_over]);
    let drifted = scene.by_service();
    let others: Vec<&String> = drifted
        .keys()
        .filter(|service| drifted[*service] != after[*service])
        .collect();
    assert_eq!(others, ["worker"]);

    // One that somebody killed is started as it is, and the rest is left alone.
    resident.docker(&["kill", &drifted["web"]]);
    eventually("its end is seen", || {
        let state = scene.service("web")["state"].clone();
        (state == "exited").then_some(()).ok_or(state.to_string())
    });
    resident.json(&["up"]);
    assert_eq!(scene.by_service(), drifted);
    assert_eq!(scene.running().len(), 8);
    resident.run(&["down", "--volumes", "--yes"]).ok();
    scene.assert_nothing_left();
}

/// What the control plane says when it is killed, and how long after it that may be.
const POINTS: [(&str, u64); 4] = [
    ("Step 2/2 : RUN", 300),
    ("waits until slow is healthy", 40),
    ("slow: runs, its health check", 250),
    ("being made anew, since its configuration changed", 150),
];

/// One that is built, one that is slow to be healthy, and others.
fn breakable(marker: &str, word: &str) -> String {
    format!(
        "
x-usual: &usual {{image: busybox, init: true, command: [sleep, '3600'], environment: {{WORD: {word}}}}}
services:
  base:
    build: {{context: ., dockerfile_inline: \"FROM busybox\\nRUN echo {marker} && sleep 0.7\\n\"}}
    init: true
    command: [sleep, '3600']
  slow:
    <<: *usual
    command: [sh, -c, 'sleep 0.6; touch /ready; exec sleep 3600']
    healthcheck: {{test: [CMD, test, -f, /ready], interval: 200ms, retries: 200}}
    volumes: ['data:/data']
  after: {{<<: *usual, depends_on: {{slow: {{condition: service_healthy}}}}, networks: [default, back]}}
  last: {{<<: *usual, depends_on: [after, base]}}
networks: {{back: {{}}}}
volumes: {{data: {{}}}}
"
    )
}

#[tokio::test]
async fn killed_everywhere_in_an_up() {
    let Some(mut scene) = Scene::new("killed_everywhere_in_an_up") else {
        return;
    };
    let mut chance = Chance::new();
    for (round, (words, window)) in POINTS.into_iter().enumerate() {
        let marker = format!("{}-{round}", scene.project);
        let api = Api::of(&scene.resident);
        if words.contains("anew") {
            // Killed while all are replaced, and with all there.
            let path = scene.write(&breakable(&marker, "before"));
            scene.resident.json(&["up", "-f", path.to_str().unwrap()]);
        }
        let path = scene.write(&breakable(&marker, "after"));
        let job = scene.ask_up(&api, &[&path]).await;
        assert!(said(&api, &job, words).await, "it is never at `{words}`");
        tokio::time::sleep(chance.within(Duration::from_millis(window))).await;
        scene.resident.kill();
        scene.resident.serve();

        let api = Api::of(&scene.resident);
        let ended = api.job(&job).await;
        assert_eq!(
            ended["state"], "succeeded",
            "killed at `{words}`: {ended:#}"
        );
        let by_service = scene.by_service();
        let mut names = scene.labelled(&["ps", "-a", "--format", "{{.Names}}"]);
        names.sort();
        let expected = ["after", "base", "last", "slow"];
        let expected = expected.map(|service| format!("{}-{service}-1", scene.project));
        assert_eq!(names, expected, "killed at `{words}`: one of each");
        assert_eq!(scene.running().len(), 4, "killed at `{words}`");
        for what in [&["network", "ls", "-q"][..], &["volume", "ls", "-q"]] {
            let count = if what[0] == "network" { 2 } else { 1 };
            assert_eq!(
                scene.labelled(what).len(),
                count,
                "killed at `{words}`: {what:?}"
            );
        }
        let word = scene.exec("after", &["sh", "-c", "echo $WORD"]);
        assert_eq!(word["stdout"], "after\n", "killed at `{words}`");
        scene.resident.json(&["up"]);
        assert_eq!(by_service, scene.by_service(), "nothing is left to be done");

        let (status, down) = api.post("/stack/down", &json!({ "volumes": true })).await;
        assert_eq!(status, 202, "{down:#}");
        let down = api.job(down["id"].as_str().unwrap()).await;
        assert_eq!(down["state"], "succeeded", "{down:#}");
        assert_eq!(scene.labelled(&["ps", "-aq"]), Vec::<String>::new());
        scene
            .resident
            .docker(&["rmi", "-f", &format!("{}-base", scene.project)]);
    }
}

#[tokio::test]
async fn an_up_that_is_cancelled_goes_on_when_asked_again() {
    let Some(scene) = Scene::new("an_up_that_is_cancelled_goes_on_when_asked_again") else {
        return;
    };
    let api = Api::of(&scene.resident);
    let services = |check: &str| {
        format!(
            "x-usual: &usual {{image: busybox, init: true, command: [sleep, '3600']}}\nservices:\n  \
             never: {{<<: *usual, healthcheck: {{test: '{check}', interval: 200ms, retries: 1000}}}}\n  \
             after: {{<<: *usual, depends_on: {{never: {{condition: service_healthy}}}}}}\n  free: *usual\n"
        )
    };
    let path = scene.write(&services("exit 1"));
    let job = scene.ask_up(&api, &[&path]).await;
    assert!(said(&api, &job, "never: runs, its health check").await);
    let (status, answer) = api.post(&format!("/jobs/{job}/cancel"), &json!({})).await;
    assert_eq!(status, 202, "{answer:#}");
    let ended = api.job(&job).await;
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    eventually("what was begun is there", || {
        let running = scene.running();
        running
            .contains(&"free".to_owned())
            .then_some(())
            .ok_or(format!("{running:?}"))
    });
    assert!(!scene.running().contains(&"after".to_owned()));
    let before = scene.by_service();

    scene.up(&services("exit 0"));
    assert_eq!(scene.running().len(), 3);
    let after = scene.by_service();
    assert_eq!(before["free"], after["free"]);
    assert_eq!(
        before["after"], after["after"],
        "it was made and is only started"
    );
    assert_ne!(before["never"], after["never"]);
    scene.resident.run(&["down"]).ok();
}

#[tokio::test]
async fn an_engine_that_restarts_beside_the_stack_and_in_mid_up() {
    let name = "stack_rough::an_engine_that_restarts_beside_the_stack_and_in_mid_up";
    let Some(mut engine) = OwnEngine::start_or_skip(name, "busybox:latest") else {
        return;
    };
    let scene = Scene::of(Resident::with_engine(engine.host()));
    let api = Api::of(&scene.resident);
    let services = "
x-usual: &usual {image: busybox, init: true, command: [sleep, '3600']}
services:
  again: {<<: *usual, restart: unless-stopped}
  once: *usual
  slow:
    <<: *usual
    command: [sh, -c, 'sleep 0.6; touch /ready; exec sleep 3600']
    healthcheck: {test: [CMD, test, -f, /ready], interval: 200ms, retries: 200}
  after: {<<: *usual, depends_on: {slow: {condition: service_healthy}}}
";
    let path = scene.write(services);
    scene.resident.json(&["up", "-f", path.to_str().unwrap()]);
    let before = scene.by_service();
    engine.stop();
    eventually("its end is seen", || {
        let stack = scene.resident.json(&["stack"]);
        let fault = stack["fault"].is_object();
        fault.then_some(()).ok_or_else(|| stack.to_string())
    });
    engine.restart();
    eventually("what the engine starts again is seen", || {
        let running = scene.running();
        (running == ["again"])
            .then_some(())
            .ok_or(format!("{running:?}"))
    });
    scene.resident.json(&["up"]);
    assert_eq!(scene.running().len(), 4);
    assert_eq!(scene.by_service(), before, "each is started as it is");

    // Made anew, and the engine goes in the midst of it.
    let path = scene.write(&services.replace("init: true, ", "init: true, hostname: other, "));
    let job = scene.ask_up(&api, &[&path]).await;
    assert!(said(&api, &job, "slow: starting").await);
    engine.stop();
    engine.restart();
    let ended = api.job(&job).await;
    // Its tries may be used up before the engine is back; the stack then comes up by itself.
    let code = ended["fault"]["code"].as_str().unwrap_or_default();
    assert!(
        ended["state"] == "succeeded" || code.starts_with("engine."),
        "{ended:#}"
    );
    eventually("all run", || {
        let running = scene.running();
        (running.len() == 4)
            .then_some(())
            .ok_or(format!("{running:?}"))
    });
    scene.resident.json(&["up"]);
    assert_eq!(scene.labelled(&["ps", "-aq"]).len(), 4, "one of each");
    let host = scene.exec("once", &["hostname"]);
    assert_eq!(host["stdout"], "other\n", "{host:#}");
    scene.resident.run(&["down"]).ok();
    assert_eq!(scene.labelled(&["ps", "-aq"]), Vec::<String>::new());
}
