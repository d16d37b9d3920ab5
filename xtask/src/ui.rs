//! The web UI: `ui/` and what it is made of, to `ui/dist/`, which the server embeds.
//!
//! `ui/dist` holds everything below `ui/static`, its styles as one file, the compiled program as `app/nasiko_ui.js` and
//! `app/nasiko_ui_bg.wasm`, a `.br` beside each file that shrinks, and `version.txt`, the hash of all inputs. Results
//! are kept in the cache by that hash, so a fresh checkout of known sources compiles nothing.

mod packing;
mod styles;

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

use crate::command::{capture, command, logged, run};
use crate::places::{Places, copy_tree, files_below, program_on_path, remove};
use crate::report::{self, Step};
use crate::{tools, wasm};

/// What the sources of the UI are, besides its own folder.
const INPUTS: &[&str] = &[
    "ui/src",
    "ui/static",
    "ui/Cargo.toml",
    "crates/contract",
    "crates/client",
    "Cargo.toml",
    "Cargo.lock",
];
/// Older versions of `wasm-opt` refuse what today's compiler emits.
const OLDEST_OPTIMIZER: u32 = 120;
/// What the compiler itself uses of WebAssembly. With all that the optimizer knows it writes what webviews refuse.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
/// Results kept in the cache.
const KEPT: usize = 6;

/// How the UI is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Small and slow to compile: what is shipped and tested.
    Small,
    /// Quick to compile, for work on the UI.
    Dev,
}

/// Builds `ui/dist` unless it is up to date. Compiler and tools are made ready first.
pub(crate) fn build(places: &Places, profile: Profile) -> Result<()> {
    let dist = places.root.join("ui/dist");
    let key = key(places, profile)?;
    if fs::read_to_string(dist.join("version.txt")).is_ok_and(|version| version.trim() == key) {
        report::note("web UI: up to date");
        return Ok(());
    }
    let step = Step::begin("building the web UI");
    let results = places.cache.join("ui");
    let mut result = results.join(&key);
    if !result.is_dir() {
        let partial = results.join(format!("{key}.{}", std::process::id()));
        remove(&partial)?;
        fs::create_dir_all(&partial)?;
        compile(places, profile, &partial).or_else(|error| remove(&partial).and(Err(error)))?;
        // Sources that were edited meanwhile went in or not: good to look at, not to keep.
        if self::key(places, profile)? == key {
            fs::write(partial.join("version.txt"), &key)?;
            // Another run may have been quicker; the results are equal.
            fs::rename(&partial, &result)
                .or_else(|error| if result.is_dir() { Ok(()) } else { Err(error) })?;
        } else {
            result = partial;
        }
        forget_old(&results)?;
    }
    let fresh = places.root.join(format!("ui/dist.{}", std::process::id()));
    copy_tree(&result, &fresh)?;
    remove(&dist)?;
    fs::rename(&fresh, &dist).context("cannot put ui/dist in its place")?;
    step.done();
    packing::report(&dist, profile == Profile::Small)
}

fn compile(places: &Places, profile: Profile, out: &Path) -> Result<()> {
    let route = wasm::route(places)?;
    tools::wasm_bindgen(places)?;
    let mut cargo = route.cargo_build(places);
    cargo.args(["--package", "nasiko-ui", "--bin", "nasiko-ui"]);
    let folder = match profile {
        Profile::Small => {
            cargo.args(["--profile", "wasm"]);
            "wasm"
        }
        Profile::Dev => "debug",
    };
    run(&mut cargo)?;
    let module = route.output(places, folder).join("nasiko-ui.wasm");
    let mut bindgen = command(places, "wasm-bindgen");
    bindgen.args([
        "--target",
        "web",
        "--no-typescript",
        "--out-name",
        "nasiko_ui",
        "--out-dir",
    ]);
    bindgen.arg(out.join("app")).arg(&module);
    match profile {
        Profile::Small => bindgen.args(["--remove-name-section", "--remove-producers-section"]),
        Profile::Dev => bindgen.arg("--keep-debug"),
    };
    logged(places, "wasm-bindgen", &mut bindgen, Duration::from_mins(5))?;
    if profile == Profile::Small {
        optimize(places, &out.join("app/nasiko_ui_bg.wasm"))?;
    }
    copy_tree(&places.root.join("ui/static"), out)?;
    styles::join(out)?;
    packing::pack(out)
}

/// With `wasm-opt` where a new enough one is installed; the result works without, a tenth larger.
fn optimize(places: &Places, module: &Path) -> Result<()> {
    let Some(optimizer) = program_on_path("wasm-opt") else {
        return Ok(());
    };
    let said = capture(
        command(places, &optimizer).arg("--version"),
        Duration::from_secs(10),
    )?;
    let version: u32 = said
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap_or(0);
    if version < OLDEST_OPTIMIZER {
        report::note(&format!("wasm-opt {version} is too old to use"));
        return Ok(());
    }
    let small = module.with_extension("opt");
    let mut optimize = command(places, &optimizer);
    optimize
        .arg("-Oz")
        .args(FEATURES)
        .arg(module)
        .arg("-o")
        .arg(&small);
    logged(places, "wasm-opt", &mut optimize, Duration::from_mins(5))?;
    Ok(fs::rename(small, module)?)
}

/// The hash of everything that decides what comes out.
fn key(places: &Places, profile: Profile) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    include_str!("ui.rs").hash(&mut hasher);
    include_str!("ui/packing.rs").hash(&mut hasher);
    include_str!("ui/styles.rs").hash(&mut hasher);
    include_str!("wasm.rs").hash(&mut hasher);
    (profile == Profile::Dev).hash(&mut hasher);
    fs::read(places.root.join("rust-toolchain.toml"))?.hash(&mut hasher);
    for input in INPUTS {
        let input = places.root.join(input);
        let files = if input.is_file() {
            vec![input]
        } else {
            files_below(&input)?
        };
        for file in files {
            file.strip_prefix(&places.root)
                .unwrap_or(&file)
                .hash(&mut hasher);
            fs::read(&file)
                .with_context(|| format!("cannot read {}", file.display()))?
                .hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn forget_old(dir: &Path) -> Result<()> {
    let mut entries: Vec<(SystemTime, PathBuf)> = fs::read_dir(dir)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    entries.sort();
    let surplus = entries.len().saturating_sub(KEPT);
    entries
        .drain(..surplus)
        .try_for_each(|(_, path)| remove(&path))
}
