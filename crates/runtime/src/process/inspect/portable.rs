//! The processes of systems without `/proc`. Which ports each of them listens on is not found out here.

use std::process::{Command, Stdio};
use std::time::Duration;

use sysinfo::{Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::{PortOwner, ProcessIdentity, Stat};

/// Looks at one process, or at all of them.
fn look<T>(
    pid: Option<i32>,
    kind: ProcessRefreshKind,
    read: impl FnOnce(&System) -> T,
) -> Option<T> {
    let mut system = System::new().ok()?;
    let wanted = pid
        .and_then(|pid| u32::try_from(pid).ok())
        .map(sysinfo::Pid::from_u32);
    let wanted = wanted.as_ref().map(std::slice::from_ref);
    system.refresh_processes_specifics(
        wanted.map_or(ProcessesToUpdate::All, ProcessesToUpdate::Some),
        true,
        kind,
    );
    Some(read(&system))
}

fn of<T>(pid: i32, kind: ProcessRefreshKind, read: impl FnOnce(&Process) -> T) -> Option<T> {
    let id = sysinfo::Pid::from_u32(u32::try_from(pid).ok()?);
    look(Some(pid), kind, |system| system.process(id).map(read))?
}

pub(super) fn stat(pid: i32) -> Option<Stat> {
    let group = group_of(pid)?;
    of(
        pid,
        ProcessRefreshKind::nothing().with_cpu().with_memory(),
        |process| Stat {
            ended: matches!(
                process.status(),
                ProcessStatus::Zombie | ProcessStatus::Dead
            ),
            group,
            started: process.start_time(),
            cpu: Duration::from_millis(process.accumulated_cpu_time()),
            memory_bytes: process.memory(),
        },
    )
}

/// Ends a process at once. One that has gone is fine.
#[cfg(windows)]
pub(in crate::process) fn kill(pid: i32) {
    let _ = of(pid, ProcessRefreshKind::nothing(), Process::kill);
}

#[cfg(unix)]
fn group_of(pid: i32) -> Option<i32> {
    use rustix::process::{Pid, getpgid};
    let group = getpgid(Some(Pid::from_raw(pid)?)).ok()?;
    Some(group.as_raw_nonzero().get())
}

/// Windows has none: each process is its own.
#[cfg(windows)]
fn group_of(pid: i32) -> Option<i32> {
    Some(pid)
}

/// Start times are absolute here and tell boots apart by themselves.
pub(super) fn boot_id() -> String {
    String::new()
}

pub(super) fn pids() -> Vec<i32> {
    let all = look(
        None,
        ProcessRefreshKind::nothing().without_tasks(),
        |system| {
            system
                .processes()
                .keys()
                .filter_map(|pid| i32::try_from(pid.as_u32()).ok())
                .collect()
        },
    );
    all.unwrap_or_default()
}

/// The value of a variable in a process's initial environment. None also when it may not be read.
pub(in crate::process) fn variable(pid: i32, name: &str) -> Option<String> {
    let kind = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    of(pid, kind, |process| {
        process.environ().iter().find_map(|entry| {
            let value = entry.to_str()?.strip_prefix(name)?.strip_prefix('=')?;
            Some(value.to_owned())
        })
    })?
}

pub(in crate::process) fn listening(_processes: &[ProcessIdentity]) -> Vec<u16> {
    Vec::new()
}

pub(crate) fn listening_in_namespace_of(_pid: i32) -> Vec<u16> {
    Vec::new()
}

/// Asks `lsof`, which macOS and the BSDs have; nothing is found out where it is missing.
pub(super) fn port_owner(port: u16) -> Option<PortOwner> {
    let listed = Command::new("lsof")
        .args(["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN", "-Fpc"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    first_of_listing(&String::from_utf8_lossy(&listed.stdout))
}

/// The first process of `lsof -Fpc`: a line `p` and its id, then a line `c` and its name.
pub(super) fn first_of_listing(listing: &str) -> Option<PortOwner> {
    let field = |letter| listing.lines().find_map(|line| line.strip_prefix(letter));
    Some(PortOwner {
        pid: field('p')?.parse().ok()?,
        name: field('c')?.to_owned(),
    })
}
