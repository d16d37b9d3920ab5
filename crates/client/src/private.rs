//! Files and folders for the eyes of their owner alone.

use std::{
    fs::{File, TryLockError},
    io::Write,
    path::Path,
};

/// Writes a file of `content`, whole or not at all, readable by its owner alone; one that stands there is replaced. What
/// was written survives the loss of power. Its draft lies beside it, with `.new` at the end of its name.
pub fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    let mut file = create(draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs_err::rename(draft, path)
}

/// Makes a folder, and those above it, for their owner alone; one that is there stays as it is.
pub fn folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Makes this process the holder of the lock file at `path` until the answer is dropped or the process ends, however it ends;
/// `None` while another process holds it.
pub fn try_lock(path: &Path) -> std::io::Result<Option<File>> {
    let file = fs_err::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?
        .into_parts()
        .0;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A new file that only its owner may read, from its first byte on.
fn create(path: &Path) -> std::io::Result<fs_err::File> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use fs_err::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
