//! For tests: random edits of a folder, to hold what follows them to what is there.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

/// A place for many files: in memory, where the system offers that.
pub(crate) fn large_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// One step of an edit script over a few names, so that steps meet each other.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Write(String, u8),
    Remove(String),
    Directory(String),
    Rename(String, String),
    Link(String, String),
    Executable(String, bool),
    Ignore(Vec<String>),
}

pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let name = || {
        prop::sample::select(vec![
            "a",
            "b",
            "c-d",
            "c",
            "x~",
            "__pycache__",
            "pyvenv.cfg",
            "ü ö",
        ])
    };
    let path = move || prop::collection::vec(name(), 1..4).prop_map(|parts| parts.join("/"));
    let pattern = prop::sample::select(vec!["a", "!a/b", "*/c", "**/x~", "!c/__pycache__", "b/a"]);
    let patterns = prop::collection::vec(pattern.prop_map(str::to_owned), 0..4);
    let edit = prop_oneof![
        6 => (path(), any::<u8>()).prop_map(|(path, content)| Edit::Write(path, content)),
        3 => path().prop_map(Edit::Remove),
        2 => path().prop_map(Edit::Directory),
        3 => (path(), path()).prop_map(|(from, to)| Edit::Rename(from, to)),
        1 => (path(), path()).prop_map(|(path, to)| Edit::Link(path, to)),
        1 => (path(), any::<bool>()).prop_map(|(path, on)| Edit::Executable(path, on)),
        1 => patterns.prop_map(Edit::Ignore),
    ];
    prop::collection::vec(edit, 1..12)
}

/// Does one edit, as far as it can be done, and names what a watcher would name.
pub(crate) fn apply(root: &Path, edit: &Edit, named: &mut BTreeSet<String>) {
    let mut touched = Vec::new();
    let mut made = |path: &str| {
        touched.push(path.to_owned());
        named.extend(highest_new(root, path));
        let _ = fs_err::create_dir_all(root.join(path).parent().unwrap());
        root.join(path)
    };
    match edit {
        Edit::Write(path, content) => drop(fs_err::write(made(path), [*content])),
        Edit::Remove(path) => {
            let disk = made(path);
            let _ = fs_err::remove_dir_all(&disk).or_else(|_| fs_err::remove_file(&disk));
        }
        Edit::Directory(path) => drop(fs_err::create_dir(made(path))),
        Edit::Rename(from, to) => drop(fs_err::rename(made(from), made(to))),
        Edit::Ignore(patterns) => drop(fs_err::write(made(".dockerignore"), patterns.join("\n"))),
        #[cfg(unix)]
        Edit::Link(path, to) => drop(fs_err::os::unix::fs::symlink(to, made(path))),
        #[cfg(unix)]
        Edit::Executable(path, on) => {
            use std::os::unix::fs::PermissionsExt as _;
            let disk = made(path);
            if disk
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_file())
            {
                let mode = if *on { 0o755 } else { 0o644 };
                let _ = fs_err::set_permissions(disk, std::fs::Permissions::from_mode(mode));
            }
        }
        #[cfg(not(unix))]
        Edit::Link(..) | Edit::Executable(..) => {}
    }
    // What was written through a link changed where the link leads.
    let real = touched.iter().filter_map(|path| real_path(root, path));
    named.extend(real.chain(touched.iter().cloned()).collect::<Vec<_>>());
}

/// The first part of a path that is not there yet, spelled without links.
fn highest_new(root: &Path, path: &str) -> Option<String> {
    let ends = path
        .match_indices('/')
        .map(|(end, _)| end)
        .chain([path.len()]);
    let end = ends
        .into_iter()
        .find(|end| fs_err::metadata(root.join(&path[..*end])).is_err())?;
    let (parent, name) = path[..end].rsplit_once('/').unwrap_or(("", &path[..end]));
    let parent = real_path(root, parent)?;
    Some(if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}/{name}")
    })
}

fn real_path(root: &Path, path: &str) -> Option<String> {
    let real = fs_err::canonicalize(root.join(path)).ok()?;
    let relative = real.strip_prefix(fs_err::canonicalize(root).ok()?).ok()?;
    Some(relative.to_str()?.to_owned())
}
