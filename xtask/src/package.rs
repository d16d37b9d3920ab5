//! `cargo xtask package`: what people install, made of built programs.
//!
//! Tauri's bundler makes `.deb` and `.rpm` (elsewhere `.dmg` and the installer for Windows); the AppImage is made here,
//! since the bundler downloads the parts of its own. All lands in `package/<profile>/out` of the build output.

mod appimage;
mod release;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

pub(crate) use self::release::Release;
use self::stage::Stage;
use crate::command::{cargo, command, logged, run};
use crate::places::{Places, files_below, remove};
use crate::report::{self, Step};
use crate::setup::{self, Purpose};
use crate::{tools, ui};

/// The most that a package may take once it is installed, in bytes.
const BUDGET: u64 = 25_000_000;
/// Compressing a hundred megabytes on a busy machine.
const BUNDLING: Duration = Duration::from_mins(10);
/// Functions that came out the same are kept once, where nobody asks for their addresses.
const FOLDED: &str = "-Clink-arg=-Wl,--icf=safe";
/// What the bundler makes on this system.
const BUNDLES: &str = if cfg!(target_os = "macos") {
    "dmg"
} else if cfg!(windows) {
    "nsis"
} else {
    "deb,rpm"
};

/// Which programs are packed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Programs {
    /// As shipped: small.
    Dist,
    /// As tested: quickly built, large.
    Dev,
}

impl Programs {
    /// Cargo's profile.
    fn profile(self) -> &'static str {
        match self {
            Self::Dist => "dist",
            Self::Dev => "dev",
        }
    }

    /// The folder of the build output in which cargo leaves them.
    fn folder(self) -> &'static str {
        match self {
            Self::Dist => "dist",
            Self::Dev => "debug",
        }
    }
}

/// Where packages of these programs are put.
pub(crate) fn out(places: &Places, programs: Programs) -> PathBuf {
    places
        .target
        .join("package")
        .join(programs.profile())
        .join("out")
}

/// Builds the programs and packs them; signs and describes the packages where they are to be a `release`.
pub(crate) fn package(
    places: &Places,
    programs: Programs,
    release: Option<&Release>,
) -> Result<()> {
    setup::setup(places, Purpose::Package)?;
    ui::build(places, ui::Profile::Small)?;
    let step = Step::begin("building the programs");
    for package in ["nasiko-cli", "nasiko-desktop"] {
        let mut build = cargo(places);
        build.args(["rustc", "--package", package, "--bins"]);
        build.args(["--profile", programs.profile()]);
        if programs == Programs::Dist && cfg!(target_os = "linux") {
            build.args(["--", FOLDED]);
        }
        run(&mut build)?;
    }
    step.done();
    let installed = pack(places, programs)?;
    let out = out(places, programs);
    match (release, programs) {
        (Some(release), _) => release::sign(places, &out, release)?,
        (None, Programs::Dev) => release::rehearse(places, &out)?,
        (None, Programs::Dist) => {}
    }
    for file in files_below(&out)? {
        let size = fs::metadata(&file)?.len();
        report::note(&format!("{:>5.1} MB  {}", megabytes(size), file.display()));
    }
    report::note(&format!("{:>5.1} MB  installed", megabytes(installed)));
    if programs == Programs::Dist && installed > BUDGET {
        report::warn(&format!(
            "more than the {:.0} MB that were promised",
            megabytes(BUDGET)
        ));
    }
    Ok(())
}

/// Packs programs that are built already. Gives what they take once installed, in bytes.
fn pack(places: &Places, programs: Programs) -> Result<u64> {
    let step = Step::begin("packing");
    let stage = Stage::prepare(places, programs)?;
    let bundler = tools::bundler(places)?;
    let mut bundle = command(places, bundler);
    bundle
        .args(["bundle", "--ci", "--no-sign", "--bundles", BUNDLES])
        .arg("--config")
        .arg(stage.settings(places).to_string())
        .env("CARGO_TARGET_DIR", &stage.dir);
    logged(places, "bundle", &mut bundle, BUNDLING)?;

    let out = out(places, programs);
    remove(&out)?;
    fs::create_dir_all(&out)?;
    for file in files_below(&stage.bundles())? {
        let is_package = file.extension().is_some_and(|extension| {
            ["deb", "rpm", "dmg", "exe"]
                .iter()
                .any(|one| extension == *one)
        });
        if is_package {
            let name = file.file_name().context("a package has a name")?;
            fs::rename(&file, out.join(name))?;
        }
    }
    let installed = if cfg!(target_os = "linux") {
        let tree = stage.installed()?;
        appimage::make(places, &stage, &tree, &out)?;
        size_of(&tree)?
    } else {
        size_of(&stage.programs())?
    };
    step.done();
    Ok(installed)
}

/// Packs programs that are built already as tests want them: signed and described with a key of their own.
pub(crate) fn pack_for_tests(places: &Places) -> Result<()> {
    pack(places, Programs::Dev)?;
    release::rehearse(places, &out(places, Programs::Dev))
}

/// What the packages that people get take once installed, in bytes.
pub(crate) fn installed(places: &Places) -> Result<u64> {
    size_of(&Stage::of(places, Programs::Dist)?.installed()?)
}

fn size_of(dir: &Path) -> Result<u64> {
    let sizes = files_below(dir)?;
    sizes
        .iter()
        .map(|file| Ok(fs::symlink_metadata(file)?.len()))
        .sum()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
