//! Lays the files of an archive over those that are there, each of them whole at once.
//!
//! Three names in the archive are words to us instead of files: [`REMOVED`], [`OWNERS`] and [`GO`]. The first two come
//! before all files and hold texts that end with a NUL byte each; the last one ends the archive. An archive that ends
//! without it was broken off by whoever sent it.

use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt as _, fchown, lchown, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use tar::{Archive, Entry, EntryType};

use crate::accounts;

/// Absolute paths that are to be gone: files, and directories that are empty then.
const REMOVED: &str = ".nasiko/removed";
/// Absolute paths and the `user:group` each is to belong to, in turn.
const OWNERS: &str = ".nasiko/owners";
/// All is there.
const GO: &str = ".nasiko/go";
/// No list is longer, in bytes.
const LIST_LIMIT: u64 = 64 << 20;
/// What a file is called until it is whole.
const UNFINISHED: &str = ".nasiko-unfinished";

/// How an archive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With the word to go on.
    LetGo,
    /// In the middle: whoever sent it is no more.
    HungUp,
}

/// Lays the archive over what is below `root`. A failure names the path.
pub(crate) fn lay(root: &Path, archive: impl Read) -> io::Result<End> {
    let mut archive = Archive::new(Unending(archive));
    // What is sent is several archives, one after another.
    archive.set_ignore_zeros(true);
    let mut owners = Vec::new();
    let entries = archive.entries()?;
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) if is_hang_up(&error) => return Ok(End::HungUp),
            Err(error) => return Err(error),
        };
        let path = entry.path()?.into_owned();
        match path.to_str() {
            Some(REMOVED) => remove(root, &list(&mut entry)?)?,
            Some(OWNERS) => owners = list(&mut entry)?,
            Some(GO) => {
                give(root, &owners)?;
                return Ok(End::LetGo);
            }
            _ => match place(root, &path, &mut entry) {
                Err(error) if is_hang_up(&error) => return Ok(End::HungUp),
                placed => placed?,
            },
        }
    }
    Ok(End::HungUp)
}

/// A stream whose end is an error: none of ours ends before its last word has been read.
struct Unending<R>(R);

impl<R: Read> Read for Unending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// Adds what was tried with which path.
fn failed(what: &str, path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| {
        io::Error::new(
            error.kind(),
            format!("cannot {what} {}: {error}", path.display()),
        )
    }
}

fn list(entry: &mut impl Read) -> io::Result<Vec<String>> {
    let mut text = String::new();
    entry.take(LIST_LIMIT).read_to_string(&mut text)?;
    Ok(text.split_terminator('\0').map(str::to_owned).collect())
}

/// Where a path of the archive or of a list is, below the root and nowhere else.
fn below(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut whole = root.to_owned();
    for part in path.components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                let message = format!("{} leads out of its folder", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
        }
    }
    Ok(whole)
}

fn remove(root: &Path, paths: &[String]) -> io::Result<()> {
    let mut folders = Vec::new();
    for path in paths {
        let path = below(root, Path::new(path))?;
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => folders.push(path),
            Ok(_) => fs::remove_file(&path).map_err(failed("remove", &path))?,
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(failed("look at", &path)(error)),
        }
    }
    // The innermost first.
    folders.sort();
    for folder in folders.iter().rev() {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => {
                return Err(failed("remove", folder)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn give(root: &Path, owners: &[String]) -> io::Result<()> {
    for pair in owners.chunks_exact(2) {
        let [path, owner] = pair else { continue };
        let path = below(root, Path::new(path))?;
        let (user, group) =
            accounts::owner(root, owner).map_err(failed("find the owner of", &path))?;
        lchown(&path, Some(user), Some(group)).map_err(failed("change the owner of", &path))?;
    }
    Ok(())
}

fn place(root: &Path, path: &Path, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
    let target = below(root, path)?;
    if target == root {
        return Ok(());
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
    }
    let placed = match entry.header().entry_type() {
        EntryType::Directory => make_folder(entry, &target),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            whole(&target, |unfinished| write_file(entry, unfinished))
        }
        EntryType::Symlink => whole(&target, |unfinished| {
            symlink(link_of(entry)?, unfinished)?;
            own(entry, unfinished)
        }),
        EntryType::Link => {
            let other = below(root, &link_of(entry)?)?;
            whole(&target, |unfinished| fs::hard_link(&other, unfinished))
        }
        // What follows is told by the entry it belongs to.
        EntryType::XGlobalHeader => Ok(()),
        other => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("it is of a kind that is not laid over ({other:?})"),
        )),
    };
    placed.map_err(|error| {
        if is_hang_up(&error) {
            error
        } else {
            failed("write", &target)(error)
        }
    })
}

fn link_of(entry: &Entry<'_, impl Read>) -> io::Result<PathBuf> {
    let link = entry.link_name()?.map(std::borrow::Cow::into_owned);
    link.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a link that leads nowhere"))
}

/// Makes something beside its place and moves it there, so that a program sees all of it or what was there before.
fn whole(target: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(UNFINISHED);
    let unfinished = target.with_file_name(name);
    let made = make(&unfinished).and_then(|()| replace(&unfinished, target));
    if made.is_err() {
        // The first failure is the one to tell; there may be nothing to remove.
        let _ = fs::remove_file(&unfinished);
    }
    made
}

fn replace(unfinished: &Path, target: &Path) -> io::Result<()> {
    match fs::rename(unfinished, target) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            fs::remove_dir_all(target)?;
            fs::rename(unfinished, target)
        }
        renamed => renamed,
    }
}

fn write_file(entry: &mut Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    io::copy(entry, &mut file)?;
    let header = entry.header();
    let (user, group) = numbers(entry)?;
    fchown(&file, Some(user), Some(group))?;
    // After the owner: changing that takes some bits of the mode away.
    file.set_permissions(Permissions::from_mode(header.mode()?))?;
    set_modified(&file, header.mtime()?)
}

fn set_modified(file: &File, seconds: u64) -> io::Result<()> {
    let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let times = modified.map_or_else(FileTimes::new, |modified| {
        FileTimes::new().set_modified(modified)
    });
    file.set_times(times)
}

fn make_folder(entry: &Entry<'_, impl Read>, target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_dir() => {}
        Ok(found) if found.is_symlink() && target.is_dir() => return Ok(()),
        Ok(_) => {
            fs::remove_file(target)?;
            fs::create_dir(target)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(target)?,
        Err(error) => return Err(error),
    }
    own(entry, target)?;
    fs::set_permissions(target, Permissions::from_mode(entry.header().mode()?))
}

fn own(entry: &Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
    let (user, group) = numbers(entry)?;
    lchown(path, Some(user), Some(group))
}

fn numbers(entry: &Entry<'_, impl Read>) -> io::Result<(u32, u32)> {
    let number = |id: u64| {
        u32::try_from(id).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    };
    Ok((
        number(entry.header().uid()?)?,
        number(entry.header().gid()?)?,
    ))
}

#[cfg(test)]
mod tests;
