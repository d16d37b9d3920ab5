//! The built product, driven as people drive it: through its command line.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::command::{capture, command};
use crate::daemon::Daemon;
use crate::places::Places;

/// A first start of the resident on a busy machine.
const START: Duration = Duration::from_mins(1);
/// From a folder to an answer, environment included.
const WORK: Duration = Duration::from_mins(5);
const PORTS: &[&str] = &["API", "GATEWAY", "ADMIN", "OTLP_GRPC", "OTLP_HTTP"];

/// Programs of one profile, with their state in one place.
pub(crate) struct Product<'a> {
    pub(crate) places: &'a Places,
    /// The folder of the build output: `debug`, `release` or `dist`.
    pub(crate) profile: &'static str,
    /// Where state is kept; none: where people keep theirs.
    pub(crate) home: Option<PathBuf>,
    /// Use any free ports instead of the usual ones.
    pub(crate) any_ports: bool,
    /// The Docker engine, where it is not the usual one.
    pub(crate) docker_host: Option<String>,
    /// The engine's network for agents, and with it the stack's project, where it is not the usual one.
    pub(crate) network: Option<String>,
}

impl Product<'_> {
    /// `nasiko`, to be given its words.
    pub(crate) fn nasiko(&self) -> Command {
        self.program("nasiko")
    }

    /// Starts the resident in the foreground of a background process and waits until it serves.
    pub(crate) fn serve(&self) -> Result<Daemon> {
        let mut serve = self.nasiko();
        serve.args(["serve", "--no-tray"]);
        self.start("nasiko", &mut serve)
    }

    /// Starts the window, which brings the resident along, and waits until that serves.
    pub(crate) fn open(&self) -> Result<Daemon> {
        self.start("nasiko-desktop", &mut self.program("nasiko-desktop"))
    }

    /// The document that a command prints with `--json`.
    pub(crate) fn ask(&self, words: &[&str]) -> Result<Value> {
        let said = capture(self.nasiko().args(words).arg("--json"), WORK)?;
        serde_json::from_str(&said)
            .with_context(|| format!("`nasiko {} --json` printed no JSON", words.join(" ")))
    }

    /// What a running resident says of itself.
    pub(crate) fn status(&self) -> Result<Value> {
        let status = self.ask(&["status"])?;
        if status["running"] != Value::Bool(true) {
            bail!("the resident does not run");
        }
        Ok(status)
    }

    fn start(&self, name: &str, program: &mut Command) -> Result<Daemon> {
        let log = self.places.logs().join(format!("{name}.log"));
        let mut daemon = Daemon::start(name, program, &log)?;
        daemon.until(START, |_| self.status().is_ok())?;
        Ok(daemon)
    }

    /// A program of ours.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut program = command(self.places, self.places.program(self.profile, name));
        program.envs(self.home.iter().map(|home| ("NASIKO_HOME", home)));
        if self.home.is_some() {
            // A data directory that is thrown away leaves no entry in the person's keyring.
            program.env("NASIKO_VAULT_KEYRING", "none");
        }
        program.envs(self.docker_host.iter().map(|host| ("DOCKER_HOST", host)));
        let network = self.network.iter();
        program.envs(network.map(|network| ("NASIKO_DOCKER_NETWORK", network)));
        if self.any_ports {
            program.envs(
                PORTS
                    .iter()
                    .map(|port| (format!("NASIKO_{port}_PORT"), "0")),
            );
        }
        program
    }
}

/// A field that is a string, by its name.
pub(crate) fn text<'a>(document: &'a Value, field: &str) -> Result<&'a str> {
    document[field]
        .as_str()
        .with_context(|| format!("no `{field}` in {document}"))
}
