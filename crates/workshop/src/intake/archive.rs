//! Zip, tar and gzipped tar, read as a stream of entries into an [`Extraction`].

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::EntryType;
use tokio_util::sync::CancellationToken;

use super::extraction::{Extraction, refused};
use super::source::{ArchiveKind, archive_kind};
use super::{IntakeProgress, Limits};
use crate::error::WorkshopError;

/// Extracts `archive` into the new folder `target` and returns the agent's folder in it. Blocks. Leaves nothing on failure.
pub(super) fn extract(
    archive: &Path,
    target: &Path,
    limits: &Limits,
    report: &dyn Fn(IntakeProgress),
    cancel: &CancellationToken,
) -> Result<PathBuf, WorkshopError> {
    let outcome = extract_into(archive, target, limits, report, cancel);
    if outcome.is_err() {
        // Best effort: the first failure is the one to tell.
        drop(fs_err::remove_dir_all(target));
    }
    outcome
}

fn extract_into(
    archive: &Path,
    target: &Path,
    limits: &Limits,
    report: &dyn Fn(IntakeProgress),
    cancel: &CancellationToken,
) -> Result<PathBuf, WorkshopError> {
    let Some(kind) = archive_kind(archive)? else {
        return Err(broken(archive, &"it is neither a zip nor a tar file"));
    };
    fs_err::create_dir_all(target).map_err(|error| WorkshopError::io("Writing", target, error))?;
    let file = fs_err::File::open(archive)
        .map_err(|error| WorkshopError::io("Reading", archive, error))?;
    let size = file
        .metadata()
        .map_err(|error| WorkshopError::io("Reading", archive, error))?
        .len();
    let reader = BufReader::new(file);
    let mut extraction = Extraction::new(target, limits, size, report, cancel);
    match kind {
        ArchiveKind::Zip => zip_entries(archive, reader, &mut extraction)?,
        ArchiveKind::Tar => tar_entries(archive, reader, &mut extraction)?,
        ArchiveKind::TarGz => {
            // Headers and padding inflate too: the stream as a whole has a limit of its own.
            let inflated =
                MultiGzDecoder::new(reader).take(limits.inflated_bytes.saturating_mul(2));
            tar_entries(archive, inflated, &mut extraction)?;
        }
    }
    extraction.finish().map_err(|error| match error {
        WorkshopError::PathNotFound { .. } => broken(archive, &"it is empty"),
        error => error,
    })
}

fn broken(archive: &Path, reason: &dyn std::fmt::Display) -> WorkshopError {
    WorkshopError::ArchiveBroken {
        path: archive.to_path_buf(),
        reason: reason.to_string(),
    }
}

fn zip_entries(
    path: &Path,
    reader: BufReader<fs_err::File>,
    extraction: &mut Extraction<'_>,
) -> Result<(), WorkshopError> {
    let mut archive = zip::ZipArchive::new(reader).map_err(|error| broken(path, &error))?;
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| broken(path, &error))?;
        let name = entry.name().to_owned();
        let Some(place) = extraction.admit(&name)? else {
            continue;
        };
        let mode = entry.unix_mode().unwrap_or(0);
        match mode & 0o170_000 {
            _ if entry.is_dir() => extraction.directory(&place)?,
            0o120_000 => {
                let mut target = String::new();
                Read::by_ref(&mut entry)
                    .take(8192)
                    .read_to_string(&mut target)
                    .map_err(|error| broken(path, &error))?;
                extraction.link(place, PathBuf::from(target), &name)?;
            }
            0 | 0o100_000 => extraction.file(&place, mode & 0o111 != 0, &mut entry)?,
            _ => return Err(refused(&name, "it is a device, a pipe or a socket")),
        }
    }
    Ok(())
}

fn tar_entries(
    path: &Path,
    reader: impl Read,
    extraction: &mut Extraction<'_>,
) -> Result<(), WorkshopError> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(|error| broken(path, &error))? {
        let mut entry = entry.map_err(|error| broken(path, &error))?;
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(place) = extraction.admit(&name)? else {
            continue;
        };
        let target = entry
            .link_name_bytes()
            .map(|target| String::from_utf8_lossy(&target).into_owned());
        match kind {
            EntryType::Directory => extraction.directory(&place)?,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                extraction.file(&place, executable, &mut entry)?;
            }
            EntryType::Symlink => {
                extraction.link(place, PathBuf::from(target.unwrap_or_default()), &name)?;
            }
            EntryType::Link => extraction.hard_link(&place, &target.unwrap_or_default(), &name)?,
            _ => return Err(refused(&name, "it is a device, a pipe or a socket")),
        }
    }
    Ok(())
}
