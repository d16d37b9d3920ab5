//! Looks at the processes of this machine: which are ours, what they use, what they listen on.
//!
//! Linux: read from `/proc`. Everything here is a snapshot that may be outdated when it is returned; a process is
//! therefore always named by its id *and* start time, which the kernel never gives twice.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// The variable that carries the deployment id into every process of an instance.
pub(super) const INSTANCE_VARIABLE: &str = "NASIKO_INSTANCE";
/// The variable that says which installation (data directory) a process belongs to.
pub(super) const INSTALLATION_VARIABLE: &str = "NASIKO_INSTALLATION";

/// A process, told apart from a later one that got the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ProcessIdentity {
    /// The process id.
    pub(super) pid: i32,
    /// When it started, in clock ticks since boot.
    pub(super) started: u64,
    /// Which boot that was.
    pub(super) boot: String,
}

impl ProcessIdentity {
    /// The process that has this id now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        (!stat.ended()).then(|| Self {
            pid,
            started: stat.started,
            boot: boot_id(),
        })
    }

    /// A child nobody has waited for, which keeps its number even when it has ended.
    pub(super) fn of_child(pid: i32) -> Self {
        let started = Stat::read(pid).map_or(0, |stat| stat.started);
        Self {
            pid,
            started,
            boot: boot_id(),
        }
    }

    /// Whether it is in the group that `leader` leads.
    pub(super) fn in_group_of(&self, leader: &Self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.group == leader.pid)
    }

    /// Whether it still runs (a zombie does not).
    pub(super) fn alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Sends a signal to it alone. A process that has gone is fine.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.alive().then(|| Pid::from_raw(self.pid)).flatten() {
            // The only other error is a process that ended meanwhile.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Sends a signal to the group it leads. Only while it is alive: afterwards the number may belong to others.
    pub(super) fn signal_group(&self, signal: Signal) {
        if let Some(pid) = self.alive().then(|| Pid::from_raw(self.pid)).flatten() {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }
}

/// The fields of `/proc/<pid>/stat` that we read.
struct Stat {
    state: char,
    group: i32,
    cpu_ticks: u64,
    started: u64,
    resident_pages: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name, in parentheses, may hold anything, so fields are counted from the last parenthesis.
        let fields: Vec<&str> = text
            .get(text.rfind(')')? + 1..)?
            .split_ascii_whitespace()
            .collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            state: fields.first()?.chars().next()?,
            group: fields.get(2)?.parse().ok()?,
            cpu_ticks: number(11)? + number(12)?,
            started: number(19)?,
            resident_pages: number(21)?,
        })
    }

    fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
}

/// The value of a variable in a process's initial environment. None also when it may not be read.
pub(super) fn variable(pid: i32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// Every process whose environment has `name=value`.
pub(super) fn marked(name: &str, value: &str) -> Vec<ProcessIdentity> {
    pids()
        .filter(|pid| variable(*pid, name).as_deref() == Some(value))
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// The living processes of an instance: the group of its leader while that is alive, and whatever carries its marks,
/// in whichever group or session.
pub(super) fn members(
    installation: &str,
    instance: &str,
    leader: Option<&ProcessIdentity>,
) -> Vec<ProcessIdentity> {
    let group = leader
        .filter(|leader| leader.alive())
        .map(|leader| leader.pid);
    pids()
        .filter(|pid| {
            let in_group = group.is_some() && Stat::read(*pid).map(|stat| stat.group) == group;
            in_group
                || (variable(*pid, INSTANCE_VARIABLE).as_deref() == Some(instance)
                    && variable(*pid, INSTALLATION_VARIABLE).as_deref() == Some(installation))
        })
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// What these processes used so far (processor) and use now (memory).
pub(super) fn usage(processes: &[ProcessIdentity]) -> (Duration, u64) {
    let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
    let page = rustix::param::page_size() as u64;
    let (ticks, pages) = processes
        .iter()
        .filter_map(|process| Stat::read(process.pid))
        .fold((0, 0), |(ticks, pages), stat| {
            (ticks + stat.cpu_ticks, pages + stat.resident_pages)
        });
    (
        Duration::from_secs_f64(ticks as f64 / ticks_per_second as f64),
        pages * page,
    )
}

/// The ports these processes listen on, ascending.
pub(super) fn listening(processes: &[ProcessIdentity]) -> Vec<u16> {
    let Some(first) = processes.first() else {
        return Vec::new();
    };
    let sockets: HashSet<u64> = processes
        .iter()
        .flat_map(|process| socket_inodes(process.pid))
        .collect();
    let ports: BTreeSet<u16> = listeners(&format!("/proc/{}/net", first.pid))
        .into_iter()
        .filter(|(_, inode)| sockets.contains(inode))
        .map(|(port, _)| port)
        .collect();
    ports.into_iter().collect()
}

/// Every port that is listened on in the network namespace of a process: what a container listens on.
pub(crate) fn listening_in_namespace_of(pid: i32) -> Vec<u16> {
    let ports: BTreeSet<u16> = listeners(&format!("/proc/{pid}/net"))
        .into_iter()
        .map(|(port, _)| port)
        .collect();
    ports.into_iter().collect()
}

/// Who holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortOwner {
    /// The process id.
    pub pid: i32,
    /// The program's name.
    pub name: String,
}

/// The program that listens on a port of this machine, if it can be found out (programs of other accounts cannot).
/// Reads all of `/proc`: call it on a blocking thread.
pub fn port_owner(port: u16) -> Option<PortOwner> {
    let wanted: HashSet<u64> = listeners("/proc/net")
        .into_iter()
        .filter(|(listened, _)| *listened == port)
        .map(|(_, inode)| inode)
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let pid = pids().find(|pid| socket_inodes(*pid).any(|inode| wanted.contains(&inode)))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(PortOwner {
        pid,
        name: name.trim().to_owned(),
    })
}

/// The listening ports in the text of `/proc/net/tcp` and its like.
pub(crate) fn ports_of_table(table: &str) -> Vec<u16> {
    let ports: BTreeSet<u16> = table
        .lines()
        .filter_map(parse_listener)
        .map(|(port, _)| port)
        .collect();
    ports.into_iter().collect()
}

fn socket_inodes(pid: i32) -> impl Iterator<Item = u64> {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let target = fs::read_link(entry.ok()?.path()).ok()?;
            target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        })
}

/// Port and socket inode of everything in state LISTEN.
fn listeners(folder: &str) -> Vec<(u16, u64)> {
    ["tcp", "tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(format!("{folder}/{table}")).ok())
        .flat_map(|table| {
            table
                .lines()
                .skip(1)
                .filter_map(parse_listener)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn parse_listener(line: &str) -> Option<(u16, u64)> {
    const LISTEN: &str = "0A";
    // 127.0.0.11, as the kernel writes it: the resolver that an engine puts into each of its containers.
    const ENGINES_RESOLVER: &str = "0B00007F";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (address, port) = fields.get(1)?.rsplit_once(':')?;
    if *fields.get(3)? != LISTEN || address == ENGINES_RESOLVER {
        return None;
    }
    Some((
        u16::from_str_radix(port, 16).ok()?,
        fields.get(9)?.parse().ok()?,
    ))
}
