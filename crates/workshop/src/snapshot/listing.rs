//! What a walk found, with sizes and times, before any file is read.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::rules::Rules;
use super::walk::{Directory, Found, Visitor, walk};
use super::{Skipped, SnapshotOptions};
use crate::error::WorkshopError;

/// Unsorted and unhashed.
pub(super) struct Listing<'a> {
    options: &'a SnapshotOptions,
    bytes: u64,
    pub(super) files: Vec<Listed>,
    /// Directories that count, but for the root.
    pub(super) directories: Vec<String>,
    pub(super) skipped: Vec<Skipped>,
}

/// A file or link before it is hashed.
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) raw: Option<OsString>,
    pub(super) is_link: bool,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) stamp: Stamp,
}

/// What tells an unchanged file from a changed one without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified_ns: i64,
    /// Unix: time of the last change of the inode, which no tool can set back. 0 elsewhere.
    pub(super) changed_ns: i64,
    /// Unix: inode. 0 elsewhere.
    pub(super) inode: u64,
}

impl<'a> Listing<'a> {
    pub(super) fn new(options: &'a SnapshotOptions) -> Self {
        Self {
            options,
            bytes: 0,
            files: Vec::new(),
            directories: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Lists the whole folder.
    pub(super) fn of(
        root: &Path,
        options: &'a SnapshotOptions,
        cancel: &CancellationToken,
    ) -> Result<Self, WorkshopError> {
        let rules = Rules::read(root, options);
        let mut listing = Self::new(options);
        walk(Directory::root(root), &rules, &mut listing, cancel)?;
        Ok(listing)
    }
}

impl Visitor for Listing<'_> {
    type Error = WorkshopError;

    fn enter(&mut self, _disk: &Path) -> Result<(), WorkshopError> {
        Ok(())
    }

    fn marked(&mut self, _disk: &Path) -> Result<(), WorkshopError> {
        Ok(())
    }

    fn directory(&mut self, path: String) {
        self.directories.push(path);
    }

    fn file(&mut self, found: Found) -> Result<(), WorkshopError> {
        let metadata = match fs_err::symlink_metadata(&found.disk) {
            Ok(metadata) => metadata,
            // It was there a moment ago; the next snapshot would not know of it either.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.skip(found.path, error.to_string());
                return Ok(());
            }
        };
        let is_link = found.is_link;
        let size = if is_link { 0 } else { metadata.len() };
        let (path, raw) = found.raw();
        self.bytes += size;
        self.files.push(Listed {
            path,
            raw,
            is_link,
            size,
            mode: mode(&metadata),
            stamp: stamp(&metadata),
        });
        let sizes = || {
            self.files
                .iter()
                .map(|file| (file.path.as_str(), file.size))
        };
        within_limits(self.options, self.files.len(), self.bytes, sizes)
    }

    fn skip(&mut self, path: String, why: String) {
        self.skipped.push(Skipped { path, why });
    }
}

/// Refuses what passes the limits, naming the largest files.
pub(super) fn within_limits<'a, I: Iterator<Item = (&'a str, u64)>>(
    options: &SnapshotOptions,
    files: usize,
    bytes: u64,
    sizes: impl FnOnce() -> I,
) -> Result<(), WorkshopError> {
    if files > options.max_files {
        return Err(WorkshopError::TooManyFiles {
            limit: options.max_files,
        });
    }
    if bytes <= options.max_bytes {
        return Ok(());
    }
    let mut largest: Vec<(String, u64)> = sizes()
        .map(|(path, size)| (path.to_owned(), size))
        .collect();
    largest.sort_unstable_by_key(|(_, size)| Reverse(*size));
    largest.truncate(5);
    Err(WorkshopError::ContextTooLarge {
        bytes,
        limit: options.max_bytes,
        largest,
    })
}

#[cfg(unix)]
fn stamp(metadata: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds =
        |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Stamp {
        size: metadata.len(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

#[cfg(not(unix))]
fn stamp(metadata: &Metadata) -> Stamp {
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let modified_ns = modified
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0);
    Stamp {
        size: metadata.len(),
        modified_ns,
        changed_ns: 0,
        inode: 0,
    }
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_metadata: &Metadata) -> u32 {
    0o644
}
