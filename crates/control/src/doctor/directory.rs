//! The data directory: who may read it, what it lies on, how large it is.

use std::path::{Path, PathBuf};

use nasiko_contract::{CheckGroup, Fault};

use super::{
    finding::{Finding, Spec},
    machine::bytes,
    surroundings::Surroundings,
};

pub(super) const PERMISSIONS: Spec = Spec {
    id: "data.permissions",
    title: "Who may read the data directory",
    group: CheckGroup::Data,
};
pub(super) const FILE_SYSTEM: Spec = Spec {
    id: "data.file-system",
    title: "File system of the data directory",
    group: CheckGroup::Data,
};
pub(super) const SIZE: Spec = Spec {
    id: "data.size",
    title: "Size of the data directory",
    group: CheckGroup::Data,
};

/// What only its owner may read.
const PRIVATE: [&str; 5] = [
    "endpoint.json",
    "vault.key",
    "vault.sealed",
    "store.json",
    "contexts.json",
];
/// Made by the first start.
const INSTALLATION: &str = "installation";
/// File systems that other machines hold, or that do not lock and tell of changes as a database and a watch need it.
const NOT_LOCAL: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "drvfs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "davfs",
    "vboxsf",
    "prl_fs",
];
/// Bytes that are worth a word.
const LARGE: u64 = 5 << 30;
/// Entries that are counted.
const MAX_ENTRIES: usize = 200_000;

#[cfg(unix)]
pub(super) fn permissions(surroundings: &Surroundings) -> Finding {
    use std::os::unix::fs::MetadataExt;
    let home = &surroundings.home;
    let about = match fs_err::metadata(home) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::ok("There is no data directory yet");
        }
        Err(error) => return Finding::unreadable("The data directory", &error),
    };
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own && own != 0 {
        return Finding::failed(
            "The data directory belongs to somebody else: nothing can be written there",
        )
        .evidence([format!(
            "{} belongs to user {}",
            home.display(),
            about.uid()
        )])
        .hint("Give it back to this account, or set NASIKO_HOME to another directory")
        .command(format!("sudo chown -R \"$USER\" {}", home.display()));
    }
    let open = readable_by_others(home);
    if open.is_empty() {
        return Finding::ok("Only its owner may read it");
    }
    let is_used = |name: &&str| home.join(name).try_exists().unwrap_or(true);
    if !PRIVATE.iter().chain([&INSTALLATION]).any(is_used) {
        return Finding::ok("Nothing of ours is in it yet; the first start closes it to others");
    }
    Finding::failed("Others on this machine may read the data directory: the token of the API, conversations, traces")
        .evidence(open.iter().map(|(path, mode)| format!("{mode:04o} {}", path.display())))
        .hint("Let only its owner read it")
        .fix(
            "Close it to others",
            "Takes the rights of others from the data directory and the files in it that are private",
        )
}

/// What others may look into, with its mode. What lies in a closed folder is closed, and yet private files are looked at: they
/// may be copied from there.
#[cfg(unix)]
fn readable_by_others(home: &Path) -> Vec<(PathBuf, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let private = PRIVATE.iter().map(|name| home.join(name));
    std::iter::once(home.to_owned())
        .chain(private)
        .filter_map(|path| {
            let mode = fs_err::symlink_metadata(&path).ok()?.permissions().mode() & 0o7777;
            (mode & 0o077 != 0).then_some((path, mode))
        })
        .collect()
}

#[cfg(unix)]
pub(super) fn tighten(surroundings: &Surroundings) -> Result<String, Fault> {
    use std::os::unix::fs::PermissionsExt;
    let open = readable_by_others(&surroundings.home);
    for (path, mode) in &open {
        let closed = std::fs::Permissions::from_mode(mode & 0o700);
        fs_err::set_permissions(path, closed)
            .map_err(|error| crate::home::unwritable(path, &error))?;
    }
    let names: Vec<String> = open
        .iter()
        .map(|(path, _)| path.display().to_string())
        .collect();
    Ok(format!("Only the owner may read {} now", names.join(", ")))
}

#[cfg(not(unix))]
pub(super) fn permissions(_: &Surroundings) -> Finding {
    Finding::skipped("It is not looked at on this system")
}

#[cfg(not(unix))]
pub(super) fn tighten(_: &Surroundings) -> Result<String, Fault> {
    Ok("This system has no such rights".to_owned())
}

/// By the table of mounts, which names every kind.
pub(super) fn file_system(surroundings: &Surroundings) -> Finding {
    let Some(table) = surroundings.system_text("/proc/self/mountinfo") else {
        return Finding::skipped("This system does not tell what the data directory lies on");
    };
    let home = fs_err::canonicalize(surroundings.present_home())
        .unwrap_or_else(|_| surroundings.home.clone());
    let Some((point, kind)) = mount_of(&table, &home) else {
        return Finding::skipped("It is in no table of mounts");
    };
    let evidence = format!("{} is on {} ({kind})", home.display(), point.display());
    let is_remote = NOT_LOCAL.contains(&kind)
        || kind.starts_with("fuse.") && kind != "fuse.fuse-overlayfs" && kind != "fuse.ecryptfs";
    if !is_remote {
        return Finding::ok(format!("It is on a local disk ({kind})"));
    }
    Finding::failed_if(
        kind != "9p",
        format!(
            "The data directory is on {kind}: locks and writes of the store are not safe there"
        ),
    )
    .evidence([evidence])
    .hint(
        "Set NASIKO_HOME to a directory on a local disk; copy the old one there while nothing runs",
    )
}

/// Mount point and kind of what a path lies on: the last mount of the longest point.
fn mount_of<'a>(table: &'a str, path: &Path) -> Option<(PathBuf, &'a str)> {
    let mounts = table.lines().filter_map(|line| {
        // `36 35 98:0 /root /mount/point options [optional]… - kind source options`
        let (left, right) = line.split_once(" - ")?;
        let point = PathBuf::from(left.split(' ').nth(4)?.replace("\\040", " "));
        Some((point, right.split(' ').next()?))
    });
    mounts
        .filter(|(point, _)| path.starts_with(point))
        .max_by_key(|(point, _)| point.components().count())
}

pub(super) fn size(surroundings: &Surroundings) -> Finding {
    let Ok(entries) = fs_err::read_dir(&surroundings.home) else {
        return Finding::ok("Nothing is stored yet");
    };
    let mut left = MAX_ENTRIES;
    let mut parts: Vec<(u64, String)> = entries
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (size_of(&entry.path(), &mut left), name)
        })
        .collect();
    parts.sort_by(|one, other| other.cmp(one));
    let all: u64 = parts.iter().map(|(size, _)| size).sum();
    let finding = if all >= LARGE {
        Finding::warning(format!("The data directory has grown to {}", bytes(all)))
            .hint("Keep traces for fewer days, delete agents that are not needed any more")
            .command("nasiko settings set trace-retention-days 7")
    } else {
        Finding::ok(format!("{} are stored", bytes(all)))
    };
    let largest = parts.into_iter().filter(|(size, _)| *size > 0).take(5);
    finding.evidence(largest.map(|(size, name)| format!("{name}: {}", bytes(size))))
}

fn size_of(path: &Path, left: &mut usize) -> u64 {
    let Some(fewer) = left.checked_sub(1) else {
        return 0;
    };
    *left = fewer;
    let Ok(about) = fs_err::symlink_metadata(path) else {
        return 0;
    };
    if !about.is_dir() {
        return about.len();
    }
    let Ok(entries) = fs_err::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| size_of(&entry.path(), left))
        .sum()
}
