//! Agents that write into their own folder: a log or a database there must not restart its writer for ever.

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
    time::{Duration, Instant},
};

/// What changes this soon after an instance's start may be its doing.
const AFTER_START: Duration = Duration::from_secs(2);
/// After so many starts in a row the same file is taken for the agent's own.
const STARTS: usize = 3;
/// Files changed after one start that are remembered at most.
const MOST_FILES: usize = 1_000;
/// What a person writes, whoever else may do so too.
const SOURCES: [&str; 22] = [
    "py", "pyi", "ipynb", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "rs", "java", "kt", "rb",
    "php", "c", "h", "cpp", "cs", "sh", "html", "css",
];

/// Which files an agent was seen to write.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// The last starts, and what changed right after each.
    starts: VecDeque<(Instant, BTreeSet<String>)>,
    /// Files that are the agent's own.
    written: BTreeSet<String>,
}

impl Guard {
    /// An instance began to run its own code.
    pub(super) fn started(&mut self, at: Instant) {
        if self.starts.len() == STARTS {
            self.starts.pop_front();
        }
        self.starts.push_back((at, BTreeSet::new()));
    }

    /// These were seen to change.
    pub(super) fn changed<'a>(&mut self, at: Instant, paths: impl Iterator<Item = &'a String>) {
        let Some((started, changed)) = self.starts.back_mut() else {
            return;
        };
        if at.saturating_duration_since(*started) <= AFTER_START {
            let room = MOST_FILES.saturating_sub(changed.len());
            changed.extend(paths.take(room).cloned());
        }
    }

    /// Whether all of these are files that the agent writes by itself.
    pub(super) fn are_written<'a>(&mut self, mut paths: impl Iterator<Item = &'a String>) -> bool {
        paths.all(|path| self.is_written(path))
    }

    fn is_written(&mut self, path: &String) -> bool {
        if self.written.contains(path) {
            return true;
        }
        let each_time = self.starts.len() == STARTS
            && self
                .starts
                .iter()
                .all(|(_, changed)| changed.contains(path));
        if each_time && !is_source(path) {
            self.written.insert(path.clone());
            return true;
        }
        false
    }
}

fn is_source(path: &str) -> bool {
    Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| SOURCES.contains(&extension.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts_that_write(guard: &mut Guard, times: usize, path: &str, after: Duration) {
        for _ in 0..times {
            let start = Instant::now();
            guard.started(start);
            guard.changed(start + after, [path.to_owned()].iter());
        }
    }

    #[test]
    fn what_changes_after_each_start_is_the_agents_own_unless_it_is_source() {
        let soon = Duration::from_millis(100);
        for (path, times, after, own) in [
            ("state.json", STARTS, soon, true),
            ("state.json", STARTS - 1, soon, false),
            ("state.json", STARTS, AFTER_START * 2, false),
            ("main.py", STARTS, soon, false),
        ] {
            let mut guard = Guard::default();
            starts_that_write(&mut guard, times, path, after);
            let path = path.to_owned();
            assert_eq!(
                guard.are_written([&path].into_iter()),
                own,
                "{path} {times} {after:?}"
            );
        }
    }

    #[test]
    fn one_file_of_a_person_among_them_is_an_update() {
        let mut guard = Guard::default();
        starts_that_write(&mut guard, STARTS, "state.json", Duration::ZERO);
        let paths = ["state.json".to_owned(), "main.py".to_owned()];
        assert!(!guard.are_written(paths.iter()));
        assert!(guard.are_written(paths[..1].iter()));
        // Later starts do not take that back.
        guard.started(Instant::now());
        assert!(guard.are_written(paths[..1].iter()));
    }
}
