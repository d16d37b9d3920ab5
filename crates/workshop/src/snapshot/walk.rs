//! The one walk over a folder: names, sizes and times, nothing read but directories.

use std::ffi::OsString;
use std::fs::{FileType, Metadata};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::{Skipped, SnapshotOptions};
use crate::error::WorkshopError;
use crate::ignore::{DockerIgnore, ParentMatches};

/// How deep directories may nest.
const MAX_DEPTH: usize = 64;

/// What the walk found, unsorted and unhashed.
pub(super) struct Listing {
    pub(super) files: Vec<Listed>,
    pub(super) empty_directories: Vec<String>,
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

struct Directory {
    disk: PathBuf,
    /// Relative to the root, as the system spells it.
    relative: PathBuf,
    path: String,
    depth: usize,
    matches: ParentMatches,
    /// Whether the rules leave it out and only exceptions below it are looked for.
    excluded: bool,
}

struct Walk<'a> {
    options: &'a SnapshotOptions,
    rules: DockerIgnore,
    bytes: u64,
    listing: Listing,
    pending: Vec<Directory>,
}

/// Walks the folder.
pub(super) fn list(
    root: &Path,
    options: &SnapshotOptions,
    cancel: &CancellationToken,
) -> Result<Listing, WorkshopError> {
    let mut walk = Walk {
        options,
        rules: rules(root, options),
        bytes: 0,
        listing: Listing {
            files: Vec::new(),
            empty_directories: Vec::new(),
            skipped: Vec::new(),
        },
        pending: vec![Directory {
            disk: root.to_path_buf(),
            relative: PathBuf::new(),
            path: String::new(),
            depth: 0,
            matches: ParentMatches::default(),
            excluded: false,
        }],
    };
    while let Some(directory) = walk.pending.pop() {
        if cancel.is_cancelled() {
            return Err(WorkshopError::Cancelled);
        }
        walk.directory(&directory)?;
    }
    Ok(walk.listing)
}

fn rules(root: &Path, options: &SnapshotOptions) -> DockerIgnore {
    let text = if options.use_dockerignore {
        fs_err::read(root.join(".dockerignore")).unwrap_or_default()
    } else {
        Vec::new()
    };
    let text = String::from_utf8_lossy(&text);
    DockerIgnore::parse(&text).with_patterns(options.ignore.iter().map(String::as_str))
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Directory) -> Result<(), WorkshopError> {
        let entries = match fs_err::read_dir(&directory.disk) {
            Ok(entries) => entries,
            Err(error) if directory.depth == 0 => {
                return Err(WorkshopError::io("Reading", &directory.disk, error));
            }
            Err(error) => {
                self.skip(directory.path.clone(), &error);
                return Ok(());
            }
        };
        let mut kept = 0_usize;
        for entry in entries {
            match entry {
                Ok(entry) => kept += usize::from(self.entry(directory, &entry)?),
                Err(error) => self.skip(directory.path.clone(), &error),
            }
        }
        if kept == 0 && directory.depth > 0 && !directory.excluded {
            self.listing.empty_directories.push(directory.path.clone());
        }
        Ok(())
    }

    /// Takes one entry in; says whether it counts as content of its directory.
    fn entry(
        &mut self,
        directory: &Directory,
        entry: &fs_err::DirEntry,
    ) -> Result<bool, WorkshopError> {
        let name = entry.file_name();
        let path = match (directory.path.as_str(), name.to_string_lossy()) {
            ("", name) => name.into_owned(),
            (parent, name) => format!("{parent}/{name}"),
        };
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => {
                self.skip(path, &error);
                return Ok(false);
            }
        };
        let disk = directory.disk.join(&name);
        let (verdict, matches) = self.rules.verdict(&path, &directory.matches);
        let by_default = verdict.is_none()
            && self.options.use_defaults
            && left_out_by_default(&name.to_string_lossy(), kind, &disk);
        let excluded = by_default || verdict.unwrap_or(false);

        if kind.is_dir() {
            if (excluded && (by_default || !self.rules.may_reinclude_below(&path)))
                || directory.depth >= MAX_DEPTH
            {
                return Ok(false);
            }
            self.pending.push(Directory {
                disk,
                relative: directory.relative.join(&name),
                path,
                depth: directory.depth + 1,
                matches,
                excluded,
            });
            return Ok(!excluded);
        }
        if excluded {
            return Ok(false);
        }
        if !kind.is_file() && !kind.is_symlink() {
            self.listing.skipped.push(Skipped {
                path,
                why: "neither a file nor a link".to_owned(),
            });
            return Ok(false);
        }
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                self.skip(path, &error);
                return Ok(false);
            }
        };
        self.file(directory.relative.join(&name), path, kind, &metadata)?;
        Ok(true)
    }

    fn file(
        &mut self,
        relative: PathBuf,
        path: String,
        kind: FileType,
        metadata: &Metadata,
    ) -> Result<(), WorkshopError> {
        let raw = relative
            .to_str()
            .is_none()
            .then(|| relative.into_os_string());
        let size = if kind.is_symlink() { 0 } else { metadata.len() };
        self.bytes += size;
        self.listing.files.push(Listed {
            path,
            raw,
            is_link: kind.is_symlink(),
            size,
            mode: mode(metadata),
            stamp: stamp(metadata),
        });
        if self.listing.files.len() > self.options.max_files {
            return Err(WorkshopError::TooManyFiles {
                limit: self.options.max_files,
            });
        }
        if self.bytes > self.options.max_bytes {
            let mut largest: Vec<(String, u64)> = self
                .listing
                .files
                .iter()
                .map(|file| (file.path.clone(), file.size))
                .collect();
            largest.sort_unstable_by_key(|(_, size)| std::cmp::Reverse(*size));
            largest.truncate(5);
            return Err(WorkshopError::ContextTooLarge {
                bytes: self.bytes,
                limit: self.options.max_bytes,
                largest,
            });
        }
        Ok(())
    }

    fn skip(&mut self, path: String, error: &std::io::Error) {
        self.listing.skipped.push(Skipped {
            path,
            why: error.to_string(),
        });
    }
}

/// What is hardly ever part of an agent, whatever its rules forget.
fn left_out_by_default(name: &str, kind: FileType, disk: &Path) -> bool {
    if !kind.is_dir() {
        let swap = name.starts_with('.')
            && name
                .rsplit_once('.')
                .is_some_and(|(_, end)| matches!(end, "swp" | "swo" | "swx"));
        return matches!(name, ".DS_Store" | "4913")
            || name.ends_with('~')
            || name.starts_with(".#")
            || swap;
    }
    let has = |marker: &str| disk.join(marker).symlink_metadata().is_ok();
    match name {
        ".git" | ".hg" | ".svn" | "__pycache__" | "node_modules" | ".pytest_cache"
        | ".mypy_cache" | ".ruff_cache" => true,
        // Cargo marks its own; a folder of that name in another project is content.
        "target" => has("CACHEDIR.TAG") || has(".rustc_info.json"),
        _ => has("pyvenv.cfg"),
    }
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
