//! Node packages: installed beside the person's folder, never into it.
//!
//! Node looks for packages in the folders above a file, so an instance runs in a folder of links: one to each entry of
//! the person's folder and one to the installed `node_modules`, with Node told not to resolve the links.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::base_environment::find_program;
use super::environment::Installation;
use super::tool::Tool;
use crate::error::RuntimeError;
use crate::spec::Progress;

/// What `NODE_OPTIONS` needs so that the folder of links is seen as the real one.
pub(super) const OPTIONS: &str = "--preserve-symlinks --preserve-symlinks-main";
const PACKAGES: &str = "node_modules";
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

/// Makes the folder of links an instance runs in.
#[cfg(unix)]
pub(super) fn link_folder(
    root: &Path,
    environment: &Path,
    work: &Path,
) -> Result<(), RuntimeError> {
    let link = |from: &Path, to: &Path| {
        fs::os::unix::fs::symlink(from, to).map_err(RuntimeError::file("linking", to))
    };
    fs::create_dir_all(work).map_err(RuntimeError::file("creating", work))?;
    for entry in fs::read_dir(root).map_err(RuntimeError::file("reading", root))? {
        let entry = entry.map_err(RuntimeError::file("reading", root))?;
        if entry.file_name() == PACKAGES {
            continue;
        }
        link(&entry.path(), &work.join(entry.file_name()))?;
    }
    link(&environment.join(PACKAGES), &work.join(PACKAGES))
}

#[cfg(not(unix))]
pub(super) fn link_folder(
    _root: &Path,
    _environment: &Path,
    work: &Path,
) -> Result<(), RuntimeError> {
    Err(RuntimeError::InvalidSpec {
        message: format!(
            "{} cannot be linked on this system; install the packages in the folder",
            work.display()
        ),
    })
}
