//! Two control planes in this process, on one real database, with real agents.

use std::{process::Command, sync::atomic::AtomicUsize};

use nasiko_contract::{
    AgentState, DeleteAgent, DeployDirectory, DeployOptions, ErrorCode, GetStatus, JobState,
    PatchSettings, RestartAgent, Shutdown, StartAgent, StartWatch, StopAgent,
};
use nasiko_runtime::InstanceState;
use nasiko_store::Expected;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    ControlPlane,
    api::{self, Caller},
    tests::{
        config, end_of, eventually,
        servers::{self, Server},
    },
};

/// Says which process it is.
const AGENT: &str = r#"
import http.server, os, signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

/// A store that control planes share.
struct Place {
    mongo: Server,
    redis: Server,
    /// The folder of the agent `greeter`.
    folder: TempDir,
}

/// A control plane and its data directory.
struct Plane {
    plane: ControlPlane,
    home: TempDir,
}

impl Place {
    /// None where there are no servers to test with.
    fn new() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        fs_err::write(folder.path().join("main.py"), AGENT).unwrap();
        Some(Self {
            mongo: servers::mongo(&[])?,
            redis: servers::redis(&[])?,
            folder,
        })
    }

    fn config(&self, home: &TempDir) -> crate::Config {
        let mut config = config(home.path(), "unix:///no-engine-here.sock", "nasiko-test");
        for (name, value) in [
            ("NASIKO_STORE_URL", self.mongo.mongo_url()),
            ("NASIKO_REDIS_URL", self.redis.redis_url()),
        ] {
            config.environment.push((name.into(), value.into()));
        }
        config
    }

    async fn open(&self) -> Plane {
        let home = home_with_key(7);
        self.open_again(home).await
    }

    async fn open_again(&self, home: TempDir) -> Plane {
        let plane = ControlPlane::open(self.config(&home)).await.unwrap();
        Plane { plane, home }
    }

    /// Deploys the agent `greeter`.
    fn deploy(&self) -> DeployDirectory {
        DeployDirectory {
            directory_path: self.folder.path().display().to_string(),
            options: DeployOptions {
                agent_name: Some("greeter".to_owned()),
                runtime: Some(nasiko_contract::RuntimeKind::Process),
                ..DeployOptions::default()
            },
        }
    }
}

/// A data directory with a key of these bytes.
fn home_with_key(byte: u8) -> TempDir {
    let home = TempDir::new().unwrap();
    fs_err::write(home.path().join("vault.key"), [byte; 32]).unwrap();
    home
}

impl Plane {
    fn shared(&self) -> &Arc<Shared> {
        &self.plane.shared
    }

    /// Does a job that must succeed.
    async fn job<Q>(&self, request: Q)
    where
        Q: nasiko_contract::JsonOperation<Output = nasiko_contract::Job>,
        ControlPlane: api::Serve<Q>,
    {
        let job = api::call(&self.plane, &Caller::owner(), request).await;
        let ended = end_of(self.shared(), &job.unwrap()).await;
        assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.fault);
    }

    /// Processes of agents that run here.
    async fn running(&self) -> Vec<String> {
        let process = self.shared().runtime(nasiko_contract::RuntimeKind::Process);
        let running = process.list().await.unwrap().into_iter();
        running
            .filter(|instance| instance.state == InstanceState::Running)
            .map(|instance| instance.handle)
            .collect()
    }

    async fn greeter(&self) -> AgentRecord {
        let name = AgentName("greeter".to_owned());
        self.shared().agent(&name).await.unwrap().value
    }

    /// What the agent says through this control plane's gateway.
    async fn ask(&self) -> Result<String, String> {
        let url = self.shared().agent_url(&"greeter".into());
        let answer = self.shared().http.get(url).send().await.unwrap();
        let is_well = answer.status().is_success();
        let text = answer.text().await.unwrap();
        if is_well { Ok(text) } else { Err(text) }
    }

    /// Waits until the agent answers here as this process.
    async fn until_it_says(&self, process: &str) {
        eventually("the route follows", async || {
            self.ask().await.is_ok_and(|said| said == process)
        })
        .await;
    }

    /// Lets this control plane take no job until the value is dropped.
    fn resting(&self) -> Resting<'_> {
        let shared = self.shared();
        let jobs: Vec<JobId> = (0..shared.settings.load().parallel_jobs)
            .map(|number| JobId(format!("rest-{number}")))
            .collect();
        let mut running = shared.running_jobs.lock();
        running.extend(
            jobs.iter()
                .map(|job| (job.clone(), CancellationToken::new())),
        );
        Resting { shared, jobs }
    }
}

struct Resting<'a> {
    shared: &'a Arc<Shared>,
    jobs: Vec<JobId>,
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        let mut running = self.shared.running_jobs.lock();
        self.jobs.iter().for_each(|job| drop(running.remove(job)));
        drop(running);
        self.shared.job_slot.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_one_obeys_the_other() {
    let Some(place) = Place::new() else { return };
    let one = place.open().await;
    one.job(place.deploy()).await;
    let [first] = &one.running().await[..] else {
        panic!("it runs once")
    };
    assert_eq!(one.ask().await.unwrap(), *first);
    let other = place.open().await;
    other.until_it_says(first).await;
    assert_eq!(
        other.greeter().await.plane.unwrap(),
        *one.shared().peers.me()
    );

    // Whoever runs the job has the new instance. Nobody who asks notices, through whichever gateway.
    let resting = other.resting();
    let asked = AtomicUsize::new(0);
    let asking = async {
        loop {
            let said = other.ask().await;
            assert!(said.is_ok(), "{said:?}");
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    let restart = RestartAgent {
        agent: "greeter".into(),
    };
    tokio::select! {
        () = one.job(restart) => {}
        never = asking => never,
    }
    assert!(asked.into_inner() > 0, "it was asked meanwhile");
    eventually("the old one ends", async || one.running().await.len() == 1).await;
    let [first] = &one.running().await[..] else {
        panic!("it runs once")
    };
    other.until_it_says(first).await;
    drop(resting);

    // The same where another control plane runs it; the old one ends where it ran.
    let resting = one.resting();
    other
        .job(RestartAgent {
            agent: "greeter".into(),
        })
        .await;
    let [second] = &other.running().await[..] else {
        panic!("it runs once")
    };
    one.until_it_says(second).await;
    eventually("the old one ends", async || one.running().await.is_empty()).await;
    drop(resting);

    let resting = other.resting();
    one.job(StopAgent {
        agent: "greeter".into(),
    })
    .await;
    assert!(
        other.running().await.is_empty(),
        "the job waited for its end"
    );
    one.job(StartAgent {
        agent: "greeter".into(),
    })
    .await;
    let [third] = &one.running().await[..] else {
        panic!("it runs once")
    };
    other.until_it_says(third).await;
    drop(resting);

    // A deploy of something new at the other one.
    let resting = one.resting();
    let changed = format!("{AGENT}\n# changed\n");
    fs_err::write(place.folder.path().join("main.py"), changed).unwrap();
    other.job(place.deploy()).await;
    let [fourth] = &other.running().await[..] else {
        panic!("it runs once")
    };
    one.until_it_says(fourth).await;
    drop(resting);

    let resting = other.resting();
    one.job(DeleteAgent {
        agent: "greeter".into(),
    })
    .await;
    eventually("nothing of it is left", async || {
        let routes = [&one, &other].map(|plane| plane.shared().routes.list().len());
        routes == [0, 0] && other.running().await.is_empty() && one.running().await.is_empty()
    })
    .await;
    drop(resting);
    for plane in [one, other] {
        plane.plane.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_outlive_their_control_plane_and_are_looked_after() {
    let Some(place) = Place::new() else { return };
    let one = place.open().await;
    one.job(place.deploy()).await;
    let [first] = &one.running().await[..] else {
        panic!("it runs once")
    };
    let other = place.open().await;
    other.until_it_says(first).await;

    let Plane { plane, home } = one;
    plane.close().await;
    drop(plane);
    eventually("it is known to have left", async || {
        let peers = other.shared().peers.shown();
        peers.iter().any(|peer| peer.state == PeerState::Left)
    })
    .await;
    assert_eq!(other.ask().await.unwrap(), *first, "it goes on");

    let killed = Command::new("kill").args(["-9", first]).status().unwrap();
    assert!(killed.success());
    eventually("it is started by the survivor", async || {
        other.running().await.len() == 1 && other.greeter().await.state == AgentState::Active
    })
    .await;
    let [second] = &other.running().await[..] else {
        panic!("it runs once")
    };
    assert_eq!(other.ask().await.unwrap(), *second);

    // It comes back to an agent that is another's now.
    let one = place.open_again(home).await;
    one.until_it_says(second).await;
    assert!(one.running().await.is_empty());

    // Agents that were ended together with their control plane are nobody's to start.
    let request = Shutdown { stop_agents: true };
    api::call(&other.plane, &Caller::owner(), request)
        .await
        .unwrap();
    other.plane.close().await;
    eventually("it is seen to be stopped", async || {
        one.greeter().await.state == AgentState::Stopped
            && one
                .ask()
                .await
                .is_err_and(|said| said.contains("agent.not_running"))
    })
    .await;
    assert!(one.running().await.is_empty());

    // A person may start it all the same.
    one.job(StartAgent {
        agent: "greeter".into(),
    })
    .await;
    let [third] = &one.running().await[..] else {
        panic!("it runs once")
    };
    one.until_it_says(third).await;
    one.job(DeleteAgent {
        agent: "greeter".into(),
    })
    .await;
    one.plane.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_machine_is_not_called_on_our_loopback() {
    let Some(place) = Place::new() else { return };
    let one = place.open().await;
    one.job(place.deploy()).await;
    let other = place.open().await;
    // As if it were on another machine.
    let me = one.shared().peers.me().clone();
    let mut record = other.shared().peers.others.lock()[&me].clone();
    record.loopback = "elsewhere".to_owned();
    record.host = "far-away".to_owned();
    let mut batch = Batch::new();
    batch.put(&record, Expected::Any);
    batch.event(PLANE_CHANGED, me.0.as_str(), serde_json::json!({}));
    one.shared().store.commit(batch).await.unwrap();
    eventually("it says whose it is", async || {
        other
            .ask()
            .await
            .is_err_and(|said| said.contains("agent.unreachable") && said.contains("far-away"))
    })
    .await;
    one.job(DeleteAgent {
        agent: "greeter".into(),
    })
    .await;
    one.plane.close().await;
    other.plane.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_watches_and_names_are_everybodys() {
    let Some(place) = Place::new() else { return };
    let one = place.open().await;
    one.job(place.deploy()).await;
    let other = place.open().await;
    eventually("they know each other", async || {
        !one.shared().peers.shown().is_empty()
    })
    .await;
    let status = api::call(&one.plane, &Caller::owner(), GetStatus {})
        .await
        .unwrap();
    let [peer] = &status.peers[..] else {
        panic!("one other: {:?}", status.peers)
    };
    assert_eq!(peer.id, other.shared().peers.me().to_string());
    assert_eq!(peer.state, PeerState::Here);
    assert_eq!(
        [&one, &other].map(|plane| plane.shared().peers.leads()),
        [true, false]
    );

    let patch = PatchSettings {
        stop_timeout_seconds: Some(3),
        ..PatchSettings::default()
    };
    api::call(&one.plane, &Caller::owner(), patch)
        .await
        .unwrap();
    eventually("the setting counts there too", async || {
        other.shared().settings.load().stop_timeout_seconds == 3
    })
    .await;

    // Watched where it runs, whoever asked for it.
    let request = StartWatch {
        agent: "greeter".into(),
    };
    let status = api::call(&other.plane, &Caller::owner(), request)
        .await
        .unwrap();
    assert!(status.why.contains("watches it"), "{status:?}");
    eventually("the folder is watched", async || {
        one.shared().live.is_watched(&"greeter".into())
    })
    .await;
    assert!(!other.shared().live.is_watched(&"greeter".into()));

    one.job(DeleteAgent {
        agent: "greeter".into(),
    })
    .await;
    one.plane.close().await;
    other.plane.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_refused_with_what_to_do() {
    let Some(place) = Place::new() else { return };
    let one = place.open().await;
    let home = home_with_key(8);
    let Err(fault) = ControlPlane::open(place.config(&home)).await else {
        panic!("its values cannot be opened there")
    };
    assert_eq!(fault.code, ErrorCode::VaultWrongKey, "{fault:?}");
    assert!(fault.hint.unwrap().contains("vault.key"));
    one.plane.close().await;
}
