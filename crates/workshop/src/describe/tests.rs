mod bad;
mod entries;
mod examples;
mod wholes;

use std::path::Path;

use nasiko_contract::Protocol;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::snapshot::SnapshotOptions;

/// A folder named `sample` with the given files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = temp.path().join("sample").join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    temp
}

fn snapshot_of(root: &Path) -> Result<Snapshot, WorkshopError> {
    Snapshot::take(
        root,
        &SnapshotOptions::default(),
        None,
        &CancellationToken::new(),
    )
}

fn describe_at(root: &Path) -> Result<Description, WorkshopError> {
    describe(root, &snapshot_of(root)?)
}

fn described(files: &[(&str, &str)]) -> Description {
    let temp = folder(files);
    describe_at(&temp.path().join("sample")).unwrap()
}

fn has_finding(description: &Description, code: &str) -> bool {
    description
        .findings
        .iter()
        .any(|finding| finding.code == code)
}
