//! A Docker engine of a test's own, which it may stop and start.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{eventually, skip};

/// An engine with storage and networks of its own; ended with the value.
pub struct OwnEngine {
    program: PathBuf,
    place: TempDir,
    host: String,
    /// Its default network. One without any would take down that of the machine's engine.
    bridge: String,
    child: Option<Child>,
}

impl OwnEngine {
    /// Starts one that has `image`, or skips `test` where that cannot be.
    pub fn start_or_skip(test: &str, image: &str) -> Option<Self> {
        let program =
            skip::path_or_skip(test, "NASIKO_TEST_DOCKERD", "engine that a test may stop")?;
        let from = skip::engine_or_skip(test)?;
        // Its socket's path must be short.
        let place = tempfile::Builder::new()
            .prefix("engine-")
            .tempdir()
            .expect("a temporary folder");
        let host = format!("unix://{}", place.path().join("docker.sock").display());
        let number = std::process::id() % 250;
        let bridge = format!("nkt{number}");
        let made = [
            &["link", "add", &bridge, "type", "bridge"][..],
            &[
                "addr",
                "add",
                &format!("10.213.{number}.1/24"),
                "dev",
                &bridge,
            ],
            &["link", "set", &bridge, "up"],
        ]
        .iter()
        .all(|words| ip(words));
        if !made {
            ip(&["link", "del", &bridge]);
            skip::skip(
                test,
                "no network bridge can be made here (needs Linux and the superuser)",
            );
            return None;
        }
        let mut engine = Self {
            program,
            place,
            host,
            bridge,
            child: None,
        };
        engine.restart();
        let archive = engine.place.path().join("image.tar");
        let archive = archive.to_str().expect("a plain path");
        docker(&from, &["save", "-o", archive, image]);
        docker(&engine.host, &["load", "-i", archive]);
        Some(engine)
    }

    /// Its address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Starts it (again) and waits until it answers.
    pub fn restart(&mut self) {
        let at = |name: &str| self.place.path().join(name);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(at("log"))
            .expect("a log");
        let child = Command::new(&self.program)
            .args(["--iptables=false", "--ip6tables=false"])
            .args(["--bridge", &self.bridge])
            .args(["--shutdown-timeout", "1"])
            .args(["-H", &self.host])
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("dockerd can be run");
        self.child = Some(child);
        eventually("the engine answers", || {
            let answer = Command::new("docker")
                .args(["--host", &self.host, "version"])
                .output();
            if answer.is_ok_and(|answer| answer.status.success()) {
                return Ok(());
            }
            Err(std::fs::read_to_string(at("log")).unwrap_or_default())
        });
    }

    /// Kills it as a crash does. Its containers run on without it until it is started again.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // What it had started ends with it. Where nobody waits for orphans its number looks taken, and the next one believes that it
        // still runs.
        let _ = std::fs::remove_file(self.place.path().join("exec/containerd/containerd.pid"));
    }

    /// Asks it to end, as a person who stops it does, and waits for that. Its containers end with it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let asked = Command::new("kill").arg(child.id().to_string()).status();
            if !asked.is_ok_and(|status| status.success()) {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        self.stop();
        end_helpers(self.place.path());
        release(self.place.path());
        ip(&["link", "del", &self.bridge]);
    }
}

/// Ends the engine's helpers that outlived it: they carry its folder, which nobody else has, in their arguments.
fn end_helpers(place: &Path) {
    let place = place.as_os_str().as_encoded_bytes();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return;
    };
    for process in processes.flatten() {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        if arguments.windows(place.len()).any(|part| part == place) {
            let _ = Command::new("kill")
                .arg("-9")
                .arg(process.file_name())
                .status();
        }
    }
}

/// Takes down what the engine mounted, so that its folder can be removed.
fn release(place: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let own = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|mounted| Path::new(mounted).starts_with(place));
    for mounted in own {
        let _ = Command::new("umount").args(["-l", mounted]).status();
    }
}

fn ip(arguments: &[&str]) -> bool {
    let done = Command::new("ip").args(arguments).output();
    done.is_ok_and(|output| output.status.success())
}

fn docker(host: &str, arguments: &[&str]) {
    let output = Command::new("docker")
        .args(["--host", host])
        .args(arguments)
        .output()
        .expect("docker can be run");
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
