//! The one place where archive entries become files: every name is checked, every inflated byte is counted.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::{IntakeProgress, Limits};
use crate::error::WorkshopError;

/// Names that are left out wherever they stand in an archive.
const JUNK: [&str; 6] = [
    "__MACOSX",
    ".DS_Store",
    ".git",
    "node_modules",
    "__pycache__",
    "Thumbs.db",
];
/// Entries between two progress reports.
const REPORT_EVERY: u64 = 50;
/// The longest link target.
const MAX_LINK: u64 = 4096;

/// An archive on its way into a folder.
pub(super) struct Extraction<'a> {
    root: &'a Path,
    limits: &'a Limits,
    archive_bytes: u64,
    entries: u64,
    inflated: u64,
    /// Made at the end, so that no entry is ever written through one.
    links: Vec<(PathBuf, PathBuf, String)>,
    made: HashSet<PathBuf>,
    report: &'a dyn Fn(IntakeProgress),
    cancel: &'a CancellationToken,
}

impl<'a> Extraction<'a> {
    pub(super) fn new(
        root: &'a Path,
        limits: &'a Limits,
        archive_bytes: u64,
        report: &'a dyn Fn(IntakeProgress),
        cancel: &'a CancellationToken,
    ) -> Self {
        Self {
            root,
            limits,
            archive_bytes,
            entries: 0,
            inflated: 0,
            links: Vec::new(),
            made: HashSet::new(),
            report,
            cancel,
        }
    }

    /// Counts an entry and checks its name. `None` means it is junk to leave out.
    pub(super) fn admit(&mut self, name: &str) -> Result<Option<PathBuf>, WorkshopError> {
        if self.cancel.is_cancelled() {
            return Err(WorkshopError::Cancelled);
        }
        self.entries += 1;
        if self.entries > self.limits.entries {
            let reason = format!("it has more than {} entries", self.limits.entries);
            return Err(WorkshopError::ArchiveTooLarge {
                reason,
                entry: name.to_owned(),
            });
        }
        if self.entries.is_multiple_of(REPORT_EVERY) {
            (self.report)(IntakeProgress::Extracting {
                entries: self.entries,
                bytes: self.inflated,
            });
        }
        let path = safe_path(name)?;
        let junk = path.iter().any(|part| {
            part.to_str()
                .is_some_and(|part| JUNK.contains(&part) || part.starts_with("._"))
        });
        Ok((!junk && !path.as_os_str().is_empty()).then_some(path))
    }

    pub(super) fn directory(&mut self, path: &Path) -> Result<(), WorkshopError> {
        if self.made.insert(path.to_path_buf()) {
            let disk = self.root.join(path);
            fs_err::create_dir_all(&disk)
                .map_err(|error| entry_error(&path.to_string_lossy(), &disk, error))?;
        }
        Ok(())
    }

    /// Writes a file, counting what really comes out of `content`.
    pub(super) fn file(
        &mut self,
        path: &Path,
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<(), WorkshopError> {
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        let disk = self.root.join(path);
        let mut file = fs_err::File::create(&disk)
            .map_err(|error| entry_error(&path.to_string_lossy(), &disk, error))?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            if self.cancel.is_cancelled() {
                return Err(WorkshopError::Cancelled);
            }
            let length =
                content
                    .read(&mut buffer)
                    .map_err(|error| WorkshopError::ArchiveBroken {
                        path: path.to_path_buf(),
                        reason: error.to_string(),
                    })?;
            if length == 0 {
                break;
            }
            self.count(length as u64, path)?;
            file.write_all(buffer.get(..length).unwrap_or_default())
                .map_err(|error| write_error(&disk, error))?;
        }
        if executable {
            make_executable(&disk)?;
        }
        Ok(())
    }

    /// Notes a link; it is made and judged by [`Extraction::finish`].
    pub(super) fn link(
        &mut self,
        path: PathBuf,
        target: PathBuf,
        name: &str,
    ) -> Result<(), WorkshopError> {
        if target.as_os_str().len() as u64 > MAX_LINK {
            return Err(refused(name, "its link target is too long"));
        }
        if target.is_absolute()
            || target
                .components()
                .any(|part| matches!(part, Component::Prefix(_) | Component::RootDir))
        {
            return Err(refused(name, "it is a link to an absolute path"));
        }
        self.links.push((path, target, name.to_owned()));
        Ok(())
    }

    /// A second name of a file that came before: written as a copy.
    pub(super) fn hard_link(
        &mut self,
        path: &Path,
        target: &str,
        name: &str,
    ) -> Result<(), WorkshopError> {
        let target =
            safe_path(target).map_err(|_| refused(name, "it is a link that leaves the archive"))?;
        let disk = self.root.join(&target);
        let mut content = fs_err::File::open(&disk)
            .map_err(|_| refused(name, "it is a link to an entry that is not there"))?;
        self.file(path, false, &mut content)
    }

    /// Makes the links, refuses those that leave the root, and returns the folder: the one wrapping directory, if that is all.
    pub(super) fn finish(mut self) -> Result<PathBuf, WorkshopError> {
        let root =
            fs_err::canonicalize(self.root).map_err(|error| write_error(self.root, error))?;
        for (path, target, name) in std::mem::take(&mut self.links) {
            let disk = self.root.join(&path);
            // A link made before must not carry this one out of the root.
            let parent = disk.parent().unwrap_or(&root);
            if !resolves_within(parent, &root) {
                return Err(refused(
                    &name,
                    "its path leads through a link out of the archive",
                ));
            }
            fs_err::create_dir_all(parent).map_err(|error| entry_error(&name, parent, error))?;
            make_link(&target, &disk).map_err(|error| entry_error(&name, &disk, error))?;
            self.links.push((path, target, name));
        }
        // Judged only once all are there: one link may lead through another.
        for (path, target, name) in &self.links {
            let start = self.root.join(path);
            let start = start.parent().unwrap_or(&root);
            if !resolves_within(&start.join(target), &root) {
                return Err(refused(name, "it is a link that leaves the archive"));
            }
        }
        (self.report)(IntakeProgress::Extracting {
            entries: self.entries,
            bytes: self.inflated,
        });
        unwrap_directory(self.root)
    }

    fn count(&mut self, length: u64, path: &Path) -> Result<(), WorkshopError> {
        self.inflated += length;
        let entry = || path.to_string_lossy().into_owned();
        if self.inflated > self.limits.inflated_bytes {
            let reason = format!(
                "it inflates to more than {} MiB",
                self.limits.inflated_bytes >> 20
            );
            return Err(WorkshopError::ArchiveTooLarge {
                reason,
                entry: entry(),
            });
        }
        let allowed = self
            .archive_bytes
            .saturating_mul(self.limits.ratio)
            .max(self.limits.ratio_floor);
        if self.inflated > allowed {
            let reason = format!(
                "it inflates to more than {} times its size",
                self.limits.ratio
            );
            return Err(WorkshopError::ArchiveTooLarge {
                reason,
                entry: entry(),
            });
        }
        Ok(())
    }
}

/// The entry's path below the root, or why not. Backslashes separate too: archives from Windows have them.
fn safe_path(name: &str) -> Result<PathBuf, WorkshopError> {
    if name.contains('\0') {
        return Err(refused(name, "its name holds a zero byte"));
    }
    let name_with_slashes = name.replace('\\', "/");
    let drive =
        matches!(name_with_slashes.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if name_with_slashes.starts_with('/') || drive {
        return Err(refused(name, "its path is absolute"));
    }
    let mut path = PathBuf::new();
    for part in name_with_slashes.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(refused(name, "its path leads out of the archive with ..")),
            part => path.push(part),
        }
    }
    Ok(path)
}

pub(super) fn refused(entry: &str, reason: &str) -> WorkshopError {
    let entry = entry
        .chars()
        .flat_map(char::escape_debug)
        .take(300)
        .collect();
    WorkshopError::ArchiveEntryRefused {
        entry,
        reason: reason.to_owned(),
    }
}

/// A failure to make an entry: two entries that want the same place are the archive's fault, the rest is the disk's.
fn entry_error(name: &str, path: &Path, error: std::io::Error) -> WorkshopError {
    use std::io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory};
    match error.kind() {
        AlreadyExists | IsADirectory | NotADirectory => {
            refused(name, "another entry has its place")
        }
        _ => write_error(path, error),
    }
}

fn write_error(path: &Path, error: std::io::Error) -> WorkshopError {
    WorkshopError::io("Writing", path, error)
}

/// Whether the path, as far as it exists, really ends below the root.
fn resolves_within(path: &Path, root: &Path) -> bool {
    let mut existing = path;
    loop {
        match fs_err::canonicalize(existing) {
            Ok(resolved) => return resolved.starts_with(root),
            Err(_) => match existing.parent() {
                Some(parent) => existing = parent,
                None => return false,
            },
        }
    }
}

/// Descends into a single directory; `src` is an agent's own and stays.
fn unwrap_directory(root: &Path) -> Result<PathBuf, WorkshopError> {
    let mut entries =
        fs_err::read_dir(root).map_err(|error| WorkshopError::io("Reading", root, error))?;
    let first = entries.next().and_then(Result::ok);
    match (first, entries.next()) {
        (Some(only), None)
            if only.file_type().is_ok_and(|kind| kind.is_dir()) && only.file_name() != "src" =>
        {
            Ok(only.path())
        }
        _ => Ok(root.to_path_buf()),
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), WorkshopError> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| write_error(path, error))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<(), WorkshopError> {
    Ok(())
}

#[cfg(unix)]
fn make_link(target: &Path, path: &Path) -> std::io::Result<()> {
    fs_err::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn make_link(target: &Path, path: &Path) -> std::io::Result<()> {
    // Links need a privilege there: the entry becomes what git makes of it, a file with the target's name.
    fs_err::write(path, target.to_string_lossy().as_bytes())
}
