//! Who holds a port, as far as this user may see it.

use std::fmt;

/// A program.
#[derive(Debug)]
pub(super) struct Owner {
    pid: u32,
    name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// The program that listens on a port of loopback or of all addresses.
#[cfg(target_os = "linux")]
pub(super) fn of_port(number: u16) -> Option<Owner> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .find_map(|table| listening_inode(&std::fs::read_to_string(table).ok()?, number))?;
    let socket = format!("socket:[{inode}]");
    let processes = std::fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let holds = std::fs::read_dir(process.path().join("fd"))
            .ok()?
            .flatten()
            .any(|file| {
                std::fs::read_link(file.path()).is_ok_and(|link| *link.as_os_str() == *socket)
            });
        let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
        holds.then(|| Owner {
            pid,
            name: name.trim().to_owned(),
        })
    })
}

/// Elsewhere no file tells; a port that is taken stays "another program".
#[cfg(not(target_os = "linux"))]
pub(super) fn of_port(_number: u16) -> Option<Owner> {
    None
}

/// The socket in state LISTEN on this port. Columns: number, local `address:port` in hex, remote, state, …, inode.
#[cfg(target_os = "linux")]
fn listening_inode(table: &str, number: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let port = format!("{number:04X}");
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let local = columns.get(1)?.rsplit_once(':')?.1;
        (local == port && columns.get(3) == Some(&LISTEN))
            .then(|| columns.get(9).map(ToString::to_string))?
    })
}
