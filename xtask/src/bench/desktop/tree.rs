//! A process and all that it started.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// The folders in `/proc` of a process and its descendants.
pub(super) fn below(root: u32) -> Result<Vec<PathBuf>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // One that ended meanwhile counts no more.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // `pid (name) state parent …`, and the name may hold anything.
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(pid, _)| *pid));
        at += 1;
    }
    let folder = |pid: u32| Path::new("/proc").join(pid.to_string());
    Ok(found.into_iter().map(folder).collect())
}

/// How often the process's threads went to sleep, and so were woken.
pub(super) fn wake_ups(process: &Path) -> Result<f64> {
    let mut count = 0.0;
    for task in fs::read_dir(process.join("task"))? {
        let status = fs::read_to_string(task?.path().join("status")).unwrap_or_default();
        let switches = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count += switches
            .and_then(|switches| switches.trim().parse::<f64>().ok())
            .unwrap_or(0.0);
    }
    Ok(count)
}
