//! Looks at the processes of this machine: which are ours, what they use, what they listen on.
//!
//! Linux is read from `/proc`, other systems through a library. Everything here is a snapshot that may be outdated when
//! it is returned; a process is therefore always named by its id *and* start time, which the kernel never gives twice.

#[cfg(any(test, not(target_os = "linux")))]
#[cfg_attr(
    target_os = "linux",
    expect(dead_code, reason = "built on Linux for its tests alone")
)]
mod portable;
#[cfg(target_os = "linux")]
mod procfs;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(not(target_os = "linux"))]
use self::portable as table;
#[cfg(target_os = "linux")]
use self::procfs as table;
#[cfg(windows)]
pub(super) use self::table::kill;
pub(crate) use self::table::listening_in_namespace_of;
pub(super) use self::table::{listening, variable};
use super::system::{self, End};

/// What the system tells of a process.
struct Stat {
    /// It has ended and only waits to be waited for.
    ended: bool,
    /// The number of its group.
    group: i32,
    /// In units of the system.
    started: u64,
    cpu: Duration,
    memory_bytes: u64,
}

/// The variable that carries the deployment id into every process of an instance.
pub(super) const INSTANCE_VARIABLE: &str = "NASIKO_INSTANCE";
/// The variable that says which installation (data directory) a process belongs to.
pub(super) const INSTALLATION_VARIABLE: &str = "NASIKO_INSTALLATION";

/// A process, told apart from a later one that got the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ProcessIdentity {
    /// The process id.
    pub(super) pid: i32,
    /// When it started, in units of the system.
    pub(super) started: u64,
    /// Which boot that was.
    pub(super) boot: String,
}

impl ProcessIdentity {
    /// The process that has this id now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = table::stat(pid)?;
        (!stat.ended).then(|| Self {
            pid,
            started: stat.started,
            boot: table::boot_id(),
        })
    }

    /// A child nobody has waited for, which keeps its number even when it has ended.
    pub(super) fn of_child(pid: i32) -> Self {
        let started = table::stat(pid).map_or(0, |stat| stat.started);
        Self {
            pid,
            started,
            boot: table::boot_id(),
        }
    }

    /// Whether it is in the group that `leader` leads.
    pub(super) fn in_group_of(&self, leader: &Self) -> bool {
        table::stat(self.pid).is_some_and(|stat| stat.group == leader.pid)
    }

    /// Whether it still runs (a zombie does not).
    pub(super) fn alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Ends it alone. A process that has gone is fine.
    pub(super) fn end(&self, how: End) {
        if self.alive() {
            system::end(self.pid, how);
        }
    }

    /// Ends the group it leads. Only while it is alive: afterwards the number may belong to others.
    pub(super) fn end_group(&self, how: End) {
        if self.alive() {
            system::end_group(self.pid, how);
        }
    }
}

/// Every process whose environment has `name=value`.
pub(super) fn marked(name: &str, value: &str) -> Vec<ProcessIdentity> {
    table::pids()
        .into_iter()
        .filter(|pid| variable(*pid, name).as_deref() == Some(value))
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// The living processes of an instance: the group of its leader, and whatever carries its marks, in whichever group or
/// session. A group whose leader has ended keeps its number, unless another process has that number by now.
pub(super) fn members(
    installation: &str,
    instance: &str,
    leader: Option<&ProcessIdentity>,
) -> Vec<ProcessIdentity> {
    let is_its_own = |leader: &&ProcessIdentity| {
        ProcessIdentity::of(leader.pid).is_none_or(|now| now == **leader)
    };
    let group = leader.filter(is_its_own).map(|leader| leader.pid);
    table::pids()
        .into_iter()
        .filter(|pid| {
            let in_group = group.is_some() && table::stat(*pid).map(|stat| stat.group) == group;
            in_group
                || (variable(*pid, INSTANCE_VARIABLE).as_deref() == Some(instance)
                    && variable(*pid, INSTALLATION_VARIABLE).as_deref() == Some(installation))
        })
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// What these processes used so far (processor) and use now (memory).
pub(super) fn usage(processes: &[ProcessIdentity]) -> (Duration, u64) {
    processes
        .iter()
        .filter_map(|process| table::stat(process.pid))
        .fold((Duration::ZERO, 0), |(cpu, memory), stat| {
            (cpu + stat.cpu, memory + stat.memory_bytes)
        })
}

/// Who holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortOwner {
    /// The process id.
    pub pid: i32,
    /// The program's name.
    pub name: String,
}

impl fmt::Display for PortOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (process {})", self.name, self.pid)
    }
}

/// The program that listens on a TCP port of this machine, if it can be found out (programs of other accounts cannot).
/// Looks at every process: call it on a blocking thread.
pub fn port_owner(port: u16) -> Option<PortOwner> {
    table::port_owner(port)
}

#[cfg(test)]
mod tests;
