//! A snapshot as a build context: a tar whose bytes depend on the content alone.

use std::io::{self, Read, Write};
use std::path::Path;

use tar::{Builder, EntryType, Header};

use super::{FileEntry, FileKind, Snapshot};
use crate::error::WorkshopError;

impl Snapshot {
    /// Writes the files, then `extra` files (path and content; they replace files of the same path), as a tar: sorted, times
    /// zero, owner 0, modes 644 or 755. Blocks. A file that is gone or changed its size since the snapshot is
    /// [`WorkshopError::FolderChanged`], as the archive would not be what the hash says.
    pub fn write_tar(
        &self,
        root: &Path,
        extra: &[(String, Vec<u8>)],
        writer: impl Write,
    ) -> Result<(), WorkshopError> {
        let mut archive = Builder::new(writer);
        let failed =
            |path: &str, error: io::Error| WorkshopError::io("Packing", root.join(path), error);
        for directory in &self.empty_directories {
            let mut header = header(EntryType::Directory, 0, 0o755);
            archive
                .append_data(&mut header, format!("{directory}/"), io::empty())
                .map_err(|error| failed(directory, error))?;
        }
        for file in &self.files {
            if !extra.iter().any(|(path, _)| *path == file.path) {
                append(&mut archive, root, file)?;
            }
        }
        for (path, content) in extra {
            let mut header = header(EntryType::Regular, content.len() as u64, 0o644);
            archive
                .append_data(&mut header, path, content.as_slice())
                .map_err(|error| failed(path, error))?;
        }
        archive
            .into_inner()
            .and_then(|mut writer| writer.flush())
            .map_err(|error| failed("", error))
    }
}

fn append(
    archive: &mut Builder<impl Write>,
    root: &Path,
    file: &FileEntry,
) -> Result<(), WorkshopError> {
    let path = file.relative();
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => WorkshopError::changed(root, &file.path),
        _ => WorkshopError::io("Packing", root.join(path), error),
    };
    if let FileKind::Symlink { .. } = file.kind {
        let target = fs_err::read_link(root.join(path)).map_err(failed)?;
        let mut header = header(EntryType::Symlink, 0, 0o777);
        return archive
            .append_link(&mut header, path, target)
            .map_err(failed);
    }
    let content = fs_err::File::open(root.join(path)).map_err(failed)?;
    if content.metadata().map_err(failed)?.len() != file.size {
        return Err(WorkshopError::changed(root, &file.path));
    }
    let mode = if file.is_executable() { 0o755 } else { 0o644 };
    let mut header = header(EntryType::Regular, file.size, mode);
    archive
        .append_data(&mut header, path, content.take(file.size))
        .map_err(failed)
}

fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
