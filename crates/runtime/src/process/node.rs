//! Node packages: installed beside the person's folder, never into it.
//!
//! Node and its tools look for packages in the folders above a file, by its real path. An instance therefore runs in a
//! mirror of the folder: the same files under second names (hard links), and the installed `node_modules` beside them.
//! What the program writes into an existing file reaches the person's folder; new files stay in the mirror.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::base_environment::find_program;
use super::environment::Installation;
use super::tool::Tool;
use crate::error::RuntimeError;
use crate::spec::Progress;

const PACKAGES: &str = "node_modules";
/// Not mirrored: nothing in them is run.
const NOT_MIRRORED: [&str; 2] = [PACKAGES, ".git"];
/// Entries of a folder that are mirrored at most.
const MIRROR_LIMIT: usize = 20_000;
/// Read by npm beside the manifest.
const ALSO_READ: [&str; 3] = ["package-lock.json", "npm-shrinkwrap.json", ".npmrc"];

/// Whether the person installed the packages already; then those are used as they are.
pub(super) fn brings_packages(root: &Path) -> bool {
    root.join(PACKAGES).try_exists().unwrap_or(false)
}

/// The folder of programs that installed packages bring.
pub(super) fn programs(environment: &Path) -> PathBuf {
    environment.join(PACKAGES).join(".bin")
}

/// Copies manifest and lock file to the target and installs there.
pub(super) async fn install(installation: Installation<'_>) -> Result<(), RuntimeError> {
    let path = installation
        .environment
        .get(OsStr::new("PATH"))
        .cloned()
        .unwrap_or_default();
    let npm = find_program("npm", &path).ok_or_else(|| RuntimeError::ToolMissing {
        tool: "npm".to_owned(),
        hint: super::command::how_to_install("npm"),
    })?;
    let listed = installation.requirements.files.iter().map(PathBuf::as_path);
    for file in listed.chain(ALSO_READ.iter().map(Path::new)) {
        let Some(name) = file.file_name() else {
            continue;
        };
        let from = installation.root.join(file);
        match fs::copy(&from, installation.target.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RuntimeError::file("copying", &from)(error));
            }
            _ => {}
        }
    }
    let locked = ["package-lock.json", "npm-shrinkwrap.json"]
        .iter()
        .any(|name| installation.target.join(name).try_exists().unwrap_or(false));
    let verb = if locked { "ci" } else { "install" };
    installation.progress.report(Progress::Step {
        index: 1,
        total: 1,
        text: format!("npm {verb}"),
    });
    let tool = Tool {
        program: &npm,
        arguments: [verb, "--no-audit", "--no-fund", "--no-update-notifier"]
            .map(OsString::from)
            .to_vec(),
        folder: installation.target,
        environment: installation.environment.clone(),
    };
    let outcome = tool.run(installation.progress, installation.cancel).await?;
    if outcome.success {
        return Ok(());
    }
    Err(RuntimeError::RequirementsFailed {
        tool: "npm".to_owned(),
        lines: outcome.lines,
    })
}

/// Makes the mirror an instance runs in.
pub(super) fn mirror(root: &Path, environment: &Path, work: &Path) -> Result<(), RuntimeError> {
    let mut entries = 0;
    let mut folders = vec![(root.to_owned(), work.to_owned())];
    while let Some((from, to)) = folders.pop() {
        fs::create_dir(&to).map_err(RuntimeError::file("creating", &to))?;
        for entry in fs::read_dir(&from).map_err(RuntimeError::file("reading", &from))? {
            let entry = entry.map_err(RuntimeError::file("reading", &from))?;
            let name = entry.file_name();
            if NOT_MIRRORED.iter().any(|left_out| name == *left_out) {
                continue;
            }
            entries += 1;
            if entries > MIRROR_LIMIT {
                return Err(RuntimeError::InvalidSpec {
                    message: format!(
                        "the folder has more than {MIRROR_LIMIT} files; run npm install in it"
                    ),
                });
            }
            let kind = entry
                .file_type()
                .map_err(RuntimeError::file("reading", &from))?;
            let second = to.join(&name);
            if kind.is_dir() {
                folders.push((entry.path(), second));
            } else if kind.is_symlink() {
                let target =
                    fs::read_link(entry.path()).map_err(RuntimeError::file("reading", &from))?;
                link(&target, &second)?;
            } else if kind.is_file() && fs::hard_link(entry.path(), &second).is_err() {
                // On another disk, or owned by somebody else.
                fs::copy(entry.path(), &second).map_err(RuntimeError::file("copying", &second))?;
            }
        }
    }
    link(&environment.join(PACKAGES), &work.join(PACKAGES))
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) -> Result<(), RuntimeError> {
    fs::os::unix::fs::symlink(target, link).map_err(RuntimeError::file("linking", link))
}

#[cfg(windows)]
fn link(target: &Path, link: &Path) -> Result<(), RuntimeError> {
    fs::os::windows::fs::symlink_dir(target, link).map_err(RuntimeError::file("linking", link))
}
