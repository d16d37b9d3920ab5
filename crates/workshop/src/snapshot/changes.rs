//! What differs between two snapshots of one folder.

use std::cmp::Ordering;

use nasiko_contract::FileChangeKind;

use super::{FileEntry, FileKind, Snapshot};

/// One path that differs between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the root, `/`-separated. It ends in `/` for a directory that came or went without any file in it.
    pub path: String,
    /// How it differs.
    pub kind: FileChangeKind,
}

impl Snapshot {
    /// What must be done to this snapshot to have `newer`, sorted by path. A file that was moved is removed and added; times,
    /// owners and permission bits other than the executable ones do not count. Empty exactly when both hashes are equal.
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut olds = self.files.iter().peekable();
        let mut news = newer.files.iter().peekable();
        loop {
            let order = match (olds.peek(), news.peek()) {
                (Some(old), Some(new)) => old.order(new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let old = order.is_le().then(|| olds.next()).flatten();
            let new = order.is_ge().then(|| news.next()).flatten();
            let Some(path) = old.or(new).map(|file| &file.path) else {
                break;
            };
            if let Some(kind) = difference(old, new) {
                let path = path.clone();
                changes.push(Change { path, kind });
            }
        }
        directories(self, newer, FileChangeKind::Removed, &mut changes);
        directories(newer, self, FileChangeKind::Added, &mut changes);
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        changes
    }
}

fn difference(old: Option<&FileEntry>, new: Option<&FileEntry>) -> Option<FileChangeKind> {
    match (old, new) {
        (Some(old), Some(new)) if old.hash != new.hash || old.kind != new.kind => {
            Some(FileChangeKind::Modified)
        }
        (Some(old), Some(new)) => (old.kind == FileKind::File
            && old.is_executable() != new.is_executable())
        .then_some(FileChangeKind::Mode),
        (Some(_), None) => Some(FileChangeKind::Removed),
        (None, Some(_)) => Some(FileChangeKind::Added),
        (None, None) => None,
    }
}

/// Empty directories of one snapshot that the other does not have at all.
fn directories(
    with: &Snapshot,
    without: &Snapshot,
    kind: FileChangeKind,
    changes: &mut Vec<Change>,
) {
    let missing = with
        .empty_directories
        .iter()
        .filter(|directory| !without.has_directory(directory));
    changes.extend(missing.map(|directory| Change {
        path: format!("{directory}/"),
        kind,
    }));
}
