//! Hashing, and remembering hashes: a file whose size, times and inode are the same is not read again.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::listing::{Listed, Stamp};
use super::{FileEntry, FileKind, Skipped};
use crate::error::WorkshopError;

/// A file changed within this time is read again next time: a second write may not move its clock.
const SETTLING: Duration = Duration::from_millis(100);
/// From this many unread files on, hashing is shared among threads.
const PARALLEL_FROM: usize = 64;
/// Threads that hash at most.
const THREADS: usize = 4;
/// Marks a cache file of this form.
const MAGIC: &[u8; 8] = b"nskcach1";

/// Hashes by path, as of the last snapshot. One per folder.
#[derive(Debug, Clone, Default)]
pub struct SnapshotCache {
    entries: HashMap<String, (Stamp, blake3::Hash)>,
}

impl SnapshotCache {
    /// Reads a cache file. A missing or damaged one is an empty cache.
    pub fn load(path: &Path) -> Self {
        fs_err::read(path)
            .ok()
            .and_then(|bytes| Self::decode(&bytes))
            .unwrap_or_default()
    }

    /// Writes the cache beside `path` and moves it there; makes the folder for it.
    pub fn save(&self, path: &Path) -> Result<(), WorkshopError> {
        let written = path.with_extension("new");
        path.parent()
            .map_or(Ok(()), fs_err::create_dir_all)
            .and_then(|()| fs_err::write(&written, self.encode()))
            .and_then(|()| fs_err::rename(&written, path))
            .map_err(|error| WorkshopError::io("Writing", path, error))
    }

    /// How many files it knows.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for (path, (stamp, hash)) in &self.entries {
            let Ok(length) = u32::try_from(path.len()) else {
                continue;
            };
            bytes.extend(length.to_le_bytes());
            bytes.extend(path.as_bytes());
            bytes.extend(stamp.size.to_le_bytes());
            bytes.extend(stamp.modified_ns.to_le_bytes());
            bytes.extend(stamp.changed_ns.to_le_bytes());
            bytes.extend(stamp.inode.to_le_bytes());
            bytes.extend(hash.as_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut entries = HashMap::new();
        while !rest.is_empty() {
            let length = u32::from_le_bytes(take(&mut rest)?) as usize;
            let (path, after) = rest.split_at_checked(length)?;
            rest = after;
            let stamp = Stamp {
                size: u64::from_le_bytes(take(&mut rest)?),
                modified_ns: i64::from_le_bytes(take(&mut rest)?),
                changed_ns: i64::from_le_bytes(take(&mut rest)?),
                inode: u64::from_le_bytes(take(&mut rest)?),
            };
            let hash = blake3::Hash::from_bytes(take(&mut rest)?);
            entries.insert(std::str::from_utf8(path).ok()?.to_owned(), (stamp, hash));
        }
        Some(Self { entries })
    }
}

/// The next bytes of a stored form.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*head)
}

/// Hashes what the cache does not know, and leaves the cache knowing exactly these files.
pub(super) fn hash_all(
    root: &Path,
    listed: Vec<Listed>,
    mut cache: Option<&mut SnapshotCache>,
    skipped: &mut Vec<Skipped>,
    cancel: &CancellationToken,
) -> Result<Vec<FileEntry>, WorkshopError> {
    let mut known = cache
        .as_mut()
        .map(|cache| std::mem::take(&mut cache.entries))
        .unwrap_or_default();
    let mut hashed = Vec::with_capacity(listed.len());
    let mut unread = Vec::new();
    for file in listed {
        match known.remove(&file.path) {
            Some((stamp, hash)) if stamp == file.stamp && !file.is_link && file.raw.is_none() => {
                hashed.push((file, FileKind::File, hash));
            }
            _ => unread.push(file),
        }
    }
    for outcome in read_all(root, unread, cancel)? {
        match outcome {
            Ok(file) => hashed.push(file),
            Err(skip) => skipped.push(skip),
        }
    }
    if let Some(cache) = cache {
        let settled = settled_before();
        cache.entries = hashed
            .iter()
            .filter(|(file, _, _)| {
                file.raw.is_none() && file.stamp.modified_ns.max(file.stamp.changed_ns) < settled
            })
            .map(|(file, _, hash)| (file.path.clone(), (file.stamp, *hash)))
            .collect();
    }
    Ok(hashed
        .into_iter()
        .map(|(file, kind, hash)| entry(file, kind, hash))
        .collect())
}

type Hashed = (Listed, FileKind, blake3::Hash);

fn settled_before() -> i64 {
    let settled = SystemTime::now()
        .checked_sub(SETTLING)
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    settled
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

pub(super) fn entry(file: Listed, kind: FileKind, hash: blake3::Hash) -> FileEntry {
    FileEntry {
        path: file.path,
        raw: file.raw,
        size: file.size,
        mode: file.mode,
        modified_ns: file.stamp.modified_ns,
        kind,
        hash,
    }
}

/// Reads all files, on a few threads when there are many.
fn read_all(
    root: &Path,
    files: Vec<Listed>,
    cancel: &CancellationToken,
) -> Result<Vec<Result<Hashed, Skipped>>, WorkshopError> {
    if files.len() < PARALLEL_FROM {
        return read_some(root, files, cancel);
    }
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(THREADS);
    let share = files.len().div_ceil(threads);
    let mut files = files;
    let mut shares = Vec::with_capacity(threads);
    while !files.is_empty() {
        shares.push(files.split_off(files.len().saturating_sub(share)));
    }
    std::thread::scope(|scope| {
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || read_some(root, share, cancel)))
            .collect();
        let mut read = Vec::new();
        for thread in running {
            match thread.join() {
                Ok(part) => read.extend(part?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(read)
    })
}

fn read_some(
    root: &Path,
    files: Vec<Listed>,
    cancel: &CancellationToken,
) -> Result<Vec<Result<Hashed, Skipped>>, WorkshopError> {
    let mut buffer = vec![0; 64 << 10];
    let mut read = Vec::with_capacity(files.len());
    for mut file in files {
        let disk = root.join(
            file.raw
                .as_deref()
                .map_or_else(|| Path::new(&file.path), Path::new),
        );
        if cancel.is_cancelled() {
            return Err(WorkshopError::Cancelled);
        }
        match read_one(&disk, file.is_link, &mut buffer, cancel) {
            Ok((kind, size, hash)) => {
                file.size = size;
                read.push(Ok((file, kind, hash)));
            }
            Err(_) if cancel.is_cancelled() => return Err(WorkshopError::Cancelled),
            // It went between the listing and the reading.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => read.push(Err(Skipped {
                path: file.path,
                why: error.to_string(),
            })),
        }
    }
    Ok(read)
}

/// Reads one file in pieces, whatever its size. The size is that of what was hashed.
fn read_one(
    disk: &Path,
    is_link: bool,
    buffer: &mut [u8],
    cancel: &CancellationToken,
) -> io::Result<(FileKind, u64, blake3::Hash)> {
    if is_link {
        let target = fs_err::read_link(disk)?;
        let hash = blake3::hash(target.as_os_str().as_encoded_bytes());
        let target = target.to_string_lossy().into_owned();
        return Ok((FileKind::Symlink { target }, 0, hash));
    }
    let mut file = fs_err::File::open(disk)?;
    let mut hasher = blake3::Hasher::new();
    while !cancel.is_cancelled() {
        match file.read(buffer)? {
            0 => return Ok((FileKind::File, hasher.count(), hasher.finalize())),
            length => hasher.update(buffer.get(..length).unwrap_or_default()),
        };
    }
    Err(io::Error::from(io::ErrorKind::Interrupted))
}
