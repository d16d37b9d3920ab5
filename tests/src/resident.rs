//! A resident of its own: data directory, ports, Docker network; ended with everything it started.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, example, skip};

/// What a command said.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Its data.
    pub stdout: String,
    /// Its talk.
    pub stderr: String,
}

impl Output {
    /// The one JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}\n{}", self.stdout, self.stderr))
    }

    /// Itself, if it succeeded.
    #[track_caller]
    #[expect(
        clippy::return_self_not_must_use,
        reason = "as often it is only to succeed"
    )]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "it failed: {}\n{}", self.stdout, self.stderr);
        self
    }
}

/// A resident that was started for one test.
pub struct Resident {
    home: TempDir,
    child: Option<Child>,
    network: String,
    docker_host: String,
    environment: Vec<(String, String)>,
}

impl Resident {
    /// A resident that finds no container engine.
    pub fn start() -> Self {
        Self::with_engine("unix:///nonexistent/docker.sock")
    }

    /// One that runs the example agent `greeter`, and finds no container engine.
    pub fn with_greeter() -> Self {
        let resident = Self::start();
        let greeter = example("greeter");
        resident
            .run(&["deploy", greeter.to_str().expect("a plain path")])
            .ok();
        resident
    }

    /// A resident over an engine.
    pub fn with_engine(docker_host: &str) -> Self {
        let mut resident = Self::prepared(docker_host, &[]);
        resident.serve();
        resident
    }

    /// A data directory in which nothing runs yet.
    pub fn prepared(docker_host: &str, environment: &[(&str, &str)]) -> Self {
        let home = tempfile::Builder::new()
            .prefix("nasiko-")
            .tempdir()
            .expect("a temporary folder");
        let network = format!(
            "nasiko-test-{}",
            home.path()
                .file_name()
                .and_then(OsStr::to_str)
                .expect("a name")
                .trim_start_matches("nasiko-")
                .to_lowercase()
        );
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            home,
            child: None,
            network,
            docker_host: docker_host.to_owned(),
            environment,
        }
    }

    /// The data directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The Docker network of this resident's agents.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Starts `nasiko serve` and waits until it answers.
    pub fn serve(&mut self) {
        self.serve_with(|command| command);
    }

    /// Starts `nasiko serve`, its command changed by `change`, and waits until it answers.
    pub fn serve_with(&mut self, change: impl FnOnce(Command) -> Command) {
        self.spawn(change);
        let pid = self.pid();
        eventually("the resident answers", || {
            if let Some(status) = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten())
            {
                return Err(format!("it ended: {status}: {}", self.log()));
            }
            let endpoint: Value = serde_json::from_str(
                &std::fs::read_to_string(self.home().join("endpoint.json"))
                    .map_err(|error| error.to_string())?,
            )
            .map_err(|error| error.to_string())?;
            if endpoint["pid"] == pid {
                Ok(())
            } else {
                Err(format!("the endpoint is of {}", endpoint["pid"]))
            }
        });
    }

    fn spawn(&mut self, change: impl FnOnce(Command) -> Command) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.home().join("serve.log"))
            .expect("a log");
        let child = change(self.command(&["serve"]))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("nasiko can be run: build it first (`cargo build -p nasiko-cli`)");
        self.child = Some(child);
    }

    /// What the resident wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home().join("serve.log")).unwrap_or_default()
    }

    /// Kills it as a crash does: nothing of it gets a chance to clean up.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is killed");
        child.wait().expect("it is reaped");
    }

    /// A `nasiko` command in this data directory, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("nasiko"));
        command
            .args(arguments)
            .env_remove("NASIKO_CONTEXT")
            // Nothing on the desktop of the person who runs the tests.
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env("NASIKO_NO_TRAY", "1")
            .env("NASIKO_HOME", self.home())
            .env("DOCKER_HOST", &self.docker_host)
            .env("NASIKO_DOCKER_NETWORK", &self.network)
            // Never the keyring of the person who runs the tests.
            .env("NASIKO_VAULT_KEYRING", "none")
            .envs(
                ["API", "GATEWAY", "ADMIN", "OTLP_GRPC", "OTLP_HTTP"]
                    .map(|port| (format!("NASIKO_{port}_PORT"), "0")),
            )
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts `nasiko serve` as the superuser without the right to pass over permissions, and waits until it answers.
    pub fn serve_without_privilege(&mut self) {
        self.serve_with(|whole| behind(&WITHOUT_PRIVILEGE, &whole));
    }

    /// Runs a `nasiko` command.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("nasiko can be run");
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a `nasiko … --json` command that must succeed and gives its document.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        self.run(&all).ok().json()
    }

    /// Runs a `nasiko … --json` command and gives what it said, whether or not it succeeded.
    pub fn try_json(&self, arguments: &[&str]) -> Output {
        let mut all = arguments.to_vec();
        all.push("--json");
        self.run(&all)
    }

    /// Address and token, as the command line finds them.
    pub fn endpoint(&self) -> (String, String) {
        let text =
            std::fs::read_to_string(self.home().join("endpoint.json")).expect("an endpoint file");
        let endpoint: Value = serde_json::from_str(&text).expect("an endpoint document");
        let field = |name: &str| endpoint[name].as_str().expect("a text").to_owned();
        (field("api"), field("token"))
    }

    /// Processes that carry this data directory's mark in their environment, the resident itself left out.
    pub fn agent_processes(&self) -> Vec<u32> {
        let Ok(installation) = std::fs::read_to_string(self.home().join("installation")) else {
            return Vec::new();
        };
        let mark = format!("NASIKO_INSTALLATION={}", installation.trim());
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == mark.as_bytes())
            })
            .collect()
    }

    /// Ids of containers of this data directory, running or not.
    pub fn containers(&self) -> Vec<String> {
        let Ok(installation) = std::fs::read_to_string(self.home().join("installation")) else {
            return Vec::new();
        };
        let filter = format!("label=nasiko.installation={}", installation.trim());
        self.docker(&["ps", "-aq", "--no-trunc", "--filter", &filter])
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// What the `docker` program says to this resident's engine.
    pub fn docker(&self, arguments: &[&str]) -> String {
        self.docker_command(arguments)
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    /// A command of the engine's own tool, not yet run.
    pub fn docker_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .args(arguments)
            .env("DOCKER_HOST", &self.docker_host)
            .env("DOCKER_BUILDKIT", "0");
        command
    }

    fn has_engine(&self) -> bool {
        !self.docker_host.contains("/nonexistent/")
    }

    /// Ends what is left of this data directory, by id, and says what it was.
    fn sweep(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        if let Some(mut child) = self.child.take() {
            // Ended politely it would let its agents live: that is what `down` below was for.
            let _ = child.kill();
            let _ = child.wait();
        }
        for pid in self.agent_processes() {
            left.push(format!("process {pid}"));
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
        if self.has_engine() {
            for container in self.containers() {
                left.push(format!("container {container}"));
                self.docker(&["rm", "-f", "-v", &container]);
            }
            let installation =
                std::fs::read_to_string(self.home().join("installation")).unwrap_or_default();
            let filter = format!("label=nasiko.installation={}", installation.trim());
            for image in self.docker(&["images", "-q", "--filter", &filter]).lines() {
                self.docker(&["rmi", "-f", image]);
            }
            self.docker(&["network", "rm", &self.network]);
        }
        left
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        // One that `up` or a command started is nobody's child, but has left its address. Its own, whichever is chosen there.
        let runs = self.child.is_some() || self.home().join("endpoint.json").is_file();
        let ended_by_itself = runs && {
            let output = self.run(&["--context", "local", "down", "--stop-agents"]);
            let ended = |child| ended_within(child, Duration::from_secs(30));
            output.code == 0 && self.child.as_mut().is_none_or(ended)
        };
        if std::thread::panicking() {
            eprintln!("--- the resident's log\n{}", self.log());
        }
        let containers_may_stay = self.has_engine();
        let left = self.sweep();
        if ended_by_itself && !containers_may_stay && !std::thread::panicking() {
            assert!(left.is_empty(), "`down --stop-agents` left {left:?}");
        }
    }
}

pub(crate) fn ended_within(child: &mut Child, limit: Duration) -> bool {
    let deadline = std::time::Instant::now() + limit;
    while std::time::Instant::now() < deadline {
        if child.try_wait().ok().flatten().is_some() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    false
}

/// What takes the superuser's right to pass over permissions from the command behind it.
pub const WITHOUT_PRIVILEGE: [&str; 3] = [
    "setpriv",
    "--inh-caps=-dac_override",
    "--bounding-set=-dac_override",
];

/// A command behind another program that becomes it, as `prlimit` and `unshare` do.
pub fn behind(program: &[&str], whole: &Command) -> Command {
    let mut command = Command::new(program[0]);
    command
        .args(&program[1..])
        .arg(whole.get_program())
        .args(whole.get_args());
    for (name, value) in whole.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// A program of the workspace: where `cargo xtask test` says, else beside this test.
pub fn program(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("NASIKO_TEST_BIN") {
        return Path::new(&folder).join(name);
    }
    let own = std::env::current_exe().expect("a test has a path");
    own.ancestors()
        .nth(2)
        .expect("a test lies in the target directory")
        .join(name)
}

/// An engine with its resident, or a skip of `test`.
pub fn with_engine_or_skip(test: &str) -> Option<Resident> {
    skip::engine_or_skip(test).map(|host| Resident::with_engine(&host))
}
