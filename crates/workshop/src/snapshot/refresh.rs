//! A newer snapshot from an older one and the paths that may have changed since.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::listing::{Listing, within_limits};
use super::rules::Rules;
use super::walk::{self, Directory};
use super::{Snapshot, SnapshotOptions, cache};
use crate::error::WorkshopError;

/// Systems whose file systems tell `a` from `A`.
const TELLS_CASE_APART: bool = cfg!(target_os = "linux");

impl Snapshot {
    /// The snapshot that [`Snapshot::take`] would give now, provided that nothing but `paths` has changed since this one, taken
    /// with the same options. Blocks.
    ///
    /// A path names a file or a directory, which is read as a whole, or what was one and is gone. The cost is that of these
    /// paths and of one pass over the list of files; a change of `.dockerignore` costs a full take. Errors as
    /// [`Snapshot::take`].
    pub fn refresh(
        &self,
        root: &Path,
        options: &SnapshotOptions,
        paths: &BTreeSet<String>,
        cancel: &CancellationToken,
    ) -> Result<Self, WorkshopError> {
        let mut refresh = Refresh {
            old: self,
            rules: Rules::read(root, options),
            directories: HashMap::from([(String::new(), Directory::root(root))]),
            roots: BTreeSet::new(),
        };
        for path in paths {
            if refresh.rules.come_from(path) || !refresh.place(path) {
                return Self::take(root, options, None, cancel);
            }
        }
        // What is not found below a root that is gone must not read as deleted.
        fs_err::read_dir(root).map_err(|error| WorkshopError::io("Reading", root, error))?;
        refresh.read(root, options, cancel)
    }
}

struct Refresh<'a> {
    old: &'a Snapshot,
    rules: Rules,
    /// Directories on the way to what is read again.
    directories: HashMap<String, Directory>,
    /// What is read again; none of them is below another.
    roots: BTreeSet<String>,
}

impl Refresh<'_> {
    /// Finds out what has to be read again because of a path: itself, or the highest of its parents that is not what the older
    /// snapshot knew. False where that is the whole folder.
    fn place(&mut self, path: &str) -> bool {
        let mut directory = String::new();
        for (start, name) in parts(path) {
            if matches!(name, "" | "." | "..") {
                return false;
            }
            if name.contains(char::REPLACEMENT_CHARACTER) {
                // The name as the system spells it is not known here, so its directory is listed.
                return self.again(&directory);
            }
            let end = start + name.len();
            let whole = path.get(..end).unwrap_or(path);
            if self.roots.contains(whole) {
                return true;
            }
            if end == path.len() || !self.knows(&directory, whole, name) {
                return self.again(whole);
            }
            whole.clone_into(&mut directory);
        }
        false
    }

    fn again(&mut self, path: &str) -> bool {
        if path.is_empty() {
            return false;
        }
        let below = format!("{path}/");
        self.roots.retain(|root| !root.starts_with(&below));
        self.roots.insert(path.to_owned());
        true
    }

    /// Whether the path is a directory that is walked now and was part of the older snapshot, so that what is in it but not
    /// named is as it was.
    fn knows(&mut self, parent: &str, path: &str, name: &str) -> bool {
        if self.directories.contains_key(path) {
            return true;
        }
        if !self.old.has_directory(path) {
            return false;
        }
        let found = self
            .directories
            .get(parent)
            .and_then(|parent| parent.below(Path::new(name), &self.rules).ok());
        found.is_some_and(|found| self.directories.insert(path.to_owned(), found).is_none())
    }

    fn read(
        mut self,
        root: &Path,
        options: &SnapshotOptions,
        cancel: &CancellationToken,
    ) -> Result<Snapshot, WorkshopError> {
        let mut listing = Listing::new(options);
        for path in std::mem::take(&mut self.roots) {
            self.list(&path, &mut listing, cancel)?;
            self.roots.insert(path);
        }
        let mut skipped = listing.skipped;
        let read = cache::hash_all(root, listing.files, None, &mut skipped, cancel)?;

        let stays = |path: &str| !self.is_read_again(path);
        let old = self.old;
        let mut files: Vec<_> = old
            .files
            .iter()
            .filter(|file| stays(&file.path))
            .cloned()
            .collect();
        files.extend(read);
        skipped.extend(
            old.skipped
                .iter()
                .filter(|entry| stays(&entry.path))
                .cloned(),
        );
        let mut directories = listing.directories;
        directories.extend(
            old.empty_directories
                .iter()
                .filter(|path| stays(path))
                .cloned(),
        );
        let parents = self
            .directories
            .into_values()
            .filter(|directory| !directory.excluded);
        directories.extend(
            parents
                .map(|directory| directory.path)
                .filter(|path| !path.is_empty()),
        );

        let snapshot = Snapshot::of(files, directories, skipped);
        let sizes = || {
            snapshot
                .files
                .iter()
                .map(|file| (file.path.as_str(), file.size))
        };
        within_limits(options, snapshot.files.len(), snapshot.bytes, sizes)?;
        Ok(snapshot)
    }

    /// Lists what is at a path now, if anything.
    fn list(
        &self,
        path: &str,
        listing: &mut Listing<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), WorkshopError> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(directory) = self.directories.get(parent) else {
            return Ok(());
        };
        let disk = directory.disk.join(name);
        let kind = match fs_err::symlink_metadata(&disk) {
            Ok(metadata) if is_spelled_so(&directory.disk, name) => metadata.file_type(),
            Ok(_) => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => {
                walk::Visitor::skip(listing, path.to_owned(), error.to_string());
                return Ok(());
            }
        };
        let found = walk::entry(directory, name.as_ref(), kind, &self.rules, listing)?;
        found.map_or(Ok(()), |start| {
            walk::walk(start, &self.rules, listing, cancel)
        })
    }

    fn is_read_again(&self, path: &str) -> bool {
        self.roots.contains(path)
            || path.match_indices('/').any(|(end, _)| {
                path.get(..end)
                    .is_some_and(|parent| self.roots.contains(parent))
            })
    }
}

/// The parts of a path and where each starts.
fn parts(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    path.split('/').map(move |part| {
        let at = start;
        start += part.len() + 1;
        (at, part)
    })
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether the entry that a name leads to is spelled exactly so.
fn is_spelled_so(directory: &Path, name: &str) -> bool {
    TELLS_CASE_APART
        || fs_err::read_dir(directory).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() == name))
        })
}

#[cfg(test)]
mod tests;
