//! The control plane is killed at every stretch of a folder's road, again and again: what was accepted ends with a
//! reason, what runs is taken over or ended, and what served goes on serving.

use std::{
    io::{Read, Write},
    path::Path,
    time::Duration,
};

use nasiko_tests::{
    Api, Chance, Resident, Steady,
    api::{Stream, ask},
    eventually, folder, program, skip,
};
use tempfile::TempDir;

/// Where on the road it is killed: once this was seen, and a moment of chance later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// The archive was accepted.
    Uploaded,
    /// The folder was accepted.
    Accepted,
    /// It is being read.
    Reading,
    /// Its environment or image is being made.
    Preparing,
    /// Its instance is on its way.
    Starting,
    /// The new instance has become the one that serves; the old one is to end.
    Switched,
}

const POINTS: [Point; 6] = [
    Point::Uploaded,
    Point::Accepted,
    Point::Reading,
    Point::Preparing,
    Point::Starting,
    Point::Switched,
];

impl Point {
    /// The step of the job that shows it.
    fn step(self) -> &'static str {
        match self {
            Self::Uploaded | Self::Accepted => "",
            Self::Reading => "Reading",
            Self::Preparing => "its environment|its image|Step |uv |pip",
            Self::Starting | Self::Switched => "Starting",
        }
    }

    /// How long after it the kill may come.
    fn window(self) -> Duration {
        Duration::from_millis(match self {
            Self::Uploaded | Self::Accepted | Self::Switched => 25,
            Self::Reading => 60,
            Self::Preparing => 300,
            Self::Starting => 500,
        })
    }

    fn is_shown_by(self, step: &str) -> bool {
        !step.is_empty() && self.step().split('|').any(|part| step.contains(part))
    }
}

struct World {
    resident: Resident,
    runtime: &'static str,
    chance: Chance,
    steady: Option<Steady>,
    moving: TempDir,
    version: u32,
    uploaded: bool,
}

impl World {
    async fn new(docker_host: &str, runtime: &'static str) -> Self {
        let resident = Resident::with_engine(docker_host);
        let mut world = Self {
            resident,
            runtime,
            chance: Chance::new(),
            steady: None,
            moving: folder(&[]),
            version: 0,
            uploaded: false,
        };
        let steady = folder(&[
            ("main.py", &program::saying("steady", "")),
            ("Dockerfile", &program::dockerfile("")),
        ]);
        world.resident.json(&[
            "deploy",
            steady.path().to_str().unwrap(),
            "--name",
            "steady",
            "--runtime",
            runtime,
        ]);
        let says = ask(&format!("{}/steady/", world.gateway())).await;
        let words: Vec<_> = says.split(' ').map(str::to_owned).collect();
        let address = match runtime {
            "process" => format!("http://127.0.0.1:{}/", words[3]),
            _ => {
                let published = world.resident.docker(&["port", &words[2], "8000/tcp"]);
                format!(
                    "http://{}/",
                    published
                        .lines()
                        .next()
                        .expect("its port is published")
                        .trim()
                )
            }
        };
        world.steady = Some(Steady::watch(says, address));
        world.write_next();
        let path = world.moving.path().to_str().unwrap().to_owned();
        world
            .resident
            .json(&["deploy", &path, "--name", "moving", "--runtime", runtime]);
        world
    }

    fn gateway(&self) -> String {
        self.resident.json(&["status"])["gateway"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The next version of the moving agent: other content, other requirements, slowly started.
    fn write_next(&mut self) {
        self.version += 1;
        let version = self.version;
        let program = program::saying(&format!("v{version}"), "time.sleep(0.3)");
        let step = format!("RUN echo {} && sleep 0.4\n", self.marker());
        let write =
            |name: &str, text: &str| std::fs::write(self.moving.path().join(name), text).unwrap();
        write("main.py", &program);
        write("requirements.txt", &format!("# {version}\nsix\n"));
        write("Dockerfile", &program::dockerfile(&step));
    }

    fn marker(&self) -> String {
        format!("{}-v{}", self.resident.network(), self.version)
    }

    fn zip(&self) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["main.py", "Dockerfile"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(&std::fs::read(self.moving.path().join(name)).unwrap())
                .unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Deploys the next version, kills the control plane at `point`, starts it again and looks at everything.
    async fn round(&mut self, point: Point) {
        self.write_next();
        let api = Api::of(&self.resident);
        let mut events = api.stream("/events", None).await;
        let agent = if point == Point::Uploaded {
            "uploaded"
        } else {
            "moving"
        };
        let job = if point == Point::Uploaded {
            self.uploaded = true;
            let (status, job) = api.upload("agent.zip", self.zip(), "uploaded").await;
            assert_eq!(status, 202, "{job:#}");
            job["id"].as_str().unwrap().to_owned()
        } else {
            api.deploy(self.moving.path(), agent, self.runtime).await
        };
        let reached = reach(&api, &job, point, agent, &mut events).await;
        tokio::time::sleep(self.chance.within(point.window())).await;
        self.resident.kill();
        drop(events);
        self.resident.serve();

        let what = format!("killed at {point:?}, {reached:.2} of the way");
        let steady = self.steady.as_ref().expect("it is watched");
        let gateway = self.gateway();
        let says = ask(&format!("{gateway}/steady/")).await;
        assert_eq!(says, steady.says, "{what}: the same instance is taken over");

        let api = Api::of(&self.resident);
        let mut progress = reached;
        let ended = api
            .job_seen(&job, |job| {
                let now = job["progress"].as_f64().unwrap();
                assert!(
                    now >= progress,
                    "{what}: progress went back from {progress}: {job:#}"
                );
                progress = now;
            })
            .await;
        assert_eq!(ended["state"], "succeeded", "{what}: {ended:#}");
        let says = ask(&format!("{gateway}/{agent}/")).await;
        assert!(
            says.starts_with(&format!("v{} ", self.version)),
            "{what}: {says}"
        );
        let mut expected = vec!["moving", "steady"];
        expected.extend(self.uploaded.then_some("uploaded"));
        let rows = self.resident.json(&["ps"]);
        let mut names: Vec<_> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{what}: no agent vanishes: {rows:#}");
        for row in rows.as_array().unwrap() {
            assert_eq!(row["state"], "active", "{what}: {row:#}");
        }
        self.nothing_is_left(expected.len(), &what);
    }

    /// One instance per agent, no step of a build that goes on, nothing half unpacked.
    fn nothing_is_left(&self, agents: usize, what: &str) {
        eventually(&format!("{what}: one instance per agent"), || {
            let (processes, containers) = (self.resident.agent_processes(), self.containers());
            let instances = if self.runtime == "process" {
                processes.len()
            } else {
                containers.len()
            };
            // What is uploaded goes where the settings say: to a process.
            let expected = if self.runtime == "process" {
                agents
            } else {
                agents - usize::from(self.uploaded)
            };
            if instances == expected {
                Ok(())
            } else {
                Err(format!(
                    "processes {processes:?}, containers {containers:?}, {agents} agents"
                ))
            }
        });
        for name in ["unpack", "uploads"] {
            assert_eq!(
                entries(&self.resident.home().join(name)),
                Vec::<String>::new(),
                "{what}: `{name}` is empty"
            );
        }
        if self.runtime == "docker" {
            eventually(&format!("{what}: no build goes on"), || {
                let all = self.resident.docker(&[
                    "ps",
                    "-a",
                    "--no-trunc",
                    "--format",
                    "{{.ID}} {{.Command}}",
                ]);
                let ours = all
                    .lines()
                    .find(|line| line.contains(self.resident.network()));
                ours.map_or(Ok(()), |line| Err(line.to_owned()))
            });
        }
    }

    fn containers(&self) -> Vec<String> {
        if self.runtime == "docker" {
            self.resident.containers()
        } else {
            Vec::new()
        }
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder);
    entries
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().path().display().to_string())
                .collect()
        })
        .unwrap_or_default()
}

/// Waits until the job is at `point`; how far it had got by then. A job that is faster than we look has passed it.
async fn reach(api: &Api, job: &str, point: Point, agent: &str, events: &mut Stream) -> f64 {
    let mut progress = 0.0;
    if matches!(point, Point::Uploaded | Point::Accepted) {
        return progress;
    }
    if point == Point::Switched {
        while let Some(event) = events.next().await.unwrap() {
            let topic = event.data["topic"].as_str().unwrap_or_default();
            let data = &event.data["data"];
            if event.data["subject"] == job {
                progress = data["progress"].as_f64().unwrap_or(progress);
                assert!(
                    !nasiko_tests::api::is_final(data) || data["state"] == "succeeded",
                    "{data:#}"
                );
            }
            if topic == "deployment.changed"
                && event.data["subject"] == agent
                && data["state"] == "running"
            {
                return progress;
            }
        }
        panic!("the events ended");
    }
    let mut changes = api.stream(&format!("/jobs/{job}/log"), None).await;
    while let Some(event) = changes.next().await.unwrap() {
        let job = &event.data["job"];
        if !job.is_object() {
            continue;
        }
        progress = job["progress"].as_f64().unwrap();
        if point.is_shown_by(job["step"].as_str().unwrap()) {
            break;
        }
    }
    progress
}

async fn killed_everywhere(docker_host: &str, runtime: &'static str, rounds: usize) {
    let mut world = World::new(docker_host, runtime).await;
    for _ in 0..rounds {
        for point in POINTS {
            world.round(point).await;
        }
    }
    world.steady.take().expect("it was watched").check();
}

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

#[tokio::test]
async fn killed_everywhere_with_agents_as_processes() {
    killed_everywhere(NO_ENGINE, "process", 4).await;
}

#[tokio::test]
async fn killed_everywhere_with_agents_in_docker() {
    let Some(host) = skip::engine_or_skip("crash::killed_everywhere_with_agents_in_docker") else {
        return;
    };
    killed_everywhere(&host, "docker", 2).await;
}

#[tokio::test]
async fn killed_while_an_archive_arrives() {
    let mut resident = Resident::start();
    let mut chance = Chance::new();
    for _ in 0..3 {
        let api = Api::of(&resident);
        let address = api.base.trim_start_matches("http://").to_owned();
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let head = format!(
            "POST /api/v1/upload-agents/zip HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\n",
            api.token
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![b'x'; 300_000]).unwrap();
        eventually("some of it has arrived", || {
            let arrived = bytes_below(&resident.home().join("arriving"));
            if arrived > 0 {
                Ok(())
            } else {
                Err("nothing yet".to_owned())
            }
        });
        tokio::time::sleep(chance.within(Duration::from_millis(20))).await;
        resident.kill();
        let mut rest = Vec::new();
        assert!(
            stream.read_to_end(&mut rest).is_err() || rest.is_empty(),
            "nothing was accepted"
        );
        resident.serve();
        assert!(
            Api::of(&resident).jobs().await.is_empty(),
            "what did not arrive is no job"
        );
        assert_eq!(
            bytes_below(&resident.home().join("arriving")),
            0,
            "half an archive does not stay"
        );
    }
}

fn bytes_below(folder: &Path) -> u64 {
    entries(folder)
        .iter()
        .map(|path| std::fs::metadata(path).unwrap().len())
        .sum()
}

/// What fails for its own reason fails for that reason after a crash, too; and who is to be stopped stays stopped.
#[tokio::test]
async fn killed_while_it_does_not_come_up() {
    let mut resident = Resident::start();
    let broken = folder(&[(
        "main.py",
        "import time\ntime.sleep(0.5)\nraise SystemExit(7)\n",
    )]);
    let good = folder(&[("main.py", &program::saying("good", ""))]);
    resident
        .run(&["deploy", good.path().to_str().unwrap(), "--name", "good"])
        .ok();
    let api = Api::of(&resident);
    let job = api.deploy(broken.path(), "broken", "process").await;
    let (status, stop) = api.post("/agents/good/stop", &serde_json::json!({})).await;
    assert_eq!(status, 202, "{stop:#}");
    let mut events = api.stream("/events", None).await;
    reach(&api, &job, Point::Starting, "broken", &mut events).await;
    resident.kill();
    resident.serve();
    let api = Api::of(&resident);
    let ended = api.job(&job).await;
    assert_eq!(ended["state"], "failed", "{ended:#}");
    assert_eq!(ended["fault"]["code"], "agent.start.exited", "{ended:#}");
    let stopped = api.job(stop["id"].as_str().unwrap()).await;
    assert_eq!(stopped["state"], "succeeded", "{stopped:#}");
    assert_eq!(api.agent("good").await["state"], "stopped");
    assert_eq!(api.agent("broken").await["state"], "failed");
    eventually("nothing of them runs", || {
        let left = resident.agent_processes();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    });
}
