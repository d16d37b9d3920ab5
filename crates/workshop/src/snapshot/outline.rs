//! What is in a folder before any of it is read: names, sizes, links.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::listing::{Listed, Listing};
use super::{FileKind, Skipped, Snapshot, SnapshotOptions, cache};
use crate::error::WorkshopError;

/// The files of a folder that count, unread: enough to say what the folder is, by reading those that tell. Two of them cannot be
/// compared, since nothing is known of contents.
#[derive(Debug)]
pub struct Outline {
    /// Its hashes are none.
    unread: Snapshot,
}

impl Outline {
    /// Lists the folder. Blocks: run it on a blocking pool. Unreadable entries are skipped by name; only an unreadable root, a
    /// limit or a cancel is an error.
    pub fn of(
        root: &Path,
        options: &SnapshotOptions,
        cancel: &CancellationToken,
    ) -> Result<Self, WorkshopError> {
        let listing = Listing::of(root, options, cancel)?;
        let mut skipped = listing.skipped;
        let mut files = Vec::with_capacity(listing.files.len());
        for file in listing.files {
            match kind(root, &file) {
                Ok(kind) => files.push(cache::entry(file, kind, blake3::Hash::from_bytes([0; 32]))),
                Err(error) => skipped.push(Skipped {
                    path: file.path,
                    why: error.to_string(),
                }),
            }
        }
        Ok(Self {
            unread: Snapshot::of(files, listing.directories, skipped),
        })
    }

    /// How many files and links there are.
    pub fn files(&self) -> usize {
        self.unread.files.len()
    }

    /// The sum of all sizes.
    pub fn bytes(&self) -> u64 {
        self.unread.bytes
    }

    /// For who only asks for names and sizes.
    pub(crate) fn unread(&self) -> &Snapshot {
        &self.unread
    }
}

fn kind(root: &Path, file: &Listed) -> std::io::Result<FileKind> {
    if !file.is_link {
        return Ok(FileKind::File);
    }
    let disk = match &file.raw {
        Some(raw) => root.join(raw),
        None => root.join(&file.path),
    };
    let target = fs_err::read_link(disk)?;
    Ok(FileKind::Symlink {
        target: target.to_string_lossy().into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_the_files_of_a_snapshot_although_none_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        write("main.py", "print()");
        write("src/tools.py", "");
        write("node_modules/left/out.js", "");
        write(".dockerignore", "secret.txt\n");
        write("secret.txt", "kept out");
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink("main.py", folder.path().join("link")).unwrap();
        let (options, never) = (SnapshotOptions::default(), CancellationToken::new());
        let snapshot = Snapshot::take(folder.path(), &options, None, &never).unwrap();
        let outline = Outline::of(folder.path(), &options, &never).unwrap();
        let told = |snapshot: &Snapshot| -> Vec<(String, u64, FileKind)> {
            let files = snapshot.files.iter();
            let row =
                |file: &super::super::FileEntry| (file.path.clone(), file.size, file.kind.clone());
            files.map(row).collect()
        };
        assert_eq!(told(outline.unread()), told(&snapshot));
        assert_eq!(
            (outline.files(), outline.bytes()),
            (snapshot.files.len(), snapshot.bytes)
        );
        assert_eq!(
            outline.unread().empty_directories,
            snapshot.empty_directories
        );
    }
}
