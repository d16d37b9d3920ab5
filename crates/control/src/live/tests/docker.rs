//! Agents in containers that are edited while they run.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use nasiko_contract::{
    AgentName, DeployOptions, RestartAgent, RuntimeKind, UpdateAction, UpdateState,
};
use nasiko_runtime::Artifact;
use tempfile::TempDir;

use super::harness::{AGENT, Edited, said};
use crate::tests::{open_with, until};

const DOCKERFILE: &str = "FROM python:3.11-slim\nWORKDIR /app\nRUN mkdir /data\nCOPY . .\nEXPOSE 8000\nCMD [\"python\", \"main.py\"]\n";

/// A corner of the engine that is removed with all that is in it.
struct Corner {
    engine: String,
    name: String,
}

impl Corner {
    /// None without an engine; then it is said that the test was skipped.
    fn new(test: &str) -> Option<Self> {
        let engine = std::env::var("NASIKO_TEST_DOCKER_HOST").ok();
        let corner = Self {
            engine: engine.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned()),
            name: format!("live-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]),
        };
        if corner.docker(&["version"]).is_some() {
            return Some(corner);
        }
        let line = format!("SKIP {test}: no engine at {}", corner.engine);
        eprintln!("{line}");
        if let Some(counted) = std::env::var_os("NASIKO_TEST_SKIPS") {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(counted);
            writeln!(file.unwrap(), "{line}").unwrap();
        }
        None
    }

    async fn deploy(&self) -> Edited {
        let home = TempDir::new().unwrap();
        let plane = open_with(home.path(), &self.engine, &self.name).await;
        let name = AgentName(self.name.clone());
        let program = AGENT.replace("127.0.0.1", "0.0.0.0");
        let files = [("main.py", program.as_str()), ("Dockerfile", DOCKERFILE)];
        Edited::deploy_to(home, plane, name, RuntimeKind::Docker, &files).await
    }

    /// What the engine's own program says; none if it fails.
    fn docker(&self, words: &[&str]) -> Option<String> {
        let said = Command::new("docker")
            .args(["--host", &self.engine])
            .args(words)
            .stderr(Stdio::null())
            .output()
            .ok()?;
        said.status
            .success()
            .then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }
}

impl Drop for Corner {
    fn drop(&mut self) {
        let network = format!("network={}", self.name);
        let left = self.docker(&["ps", "--all", "--quiet", "--filter", &network]);
        for container in left.unwrap_or_default().lines() {
            self.docker(&["rm", "--force", container]);
        }
        self.docker(&["network", "rm", &self.name]);
        let images = self.docker(&["images", "--quiet", &format!("nasiko/{}", self.name)]);
        for image in images.unwrap_or_default().lines() {
            self.docker(&["rmi", "--force", image]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_saves_are_laid_over_the_image_and_every_later_start_has_them() {
    let Some(corner) = Corner::new("docker_saves_are_laid_over_the_image") else {
        return;
    };
    let edited = corner.deploy().await;
    edited.says("one").await;
    let image = edited.agent().await.plan.unwrap().artifact;
    for (number, words) in ["two", "three"].into_iter().enumerate() {
        edited.is_warm().await;
        edited.say(words);
        edited.says(words).await;
        let update = edited.update(number).await;
        assert_eq!(update.state, UpdateState::Live, "{update:#?}");
        assert_eq!(update.action, UpdateAction::Restart);
        assert!(update.warm, "{update:#?}");
    }
    let plan = edited.agent().await.plan.unwrap();
    assert_eq!(plan.artifact, image);
    assert!(plan.overlay.is_some());

    // A file that is read for each request needs no new instance.
    let serving = edited.agent().await.current;
    edited.write("static/page.css", "p {}");
    let update = edited.update(2).await;
    assert_eq!(update.action, UpdateAction::Sync, "{update:#?}");
    assert_eq!(
        edited.answer_at("/static/page.css").await.as_deref(),
        Some("p {}")
    );
    assert_eq!(edited.agent().await.current, serving);

    let restart = RestartAgent {
        agent: edited.name.clone(),
    };
    edited.job(restart).await;
    assert_eq!(edited.answer().await.as_deref(), Some("three"));
    assert_eq!(
        edited.answer_at("/static/page.css").await.as_deref(),
        Some("p {}")
    );

    // A crash.
    let serving = edited.agent().await.current;
    let shared = edited.shared();
    let running = shared.runtime(RuntimeKind::Docker).list().await.unwrap();
    let container = running
        .iter()
        .find(|instance| {
            serving
                .as_ref()
                .is_some_and(|id| id.as_str() == instance.deployment_id)
        })
        .unwrap();
    corner.docker(&["kill", &container.handle]).unwrap();
    let again = async || edited.agent().await.current != serving;
    until(shared, "it is started again", again).await;
    edited.says("three").await;

    // The folder is what runs; asked for by name it becomes an image.
    let options = DeployOptions {
        agent_name: Some(edited.name.to_string()),
        ..DeployOptions::default()
    };
    edited.job(edited.directory(options.clone())).await;
    assert_eq!(edited.agent().await.plan.unwrap().artifact, image);
    let options = DeployOptions {
        force: true,
        ..options
    };
    edited.job(edited.directory(options)).await;
    let plan = edited.agent().await.plan.unwrap();
    assert_ne!(plan.artifact, image);
    assert_eq!(plan.overlay, None);
    assert!(matches!(plan.artifact.parse(), Ok(Artifact::Image { .. })));
    edited.says("three").await;
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_a_save_overtakes_the_build_of_an_older_one() {
    let Some(corner) = Corner::new("docker_a_save_overtakes_the_build") else {
        return;
    };
    let edited = corner.deploy().await;
    let slow = DOCKERFILE.replace("mkdir /data", "mkdir /data && sleep 600");
    edited.write("Dockerfile", &slow);
    let building =
        async || {
            edited.updates().await.first().is_some_and(|update| {
                update.action == UpdateAction::Rebuild && update.job.is_some()
            })
        };
    until(edited.shared(), "the image is built", building).await;
    edited.write("Dockerfile", &DOCKERFILE.replace("/data", "/elsewhere"));
    edited.write("words.py", &said("two"));
    // Long before the first build would have ended.
    edited.says("two").await;
    let last = edited.is_live().await;
    assert_eq!(last.action, UpdateAction::Rebuild);
    let updates = edited.updates().await;
    let overtaken = updates.last().unwrap();
    assert_eq!(overtaken.state, UpdateState::Superseded, "{updates:#?}");
    let agent = edited.agent().await;
    assert_eq!(agent.fault, None);
    assert_eq!(agent.plan.unwrap().content_hash, last.content_hash);
    edited.end().await;
}
