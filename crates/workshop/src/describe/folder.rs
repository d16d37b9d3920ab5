//! The files of a folder at hand: names from the snapshot and the root, texts in bounded pieces.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::WorkshopError;
use crate::snapshot::{FileEntry, FileKind, Snapshot};
use crate::text::line_at;

/// Bytes of one file that are read.
const TEXT_LIMIT: u64 = 256 << 10;
/// Names that are listed of one directory.
const MOST_NEAR: usize = 2000;

/// A folder being read. `.dockerignore` decides what is in the snapshot, but not what may be understood: small files at the root that
/// are kept out of the image (`.env`, cards, Compose) are seen as well. Nothing is read through a link that leaves the folder.
pub(crate) struct Folder<'a> {
    root: &'a Path,
    /// The root with all links resolved.
    real_root: PathBuf,
    snapshot: &'a Snapshot,
    /// Files at the root, in `.well-known` and in `src`, ignored or not.
    beside: BTreeSet<String>,
    /// Links among them that leave the folder.
    outside: Vec<String>,
    /// What was there when the snapshot was taken and is gone; the root by an empty path.
    gone: OnceLock<String>,
}

impl<'a> Folder<'a> {
    pub(crate) fn new(root: &'a Path, snapshot: &'a Snapshot) -> Self {
        let real_root = fs_err::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        let mut folder = Self {
            root,
            real_root,
            snapshot,
            beside: BTreeSet::new(),
            outside: Vec::new(),
            gone: OnceLock::new(),
        };
        for directory in ["", ".well-known", "src"] {
            folder.list(directory);
        }
        folder
    }

    fn list(&mut self, directory: &str) {
        let Some(entries) = self
            .real(directory)
            .and_then(|path| fs_err::read_dir(path).ok())
        else {
            if directory.is_empty() {
                self.gone.get_or_init(String::new);
            }
            return;
        };
        for entry in entries.take(MOST_NEAR).filter_map(Result::ok) {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
                continue;
            };
            let path = if directory.is_empty() {
                name
            } else {
                format!("{directory}/{name}")
            };
            if kind.is_symlink() && self.real(&path).is_none() {
                self.outside.push(path);
            } else if !kind.is_dir() {
                self.beside.insert(path);
            }
        }
    }

    /// The path with its links resolved, when it is there and within the folder.
    fn real(&self, path: &str) -> Option<PathBuf> {
        let path = fs_err::canonicalize(self.root.join(path)).ok()?;
        path.starts_with(&self.real_root).then_some(path)
    }

    /// Links near the root that lead out of the folder, or nowhere.
    pub(super) fn outside(&self) -> &[String] {
        &self.outside
    }

    /// An error if something that the snapshot has was gone when it was read: what was found then is not the folder, which was
    /// moved away for a moment or is being changed.
    pub(crate) fn was_whole(&self) -> Result<(), WorkshopError> {
        match self.gone.get() {
            None => Ok(()),
            Some(root) if root.is_empty() => Err(WorkshopError::PathNotFound {
                path: self.root.to_path_buf(),
                nearest: None,
            }),
            Some(file) => Err(WorkshopError::changed(self.root, file)),
        }
    }

    pub(super) fn root(&self) -> &Path {
        self.root
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    /// The folder's own name.
    pub(super) fn name(&self) -> String {
        self.root.file_name().map_or_else(
            || "agent".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// Whether there is a file of that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.beside.contains(path) || self.snapshot.file(path).is_some()
    }

    /// The files at the root, in `.well-known` and in `src`.
    pub(super) fn near_files(&self) -> impl Iterator<Item = &str> {
        self.beside.iter().map(String::as_str)
    }

    /// Every file of the snapshot.
    pub(crate) fn files(&self) -> impl Iterator<Item = &'a str> {
        self.snapshot.files.iter().map(|file| file.path.as_str())
    }

    /// The beginning of a file's text, what is not Unicode replaced. `None` when it is not there or outside of the folder.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        self.read_prefix(path, TEXT_LIMIT)
    }

    /// At most `limit` bytes of a file's text.
    pub(crate) fn read_prefix(&self, path: &str, limit: u64) -> Option<String> {
        let bytes = self
            .bytes(path, limit)
            .inspect_err(|error| self.note_gone(path, error))
            .ok()??;
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Some(
            text.strip_prefix('\u{feff}')
                .map(str::to_owned)
                .unwrap_or(text),
        )
    }

    /// None where it is no file, or outside.
    fn bytes(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let path = fs_err::canonicalize(self.root.join(path))?;
        if !path.starts_with(&self.real_root) {
            return Ok(None);
        }
        let file = fs_err::File::open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn note_gone(&self, path: &str, error: &io::Error) {
        let is_gone = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        );
        // A link may lead nowhere, and a name that is not Unicode is not found as the snapshot spells it.
        let was_there = |file: &FileEntry| file.kind == FileKind::File && file.raw.is_none();
        if is_gone && self.snapshot.file(path).is_some_and(was_there) {
            self.gone.get_or_init(|| path.to_owned());
        }
    }

    /// The first sentence of prose in the readme, else its title.
    pub(super) fn readme_sentence(&self) -> Option<String> {
        let path = self.near_files().find(|path| {
            let path = path.to_ascii_lowercase();
            path == "readme.md" || path == "readme" || path == "readme.txt" || path == "readme.rst"
        })?;
        let text = self.read_prefix(path, 16 << 10)?;
        let mut title = None;
        let mut in_code = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("```") {
                in_code = !in_code;
            } else if let Some(heading) = line.strip_prefix('#') {
                title = title.or_else(|| Some(heading.trim_start_matches('#').trim().to_owned()));
            } else if !in_code
                && line.split_whitespace().count() > 3
                && line.starts_with(char::is_alphanumeric)
            {
                let end = line.find(". ").map_or(line.len(), |end| end + 1);
                return Some(line.get(..end).unwrap_or(line).to_owned());
            }
        }
        title.filter(|title| !title.is_empty())
    }
}

/// The line, from 1, of the first place where the text stands.
pub(super) fn line_of(text: &str, needle: &str) -> Option<u32> {
    let offset = text.find(needle)?;
    Some(line_at(text, offset))
}
