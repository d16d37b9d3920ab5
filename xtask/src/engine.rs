//! A Docker engine for tests: the one that answers, else one of our own in the cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::apt::is_root;
use crate::command::{capture, command};
use crate::daemon::Daemon;
use crate::places::{Places, link, program_on_path};
use crate::report;

/// A first start makes the storage; later ones take about four seconds.
const START: Duration = Duration::from_secs(45);

/// An engine that answers. Stopped when dropped if it is ours.
pub(crate) struct Engine {
    /// Its address, as `DOCKER_HOST` has it.
    pub(crate) host: String,
    /// Its version.
    pub(crate) version: String,
    _own: Option<Own>,
}

struct Own {
    _daemon: Daemon,
    // Other runs see by it that the engine is in use. Released after the engine has ended.
    _lock: File,
}

/// The engine that answers, or else our own.
pub(crate) fn provide(places: &Places) -> Result<Engine> {
    program_on_path("docker").context("the docker command is not installed")?;
    let named = ["NASIKO_TEST_DOCKER_HOST", "DOCKER_HOST"].map(|name| std::env::var(name).ok());
    let home = std::env::home_dir().unwrap_or_default();
    let usual = [
        (!cfg!(windows)).then(|| "unix:///var/run/docker.sock".to_owned()),
        Some(format!(
            "unix://{}",
            home.join(".docker/run/docker.sock").display()
        )),
        cfg!(windows).then(|| "npipe:////./pipe/docker_engine".to_owned()),
    ];
    for host in named.into_iter().chain(usual).flatten() {
        if let Some(version) = answers(places, &host) {
            return Ok(Engine {
                host,
                version,
                _own: None,
            });
        }
    }
    let dockerd = program_on_path("dockerd")
        .context("no Docker engine answers and dockerd is not installed")?;
    if !is_root(places) {
        bail!("no Docker engine answers, and starting one takes root");
    }
    start(places, &dockerd)
}

/// `docker`, speaking to that engine.
pub(crate) fn docker(places: &Places, host: &str) -> Command {
    let mut docker = command(places, "docker");
    docker.args(["--host", host]);
    docker
}

fn answers(places: &Places, host: &str) -> Option<String> {
    let mut ask = docker(places, host);
    ask.args(["version", "--format", "{{.Server.Version}}"])
        .env_remove("DOCKER_HOST");
    capture(&mut ask, Duration::from_secs(10))
        .ok()
        .map(|version| version.trim().to_owned())
}

fn start(places: &Places, dockerd: &Path) -> Result<Engine> {
    let dir = places.cache.join("engine");
    fs::create_dir_all(&dir)?;
    let host = format!("unix://{}", dir.join("docker.sock").display());
    let lock = File::create(dir.join("lock"))?;
    if lock.try_lock().is_err() {
        let version =
            answers(places, &host).context("another run is starting or stopping the engine")?;
        return Ok(Engine {
            host,
            version,
            _own: None,
        });
    }
    end_leftover(places, &dir);
    control_groups(places)?;
    let mut failures = Vec::new();
    for attempt in ATTEMPTS {
        match attempt.start(places, dockerd, &dir, &host) {
            Ok((daemon, version)) => {
                report::note(&format!(
                    "started a Docker engine of our own ({})",
                    attempt.name
                ));
                return Ok(Engine {
                    host,
                    version,
                    _own: Some(Own {
                        _daemon: daemon,
                        _lock: lock,
                    }),
                });
            }
            Err(error) => failures.push(format!("{}: {error:#}", attempt.name)),
        }
        if crate::command::interrupted() {
            break;
        }
    }
    bail!(
        "no way of starting dockerd works here:\n{}",
        failures.join("\n")
    )
}

/// One way of starting an engine.
struct Attempt {
    name: &'static str,
    legacy_iptables: bool,
    options: &'static [&'static str],
}

/// From what is right on a machine of its own to what still works inside a narrow container.
const ATTEMPTS: &[Attempt] = &[
    Attempt {
        name: "as the system has it",
        legacy_iptables: false,
        options: &[],
    },
    Attempt {
        name: "legacy iptables",
        legacy_iptables: true,
        options: &[],
    },
    Attempt {
        name: "plain storage",
        legacy_iptables: false,
        options: &["--storage-driver=vfs"],
    },
    Attempt {
        name: "legacy iptables, plain storage",
        legacy_iptables: true,
        options: &["--storage-driver=vfs"],
    },
    Attempt {
        name: "without networks of its own",
        legacy_iptables: false,
        options: &[
            "--storage-driver=vfs",
            "--iptables=false",
            "--ip6tables=false",
            "--bridge=none",
        ],
    },
];

impl Attempt {
    fn start(
        &self,
        places: &Places,
        dockerd: &Path,
        dir: &Path,
        host: &str,
    ) -> Result<(Daemon, String)> {
        let mut dockerd = command(places, dockerd);
        for (option, name) in [
            ("--data-root", "data"),
            ("--exec-root", "exec"),
            ("--pidfile", "dockerd.pid"),
        ] {
            dockerd.arg(option).arg(dir.join(name));
        }
        dockerd.args(["--host", host]).args(self.options);
        if self.legacy_iptables {
            dockerd.env("PATH", legacy_iptables(places, dir)?);
        }
        let mut daemon =
            Daemon::start("dockerd", &mut dockerd, &places.logs().join("dockerd.log"))?;
        let mut version = None;
        daemon.until(START, |_| {
            version = answers(places, host);
            version.is_some()
        })?;
        Ok((daemon, version.unwrap_or_default()))
    }
}

/// A `PATH` on which `iptables` means the older kernel interface.
fn legacy_iptables(places: &Places, dir: &Path) -> Result<std::ffi::OsString> {
    let bin = dir.join("bin");
    fs::create_dir_all(&bin)?;
    for name in ["iptables", "ip6tables"] {
        let legacy = program_on_path(&format!("{name}-legacy"))
            .with_context(|| format!("no {name}-legacy"))?;
        if !bin.join(name).is_symlink() {
            link(&legacy, &bin.join(name))?;
        }
    }
    let path = places.path();
    let folders: Vec<PathBuf> = std::iter::once(bin)
        .chain(std::env::split_paths(&path))
        .collect();
    Ok(std::env::join_paths(folders)?)
}

/// Ends what a killed run left behind: nobody holds the lock, so nobody uses it.
fn end_leftover(places: &Places, dir: &Path) {
    let Ok(pid) = fs::read_to_string(dir.join("dockerd.pid")) else {
        return;
    };
    let pid = pid.trim();
    let ours = fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("dockerd") && line.contains(&dir.display().to_string())
    });
    if ours {
        report::note("ending the Docker engine of a run that was killed");
        // Should it have ended meanwhile, all the better.
        drop(capture(
            command(places, "kill").args(["-TERM", pid]),
            Duration::from_secs(5),
        ));
        let gone = || !Path::new("/proc").join(pid).is_dir();
        if crate::command::eventually(Duration::from_secs(20), gone).is_err() {
            drop(capture(
                command(places, "kill").args(["-KILL", pid]),
                Duration::from_secs(5),
            ));
        }
    }
}

/// Containers need control groups; a machine started without a service manager may not have them mounted.
fn control_groups(places: &Places) -> Result<()> {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    if mounts.lines().any(|line| {
        line.split(' ')
            .nth(2)
            .is_some_and(|kind| kind.starts_with("cgroup"))
    }) {
        return Ok(());
    }
    let mount = ["-t", "cgroup2", "none", "/sys/fs/cgroup"];
    capture(command(places, "mount").args(mount), Duration::from_secs(5)).map(drop)
}
