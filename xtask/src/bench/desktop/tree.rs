//! A process and all that it started.

use std::collections::HashMap;
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

/// How much of their memory (PSS) is of files whose names begin like that.
pub(super) fn mapped_megabytes(processes: &[PathBuf], names: &[&str]) -> f64 {
    let maps = processes
        .iter()
        .filter_map(|process| fs::read_to_string(process.join("smaps")).ok());
    maps.map(|maps| mapped_kilobytes(&maps, names)).sum::<f64>() / 1024.0
}

fn mapped_kilobytes(maps: &str, names: &[&str]) -> f64 {
    let mut counts = false;
    let mut kilobytes = 0.0;
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("Pss:") if counts => {
                kilobytes += words
                    .next()
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(0.0);
            }
            // `from-to rights offset device inode path` begins what is said of a mapping.
            Some(first) if !first.ends_with(':') => {
                let file = line.rsplit('/').next().unwrap_or_default();
                counts = names.iter().any(|name| file.starts_with(name));
            }
            _ => {}
        }
    }
    kilobytes
}

/// A count of each thread of these processes, by its folder in `/proc`. What ended meanwhile has none.
pub(super) fn of_threads(
    processes: &[PathBuf],
    count: impl Fn(&Path) -> Option<f64>,
) -> HashMap<PathBuf, f64> {
    let threads = processes
        .iter()
        .filter_map(|process| fs::read_dir(process.join("task")).ok())
        .flatten()
        .flatten();
    threads
        .filter_map(|thread| Some((thread.path(), count(&thread.path())?)))
        .collect()
}

/// How often a thread went to sleep, and so was woken.
pub(super) fn wake_ups(thread: &Path) -> Option<f64> {
    let status = fs::read_to_string(thread.join("status")).ok()?;
    let switches = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    switches.trim().parse().ok()
}

/// The seconds for which a thread had a processor.
pub(super) fn processor_seconds(thread: &Path) -> Option<f64> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// How much counts have grown. What ended meanwhile adds nothing, what began adds all of its own.
pub(super) fn growth(before: &HashMap<PathBuf, f64>, after: &HashMap<PathBuf, f64>) -> f64 {
    after
        .iter()
        .map(|(of, count)| count - before.get(of).copied().unwrap_or(0.0))
        .sum()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{growth, mapped_kilobytes};

    #[test]
    fn mappings_are_counted_by_their_files() {
        let maps = "7f00-7f10 r-xp 00000000 fe:00 12 /usr/lib/libLLVM-15.so.1\nSize: 64 kB\nPss: 20 kB\nPss_Dirty: 4 kB\n\
                    7f10-7f20 rw-p 00000000 00:00 0 [heap]\nPss: 100 kB\n\
                    7f20-7f30 r--p 00000000 fe:00 13 /usr/lib/dri/swrast_dri.so\nPss: 3 kB\n";
        let counted = mapped_kilobytes(maps, &["libLLVM", "swrast"]);
        assert!((counted - 23.0).abs() < f64::EPSILON, "{counted}");
    }

    #[test]
    fn what_ends_takes_nothing_away() {
        let counts = |all: &[(&str, f64)]| -> HashMap<_, _> {
            all.iter()
                .map(|(of, count)| ((*of).into(), *count))
                .collect()
        };
        let before = counts(&[("stays", 5.0), ("ends", 900.0)]);
        let after = counts(&[("stays", 7.0), ("begins", 3.0)]);
        assert!((growth(&before, &after) - 5.0).abs() < f64::EPSILON);
    }
}
