//! Folders made for a test, described as a deploy describes them.

mod dockerfiles;
mod folders;
mod laid;
mod never;

use std::path::Path;

use nasiko_contract::{FileChangeKind, RuntimeKind, UpdateAction};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::describe::describe;
use crate::snapshot::SnapshotOptions;

/// A folder on disk.
struct Agent {
    temp: TempDir,
}

impl Agent {
    fn new(files: &[(&str, &str)]) -> Self {
        let agent = Self {
            temp: tempfile::tempdir().unwrap(),
        };
        for (path, text) in files {
            agent.write(path, text);
        }
        agent
    }

    fn root(&self) -> &Path {
        self.temp.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        fs_err::remove_file(self.root().join(path)).unwrap();
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::take(
            self.root(),
            &SnapshotOptions::default(),
            None,
            &CancellationToken::new(),
        )
        .unwrap()
    }

    fn describe(&self) -> Description {
        describe(self.root(), &self.snapshot()).unwrap()
    }

    /// What is done when one file is changed.
    fn touch(&self, path: &str, runtime: RuntimeKind) -> FileUpdate {
        let snapshot = self.snapshot();
        let description = self.describe();
        let changes = [Change {
            path: path.to_owned(),
            kind: FileChangeKind::Modified,
        }];
        let mut plan = decide(&Decide {
            root: self.root(),
            description: &description,
            newer: &description,
            before: &snapshot,
            now: &snapshot,
            changes: &changes,
            runtime,
        });
        plan.files.remove(0)
    }

    /// What is done about everything that `edit` does.
    fn edit(&self, runtime: RuntimeKind, edit: impl FnOnce(&Self)) -> UpdatePlan {
        let before = self.snapshot();
        let description = self.describe();
        edit(self);
        let now = self.snapshot();
        let changes = before.changes(&now);
        let newer = if needs_reading(&description, &changes) {
            self.describe()
        } else {
            description.clone()
        };
        decide(&Decide {
            root: self.root(),
            description: &description,
            newer: &newer,
            before: &before,
            now: &now,
            changes: &changes,
            runtime,
        })
    }
}

/// Compares an action and a part of its reason.
#[track_caller]
fn assert_update(update: &FileUpdate, action: UpdateAction, why: &str, of: &str) {
    assert_eq!(
        update.action, action,
        "{of}: {}: {}",
        update.path, update.why
    );
    assert!(
        update.why.contains(why),
        "{of}: {}: {:?} has no {why:?}",
        update.path,
        update.why
    );
}
