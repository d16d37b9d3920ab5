//! Disk, memory, clock.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use nasiko_contract::CheckGroup;

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};

pub(super) const DISK: Spec = Spec {
    id: "machine.disk",
    title: "Disk space",
    group: CheckGroup::Machine,
};
pub(super) const INODES: Spec = Spec {
    id: "machine.inodes",
    title: "Room for files",
    group: CheckGroup::Machine,
};
pub(super) const MEMORY: Spec = Spec {
    id: "machine.memory",
    title: "Memory",
    group: CheckGroup::Machine,
};
pub(super) const CLOCK: Spec = Spec {
    id: "machine.clock",
    title: "Clock",
    group: CheckGroup::Machine,
};

/// Bytes without which a deploy fails: an environment of Python takes as much.
const TOO_LITTLE_DISK: u64 = 100 << 20;
/// Bytes that an image and its layers take.
const LITTLE_DISK: u64 = 1 << 30;
/// Files of one environment.
const TOO_FEW_FILES: u64 = 2_000;
/// Files of a few environments.
const FEW_FILES: u64 = 20_000;
/// Bytes of a small agent and its package tool.
const TOO_LITTLE_MEMORY: u64 = 128 << 20;
/// Bytes of a few agents.
const LITTLE_MEMORY: u64 = 512 << 20;
/// How far ahead of the clock a file may be: file systems of other machines have their own.
const AHEAD: Duration = Duration::from_secs(120);
/// No machine that runs this lives earlier: 2025-01-01.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);

/// What is free on the file system of a folder.
#[cfg(unix)]
fn room(folder: &Path) -> std::io::Result<rustix::fs::StatVfs> {
    Ok(rustix::fs::statvfs(folder)?)
}

#[cfg(unix)]
pub(super) fn disk(surroundings: &Surroundings) -> Finding {
    let folder = surroundings.present_home();
    let room = match room(folder) {
        Ok(room) => room,
        Err(error) => return Finding::unreadable("The disk", &error),
    };
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let all = room.f_blocks.saturating_mul(room.f_frsize);
    let finding = match free {
        0..TOO_LITTLE_DISK => Finding::failed(format!(
            "Only {} are free on the disk of the data directory: deploys and the store fail",
            bytes(free)
        )),
        TOO_LITTLE_DISK..LITTLE_DISK => Finding::warning(format!(
            "Only {} are free on the disk of the data directory",
            bytes(free)
        )),
        _ => return Finding::ok(format!("{} are free", bytes(free))),
    };
    finding
        .evidence([format!(
            "{}: {} of {} free",
            folder.display(),
            bytes(free),
            bytes(all)
        )])
        .hint("Free some space; `docker system prune` removes what stopped containers and unused images hold")
        .command("docker system df")
}

#[cfg(unix)]
pub(super) fn inodes(surroundings: &Surroundings) -> Finding {
    let folder = surroundings.present_home();
    let room = match room(folder) {
        Ok(room) => room,
        Err(error) => return Finding::unreadable("The disk", &error),
    };
    if room.f_files == 0 {
        return Finding::ok("The file system has no limit on the number of files");
    }
    let free = room.f_favail;
    let finding = match free {
        0..TOO_FEW_FILES => Finding::failed(format!(
            "Only {free} more files fit on the disk of the data directory: installing packages fails although space is free"
        )),
        TOO_FEW_FILES..FEW_FILES => Finding::warning(format!(
            "Only {free} more files fit on the disk of the data directory"
        )),
        _ => return Finding::ok(format!("{free} more files fit")),
    };
    let evidence = format!(
        "{}: {free} of {} inodes free",
        folder.display(),
        room.f_files
    );
    finding
        .evidence([evidence])
        .hint("Remove folders with very many small files, such as old caches and environments")
        .command(format!(
            "du --inodes -d 2 {} | sort -n | tail",
            folder.display()
        ))
}

#[cfg(not(unix))]
pub(super) fn disk(_: &Surroundings) -> Finding {
    Finding::skipped("It is not looked at on this system")
}

#[cfg(not(unix))]
pub(super) fn inodes(_: &Surroundings) -> Finding {
    Finding::skipped("It is not looked at on this system")
}

pub(super) fn memory(surroundings: &Surroundings) -> Finding {
    let Some(table) = surroundings.system_text("/proc/meminfo") else {
        return Finding::skipped("This system does not tell how much memory is free");
    };
    let line = |name: &str| {
        let kilobytes = table.lines().find_map(|line| {
            let value = line.strip_prefix(name)?.trim().strip_suffix("kB")?;
            value.trim().parse::<u64>().ok()
        });
        kilobytes.map(|kilobytes| kilobytes << 10)
    };
    let (Some(all), Some(free)) = (line("MemTotal:"), line("MemAvailable:")) else {
        return Finding::skipped("This system does not tell how much memory is free");
    };
    let swap = line("SwapFree:").unwrap_or(0);
    let cause = format!("{} of {} are free", bytes(free), bytes(all));
    let finding = match free + swap {
        0..TOO_LITTLE_MEMORY => Finding::failed(format!(
            "Only {cause}: agents are killed by the system, without a word"
        )),
        TOO_LITTLE_MEMORY..LITTLE_MEMORY => Finding::warning(format!("Only {cause}")),
        _ => return Finding::ok(cause),
    };
    finding
        .evidence([format!("and {} of swap", bytes(swap))])
        .hint("Stop agents or services that are not needed: `nasiko ps`, `nasiko stack stats`")
}

/// A clock that was set back leaves files of the future behind.
pub(super) fn clock(surroundings: &Surroundings) -> Finding {
    let now = SystemTime::now();
    if now < SystemTime::UNIX_EPOCH + EARLIEST {
        return Finding::failed(format!(
            "The clock says {}: certificates are refused, and records are out of order",
            moment(now)
        ))
        .hint("Set the clock")
        .command("sudo timedatectl set-ntp true");
    }
    let Ok(entries) = fs_err::read_dir(&surroundings.home) else {
        return Finding::ok(format!("It is {}", moment(now)));
    };
    let newest = entries.flatten().filter_map(|entry| {
        let changed = entry.metadata().ok()?.modified().ok()?;
        Some((changed, entry.file_name()))
    });
    match newest.max() {
        Some((changed, name)) if changed > now + AHEAD => Finding::warning(
            "The clock was set back: what happens now is listed before what happened earlier, and certificates may be refused",
        )
        .evidence([
            format!("now: {}", moment(now)),
            format!("{} was written: {}", name.to_string_lossy(), moment(changed)),
        ])
        .hint("Let the system set its clock by the network")
        .command("sudo timedatectl set-ntp true"),
        _ => Finding::ok(format!("It is {}, and never was set back", moment(now))),
    }
}

/// A number of bytes in the unit that fits.
pub(super) fn bytes(count: u64) -> String {
    let number = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} kB", number / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", number / 1e6),
        _ => format!("{:.1} GB", number / 1e9),
    }
}

/// A moment to the second, in UTC.
pub(super) fn moment(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(
        |_| "out of all bounds".to_owned(),
        |stamp| format!("{stamp:.0}"),
    )
}
