//! The files to lay over an image, as an archive.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use crate::snapshot::{FileEntry, FileKind};
use crate::update::attributes::Owner;

/// What to lay over an image so that it holds what a build of the folder would.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    root: PathBuf,
    /// Sorted by place: a directory before what is in it.
    entries: Vec<Entry>,
    removed: Vec<String>,
    owners: Vec<(String, String)>,
}

/// A file is not what the snapshot says any more: take another one and try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} changed while it was packed")]
pub struct ChangedWhilePacked {
    /// Relative to the folder.
    pub path: String,
}

/// One file, link or directory of the archive.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// In the image, without the leading slash.
    pub(super) place: PathBuf,
    pub(super) owner: Owner,
    pub(super) mode: u32,
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Directory,
    File(FileEntry),
}

impl Layers {
    pub(super) fn new(root: &Path, entries: Vec<Entry>, removed: Vec<String>) -> Self {
        let owners = entries
            .iter()
            .filter(|entry| entry.owner.numbers().is_none())
            .map(|entry| {
                (
                    format!("/{}", entry.place.to_string_lossy()),
                    entry.owner.text(),
                )
            })
            .collect();
        Self {
            root: root.to_path_buf(),
            entries,
            removed,
            owners,
        }
    }

    /// Whether the image is what it should be already.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.removed.is_empty()
    }

    /// How many files, links and directories are laid over.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes a whole uncompressed tar of the new and changed files, sorted by path. Paths are those of the container without
    /// the leading slash; permissions and owners are those a build would give, times those of the files. Large files are
    /// streamed. Blocks. A file that is not what the snapshot says any more is an error with [`ChangedWhilePacked`] inside.
    pub fn write_tar(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut archive = Builder::new(out);
        for entry in &self.entries {
            entry.append(&self.root, &mut archive)?;
        }
        archive.into_inner()?.flush()
    }

    /// Absolute paths of the container that are to be gone: files, then directories that are empty then, deepest first.
    pub fn removed(&self) -> &[String] {
        &self.removed
    }

    /// Absolute paths of the container and the `user` or `user:group` they are to belong to, where only the image knows the
    /// numbers. Without a group it is the user's own. In the archive they belong to 0:0.
    pub fn owners(&self) -> &[(String, String)] {
        &self.owners
    }
}

impl Entry {
    fn append(&self, root: &Path, archive: &mut Builder<impl Write>) -> io::Result<()> {
        let file = match &self.content {
            Content::Directory => {
                let mut header = self.header(EntryType::Directory, 0, 0);
                return archive.append_data(&mut header, self.place.join(""), io::empty());
            }
            Content::File(file) => file,
        };
        let disk = root.join(file.relative());
        let changed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput => changed(&file.path),
            _ => error,
        };
        let modified = u64::try_from(file.modified_ns).unwrap_or(0);
        if let FileKind::Symlink { .. } = file.kind {
            let target = fs_err::read_link(&disk).map_err(changed)?;
            if blake3::hash(target.as_os_str().as_encoded_bytes()) != file.hash {
                return Err(self::changed(&file.path));
            }
            let mut header = self.header(EntryType::Symlink, 0, modified);
            header.set_mode(0o777);
            return archive.append_link(&mut header, &self.place, target);
        }
        let content = fs_err::File::open(&disk).map_err(changed)?;
        let metadata = content.metadata()?;
        if metadata.len() != file.size || !metadata.is_file() {
            return Err(self::changed(&file.path));
        }
        let mut content = Hashing {
            content: content.take(file.size),
            hasher: blake3::Hasher::new(),
        };
        // A second is too coarse for whoever tells versions apart by their times.
        let time = format!(
            "{}.{:09}",
            modified / 1_000_000_000,
            modified % 1_000_000_000
        );
        archive.append_pax_extensions([("mtime", time.as_bytes())])?;
        let mut header = self.header(EntryType::Regular, file.size, modified);
        archive.append_data(&mut header, &self.place, &mut content)?;
        if content.hasher.finalize() == file.hash {
            Ok(())
        } else {
            Err(self::changed(&file.path))
        }
    }

    fn header(&self, kind: EntryType, size: u64, modified_ns: u64) -> Header {
        let (user, group) = self.owner.numbers().unwrap_or((0, 0));
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(self.mode);
        header.set_mtime(modified_ns / 1_000_000_000);
        header.set_uid(user);
        header.set_gid(group);
        header
    }
}

fn changed(path: &str) -> io::Error {
    io::Error::other(ChangedWhilePacked {
        path: path.to_owned(),
    })
}

/// Hashes what is read, so that what was packed is known to be what was meant.
struct Hashing<R> {
    content: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.content.read(buffer)?;
        self.hasher.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
