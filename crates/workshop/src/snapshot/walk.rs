//! The one walk over a folder: which of its directories and files count. Reads nothing but directories.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::rules::Rules;
use crate::error::WorkshopError;
use crate::ignore::ParentMatches;

/// How deep directories may nest.
const MAX_DEPTH: usize = 64;

/// Is told what a walk finds.
pub(crate) trait Visitor {
    /// What may end the walk.
    type Error: From<WorkshopError>;

    /// A directory is about to be read.
    fn enter(&mut self, disk: &Path) -> Result<(), Self::Error>;

    /// A directory is left out only because of a file in it, which [`super::is_marker`] knows. It is judged again afterwards.
    fn marked(&mut self, disk: &Path) -> Result<(), Self::Error>;

    /// A directory that counts itself, and is not just walked for what is below it, was read.
    fn directory(&mut self, path: String);

    /// A file or link counts.
    fn file(&mut self, found: Found) -> Result<(), Self::Error>;

    /// Something could not be read.
    fn skip(&mut self, path: String, why: String);
}

/// A file or link that counts, before anything is known of it but its place.
pub(crate) struct Found {
    pub(crate) path: String,
    /// Relative to the root, as the system spells it.
    pub(crate) relative: PathBuf,
    pub(crate) disk: PathBuf,
    pub(crate) is_link: bool,
}

/// A directory that is walked.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(super) disk: PathBuf,
    /// Relative to the root, as the system spells it.
    relative: PathBuf,
    pub(super) path: String,
    depth: usize,
    matches: ParentMatches,
    /// Whether the rules leave it out and only exceptions below it are looked for.
    pub(super) excluded: bool,
}

impl Directory {
    /// The folder itself.
    pub(crate) fn root(root: &Path) -> Self {
        Self {
            disk: root.to_path_buf(),
            relative: PathBuf::new(),
            path: String::new(),
            depth: 0,
            matches: ParentMatches::default(),
            excluded: false,
        }
    }

    /// Relative to the root, `/`-separated.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The directory at a path below, if the walk would come there.
    pub(crate) fn below(&self, relative: &Path, rules: &Rules) -> Result<Self, LeftOut> {
        relative.iter().try_fold(self.clone(), |directory, name| {
            let metadata = directory.disk.join(name).symlink_metadata();
            if metadata.is_ok_and(|metadata| metadata.is_dir()) {
                directory.child(name, rules)
            } else {
                Err(LeftOut::Otherwise)
            }
        })
    }

    /// The directory of that name in this one, if the walk goes there.
    fn child(&self, name: &OsStr, rules: &Rules) -> Result<Self, LeftOut> {
        let disk = self.disk.join(name);
        let path = self.path_of(name);
        let verdict = rules.judge(&path, true, &disk, &self.matches);
        if verdict.marked {
            return Err(LeftOut::Marked(disk));
        }
        if !verdict.entered || self.depth >= MAX_DEPTH {
            return Err(LeftOut::Otherwise);
        }
        Ok(Self {
            disk,
            relative: self.relative.join(name),
            path,
            depth: self.depth + 1,
            matches: verdict.matches,
            excluded: verdict.excluded,
        })
    }

    fn path_of(&self, name: &OsStr) -> String {
        match (self.path.as_str(), name.to_string_lossy()) {
            ("", name) => name.into_owned(),
            (parent, name) => format!("{parent}/{name}"),
        }
    }
}

/// Why a directory is not walked.
pub(crate) enum LeftOut {
    /// A file in the directory named says that it belongs to a tool.
    Marked(PathBuf),
    /// It is none, or the rules leave it out.
    Otherwise,
}

/// Walks a directory and everything below it. Only its own being unreadable where it is the root, the visitor, and the cancel
/// end it early.
pub(crate) fn walk<V: Visitor>(
    start: Directory,
    rules: &Rules,
    visitor: &mut V,
    cancel: &CancellationToken,
) -> Result<(), V::Error> {
    let mut pending = vec![start];
    while let Some(directory) = pending.pop() {
        if cancel.is_cancelled() {
            return Err(WorkshopError::Cancelled.into());
        }
        visitor.enter(&directory.disk)?;
        let entries = match fs_err::read_dir(&directory.disk) {
            Ok(entries) => entries,
            Err(error) if directory.depth == 0 => {
                return Err(WorkshopError::io("Reading", &directory.disk, error).into());
            }
            Err(error) => {
                visitor.skip(directory.path, error.to_string());
                continue;
            }
        };
        for entry in entries {
            let read = entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?)));
            match read {
                Ok((name, kind)) => {
                    pending.extend(self::entry(&directory, &name, kind, rules, visitor)?);
                }
                Err(error) => visitor.skip(directory.path.clone(), error.to_string()),
            }
        }
        if directory.depth > 0 && !directory.excluded {
            visitor.directory(directory.path);
        }
    }
    Ok(())
}

/// Judges one entry and tells the visitor of it; a directory to be walked is returned.
pub(super) fn entry<V: Visitor>(
    directory: &Directory,
    name: &OsStr,
    kind: std::fs::FileType,
    rules: &Rules,
    visitor: &mut V,
) -> Result<Option<Directory>, V::Error> {
    if kind.is_dir() {
        return Ok(match directory.child(name, rules) {
            Err(LeftOut::Marked(disk)) => {
                visitor.marked(&disk)?;
                directory.child(name, rules).ok()
            }
            judged => judged.ok(),
        });
    }
    let disk = directory.disk.join(name);
    let path = directory.path_of(name);
    let verdict = rules.judge(&path, false, &disk, &directory.matches);
    if verdict.excluded {
        return Ok(None);
    }
    if !kind.is_file() && !kind.is_symlink() {
        visitor.skip(path, "neither a file nor a link".to_owned());
        return Ok(None);
    }
    visitor.file(Found {
        path,
        relative: directory.relative.join(name),
        disk,
        is_link: kind.is_symlink(),
    })?;
    Ok(None)
}

impl Found {
    /// The path as the system spells it, where it is not Unicode.
    pub(super) fn raw(self) -> (String, Option<OsString>) {
        let raw = self.relative.to_str().is_none();
        (self.path, raw.then(|| self.relative.into_os_string()))
    }
}
