mod archives;
mod sources;

use std::io::{Cursor, Write as _};

use nasiko_contract::{ErrorCode, Fault};
use parking_lot::Mutex;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::*;

/// Where things are extracted to.
struct Place {
    temp: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Writes the bytes as an archive and acquires them.
    async fn acquire(&self, bytes: &[u8], limits: &Limits) -> Result<PathBuf, WorkshopError> {
        let archive = self.path("My Agent.zip");
        fs_err::write(&archive, bytes).unwrap();
        let source = Source::parse(archive.to_str().unwrap()).unwrap();
        assert!(matches!(source, Source::Archive(_)));
        acquire(
            &source,
            &self.path("into"),
            limits,
            &|_| {},
            &CancellationToken::new(),
        )
        .await
    }

    /// Acquires what must be refused, and makes sure that nothing is left of it.
    async fn refused(&self, bytes: &[u8], limits: &Limits) -> Fault {
        let error = self.acquire(bytes, limits).await.unwrap_err();
        let left: Vec<_> = fs_err::read_dir(self.path("into"))
            .map(Iterator::collect)
            .unwrap_or_default();
        assert!(left.is_empty(), "left behind: {left:?}");
        Fault::from(error)
    }
}

/// A zip of plain files.
fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        if name.ends_with('/') {
            writer
                .add_directory(*name, SimpleFileOptions::default())
                .unwrap();
        } else {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

/// One entry of a tar.
struct TarEntry<'a> {
    name: &'a str,
    kind: tar::EntryType,
    mode: u32,
    link: &'a str,
    content: &'a str,
}

fn file<'a>(name: &'a str, content: &'a str) -> TarEntry<'a> {
    TarEntry {
        name,
        kind: tar::EntryType::Regular,
        mode: 0o644,
        link: "",
        content,
    }
}

fn link<'a>(name: &'a str, target: &'a str) -> TarEntry<'a> {
    TarEntry {
        name,
        kind: tar::EntryType::Symlink,
        mode: 0o777,
        link: target,
        content: "",
    }
}

/// A tar with names written as they are: the library's own writer would refuse the bad ones.
fn tar(entries: &[TarEntry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        header.as_old_mut().linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        builder.append(&header, entry.content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn names(root: &Path) -> Vec<String> {
    let options = crate::SnapshotOptions {
        use_defaults: false,
        ..crate::SnapshotOptions::default()
    };
    let snapshot = crate::Snapshot::take(root, &options, None, &CancellationToken::new()).unwrap();
    snapshot.files.into_iter().map(|file| file.path).collect()
}
