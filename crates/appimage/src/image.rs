//! The file system behind a program: where it begins, which it is, and unpacking it.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Component, Path, PathBuf},
};

use backhand::{FilesystemReader, InnerNode};

/// The part of an ELF header of 64 bits that says where its sections are listed.
const HEADER: usize = 64;
/// More than all of ours together: what is larger is no image of ours.
const LARGEST_FILE: u64 = 1 << 30;

/// An AppImage.
pub(crate) struct Image {
    file: File,
    /// Where the file system begins, in bytes.
    offset: u64,
}

impl Image {
    /// Reads where the file system of the program at `path` begins: behind the last byte of the program proper.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut header = [0; HEADER];
        file.read_exact(&mut header)?;
        let offset = end_of_program(&header)
            .ok_or_else(|| io::Error::other("it is no program of 64 bits"))?;
        Ok(Self { file, offset })
    }

    /// Where the file system begins, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// A name that is another one for any other content.
    pub(crate) fn name(&self) -> io::Result<String> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut hasher = crc32fast::Hasher::new();
        let mut length = 0;
        let mut chunk = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                return Ok(format!("{:08x}-{length:x}", hasher.finalize()));
            }
            length += read;
            hasher.update(chunk.get(..read).unwrap_or_default());
        }
    }

    /// Unpacks everything below `folder`, which is made.
    pub(crate) fn unpack(&self, folder: &Path) -> io::Result<()> {
        let reader = BufReader::new(self.file.try_clone()?);
        let files = FilesystemReader::from_reader_with_offset(reader, self.offset)
            .map_err(|error| io::Error::other(format!("its file system is broken: {error}")))?;
        // Folders come before what is in them.
        for node in files.files() {
            let target = below(folder, &node.fullpath)?;
            match &node.inner {
                InnerNode::Dir(_) => fs::create_dir_all(&target)?,
                InnerNode::Symlink(link) => symlink(&link.link, &target)?,
                InnerNode::File(file) => {
                    let mut content = files.file(file).reader().take(LARGEST_FILE);
                    let mut unpacked = File::create_new(&target)?;
                    io::copy(&mut content, &mut unpacked)?;
                    let mode = u32::from(node.header.permissions);
                    unpacked.set_permissions(Permissions::from_mode(mode & 0o755))?;
                }
                _ => return Err(io::Error::other("it holds what is neither file nor folder")),
            }
        }
        Ok(())
    }
}

/// The list of sections is the last part of a program: its place, and how many entries of which size.
fn end_of_program(header: &[u8; HEADER]) -> Option<u64> {
    const SIXTY_FOUR_BITS_LITTLE_ENDIAN: &[u8] = b"\x7fELF\x02\x01";
    let number = |at: usize, length: usize| {
        let bytes = header.get(at..at + length)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    if !header.starts_with(SIXTY_FOUR_BITS_LITTLE_ENDIAN) {
        return None;
    }
    let (list, size, count) = (number(0x28, 8)?, number(0x3a, 2)?, number(0x3c, 2)?);
    list.checked_add(size * count)
}

/// The place below `folder` of a path of the file system, which is absolute there.
fn below(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut place = folder.to_path_buf();
    for part in path.components() {
        match part {
            Component::RootDir => {}
            Component::Normal(name) => place.push(name),
            _ => return Err(io::Error::other("it holds a path that leads out of it")),
        }
    }
    Ok(place)
}

#[cfg(test)]
mod tests;
