//! Prepared environments: `<home>/environments/<language>-<hash12>`, shared by every agent with the same requirements.
//!
//! An environment is built in its final place, because its scripts carry its path, and counts only once its mark is
//! written as the last step. A file lock keeps two builders apart; what a killed builder left is cleared away first.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use tokio_util::sync::CancellationToken;

use super::base_environment::BaseEnvironment;
use super::inspect;
use super::system::End;
use super::{node, python};
use crate::error::RuntimeError;
use crate::spec::{Artifact, PreparePlan, Prepared, ProgressSink, Requirements, RequirementsKind};

/// Written last: with it an environment is whole.
const COMPLETE_MARK: &str = ".nasiko-complete";
/// Marks the tools that build an environment, so that those a crash left behind can be ended.
const BUILDER_VARIABLE: &str = "NASIKO_ENVIRONMENT";
const HASH_CHARACTERS: usize = 12;
const LOCK_RETRY: Duration = Duration::from_millis(50);

/// What an installer is given.
pub(super) struct Installation<'a> {
    /// Where to build; exists and is empty.
    pub(super) target: &'a Path,
    /// The person's folder; never written to.
    pub(super) root: &'a Path,
    pub(super) requirements: &'a Requirements,
    /// For the tools.
    pub(super) environment: BTreeMap<OsString, OsString>,
    pub(super) progress: &'a dyn ProgressSink,
    pub(super) cancel: &'a CancellationToken,
}

/// Makes what a plan needs, or finds it made.
pub(super) async fn prepare(
    environments: &Path,
    base: &BaseEnvironment,
    plan: &PreparePlan,
    progress: &dyn ProgressSink,
    cancel: &CancellationToken,
) -> Result<Prepared, RuntimeError> {
    let Some(requirements) = &plan.requirements else {
        return Ok(Prepared {
            reused: true,
            artifact: Artifact::Folder,
        });
    };
    if requirements.kind == RequirementsKind::PackageJson && node::brings_packages(&plan.root) {
        return Ok(Prepared {
            reused: true,
            artifact: Artifact::Folder,
        });
    }
    let target = environments.join(name(requirements)?);
    let artifact = artifact(requirements.kind, target.clone());
    if is_complete(&artifact, &target) {
        return Ok(Prepared {
            reused: true,
            artifact,
        });
    }

    fs::create_dir_all(environments).map_err(RuntimeError::file("creating", environments))?;
    let _lock = lock(&target.with_extension("lock"), cancel).await?;
    if is_complete(&artifact, &target) {
        return Ok(Prepared {
            reused: true,
            artifact,
        });
    }
    clear_leftovers(&target).await?;
    fs::create_dir_all(&target).map_err(RuntimeError::file("creating", &target))?;

    let mut environment = base.for_tools();
    environment.insert(BUILDER_VARIABLE.into(), target.clone().into_os_string());
    let installation = Installation {
        target: &target,
        root: &plan.root,
        requirements,
        environment,
        progress,
        cancel,
    };
    let installed = match requirements.kind {
        RequirementsKind::RequirementsTxt | RequirementsKind::Pyproject => {
            python::install(installation).await
        }
        RequirementsKind::PackageJson => node::install(installation).await,
    };
    let completed = installed.and_then(|()| {
        let mark = target.join(COMPLETE_MARK);
        fs::write(&mark, requirements.hash.as_bytes()).map_err(RuntimeError::file("writing", &mark))
    });
    if let Err(error) = completed {
        clear_leftovers(&target).await?;
        return Err(error);
    }
    Ok(Prepared {
        reused: false,
        artifact,
    })
}

fn name(requirements: &Requirements) -> Result<String, RuntimeError> {
    let hash = requirements
        .hash
        .get(..HASH_CHARACTERS)
        .unwrap_or(&requirements.hash);
    if hash.is_empty() || !hash.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(RuntimeError::InvalidSpec {
            message: format!("{:?} is no requirements hash", requirements.hash),
        });
    }
    let language = match requirements.kind {
        RequirementsKind::RequirementsTxt | RequirementsKind::Pyproject => "python",
        RequirementsKind::PackageJson => "node",
    };
    Ok(format!("{language}-{hash}"))
}

fn artifact(kind: RequirementsKind, environment: PathBuf) -> Artifact {
    match kind {
        RequirementsKind::RequirementsTxt | RequirementsKind::Pyproject => {
            Artifact::Python { environment }
        }
        RequirementsKind::PackageJson => Artifact::Node { environment },
    }
}

/// Whether it was built to its end and its interpreter has not been removed since.
fn is_complete(artifact: &Artifact, target: &Path) -> bool {
    let usable = match artifact {
        Artifact::Python { environment } => python::interpreter(environment)
            .try_exists()
            .unwrap_or(false),
        _ => true,
    };
    usable && target.join(COMPLETE_MARK).try_exists().unwrap_or(false)
}

/// Holds the lock until dropped. The kernel gives it back when the process dies.
async fn lock(path: &Path, cancel: &CancellationToken) -> Result<File, RuntimeError> {
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(RuntimeError::file("opening", path))?
        .into_parts()
        .0;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => {
                return Err(RuntimeError::file("locking", path)(source));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOCK_RETRY) => {}
            () = cancel.cancelled() => return Err(RuntimeError::Cancelled { what: "preparing" }),
        }
    }
}

/// Ends tools that still write into the folder, then deletes it.
async fn clear_leftovers(target: &Path) -> Result<(), RuntimeError> {
    let target = target.to_owned();
    super::blocking(move || {
        for tool in inspect::marked(BUILDER_VARIABLE, &target.to_string_lossy()) {
            tool.end(End::Force);
        }
        match fs::remove_dir_all(&target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(RuntimeError::file("removing", &target)(error))
            }
            _ => Ok(()),
        }
    })
    .await?
}
