//! The local stack in a real engine: a Compose file up and down, looked into, drifting, broken off by a crash; and its
//! passwords nowhere to be seen.

use std::{path::PathBuf, process::Stdio};

use nasiko_tests::{Api, Resident, eventually, faults::assert_fault, folder, skip};
use serde_json::Value;
use tempfile::TempDir;

/// A resident, and a person's Compose file.
pub(crate) struct Scene {
    pub(crate) resident: Resident,
    pub(crate) folder: TempDir,
    pub(crate) project: String,
}

impl Scene {
    pub(crate) fn new(test: &str) -> Option<Self> {
        let host = skip::engine_or_skip(&format!("stack::{test}"))?;
        Some(Self::of(Resident::with_engine(&host)))
    }

    /// With a resident that may not run yet.
    pub(crate) fn of(resident: Resident) -> Self {
        let project = resident.network().to_owned();
        Self {
            resident,
            folder: folder(&[]),
            project,
        }
    }

    pub(crate) fn write(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("services.yml");
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn up(&self, text: &str) -> Value {
        let path = self.write(text);
        self.resident.json(&["up", "-f", path.to_str().unwrap()])
    }

    /// Runs a command in a service's container.
    pub(crate) fn exec(&self, service: &str, command: &[&str]) -> Value {
        let mut words = vec!["--json", "stack", "exec", service, "--"];
        words.extend(command);
        self.resident.run(&words).ok().json()
    }

    pub(crate) fn service(&self, name: &str) -> Value {
        let stack = self.resident.json(&["stack"]);
        let services = stack["services"].as_array().unwrap();
        let found = services.iter().find(|row| row["service"] == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {stack:#}"))
            .clone()
    }

    pub(crate) fn container(&self, name: &str) -> String {
        self.service(name)["container"].as_str().unwrap().to_owned()
    }

    pub(crate) fn labelled(&self, what: &[&str]) -> Vec<String> {
        let filter = format!("label=com.docker.compose.project={}", self.project);
        let mut words = what.to_vec();
        words.extend(["--filter", &filter]);
        let said = self.resident.docker(&words);
        said.lines().map(str::to_owned).collect()
    }

    /// Nothing of the project is in the engine any more.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        for what in [
            &["ps", "-aq"][..],
            &["network", "ls", "-q"],
            &["volume", "ls", "-q"],
        ] {
            assert_eq!(self.labelled(what), Vec::<String>::new(), "{what:?}");
        }
    }
}

impl Drop for Scene {
    /// What a test that failed leaves.
    fn drop(&mut self) {
        for container in self.labelled(&["ps", "-aq"]) {
            self.resident.docker(&["rm", "-f", "-v", &container]);
        }
        for network in self.labelled(&["network", "ls", "-q"]) {
            self.resident.docker(&["network", "rm", &network]);
        }
        for volume in self.labelled(&["volume", "ls", "-q"]) {
            self.resident.docker(&["volume", "rm", &volume]);
        }
    }
}

/// A server, a program that needs it to be healthy, and one that ends; the server is given the password of Redis.
fn services(word: &str) -> String {
    format!(
        r#"
services:
  web:
    image: python:3.11-slim
    init: true
    command: [sh, -c, "echo web is here; exec python -m http.server 8000"]
    ports: ["127.0.0.1::8000"]
    volumes: ["kept:/kept"]
    secrets: [redis_password]
    healthcheck:
      test: [CMD, python, -c, "import urllib.request as u; u.urlopen('http://127.0.0.1:8000')"]
      interval: 1s
      timeout: 5s
      retries: 30
  worker:
    image: busybox
    init: true
    environment: {{WORD: "{word}"}}
    command: [sh, -c, "echo worker says $$WORD; exec sleep 3600"]
    depends_on: {{web: {{condition: service_healthy}}, once: {{condition: service_completed_successfully}}}}
  once:
    image: busybox
    command: [sh, -c, "echo done once"]
volumes:
  kept:
"#
    )
}

#[tokio::test]
async fn a_compose_file_up_looked_into_changed_and_down() {
    let Some(scene) = Scene::new("a_compose_file_up_looked_into_changed_and_down") else {
        return;
    };
    let resident = &scene.resident;
    let api = Api::of(resident);
    let status = scene.up(&services("one"));
    assert_eq!(status["stack"].as_array().unwrap().len(), 3, "{status:#}");
    let stack = resident.json(&["stack"]);
    assert_eq!(stack["on"], true);
    assert_eq!(stack["fault"], Value::Null);
    let web = scene.service("web");
    assert_eq!(
        (&web["state"], &web["health"]),
        (&"running".into(), &"healthy".into())
    );
    assert!(
        web["ports"][0].as_str().unwrap().starts_with("127.0.0.1:"),
        "{web:#}"
    );
    assert_eq!(scene.service("worker")["state"], "running");
    let once = scene.service("once");
    assert_eq!(
        (&once["state"], &once["exitCode"]),
        (&"exited".into(), &0.into())
    );
    assert_eq!(scene.service("redis")["state"], "absent");

    let logs = resident.run(&["stack", "logs"]).ok().stdout;
    for line in ["web is here", "worker says one", "done once"] {
        assert!(logs.contains(line), "`{line}` is missing in {logs}");
    }
    let of_one = resident.run(&["stack", "logs", "worker"]).ok().stdout;
    assert!(!of_one.contains("web is here"), "{of_one}");
    let said = scene.exec("web", &["sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!(said["exit_code"], 7);
    assert_eq!(
        (&said["stdout"], &said["stderr"]),
        (&"out\n".into(), &"err\n".into())
    );

    // Nothing changed, then one variable of one service.
    let before = ["web", "worker", "once"].map(|name| scene.container(name));
    resident.json(&["up"]);
    assert_eq!(
        before,
        ["web", "worker", "once"].map(|name| scene.container(name))
    );
    scene.up(&services("two"));
    let after = ["web", "worker", "once"].map(|name| scene.container(name));
    assert_eq!((&before[0], &before[2]), (&after[0], &after[2]));
    assert_ne!(before[1], after[1], "only the worker is made anew");
    assert!(
        resident
            .run(&["stack", "logs", "worker"])
            .ok()
            .stdout
            .contains("says two")
    );

    resident.run(&["stack", "stop", "worker"]).ok();
    assert_eq!(scene.service("worker")["state"], "exited");
    resident.run(&["stack", "start", "worker"]).ok();
    assert_eq!(scene.service("worker")["state"], "running");
    let unknown = resident.try_json(&["stack", "restart", "nobody"]);
    assert_fault(&unknown, "not_found", "nobody", "");

    // The password came to the service that asked for it, and nowhere else.
    let password = scene.exec("web", &["cat", "/run/secrets/redis_password"]);
    let password = password["stdout"].as_str().unwrap().trim().to_owned();
    assert_eq!(password.len(), 32);
    for container in &after {
        let inspected = resident.docker(&["inspect", container]);
        assert!(
            inspected.contains("com.docker.compose.project"),
            "{inspected}"
        );
        assert!(
            !inspected.contains(&password),
            "in label, argument or variable of {container}"
        );
    }
    let mut events = api.stream("/events", Some(0)).await;
    let mut told = false;
    let reading = async {
        while let Ok(Some(event)) = events.next().await {
            told |= event.data["topic"] == "stack.changed";
            assert!(
                !event.data.to_string().contains(&password),
                "in {}",
                event.data["topic"]
            );
        }
    };
    // The stream does not end; what there was is told at once.
    let _endless = tokio::time::timeout(std::time::Duration::from_secs(3), reading).await;
    assert!(told, "changes of the stack are events");
    for job in api.jobs().await {
        assert!(!job.to_string().contains(&password), "{job:#}");
        let lines = api.job_lines(job["id"].as_str().unwrap()).await;
        assert!(
            lines.iter().any(|line| line.starts_with("worker: ")),
            "{lines:#?}"
        );
        assert!(!lines.join("\n").contains(&password), "{lines:#?}");
    }
    assert!(!resident.log().contains(&password), "in the resident's log");

    let refused = resident.try_json(&["down", "--volumes"]);
    assert_eq!(refused.code, 2, "nobody can be asked: {}", refused.stdout);
    assert_eq!(scene.labelled(&["volume", "ls", "-q"]).len(), 1);
    resident.run(&["down", "--volumes", "--yes"]).ok();
    scene.assert_nothing_left();
}

#[tokio::test]
async fn an_up_that_a_crash_broke_off_goes_on() {
    let Some(mut scene) = Scene::new("an_up_that_a_crash_broke_off_goes_on") else {
        return;
    };
    let path = scene.write(&services("one"));
    let mut waiting = scene
        .resident
        .command(&["up", "-f", path.to_str().unwrap(), "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the first container is there", || {
        let there = scene.labelled(&["ps", "-aq"]);
        (!there.is_empty())
            .then_some(())
            .ok_or_else(|| "none".to_owned())
    });
    scene.resident.kill();
    scene.resident.serve();
    let api = Api::of(&scene.resident);
    let jobs = api.jobs().await;
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    assert_eq!(jobs[0]["kind"], "stack-up");
    let ended = api.job(jobs[0]["id"].as_str().unwrap()).await;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    assert_eq!(scene.service("worker")["state"], "running");
    assert_eq!(
        scene.labelled(&["ps", "-aq"]).len(),
        3,
        "one container each"
    );
    assert!(waiting.wait().unwrap().success(), "who waited sees its end");
    scene.resident.run(&["down", "--volumes", "--yes"]).ok();
    assert_eq!(scene.labelled(&["ps", "-aq"]), Vec::<String>::new());
}

#[test]
fn a_control_plane_whose_engine_is_gone_can_be_ended() {
    let resident = Resident::start();
    let folder = folder(&[("services.yml", "services: {one: {image: busybox}}")]);
    let path = folder.path().join("services.yml");
    let output = resident.try_json(&["up", "-f", path.to_str().unwrap()]);
    assert_fault(&output, "engine.absent", "", "");
    let stack = resident.json(&["stack"]);
    assert_eq!(
        (&stack["on"], &stack["waiting"]),
        (&true.into(), &true.into()),
        "it is still wanted"
    );
    let again = resident.run(&["up"]).ok();
    assert!(
        again.stderr.contains("comes up by itself"),
        "{}",
        again.stderr
    );
    let ended = resident.run(&["down"]).ok();
    assert!(
        ended.stderr.contains("The stack is off"),
        "{}",
        ended.stderr
    );
}

#[test]
fn files_that_are_wrong_say_where() {
    let Some(scene) = Scene::new("files_that_are_wrong_say_where") else {
        return;
    };
    let path = scene.write("services:\n  a: {image: busybox, depends_on: [b]}\n  b: {image: busybox, depends_on: [a]}\n");
    let output = scene
        .resident
        .try_json(&["up", "-f", path.to_str().unwrap()]);
    let error = nasiko_tests::faults::error_of(&output);
    assert!(
        error["evidence"].to_string().contains("services.yml:"),
        "{error:#}"
    );
    let path = scene.write("services:\n  a: {image: 'localhost:1/nobody/nothing:1'}\n");
    let output = scene
        .resident
        .try_json(&["up", "-f", path.to_str().unwrap()]);
    assert_fault(
        &output,
        "build.base_image_missing",
        "localhost:1/nobody/nothing",
        "",
    );
}
