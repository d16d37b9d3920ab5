//! Builds the gate for the containers' machines, so that this crate can carry it.
//!
//! Where none can be built, an empty file stands in its place: containers run without a gate then, and are made anew
//! where they would otherwise have been updated.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const GATE: &str = "../gate";
const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];
/// What the outer build set for itself and the inner one must not have.
const FOREIGN: [&str; 7] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
];

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "../gate/src", "../gate/Cargo.toml"] {
        println!("cargo::rerun-if-changed={path}");
    }
    // Changes when a target is added to the toolchain.
    let components = sysroot()?.join("lib/rustlib/components");
    if components.is_file() {
        println!("cargo::rerun-if-changed={}", components.display());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let host = env::var("HOST")?;
    for architecture in ARCHITECTURES {
        let gate = build(architecture, &out).unwrap_or_else(|error| {
            // An engine on this machine, or in a machine within it, is of its kind.
            if host.starts_with(architecture) {
                println!("cargo::warning=no gate for containers on {architecture}: {error}");
            }
            Vec::new()
        });
        fs::write(out.join(format!("nasiko-gate-{architecture}")), gate)?;
    }
    Ok(())
}

/// One way to make a program that needs nothing of the machine it runs on.
struct Route {
    target: String,
    flags: &'static str,
}

fn build(architecture: &str, out: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let musl = Route {
        target: format!("{architecture}-unknown-linux-musl"),
        // Of the toolchain itself, so that this works on any machine, for any other.
        flags: "-Clinker=rust-lld",
    };
    let gnu = Route {
        target: format!("{architecture}-unknown-linux-gnu"),
        flags: "-Ctarget-feature=+crt-static",
    };
    let own = env::var("HOST")? == gnu.target;
    let mut failures = Vec::new();
    for route in [Some(musl), own.then_some(gnu)].into_iter().flatten() {
        if !is_installed(&route.target)? {
            failures.push(format!("the target {} is not installed", route.target));
            continue;
        }
        match compile(&route, out) {
            Ok(gate) => return Ok(gate),
            Err(error) => failures.push(error.to_string()),
        }
    }
    Err(failures.join("; ").into())
}

fn sysroot() -> Result<PathBuf, Box<dyn Error>> {
    let asked = Command::new(env::var("RUSTC")?)
        .args(["--print", "sysroot"])
        .output()?;
    Ok(PathBuf::from(String::from_utf8(asked.stdout)?.trim()))
}

fn is_installed(target: &str) -> Result<bool, Box<dyn Error>> {
    let asked = Command::new(env::var("RUSTC")?)
        .args(["--print", "target-libdir", "--target", target])
        .output()?;
    Ok(Path::new(String::from_utf8(asked.stdout)?.trim()).is_dir())
}

fn compile(route: &Route, out: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let target_dir = out.join("gate");
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        .args([
            "build",
            "--quiet",
            "--profile",
            "gate",
            "--target",
            &route.target,
        ])
        .arg("--manifest-path")
        .arg(Path::new(GATE).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_dir);
    for variable in FOREIGN {
        cargo.env_remove(variable);
    }
    let built = cargo.env("RUSTFLAGS", route.flags).output()?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        let cause = said.lines().find(|line| line.starts_with("error"));
        return Err(format!(
            "{}: {}",
            route.target,
            cause.unwrap_or("it could not be built")
        )
        .into());
    }
    Ok(fs::read(
        target_dir.join(&route.target).join("gate/nasiko-gate"),
    )?)
}
