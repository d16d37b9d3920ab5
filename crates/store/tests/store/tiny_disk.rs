//! A disk that is really full: a file system of one megabyte, in a mount namespace that ends with its process.

#![cfg(target_os = "linux")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_store::{Batch, Expected, Query, Store, StoreError};
use serde_json::json;
use tempfile::TempDir;

use crate::place::{Note, note};

const DIRECTORY: &str = "NASIKO_STORE_TINY_DISK";

#[test]
fn a_disk_without_space_is_told_and_loses_nothing() {
    if !Command::new("unshare")
        .args(["--mount", "true"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("skipped: no mount namespace can be made here (needs Linux and the superuser)");
        return;
    }
    let directory = TempDir::new().unwrap();
    let script = r#"mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" tiny_disk::child --exact --ignored --nocapture"#;
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[ignore = "runs as the child of the test above"]
async fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let ballast = directory.join("ballast");
    fs_err::write(&ballast, vec![1; 300 << 10]).unwrap();
    let file = directory.join("state.db");
    let store = Store::open(&file).await.unwrap();
    let (mut kept, full) = fill(&store, 0).await;
    assert!(kept > 5);
    assert_eq!(Fault::from(full).code, ErrorCode::DiskFull);
    check(&store, kept).await;

    fs_err::remove_file(&ballast).unwrap();
    let (more, full) = fill(&store, kept).await;
    assert!(more > kept, "space that was made is used without a restart");
    assert!(matches!(full, StoreError::DiskFull));
    kept = more;
    check(&store, kept).await;
    store.close().await;

    check_reopened(&file, kept).await;
}

/// Commits until it fails; gives how many there are now, and the failure.
async fn fill(store: &Store, from: usize) -> (usize, StoreError) {
    for number in from.. {
        let record = Note {
            text: "x".repeat(8_000),
            ..note(&number.to_string(), None)
        };
        let mut batch = Batch::new();
        batch
            .put(&record, Expected::New)
            .event("note.changed", number.to_string(), json!({}));
        if let Err(error) = store.commit(batch).await {
            return (number, error);
        }
    }
    unreachable!("the disk is finite")
}

async fn check(store: &Store, kept: usize) {
    let notes = store.list::<Note>(Query::all().limit(1_000)).await.unwrap();
    assert_eq!(
        notes.items.len(),
        kept,
        "all that was told, and not a piece of what was not"
    );
    assert_eq!(
        store.events_after(0, 1_000).await.unwrap().events.len(),
        kept
    );
}

async fn check_reopened(file: &Path, kept: usize) {
    let store = Store::open(file).await.unwrap();
    check(&store, kept).await;
    store.close().await;
}
