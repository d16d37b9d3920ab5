//! What the bundler finds: the programs without what only debuggers read, completions, and settings of this run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::Programs;
use crate::command::{capture, command};
use crate::places::{Places, remove};

/// Stripping a program of a few hundred megabytes.
const STRIPPING: Duration = Duration::from_mins(2);
const ASKING: Duration = Duration::from_secs(30);
/// Shells, and where each looks for what completes our words.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "/usr/share/bash-completion/completions/nasiko"),
    ("fish", "/usr/share/fish/vendor_completions.d/nasiko.fish"),
    ("zsh", "/usr/share/zsh/site-functions/_nasiko"),
];
/// Files of the checkout, and where packages put them.
const FILES: &[(&str, &str)] = &[
    (
        "src-tauri/packaging/nasiko.xml",
        "/usr/share/mime/packages/nasiko.xml",
    ),
    (
        "icons/icon.svg",
        "/usr/share/icons/hicolor/scalable/apps/nasiko-desktop.svg",
    ),
];

/// A folder that the bundler takes for the build output.
pub(super) struct Stage {
    pub(super) dir: PathBuf,
    programs: Programs,
    /// The target for which the programs are.
    target: String,
}

impl Stage {
    /// The folder of these programs, whatever is in it.
    pub(super) fn of(places: &Places, programs: Programs) -> Result<Self> {
        let said = capture(command(places, "rustc").arg("-vV"), ASKING)?;
        let target = said
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .context("rustc names no host")?
            .to_owned();
        Ok(Self {
            dir: places.target.join("package").join(programs.profile()),
            programs,
            target,
        })
    }

    /// Lays out the built programs and what belongs to them, in place of what was there.
    pub(super) fn prepare(places: &Places, programs: Programs) -> Result<Self> {
        let stage = Self::of(places, programs)?;
        remove(&stage.dir)?;
        fs::create_dir_all(stage.programs())?;
        fs::create_dir_all(stage.extra())?;
        let suffix = std::env::consts::EXE_SUFFIX;
        let window = stage.programs().join(format!("nasiko-desktop{suffix}"));
        let line = stage
            .extra()
            .join(format!("nasiko-{}{suffix}", stage.target));
        for (name, target) in [("nasiko-desktop", &window), ("nasiko", &line)] {
            strip(places, &places.program(programs.folder(), name), target)?;
        }
        // The bundler writes into its copy which package it is of.
        fs::copy(&window, stage.plain_window())?;
        for (shell, _) in COMPLETIONS {
            let script = capture(command(places, &line).args(["completions", shell]), ASKING)?;
            fs::write(stage.extra().join(shell), script)?;
        }
        Ok(stage)
    }

    /// Where the bundler finds the window's program, and leaves what it makes.
    pub(super) fn programs(&self) -> PathBuf {
        self.dir.join("release")
    }

    /// Where the bundler leaves packages.
    pub(super) fn bundles(&self) -> PathBuf {
        self.programs().join("bundle")
    }

    /// The window's program without the bundler's note of which package it is.
    pub(super) fn plain_window(&self) -> PathBuf {
        self.dir.join("nasiko-desktop")
    }

    fn extra(&self) -> PathBuf {
        self.dir.join("extra")
    }

    /// What `tauri.conf.json` cannot know: paths of this run.
    pub(super) fn settings(&self, places: &Places) -> Value {
        let mut files = Map::new();
        let mut add = |to: &str, from: PathBuf| files.insert(to.to_owned(), json!(from));
        for (shell, to) in COMPLETIONS {
            add(to, self.extra().join(shell));
        }
        for (from, to) in FILES {
            add(to, places.root.join(from));
        }
        // The bundler adds the target to the name, and takes it off again in the package.
        let mut bundle = json!({
            "externalBin": [self.extra().join("nasiko")],
            "linux": {"deb": {"files": files}, "rpm": {"files": files}},
        });
        if self.programs == Programs::Dev {
            bundle["linux"]["rpm"]["compression"] = json!({"type": "gzip", "level": 1});
        }
        json!({"bundle": bundle})
    }

    /// The files of a package as they are installed, as the bundler leaves them beside the `.deb`.
    pub(super) fn installed(&self) -> Result<PathBuf> {
        let found = fs::read_dir(self.bundles().join("deb"))?
            .flatten()
            .map(|entry| entry.path().join("data"))
            .find(|dir| dir.is_dir());
        found.context("the bundler left no files of the Debian package")
    }

    /// How much effort packing is worth.
    pub(super) fn is_for_people(&self) -> bool {
        self.programs == Programs::Dist
    }
}

fn strip(places: &Places, program: &Path, target: &Path) -> Result<()> {
    if cfg!(target_os = "linux") {
        let mut strip = command(places, "strip");
        strip.arg("-o").arg(target).arg(program);
        capture(&mut strip, STRIPPING).map(drop)
    } else {
        fs::copy(program, target)
            .with_context(|| format!("{} is not built", program.display()))
            .map(drop)
    }
}
