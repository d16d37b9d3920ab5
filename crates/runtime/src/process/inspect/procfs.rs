//! The processes of Linux, from `/proc`.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::time::Duration;

use super::{PortOwner, ProcessIdentity, Stat};
use crate::sockets;

pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name, in parentheses, may hold anything, so fields are counted from the last parenthesis.
    let fields: Vec<&str> = text
        .get(text.rfind(')')? + 1..)?
        .split_ascii_whitespace()
        .collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Stat {
        ended: matches!(*fields.first()?, "Z" | "X"),
        group: fields.get(2)?.parse().ok()?,
        cpu: Duration::from_millis((number(11)? + number(12)?) * 1000 / ticks_per_second),
        started: number(19)?,
        memory_bytes: number(21)? * rustix::param::page_size() as u64,
    })
}

pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

pub(super) fn pids() -> Vec<i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .collect()
}

/// The value of a variable in a process's initial environment. None also when it may not be read.
pub(in crate::process) fn variable(pid: i32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// The ports these processes listen on, ascending.
pub(in crate::process) fn listening(processes: &[ProcessIdentity]) -> Vec<u16> {
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

pub(super) fn port_owner(port: u16) -> Option<PortOwner> {
    let wanted: HashSet<u64> = listeners("/proc/net")
        .into_iter()
        .filter(|(listened, _)| *listened == port)
        .map(|(_, inode)| inode)
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let pid = pids()
        .into_iter()
        .find(|pid| socket_inodes(*pid).any(|inode| wanted.contains(&inode)))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(PortOwner {
        pid,
        name: name.trim().to_owned(),
    })
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
                .filter_map(sockets::listener)
                .collect::<Vec<_>>()
        })
        .collect()
}
