//! The Docker runtime with a real engine. Without one each test says that it was skipped, and why.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
};
use futures::StreamExt as _;
use nasiko_contract::ErrorCode;
use nasiko_engine::{Engine, EngineConfig};
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{DockerConfig, DockerRuntime, label};
use crate::{
    Artifact, BuildContext, Exit, Instance, InstanceState, Limits, LogQuery, LogStream, Overlay,
    PreparePlan, Prepared, Progress, Runtime, RuntimeError, RuntimeEvent, StartSpec, diagnose,
};

mod builds;
mod containers;
mod engines;
mod standby;

const PATIENCE: Duration = Duration::from_secs(60);
const BUSYBOX: &str = "/usr/bin/busybox";
const APPLETS: [&str; 9] = [
    "sh", "httpd", "sleep", "cat", "echo", "tail", "true", "false", "tr",
];

/// The engine's address, or a line that says which test was skipped and why.
async fn engine_or_skip(test: &str) -> Option<String> {
    let given = std::env::var("NASIKO_TEST_DOCKER_HOST").ok();
    let host = given.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    let config = DockerConfig {
        engine: EngineConfig::at(&host),
        ..DockerConfig::new("probe")
    };
    let reason = match Engine::new(config.engine).client().await {
        Err(error) => error.to_string(),
        Ok(_) if !Path::new(BUSYBOX).is_file() => {
            format!("{BUSYBOX} (package busybox-static) is not installed")
        }
        Ok(_) => return Some(host),
    };
    crate::skipping::skip(test, &reason);
    None
}

/// A corner of the engine with a network and a base image of its own. Removes all that is in it when dropped.
struct Corner {
    host: String,
    unique: String,
    docker: Docker,
    runtime: DockerRuntime,
}

impl Corner {
    async fn new(test: &str) -> Option<Self> {
        let host = engine_or_skip(test).await?;
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let runtime = runtime(&host, &unique);
        let docker = runtime.shared.engine.client().await.unwrap();
        let corner = Self {
            host,
            unique,
            docker,
            runtime,
        };
        corner.import_base().await;
        Some(corner)
    }

    fn base(&self) -> String {
        format!("nasiko-test-{}:base", self.unique)
    }

    fn tag(&self, version: &str) -> String {
        format!("nasiko-test-{}:{version}", self.unique)
    }

    /// Agents' names are unique too: a container's name is the engine's, not the corner's.
    fn agent(&self) -> String {
        format!("test-{}", &self.unique[..12])
    }

    async fn import_base(&self) {
        let mut archive = tar::Builder::new(Vec::new());
        archive
            .append_path_with_name(BUSYBOX, "bin/busybox")
            .unwrap();
        for applet in APPLETS {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            header.set_mode(0o777);
            archive
                .append_link(&mut header, format!("bin/{applet}"), "busybox")
                .unwrap();
        }
        let rootfs = archive.into_inner().unwrap();
        let repository = format!("nasiko-test-{}", self.unique);
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(&repository)
            .tag("base")
            .build();
        let body = bollard::body_full(rootfs.into());
        let answers: Vec<_> = self
            .docker
            .create_image(Some(options), Some(body), None)
            .collect()
            .await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }

    fn plan(&self, version: &str, dockerfile: &str, files: &[(&'static str, &str)]) -> PreparePlan {
        let mut all = vec![("Dockerfile", dockerfile.replace("BASE", &self.base()))];
        all.extend(
            files
                .iter()
                .map(|(name, content)| (*name, (*content).to_owned())),
        );
        PreparePlan {
            agent: self.agent(),
            owner: "me".to_owned(),
            version: version.to_owned(),
            root: PathBuf::from("/the/folder"),
            content_hash: "0".repeat(12),
            requirements: None,
            dockerfile: None,
            generated_dockerfile: None,
            build_args: BTreeMap::new(),
            context: context(all),
            image_tag: self.tag(version),
        }
    }

    async fn build(&self, plan: &PreparePlan) -> Result<(Prepared, Vec<Progress>), RuntimeError> {
        let told = Mutex::new(Vec::new());
        let sink = |progress| told.lock().push(progress);
        let prepared = self
            .runtime
            .prepare(plan, &sink, &CancellationToken::new())
            .await?;
        Ok((prepared, told.into_inner()))
    }

    fn spec(&self, deployment_id: &str, command: &[&str]) -> StartSpec {
        StartSpec {
            agent: self.agent(),
            deployment_id: deployment_id.to_owned(),
            owner: "me".to_owned(),
            version: "1.0.0".to_owned(),
            artifact: Artifact::Image {
                reference: self.base(),
            },
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            workdir: PathBuf::new(),
            env: Vec::new(),
            port: None,
            labels: BTreeMap::new(),
            limits: Limits::default(),
            overlay: None,
        }
    }

    /// A program that serves its hostname's file on `$PORT`.
    fn server(&self, deployment_id: &str) -> StartSpec {
        let script = "echo serving on $PORT; echo to stderr >&2; echo hello > /index.html; exec httpd -f -p $PORT -h /";
        self.spec(deployment_id, &["/bin/sh", "-c", script])
    }

    async fn start(&self, spec: &StartSpec) -> Result<Instance, RuntimeError> {
        self.runtime.start(spec, &CancellationToken::new()).await
    }

    async fn exit(&self, instance: &Instance) -> Exit {
        let cancel = CancellationToken::new();
        let waiting = self.runtime.wait_exit(&instance.id, &cancel);
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the container ends in time")
            .unwrap()
    }
}

impl Drop for Corner {
    fn drop(&mut self) {
        let (host, unique) = (self.host.clone(), self.unique.clone());
        // A thread with a reactor of its own: the test's may be going down after a failure.
        let cleaning = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(clean(&host, &unique));
        });
        // A second panic while a failed test unwinds would hide the first.
        if cleaning.join().is_err() {
            eprintln!(
                "the corner {} of the engine could not be cleaned",
                self.unique
            );
        }
    }
}

async fn clean(host: &str, unique: &str) {
    let config = DockerConfig {
        engine: EngineConfig::at(host),
        ..DockerConfig::new("cleaning")
    };
    let docker = Engine::new(config.engine).client().await.unwrap();
    let network = network(unique);
    let filters = |name: &str, value: String| HashMap::from([(name.to_owned(), vec![value])]);
    for filter in [
        filters("label", format!("{}={unique}", label::INSTALLATION)),
        filters("network", network.clone()),
        filters("ancestor", format!("nasiko-test-{unique}:base")),
    ] {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filter)
            .build();
        for container in docker
            .list_containers(Some(options))
            .await
            .unwrap_or_default()
        {
            let remove = RemoveContainerOptionsBuilder::default().force(true).v(true);
            let _ = docker
                .remove_container(&container.id.unwrap(), Some(remove.build()))
                .await;
        }
    }
    let _ = docker.remove_network(&network).await;
    let filter = filters("reference", format!("nasiko-test-{unique}"));
    // Repeated: a build that was cancelled just now may still hold an image.
    eventually("the removal of the images", async || {
        let options = ListImagesOptionsBuilder::default().filters(&filter).build();
        let left = docker.list_images(Some(options)).await.unwrap();
        for image in &left {
            let force = RemoveImageOptionsBuilder::default().force(true).build();
            let _ = docker.remove_image(&image.id, Some(force), None).await;
        }
        left.is_empty().then_some(())
    })
    .await;
}

fn network(unique: &str) -> String {
    format!("nasiko-test-{unique}")
}

fn runtime(host: &str, unique: &str) -> DockerRuntime {
    DockerRuntime::new(DockerConfig {
        engine: EngineConfig::at(host),
        network: network(unique),
        ..DockerConfig::new(unique)
    })
}

fn context(files: Vec<(&'static str, String)>) -> Arc<dyn BuildContext> {
    Arc::new(move |out: &mut dyn std::io::Write| {
        let mut archive = tar::Builder::new(out);
        for (name, content) in &files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, content.as_bytes())?;
        }
        archive.finish()
    })
}

fn get(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The next event that fits.
async fn event<T>(
    events: &mut broadcast::Receiver<RuntimeEvent>,
    mut fits: impl FnMut(RuntimeEvent) -> Option<T>,
) -> T {
    let waiting = async {
        loop {
            if let Some(found) = fits(events.recv().await.unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the event comes in time")
}
