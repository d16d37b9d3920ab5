//! Putting a version in place of the one that runs.

use std::path::{Path, PathBuf};

use nasiko_client::resident;
use nasiko_contract::Fault;

use super::fetch::{Ready, failed};

/// Whether the AppImage is a file in a folder in which we may write.
pub(super) fn is_replaceable(image: &Path) -> bool {
    let draft = draft(image);
    let written = image.is_file() && fs_err::write(&draft, "").is_ok();
    // Nothing to remove where nothing could be written.
    let _ = fs_err::remove_file(&draft);
    written
}

/// Replaces the AppImage, in one step. Whoever runs the old one keeps it until they end.
pub(super) fn replace(image: &Path, ready: &Ready) -> Result<(), Fault> {
    let draft = draft(image);
    let replaced = fs_err::copy(&ready.file, &draft)
        .and_then(|_| fs_err::File::open(&draft)?.sync_all())
        .and_then(|()| fs_err::rename(&draft, image))
        .and_then(|()| fs_err::remove_file(&ready.file));
    replaced.map_err(|error| {
        // What was renamed is gone from there.
        let _ = fs_err::remove_file(&draft);
        failed(&error)
    })
}

/// Lets the new version go on in place of the control plane of `home`, if one runs; it adopts the agents.
pub(super) async fn hand_over(home: &Path, image: &Path) -> Result<(), Fault> {
    if resident::attach(home).await.is_err() {
        return Ok(());
    }
    resident::hand_over(home, image, &[]).await.map(drop)
}

/// Beside it, since only there a rename is one step.
fn draft(image: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(image.file_name().unwrap_or_default());
    name.push(".new");
    image.with_file_name(name)
}
