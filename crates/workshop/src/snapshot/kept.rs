//! A snapshot in a file of its own, so that a later process can still compare a folder with it.

use std::ffi::OsString;
use std::path::Path;

use super::cache::take;
use super::{FileEntry, FileKind, Snapshot, content_hash};
use crate::error::WorkshopError;

/// Marks a file of this form.
const MAGIC: &[u8; 8] = b"nsksnap1";

impl Snapshot {
    /// Writes the snapshot beside `path` and moves it there. What was skipped is not kept.
    pub fn save(&self, path: &Path) -> Result<(), WorkshopError> {
        let written = path.with_extension("new");
        fs_err::write(&written, self.encode())
            .and_then(|()| fs_err::rename(&written, path))
            .map_err(|error| WorkshopError::io("Writing", path, error))
    }

    /// Reads what [`Snapshot::save`] wrote; none if it is missing or damaged.
    pub fn load(path: &Path) -> Option<Self> {
        Self::decode(&fs_err::read(path).ok()?)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for directory in &self.empty_directories {
            bytes.push(b'd');
            put(&mut bytes, directory.as_bytes());
        }
        for file in &self.files {
            let target = match &file.kind {
                FileKind::File => {
                    bytes.push(b'f');
                    None
                }
                FileKind::Symlink { target } => {
                    bytes.push(b'l');
                    Some(target)
                }
            };
            put(&mut bytes, file.path.as_bytes());
            let raw = file.raw.as_deref().unwrap_or_default();
            put(&mut bytes, raw.as_encoded_bytes());
            bytes.extend(file.size.to_le_bytes());
            bytes.extend(file.mode.to_le_bytes());
            bytes.extend(file.modified_ns.to_le_bytes());
            bytes.extend(file.hash.as_bytes());
            if let Some(target) = target {
                put(&mut bytes, target.as_bytes());
            }
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut files = Vec::new();
        let mut empty_directories = Vec::new();
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            if *kind == b'd' {
                empty_directories.push(text(&mut rest)?);
                continue;
            }
            let path = text(&mut rest)?;
            let raw = match bytes_of(&mut rest)? {
                [] => None,
                raw => Some(spelled(raw)?),
            };
            let size = u64::from_le_bytes(take(&mut rest)?);
            let mode = u32::from_le_bytes(take(&mut rest)?);
            let modified_ns = i64::from_le_bytes(take(&mut rest)?);
            let hash = blake3::Hash::from_bytes(take(&mut rest)?);
            let kind = match kind {
                b'f' => FileKind::File,
                b'l' => FileKind::Symlink {
                    target: text(&mut rest)?,
                },
                _ => return None,
            };
            files.push(FileEntry {
                path,
                raw,
                size,
                mode,
                modified_ns,
                kind,
                hash,
            });
        }
        let hash = content_hash(&files, &empty_directories);
        let bytes = files.iter().map(|file| file.size).sum();
        Some(Self {
            files,
            empty_directories,
            hash,
            bytes,
            skipped: Vec::new(),
        })
    }
}

fn put(bytes: &mut Vec<u8>, piece: &[u8]) {
    bytes.extend((piece.len() as u64).to_le_bytes());
    bytes.extend(piece);
}

fn bytes_of<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u64::from_le_bytes(take(rest)?)).ok()?;
    let (piece, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(piece)
}

fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(bytes_of(rest)?.to_vec()).ok()
}

/// The path as the system spells it.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it fails")]
fn spelled(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes.to_vec()))
}

/// None: only Unix has paths that are not Unicode and can be kept.
#[cfg(not(unix))]
fn spelled(_bytes: &[u8]) -> Option<OsString> {
    None
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::super::{Snapshot, SnapshotOptions};

    #[test]
    fn a_kept_snapshot_is_the_same_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("empty")).unwrap();
        fs_err::write(folder.path().join("main.py"), "print()").unwrap();
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink("main.py", folder.path().join("link")).unwrap();
        let never = CancellationToken::new();
        let taken =
            Snapshot::take(folder.path(), &SnapshotOptions::default(), None, &never).unwrap();
        let beside = tempfile::tempdir().unwrap();
        let path = beside.path().join("kept");
        taken.save(&path).unwrap();
        let kept = Snapshot::load(&path).unwrap();
        assert_eq!(kept.files, taken.files);
        assert_eq!(kept.empty_directories, taken.empty_directories);
        assert_eq!(kept.hash, taken.hash);

        let whole = fs_err::read(&path).unwrap();
        fs_err::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert!(Snapshot::load(&path).is_none());
        assert!(Snapshot::load(&beside.path().join("nothing")).is_none());
    }
}
