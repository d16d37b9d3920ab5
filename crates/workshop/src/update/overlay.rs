//! The files that differ from the image, as an archive to lay over it.

use std::io::{self, Write};
use std::path::Path;

use crate::describe::Description;
use crate::snapshot::Snapshot;

/// What to lay over an image so that it holds what a build of the folder would.
#[derive(Debug, Default)]
pub struct Layers {
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

/// What turns an image built of `base` into one built of `now`. The error is the reason why only a build can.
pub fn overlay(
    description: &Description,
    base: &Snapshot,
    now: &Snapshot,
    root: &Path,
) -> Result<Layers, String> {
    let _ = (description, root);
    if base.hash == now.hash {
        return Ok(Layers::default());
    }
    Err("the folder differs from what the image was built from".to_owned())
}

impl Layers {
    /// Whether the image is what it should be already.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty()
    }

    /// Writes a whole uncompressed tar of the new and changed files. Paths are those of the container without the leading
    /// slash. Blocks. A file that is not what the snapshot says any more is an error with [`ChangedWhilePacked`] inside.
    pub fn write_tar(&self, out: &mut dyn Write) -> io::Result<()> {
        tar::Builder::new(out).finish()
    }

    /// Absolute paths of the container that are to be gone: files, then directories that are empty then, deepest first.
    pub fn removed(&self) -> &[String] {
        &self.removed
    }

    /// Absolute paths of the container and the `user` or `user:group` they are to belong to, where only the image knows the
    /// numbers. Without a group it is the user's own.
    pub fn owners(&self) -> &[(String, String)] {
        &self.owners
    }
}
