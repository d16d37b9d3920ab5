//! Where things are: the checkout, and the cache that all checkouts share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};

use crate::report;

/// Build output beyond this is pruned: a workspace of this size needs about 12 GiB with all profiles.
const LARGEST_TARGET: u64 = 40 << 30;

/// The folders xtask works in.
pub(crate) struct Places {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// `~/.cache/nasiko`, or `NASIKO_CACHE`.
    pub(crate) cache: PathBuf,
    /// Native build output: `CARGO_TARGET_DIR`, or a folder of the cache.
    pub(crate) target: PathBuf,
    /// Build output of the web UI.
    pub(crate) target_wasm: PathBuf,
    /// Programs installed for this workspace alone.
    pub(crate) tools: PathBuf,
}

impl Places {
    pub(crate) fn find() -> Result<Self> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest)
            .parent()
            .context("xtask lies in a folder of the workspace")?
            .to_path_buf();
        let cache = match env::var_os("NASIKO_CACHE") {
            Some(dir) => PathBuf::from(dir),
            None => env::home_dir()
                .context("no home directory; set NASIKO_CACHE")?
                .join(".cache/nasiko"),
        };
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| cache.join("target"), |dir| root.join(dir));
        let places = Self {
            target_wasm: cache.join("target-wasm"),
            tools: cache.join("tools"),
            root,
            cache,
            target,
        };
        fs::create_dir_all(places.logs())
            .with_context(|| format!("cannot create {}", places.cache.display()))?;
        Ok(places)
    }

    /// Output of long commands, one file each.
    pub(crate) fn logs(&self) -> PathBuf {
        self.cache.join("logs")
    }

    /// Built programs of a profile (`debug` or `release`).
    pub(crate) fn program(&self, profile: &str, name: &str) -> PathBuf {
        self.target
            .join(profile)
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// `PATH` with our own tools in front.
    pub(crate) fn path(&self) -> OsString {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let ours = [
            self.tools.join("bin"),
            self.tools.join("python").join(VENV_BIN),
        ];
        env::join_paths(ours.into_iter().chain(env::split_paths(&inherited))).unwrap_or(inherited)
    }

    /// Says how large the build output is and removes the part that rebuilds quickest when it grew too large.
    pub(crate) fn prune(&self) -> Result<()> {
        let size = size_of(&self.target) + size_of(&self.target_wasm);
        report::note(&format!(
            "build output: {:.1} GiB in {}",
            gib(size),
            self.target.display()
        ));
        if size <= LARGEST_TARGET {
            return Ok(());
        }
        report::note(&format!(
            "more than {:.0} GiB: removing incremental state",
            gib(LARGEST_TARGET)
        ));
        for profile in ["debug", "release"] {
            remove(&self.target.join(profile).join("incremental"))?;
        }
        if size_of(&self.target) > LARGEST_TARGET {
            report::note("still too large: removing all native build output");
            remove(&self.target)?;
        }
        Ok(())
    }

    /// Removes what xtask keeps, except the base images, which take longest to make.
    pub(crate) fn clean(&self) -> Result<()> {
        for dir in [
            &self.target,
            &self.target_wasm,
            &self.tools,
            &self.cache.join("ui"),
            &self.root.join("ui/dist"),
        ] {
            report::note(&format!("removing {}", dir.display()));
            remove(dir)?;
        }
        Ok(())
    }
}

/// Where a Python environment keeps its programs.
pub(crate) const VENV_BIN: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// A temporary folder, removed when dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    /// A folder of this process alone.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let dir = env::temp_dir().join(format!("nasiko-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            report::warn(&format!("{error:#}"));
        }
    }
}

/// Removes a folder with all it holds; an absent one is fine.
pub(crate) fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

/// A symbolic link at `at` that says `target`.
pub(crate) fn link(target: impl AsRef<Path>, at: &Path) -> Result<()> {
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(target, at);
    #[cfg(not(unix))]
    let made: std::io::Result<()> = Err(std::io::Error::other(format!(
        "no link to {}",
        target.as_ref().display()
    )));
    made.with_context(|| format!("cannot link {}", at.display()))
}

/// The files below `dir`, in order of their paths; links are not followed. An absent folder has none.
pub(crate) fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(next) = open.pop() {
        let entries = match fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", next.display()));
            }
        };
        for entry in entries {
            let entry = entry?;
            match entry.file_type()? {
                kind if kind.is_dir() => open.push(entry.path()),
                kind if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A program of that name on `PATH`.
pub(crate) fn program_on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let mut folders: Vec<PathBuf> =
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    // Daemons live here, and an ordinary user's PATH leaves them out; and what only other programs start.
    let beside = [
        "/usr/local/sbin",
        "/usr/sbin",
        "/sbin",
        "/usr/libexec",
        "/usr/lib",
    ];
    folders.extend(beside.map(PathBuf::from));
    folders
        .into_iter()
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

/// Copies all files below `from`, with their permissions.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for file in files_below(from)? {
        let target = to.join(file.strip_prefix(from)?);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&file, &target).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}

fn size_of(dir: &Path) -> u64 {
    let files = files_below(dir).unwrap_or_default();
    files
        .iter()
        .filter_map(|file| fs::symlink_metadata(file).ok())
        .map(|meta| meta.len())
        .sum()
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
