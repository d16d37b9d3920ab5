//! The lock and the endpoint file of the data directory: who owns it, and what a dead owner left.

use std::{fs::TryLockError, path::PathBuf};

use nasiko_contract::{CheckGroup, Fault};
use serde::Deserialize;

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};

pub(super) const LOCK: Spec = Spec {
    id: "data.lock",
    title: "Who owns the data directory",
    group: CheckGroup::Data,
};

/// What is looked at of the file that a control plane leaves for its clients.
#[derive(Deserialize)]
struct Endpoint {
    pid: u32,
    api: String,
}

fn endpoint_file(surroundings: &Surroundings) -> PathBuf {
    surroundings.home.join("endpoint.json")
}

fn lock_file(surroundings: &Surroundings) -> PathBuf {
    surroundings.home.join("resident.lock")
}

/// Whether a living process holds the lock.
pub(super) fn is_owned(surroundings: &Surroundings) -> bool {
    let Ok(file) = fs_err::File::open(lock_file(surroundings)) else {
        return false;
    };
    let tried = file.into_parts().0.try_lock_shared();
    matches!(tried, Err(TryLockError::WouldBlock))
}

pub(super) fn lock(surroundings: &Surroundings) -> Finding {
    let path = endpoint_file(surroundings);
    let said: Option<Result<Endpoint, String>> = match fs_err::read(&path) {
        Ok(text) => Some(serde_json::from_slice(&text).map_err(|error| error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(error.to_string())),
    };
    let lives = |pid: u32| {
        let process = surroundings.system(&format!("/proc/{pid}"));
        !cfg!(target_os = "linux") || process.try_exists().unwrap_or(true)
    };
    match (is_owned(surroundings), said) {
        (true, Some(Ok(endpoint))) if lives(endpoint.pid) => Finding::ok(format!(
            "The control plane with process {} owns it, at {}",
            endpoint.pid, endpoint.api
        )),
        (true, said) => {
            let finding = Finding::warning(
                "A process owns the data directory and does not say where it answers: it is starting, ending, or stuck",
            )
            .hint("Wait a moment; if that does not change, end the process")
            .evidence(said.map(|said| match said {
                Ok(endpoint) => format!("endpoint.json names process {}, which is gone", endpoint.pid),
                Err(error) => format!("endpoint.json: {error}"),
            }));
            match holder(surroundings) {
                Some(pid) => finding
                    .evidence([format!("process {pid} holds resident.lock")])
                    .command(format!("kill {pid}")),
                None => finding,
            }
        }
        (false, None) => Finding::ok("No control plane runs, and none left anything behind"),
        (false, Some(said)) => Finding::warning(
            "A control plane that ended without a word left its address behind: clients ask there in vain",
        )
        .evidence([match said {
            Ok(endpoint) => format!(
                "endpoint.json names process {} at {}",
                endpoint.pid, endpoint.api
            ),
            Err(error) => format!("endpoint.json: {error}"),
        }])
        .hint("Remove the file; nothing is lost")
        .fix(
            "Remove what it left",
            "Deletes endpoint.json, after making sure that no process owns the data directory",
        ),
    }
}

/// The process that holds the lock, by the kernel's table of locks.
#[cfg(target_os = "linux")]
fn holder(surroundings: &Surroundings) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = fs_err::metadata(lock_file(surroundings)).ok()?.ino();
    let end = format!(":{inode}");
    let table = surroundings.system_text("/proc/locks")?;
    table.lines().find_map(|line| {
        // `1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF`
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_it = fields.get(1) == Some(&"FLOCK") && fields.get(5)?.ends_with(&end);
        is_it.then(|| fields.get(4)?.parse().ok()).flatten()
    })
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &Surroundings) -> Option<u32> {
    None
}

pub(super) fn remove_stale(surroundings: &Surroundings) -> Result<String, Fault> {
    if is_owned(surroundings) {
        return Ok("Nothing was removed: a process owns the data directory again".to_owned());
    }
    let path = endpoint_file(surroundings);
    match fs_err::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(crate::home::unwritable(&path, &error))
        }
        _ => Ok(format!("{} was removed", path.display())),
    }
}
