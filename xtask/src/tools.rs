//! Programs from package registries that only this workspace needs, installed into its own cache.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::command::{answers, capture, cargo, command, logged};
use crate::places::{Places, VENV_BIN, remove};
use crate::report::{self, Step};

/// Compiling a tool on two cores.
const COMPILING: Duration = Duration::from_mins(25);
const DOWNLOADING: Duration = Duration::from_mins(5);
/// The bundler's version: that of the library.
const BUNDLER: &str = "2.12.5";
/// The version of axe-core: another one finds other things.
const AXE: &str = "4.14.1";

/// `wasm-bindgen` of exactly the library's version: the two speak a private format.
pub(crate) fn wasm_bindgen(places: &Places) -> Result<()> {
    let lock =
        fs::read_to_string(places.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let wanted = locked_version(&lock, "wasm-bindgen").context("Cargo.lock has no wasm-bindgen")?;
    let found = capture(
        command(places, "wasm-bindgen").arg("--version"),
        Duration::from_secs(10),
    );
    if found.is_ok_and(|said| said.split_whitespace().nth(1) == Some(wanted)) {
        return Ok(());
    }
    cargo_install(places, "wasm-bindgen-cli", wanted)
}

/// `cargo nextest`: one that is there, else ours. False: neither can be had.
pub(crate) fn nextest(places: &Places) -> bool {
    let present = || answers(cargo(places).args(["nextest", "--version"]));
    if present() {
        return true;
    }
    let installed = cargo_install(places, "cargo-nextest", "");
    if let Err(error) = &installed {
        report::warn(&format!(
            "`cargo test` takes the place of cargo-nextest: {error:#}"
        ));
    }
    installed.is_ok() && present()
}

/// `uv`, which makes Python environments in milliseconds. Without it agents fall back to venv and pip.
pub(crate) fn uv(places: &Places) {
    if answers(command(places, "uv").arg("--version")) {
        return;
    }
    if let Err(error) = python_tool(places, "python", &["uv"]) {
        report::warn(&format!(
            "Python environments will be made by venv and pip: {error:#}"
        ));
    }
}

/// A server that speaks MongoDB's wire protocol, for tests of that backend.
pub(crate) fn mongo(places: &Places) {
    if mongo_server(places).is_some() {
        return;
    }
    if let Err(error) = python_tool(places, "mongo", &["--pre", "SecantusDB"]) {
        report::warn(&format!("no MongoDB wire server for tests: {error:#}"));
    }
}

/// Where [`mongo`] put it.
pub(crate) fn mongo_server(places: &Places) -> Option<std::path::PathBuf> {
    Some(
        places
            .tools
            .join("mongo")
            .join(VENV_BIN)
            .join("secantusd-py"),
    )
    .filter(|path| path.is_file())
}

/// Tauri's bundler, which makes most packages.
pub(crate) fn bundler(places: &Places) -> Result<std::path::PathBuf> {
    let dir = places.tools.join("bundler");
    let script = if cfg!(windows) { "tauri.cmd" } else { "tauri" };
    let program = dir.join("node_modules/.bin").join(script);
    let found = capture(
        command(places, &program).arg("--version"),
        Duration::from_secs(30),
    );
    if found.is_ok_and(|said| said.split_whitespace().nth(1) == Some(BUNDLER)) {
        return Ok(program);
    }
    npm_tool(places, "bundler", &format!("@tauri-apps/cli@{BUNDLER}"))?;
    Ok(program)
}

/// The checker of accessibility that tests put into pages.
pub(crate) fn axe(places: &Places) {
    if axe_script(places).is_some() {
        return;
    }
    if let Err(error) = npm_tool(places, &format!("axe-{AXE}"), &format!("axe-core@{AXE}")) {
        report::warn(&format!("no checker of accessibility for tests: {error:#}"));
    }
}

/// Where [`axe`] put it.
pub(crate) fn axe_script(places: &Places) -> Option<std::path::PathBuf> {
    let dir = places.tools.join(format!("axe-{AXE}"));
    Some(dir.join("node_modules/axe-core/axe.min.js")).filter(|path| path.is_file())
}

/// Installs a package of npm's registry into a folder of its own.
fn npm_tool(places: &Places, name: &str, package: &str) -> Result<()> {
    let step = Step::begin(format!("installing {package}"));
    let dir = places.tools.join(name);
    fs::create_dir_all(&dir)?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    logged(
        places,
        name,
        command(places, npm)
            .args([
                "install",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--prefix",
            ])
            .arg(&dir)
            .arg(package),
        DOWNLOADING,
    )?;
    step.done();
    Ok(())
}

/// The version that a lock file pins for a package.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let heading = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != heading);
    lines
        .nth(1)?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

/// With the tool's own lock file if the registry has all it names, else with what it has.
fn cargo_install(places: &Places, package: &str, version: &str) -> Result<()> {
    let step = Step::begin(format!("compiling {package} {version}"));
    let scratch = places.cache.join("target-tools");
    let install = |locked: &[&str]| {
        let mut cargo = cargo(places);
        // Not from the checkout, whose settings are no concern of a tool.
        cargo
            .current_dir(&places.cache)
            .env("CARGO_TARGET_DIR", &scratch);
        // It runs for seconds: what counts is how long it compiles.
        cargo
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off");
        cargo
            .args(["install", package, "--root"])
            .arg(&places.tools)
            .args(locked);
        if !version.is_empty() {
            cargo.args(["--version", version]);
        }
        logged(places, package, &mut cargo, COMPILING)
    };
    let installed = install(&["--locked"]).or_else(|error| {
        report::note(&format!(
            "its own lock file cannot be followed here, trying without: {error:#}"
        ));
        install(&[])
    });
    remove(&scratch)?;
    installed?;
    step.done();
    Ok(())
}

/// The interpreter of an environment that has what a requirements file lists and one package more.
pub(crate) fn python_with(
    places: &Places,
    environment: &str,
    requirements: &std::path::Path,
    package: &str,
) -> Result<std::path::PathBuf> {
    let python = places.tools.join(environment).join(VENV_BIN).join("python");
    let import = format!("import {package}");
    if !answers(command(places, &python).args(["-c", &import])) {
        let requirements = requirements.to_string_lossy();
        python_tool(places, environment, &["-r", &requirements, package])?;
    }
    Ok(python)
}

fn python_tool(places: &Places, environment: &str, packages: &[&str]) -> Result<()> {
    let step = Step::begin(format!("installing {}", packages.last().unwrap_or(&"")));
    let dir = places.tools.join(environment);
    let python = if cfg!(windows) { "python" } else { "python3" };
    logged(
        places,
        "venv",
        command(places, python).args(["-m", "venv"]).arg(&dir),
        DOWNLOADING,
    )?;
    let pip = dir.join(VENV_BIN).join("python");
    logged(
        places,
        environment,
        command(places, pip)
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages),
        DOWNLOADING,
    )?;
    step.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::locked_version;

    #[test]
    fn the_lock_file_names_one_version() {
        let lock = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n\n[[package]]\nname = \"web-sys\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }
}
