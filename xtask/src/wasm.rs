//! How the web UI is compiled to WebAssembly on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::{answers, capture, cargo, command};
use crate::places::{Places, program_on_path};
use crate::{apt, needs, report, targets};

const TARGET: &str = "wasm32-unknown-unknown";
/// Views lose their types where they meet, in the framework too: without, each combination of views is compiled for itself, and
/// the program is a fifth larger.
const FLAGS: &str = "--cfg erase_components";
const DEBIAN_PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// Where the standard library for WebAssembly comes from.
pub(crate) enum Route {
    /// The pinned toolchain's own.
    Target,
    /// Compiled along, by Debian's `web` toolchain with that linker.
    Debian { linker: PathBuf },
}

/// The route that works here; installs what it needs. `NASIKO_WASM_ROUTE=debian` leaves the first one out.
pub(crate) fn route(places: &Places) -> Result<Route> {
    let forced = std::env::var_os("NASIKO_WASM_ROUTE").is_some_and(|route| route == "debian");
    if !forced {
        if targets::has(places, TARGET) {
            return Ok(Route::Target);
        }
        match targets::add(places, TARGET) {
            Ok(()) => {
                report::note("WebAssembly: added the target to the pinned toolchain");
                return Ok(Route::Target);
            }
            Err(error) => report::note(&format!("WebAssembly: no target: {error:#}")),
        }
    }
    if !needs::debian() {
        bail!(
            "the WebAssembly target is missing; run this, then try again:\n\n  rustup target add {TARGET}\n"
        );
    }
    apt::install(places, &apt::missing(places, DEBIAN_PACKAGES)?)?;
    if !answers(command(places, "rustup").args(["run", "web", "rustc", "--version"])) {
        capture(
            command(places, "rustup").args(["toolchain", "link", "web", "/usr"]),
            Duration::from_secs(30),
        )?;
    }
    let linker = newest_linker(Path::new("/usr/lib")).context("no wasm-ld below /usr/lib")?;
    report::note(
        "WebAssembly: Debian's `web` toolchain, which compiles the standard library along",
    );
    Ok(Route::Debian { linker })
}

impl Route {
    /// A `cargo build` for WebAssembly, to be given a package and a profile.
    pub(crate) fn cargo_build(&self, places: &Places) -> Command {
        let mut build = match self {
            Self::Target => {
                let mut build = cargo(places);
                build.arg("build");
                build
            }
            Self::Debian { linker } => {
                let mut build = command(places, "rustup");
                build.args([
                    "run",
                    "web",
                    "cargo",
                    "build",
                    "-Z",
                    "build-std=std,panic_abort",
                    "-Z",
                    "build-std-features=optimize_for_size",
                ]);
                build
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                build
            }
        };
        build
            .args(["--target", TARGET])
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FLAGS)
            .env("CARGO_TARGET_DIR", self.target_dir(places));
        build
    }

    /// What a profile's folder holds once built.
    pub(crate) fn output(&self, places: &Places, profile_folder: &str) -> PathBuf {
        self.target_dir(places).join(TARGET).join(profile_folder)
    }

    /// A word for stamps: another compiler, another file.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Debian { .. } => "debian",
        }
    }

    fn target_dir(&self, places: &Places) -> PathBuf {
        match self {
            Self::Target => places.target_wasm.clone(),
            Self::Debian { .. } => places.target_wasm.join(self.name()),
        }
    }
}

/// Debian keeps one folder per LLVM version.
fn newest_linker(lib: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(lib).ok()?.flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry
                .file_name()
                .to_string_lossy()
                .strip_prefix("llvm-")?
                .parse()
                .ok()?;
            let linker = entry.path().join("bin/wasm-ld");
            linker.is_file().then_some((version, linker))
        })
        .collect();
    found.sort();
    found
        .pop()
        .map(|(_, linker)| linker)
        .or_else(|| program_on_path("wasm-ld"))
}
