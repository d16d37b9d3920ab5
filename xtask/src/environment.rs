//! What tests find around them: an engine with base images, a display, a browser, drivers, servers.
//!
//! Each part is started or found on its own; one that cannot be had is named, and the tests that need it say so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::command::{command, interrupted, run as talk};
use crate::display::{self, Display};
use crate::engine::{self, Engine};
use crate::places::{Places, Scratch, program_on_path};
use crate::report::{self, Step};
use crate::{apt, images, package, tools};

/// Ends what it started when dropped.
pub(crate) struct Environment {
    env: Vec<(String, String)>,
    skips: PathBuf,
    // In the order in which they are to end.
    _display: Option<Display>,
    _engine: Option<Engine>,
    _scratch: Scratch,
}

/// Runs a command in it, for work on one test.
pub(crate) fn run(places: &Places, words: &[String]) -> Result<()> {
    let (program, words) = words.split_first().context("name a command to run")?;
    let environment = start(places)?;
    let mut command = command(places, program);
    command
        .args(words)
        .env("CARGO_TARGET_DIR", &places.target)
        .stdin(Stdio::inherit());
    environment.apply(&mut command);
    talk(&mut command)
}

/// Starts everything that can be had on this machine.
pub(crate) fn start(places: &Places) -> Result<Environment> {
    let step = Step::begin("starting what tests need");
    let scratch = Scratch::new("test")?;
    let skips = scratch.0.join("skips");
    std::fs::write(&skips, "")?;
    let mut env = vec![
        ("NASIKO_TEST_SKIPS".to_owned(), skips.display().to_string()),
        (
            "NASIKO_TEST_BIN".to_owned(),
            places.target.join("debug").display().to_string(),
        ),
        // Never the keyring of the person who runs the tests.
        ("NASIKO_VAULT_KEYRING".to_owned(), "none".to_owned()),
    ];
    let engine = part("Docker engine", start_engine(places, &mut env))?;
    let display = part("display", display::start(places, &scratch.0))?;
    env.extend(
        display
            .iter()
            .flat_map(|display| display.env.iter().cloned()),
    );
    for (variable, names) in [
        ("NASIKO_TEST_CHROMIUM", &["chromium", "google-chrome"][..]),
        ("NASIKO_TEST_CHROMEDRIVER", &["chromedriver"]),
        ("NASIKO_TEST_WEBKIT_DRIVER", &["WebKitWebDriver"]),
        ("NASIKO_TEST_REDIS_SERVER", &["redis-server"]),
        ("NASIKO_TEST_KEYRING_DAEMON", &["gnome-keyring-daemon"]),
        ("NASIKO_TEST_AT_SPI", &["at-spi-bus-launcher"]),
    ] {
        let found = names.iter().find_map(|name| program_on_path(name));
        announce(&mut env, variable, found.as_deref(), names[0]);
    }
    announce(
        &mut env,
        "NASIKO_TEST_MONGO_SERVER",
        tools::mongo_server(places).as_deref(),
        "MongoDB wire server",
    );
    announce(
        &mut env,
        "NASIKO_TEST_AXE",
        tools::axe_script(places).as_deref(),
        "checker of accessibility",
    );
    let packages = package::out(places, package::Programs::Dev);
    let packages = packages.is_dir().then_some(packages);
    announce(
        &mut env,
        "NASIKO_TEST_PACKAGES",
        packages.as_deref(),
        "packages; `cargo xtask package --dev` makes them",
    );
    step.done();
    Ok(Environment {
        env,
        skips,
        _display: display,
        _engine: engine,
        _scratch: scratch,
    })
}

impl Environment {
    /// Gives a program what was started.
    pub(crate) fn apply(&self, command: &mut Command) {
        command
            .env_remove("WAYLAND_DISPLAY")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
    }

    /// What tests reported as skipped: `name: reason`, each once.
    pub(crate) fn skipped(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(&self.skips)?;
        let mut skips: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("SKIP "))
            .map(str::to_owned)
            .collect();
        skips.sort();
        skips.dedup();
        Ok(skips)
    }
}

fn start_engine(places: &Places, env: &mut Vec<(String, String)>) -> Result<Engine> {
    let engine = engine::provide(places)?;
    report::note(&format!(
        "Docker engine {} at {}",
        engine.version, engine.host
    ));
    images::provide(places, &engine.host)?;
    let network = images::build_network(places, &engine.host);
    report::note(&format!(
        "builds reach the package registries by network: {}",
        network.unwrap_or("none")
    ));
    let mut set = |name: &str, value: String| env.push((name.to_owned(), value));
    set("NASIKO_TEST_DOCKER_HOST", engine.host.clone());
    if let Some(network) = network {
        set("NASIKO_TEST_BUILD_NETWORK", network.to_owned());
    }
    if let Some(dockerd) = program_on_path("dockerd").filter(|_| apt::is_root(places)) {
        set("NASIKO_TEST_DOCKERD", dockerd.display().to_string());
    }
    Ok(engine)
}

/// A part that cannot be had is no error; Ctrl-C is.
fn part<T>(name: &str, started: Result<T>) -> Result<Option<T>> {
    match started {
        Ok(part) => Ok(Some(part)),
        Err(error) if interrupted() => Err(error),
        Err(error) => {
            report::warn(&format!("no {name}: {error:#}"));
            Ok(None)
        }
    }
}

fn announce(env: &mut Vec<(String, String)>, variable: &str, path: Option<&Path>, name: &str) {
    match path {
        Some(path) => env.push((variable.to_owned(), path.display().to_string())),
        None => report::warn(&format!("no {name}")),
    }
}
