//! What is in a folder at one moment: the files that count, their hashes, and one hash over all of them.
//!
//! Equal content hash means an equal build context, whatever the times and owners of the files.

mod cache;
mod changes;
mod context;
#[cfg(test)]
pub(crate) mod edits;
mod kept;
mod listing;
mod outline;
mod refresh;
mod rules;
mod seen;
mod walk;

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use tokio_util::sync::CancellationToken;

pub use cache::SnapshotCache;
pub use changes::Change;
pub use outline::Outline;
pub(crate) use rules::{Rules, is_marker};
pub(crate) use seen::Seen;
pub(crate) use walk::{Directory, Found, LeftOut, Visitor, walk};

use crate::error::WorkshopError;
use listing::Listing;

/// From this size on a finding warns.
pub const CONTEXT_WARNING: u64 = 100 << 20;
/// From this size on the folder is refused.
pub const CONTEXT_LIMIT: u64 = 1 << 30;
/// More files than this are refused.
pub const FILE_LIMIT: usize = 200_000;

/// How a snapshot is taken.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// Whether the folder's `.dockerignore` is honoured.
    pub use_dockerignore: bool,
    /// Whether what never belongs to an agent (`.git`, caches, environments, `node_modules`, `target`) is left out
    /// unless `.dockerignore` re-includes it.
    pub use_defaults: bool,
    /// Further patterns, written as in `.dockerignore`; they come last and so win.
    pub ignore: Vec<String>,
    /// Refused from this many bytes on.
    pub max_bytes: u64,
    /// Refused from this many files on.
    pub max_files: usize,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self {
            use_dockerignore: true,
            use_defaults: true,
            ignore: Vec::new(),
            max_bytes: CONTEXT_LIMIT,
            max_files: FILE_LIMIT,
        }
    }
}

/// The files of a folder that count, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Files and links, sorted by path.
    pub files: Vec<FileEntry>,
    /// Directories without a file or a directory of theirs in the snapshot, sorted; `COPY` of an empty directory needs them.
    pub empty_directories: Vec<String>,
    /// Over paths, executable bits and contents.
    pub hash: ContentHash,
    /// The sum of all sizes.
    pub bytes: u64,
    /// What could not be read, and why; sorted by path.
    pub skipped: Vec<Skipped>,
}

/// One file or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Relative to the root, `/`-separated. Characters that are not Unicode are replaced; [`FileEntry::raw`] has them.
    pub path: String,
    /// The path as the system spells it, where it is not Unicode.
    pub raw: Option<OsString>,
    /// Bytes.
    pub size: u64,
    /// Unix permission bits; 0o644 elsewhere.
    pub mode: u32,
    /// Time of the last change of the content in nanoseconds since 1970.
    pub modified_ns: i64,
    /// File or link.
    pub kind: FileKind,
    /// BLAKE3 of the content, or of the link's target.
    pub hash: blake3::Hash,
}

/// File or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A symbolic link, never followed.
    Symlink {
        /// Where it points, as written.
        target: String,
    },
}

/// A path that was left out because it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Relative to the root.
    pub path: String,
    /// The system's answer, or what it is.
    pub why: String,
}

impl FileEntry {
    /// The order of a snapshot's files.
    fn order(&self, other: &Self) -> Ordering {
        let by_path = self.path.cmp(&other.path);
        by_path.then_with(|| self.raw.cmp(&other.raw))
    }

    /// Where the file is on disk.
    pub(crate) fn relative(&self) -> &Path {
        self.raw
            .as_deref()
            .map_or_else(|| Path::new(&self.path), Path::new)
    }

    /// Whether anybody may execute it.
    pub fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

/// A hash over everything in a snapshot that reaches an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(blake3::Hash);

impl ContentHash {
    /// The first 12 hex digits, as used in image tags.
    pub fn short12(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_hex())
    }
}

impl Snapshot {
    /// Lists and hashes the folder. Blocks: run it on a blocking pool. With a `cache` only files that changed since are
    /// read. Unreadable entries are skipped by name; only an unreadable root, a limit or a cancel is an error.
    pub fn take(
        root: &Path,
        options: &SnapshotOptions,
        cache: Option<&mut SnapshotCache>,
        cancel: &CancellationToken,
    ) -> Result<Self, WorkshopError> {
        let listing = Listing::of(root, options, cancel)?;
        let mut skipped = listing.skipped;
        let files = cache::hash_all(root, listing.files, cache, &mut skipped, cancel)?;
        Ok(Self::of(files, listing.directories, skipped))
    }

    /// Puts together what was read, in any order; `directories` are all that may be empty.
    fn of(
        mut files: Vec<FileEntry>,
        mut directories: Vec<String>,
        mut skipped: Vec<Skipped>,
    ) -> Self {
        // Stable sorts are fast where most is sorted already, as after a refresh.
        files.sort_by(FileEntry::order);
        directories.sort();
        directories.dedup();
        skipped.sort();
        let empty_directories = only_empty(&files, directories);
        Self {
            hash: content_hash(&files, &empty_directories),
            bytes: files.iter().map(|file| file.size).sum(),
            files,
            empty_directories,
            skipped,
        }
    }

    /// The entry at a path.
    pub fn file(&self, path: &str) -> Option<&FileEntry> {
        self.files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()
            .and_then(|index| self.files.get(index))
    }

    /// Whether a directory of that path is part of the snapshot; the root is `""`.
    pub fn has_directory(&self, path: &str) -> bool {
        if path.is_empty() {
            return true;
        }
        let below = format!("{path}/");
        any_below(&self.files, &below, |file| &file.path)
            || any_below(&self.empty_directories, &below, |directory| directory)
            || self
                .empty_directories
                .binary_search_by(|directory| directory.as_str().cmp(path))
                .is_ok()
    }
}

/// The directories without a file or a further directory in them. Both lists are sorted.
fn only_empty(files: &[FileEntry], directories: Vec<String>) -> Vec<String> {
    let is_empty = |path: &String| {
        let below = format!("{path}/");
        !any_below(files, &below, |file| &file.path)
            && !any_below(&directories, &below, |path| path)
    };
    let empty: Vec<bool> = directories.iter().map(is_empty).collect();
    let both = directories.into_iter().zip(empty);
    both.filter_map(|(path, empty)| empty.then_some(path))
        .collect()
}

/// Whether any path of a sorted list starts with `below`.
fn any_below<T>(sorted: &[T], below: &str, path: impl Fn(&T) -> &String) -> bool {
    let next = sorted.partition_point(|item| path(item).as_str() < below);
    sorted
        .get(next)
        .is_some_and(|item| path(item).starts_with(below))
}

fn content_hash(files: &[FileEntry], empty_directories: &[String]) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let path = file
            .raw
            .as_deref()
            .map_or(file.path.as_bytes(), OsStr::as_encoded_bytes);
        // Lengths before texts, so that no two lists of files run together into the same bytes.
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
        let kind = match file.kind {
            FileKind::File if file.is_executable() => b'x',
            FileKind::File => b'f',
            FileKind::Symlink { .. } => b'l',
        };
        hasher.update(&[kind]);
        hasher.update(file.hash.as_bytes());
    }
    for directory in empty_directories {
        hasher.update(&(directory.len() as u64).to_le_bytes());
        hasher.update(directory.as_bytes());
        hasher.update(b"d");
    }
    ContentHash(hasher.finalize())
}

#[cfg(test)]
mod tests;
