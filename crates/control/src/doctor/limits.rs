//! What the system allows: watches over folders, open files.

use nasiko_contract::{CheckGroup, Fault};

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};

pub(super) const WATCHES: Spec = Spec {
    id: "machine.watches",
    title: "Watched folders (inotify watches)",
    group: CheckGroup::Machine,
};
pub(super) const WATCHERS: Spec = Spec {
    id: "machine.watchers",
    title: "Programs that watch (inotify instances)",
    group: CheckGroup::Machine,
};
pub(super) const FILES: Spec = Spec {
    id: "machine.open-files",
    title: "Open files",
    group: CheckGroup::Machine,
};

/// Folders of one agent with its packages; editors take as many for themselves.
const FEW_WATCHES: u64 = 16_384;
/// What a distribution gives at least.
const FEW_WATCHERS: u64 = 64;
/// Files that a control plane with twenty agents and their callers opens.
const FEW_FILES: u64 = 1_024;
/// Processes whose files are looked at.
const MAX_PROCESSES: usize = 4_096;

/// What this account has of inotify, as far as its processes may be looked at.
#[derive(Default)]
struct Used {
    instances: u64,
    watches: u64,
}

/// Each open inotify is a link to `anon_inode:inotify`; its watches are lines in the description of the file.
fn used(surroundings: &Surroundings) -> Used {
    let mut used = Used::default();
    let Ok(processes) = fs_err::read_dir(surroundings.system("/proc")) else {
        return used;
    };
    let is_process = |name: &std::ffi::OsStr| {
        let name = name.as_encoded_bytes();
        !name.is_empty() && name.iter().all(u8::is_ascii_digit)
    };
    let processes = processes.flatten().map(|entry| entry.path());
    let processes = processes.filter(|path| path.file_name().is_some_and(is_process));
    for process in processes.take(MAX_PROCESSES) {
        // Others' processes may not be looked at, and their watches do not count for this account.
        let Ok(files) = fs_err::read_dir(process.join("fd")) else {
            continue;
        };
        for file in files.flatten() {
            let target = fs_err::read_link(file.path()).unwrap_or_default();
            if !target.to_string_lossy().contains("inotify") {
                continue;
            }
            used.instances += 1;
            let about = process.join("fdinfo").join(file.file_name());
            let about = fs_err::read_to_string(about).unwrap_or_default();
            used.watches += about.matches("inotify wd:").count() as u64;
        }
    }
    used
}

pub(super) fn watches(surroundings: &Surroundings) -> Finding {
    let name = "fs.inotify.max_user_watches";
    inotify(
        surroundings,
        name,
        524_288,
        FEW_WATCHES,
        used(surroundings).watches,
        "folders can be watched",
    )
}

pub(super) fn watchers(surroundings: &Surroundings) -> Finding {
    let name = "fs.inotify.max_user_instances";
    inotify(
        surroundings,
        name,
        1_024,
        FEW_WATCHERS,
        used(surroundings).instances,
        "programs can watch folders",
    )
}

fn inotify(
    surroundings: &Surroundings,
    name: &str,
    enough: u64,
    few: u64,
    used: u64,
    what: &str,
) -> Finding {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let Some(limit) = surroundings.system_number(&path) else {
        return Finding::skipped("This system has no such limit");
    };
    let finding = if used >= limit {
        Finding::failed(format!(
            "No more {what} by this account: {used} of {limit} are in use, and saves are noticed late"
        ))
    } else if used.saturating_mul(10) >= limit.saturating_mul(9) || limit < few {
        Finding::warning(format!("Few more {what}: {used} of {limit} are in use"))
    } else {
        return Finding::ok(format!("{used} of {limit} are in use"));
    };
    finding
        .evidence([format!("{name} = {limit}, {used} in use")])
        .hint("Raise the limit, and keep it with a file in /etc/sysctl.d")
        .command(format!("sudo sysctl -w {name}={enough}"))
}

#[cfg(unix)]
fn open_file_limit() -> (Option<u64>, Option<u64>) {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    (limit.current, limit.maximum)
}

#[cfg(unix)]
pub(super) fn files(surroundings: &Surroundings) -> Finding {
    let (Some(limit), most) = open_file_limit() else {
        return Finding::ok("This process may open as many files as it wants");
    };
    let open = fs_err::read_dir(surroundings.system("/proc/self/fd"))
        .map_or(0, |files| files.count() as u64);
    let finding = if open.saturating_mul(10) >= limit.saturating_mul(8) {
        Finding::failed(format!(
            "{open} of {limit} files that this process may open are open: connections are refused soon"
        ))
    } else if limit < FEW_FILES {
        Finding::warning(format!("This process may open only {limit} files"))
    } else {
        return Finding::ok(format!("{open} of {limit} are open"));
    };
    let finding = finding
        .evidence([format!(
            "limit {limit}, at most {}",
            most.map_or_else(|| "any".to_owned(), |most| most.to_string())
        )])
        .hint("Start the control plane with a higher limit");
    if most.is_none_or(|most| most > limit) {
        finding.fix(
            "Raise the limit",
            "Lets the control plane open as many files as the system lets it, until it ends",
        )
    } else {
        finding.command("ulimit -n 8192")
    }
}

#[cfg(not(unix))]
pub(super) fn files(_: &Surroundings) -> Finding {
    Finding::skipped("This system has no such limit")
}

/// Up to what the system allows without more rights.
#[cfg(unix)]
pub(super) fn raise_files(_: &Surroundings) -> Result<String, Fault> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    /// More than this costs some programs time at each start, since they close all there may be.
    const ENOUGH: u64 = 65_536;
    let (before, most) = open_file_limit();
    let wanted = most.map_or(ENOUGH, |most| most.min(ENOUGH));
    let limit = Rlimit {
        current: Some(wanted),
        maximum: most,
    };
    setrlimit(Resource::Nofile, limit)
        .map_err(|error| crate::plane::internal("the limit of open files", &error))?;
    Ok(format!(
        "The control plane may open {wanted} files now, instead of {}",
        before.unwrap_or(wanted)
    ))
}

#[cfg(not(unix))]
pub(super) fn raise_files(_: &Surroundings) -> Result<String, Fault> {
    Ok("This system has no such limit".to_owned())
}
