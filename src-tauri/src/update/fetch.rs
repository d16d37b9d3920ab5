//! Fetching a newer version: whole, signed by the right key, and the version that was promised. All of it blocks.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use fs_err::File;
use nasiko_contract::{ErrorCode, Fault};

use super::offer::{Offer, Source, broken, unreachable};

/// The largest version there will be, in bytes.
const LARGEST: u64 = 200 << 20;

/// A version that may be put in place.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) file: PathBuf,
}

/// Fetches what is offered into `folder`, which then holds it alone. What was fetched before is checked again instead.
pub(super) fn fetch(source: &Source, offer: &Offer, folder: &Path) -> Result<Ready, Fault> {
    let file = folder.join(format!("Nasiko-{}.AppImage", offer.version));
    fs_err::create_dir_all(folder)
        .and_then(|()| forget_others(folder, &file))
        .map_err(|error| failed(&error))?;
    if check(source, offer, &file).is_ok() {
        return Ok(Ready { file });
    }
    let fetched = download(source, offer, &file).and_then(|()| check(source, offer, &file));
    if let Err(fault) = fetched {
        // Nothing stays that was not checked.
        let _ = fs_err::remove_file(&file);
        return Err(fault);
    }
    Ok(Ready { file })
}

fn download(source: &Source, offer: &Offer, file: &Path) -> Result<(), Fault> {
    let mut answer = source.get(&offer.url, LARGEST)?;
    let mut sink = File::create(file).map_err(|error| failed(&error))?;
    io::copy(&mut answer, &mut sink).map_err(|error| unreachable(&error))?;
    sink.sync_all().map_err(|error| failed(&error))
}

/// Signed, by the right key; and what is signed says itself that it is the version on offer: a signature alone would also
/// pass an old version, with its known faults, off as the newest.
fn check(source: &Source, offer: &Offer, file: &Path) -> Result<(), Fault> {
    let bytes = fs_err::read(file).map_err(|error| failed(&error))?;
    source
        .key
        .verify(&bytes, &offer.signature, false)
        .map_err(|error| broken("signature", &error))?;
    drop(bytes);
    make_executable(file).map_err(|error| failed(&error))?;
    // It unpacks itself for that, so that its first start is as quick as any.
    let answer = Command::new(file)
        .arg("--version")
        .output()
        .map_err(|error| broken("program", &error))?;
    let said = String::from_utf8_lossy(&answer.stdout);
    let said = said.trim().strip_prefix("nasiko ").unwrap_or_default();
    if said != offer.version.to_string() {
        return Err(broken("version", &format!("it calls itself `{said}`")));
    }
    Ok(())
}

/// Removes what was fetched and never put in place.
fn forget_others(folder: &Path, present: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path != present && path.extension().is_some_and(|ending| ending == "AppImage") {
            fs_err::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(file, std::fs::Permissions::from_mode(0o755))
}

/// Elsewhere what is executable is known by its name.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it may fail elsewhere")]
fn make_executable(_file: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn failed(error: &io::Error) -> Fault {
    Fault::new(
        ErrorCode::Internal,
        format!("The update cannot be kept: {error}"),
    )
}
