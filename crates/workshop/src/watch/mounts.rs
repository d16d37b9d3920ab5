//! Which file systems folders are on, and when that changes. Linux; elsewhere nothing is known, and everything counts as local.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use super::hub::Table;

/// The kernel's list of mounts; reading it costs nothing until it changes, which can be waited for.
const MOUNTS: &str = "/proc/self/mountinfo";

/// One mounted file system.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// Unique among what is mounted.
    id: u64,
    point: PathBuf,
    kind: String,
}

/// The kind of the file system that a folder is on, or that is mounted in it, if changes on that are not always told.
pub(super) fn silent(folder: &Path) -> Option<String> {
    let mounts = read();
    // Of several mounts on one point the last hides the others.
    let own = mounts
        .iter()
        .rev()
        .filter(|mount| folder.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count());
    let inside = mounts
        .iter()
        .filter(|mount| mount.point.starts_with(folder));
    let mut kinds = own.into_iter().chain(inside).map(|mount| &mount.kind);
    kinds.find(|kind| is_silent(kind)).cloned()
}

/// File systems on which others may write without this machine's kernel knowing.
fn is_silent(kind: &str) -> bool {
    let kind = kind.split('.').next().unwrap_or(kind);
    matches!(
        kind,
        "nfs"
            | "nfs4"
            | "cifs"
            | "smb3"
            | "smbfs"
            | "9p"
            | "drvfs"
            | "virtiofs"
            | "fuse"
            | "vboxsf"
            | "vmhgfs"
            | "prl_fs"
            | "afs"
            | "ceph"
            | "coda"
            | "ncpfs"
            | "glusterfs"
            | "lustre"
            | "beegfs"
            | "gpfs"
            | "ocfs2"
    )
}

/// Tells folders whose mounts change, until dropped.
#[cfg(target_os = "linux")]
pub(super) async fn follow(table: Arc<RwLock<Table>>) {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    // Its successor is unsafe, which this workspace forbids; a file keeps the promise that it asks for.
    #[expect(deprecated, reason = "the file owns its descriptor and keeps it")]
    let opened = fs_err::File::open(MOUNTS)
        .and_then(|file| AsyncFd::with_interest(file.into_file(), Interest::PRIORITY));
    let Ok(changes) = opened.inspect_err(|error| tracing::debug!(%error, "cannot follow mounts"))
    else {
        return;
    };
    let mut before = read();
    while let Ok(mut ready) = changes.ready(Interest::PRIORITY).await {
        ready.clear_ready();
        let now = read();
        let gone = before.iter().filter(|mount| !now.contains(mount));
        let come = now.iter().filter(|mount| !before.contains(mount));
        let points: Vec<&Path> = gone
            .chain(come)
            .map(|mount| mount.point.as_path())
            .collect();
        let concerns = |root: &Path| {
            points
                .iter()
                .any(|point| root.starts_with(point) || point.starts_with(root))
        };
        for (root, mailbox) in table.read().roots() {
            if concerns(root) {
                mailbox.everything();
            }
        }
        before = now;
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn follow(_table: Arc<RwLock<Table>>) {}

fn read() -> Vec<Mount> {
    let text = fs_err::read(MOUNTS).unwrap_or_default();
    text.split(|byte| *byte == b'\n')
        .filter_map(parse)
        .collect()
}

/// Reads a line as `proc_pid_mountinfo(5)` describes it: `36 35 98:0 /from /point rw shared:1 - ext4 /dev/sda1 rw`.
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let point = path(fields.nth(3)?);
    let mut fields = fields.skip_while(|field| *field != b"-");
    let kind = String::from_utf8_lossy(fields.nth(1)?).into_owned();
    Some(Mount { id, point, kind })
}

/// Undoes the escaping of spaces, tabs, line ends and backslashes as `\040`.
fn path(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        let code = after
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) if *byte == b'\\' => {
                bytes.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    from_bytes(&bytes)
}

#[cfg(unix)]
fn from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn from_bytes(bytes: &[u8]) -> PathBuf {
    OsStr::new(String::from_utf8_lossy(bytes).as_ref()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_unescaped() {
        let line = br"36 35 98:0 /from /mnt/two\040words\134x rw,noatime shared:1 master:2 - fuse.sshfs host:/ rw";
        let mount = parse(line).unwrap();
        assert_eq!(mount.point, Path::new(r"/mnt/two words\x"));
        assert_eq!((mount.id, mount.kind.as_str()), (36, "fuse.sshfs"));
        assert_eq!(parse(b""), None);
        for (kind, silent) in [
            ("fuse.sshfs", true),
            ("nfs4", true),
            ("ext4", false),
            ("fuseblk", false),
        ] {
            assert_eq!(is_silent(kind), silent, "{kind}");
        }
    }
}
