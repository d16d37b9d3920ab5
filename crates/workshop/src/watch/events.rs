//! What the system tells, sorted into mailboxes. Runs on the system's thread: never blocks, and decides by names as far as it
//! can.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use notify::event::{
    AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind, RenameMode,
};
use parking_lot::RwLock;

use super::hub::{Route, Table};
use crate::snapshot::is_marker;

/// What an event means for a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A file was written.
    Written,
    /// Rights, owner or times changed.
    Rights,
    /// Something came or went; whether it is a directory, where that is known.
    Entry(Option<bool>),
}

/// Puts an event into the mailboxes of the folders that it concerns.
pub(super) fn tell(table: &RwLock<Table>, event: notify::Result<notify::Event>) {
    let (paths, meaning) = match event {
        Ok(event) if event.need_rescan() => (event.paths, None),
        Ok(event) => match meaning(event.kind) {
            Some(meaning) => (event.paths, Some(meaning)),
            None => return,
        },
        Err(error) => {
            tracing::warn!(%error, "a watch failed, folders are compared");
            (error.paths, None)
        }
    };
    let table = table.read();
    if let Some(meaning) = meaning {
        for path in &paths {
            changed(&table, path, meaning);
        }
        return;
    }
    for (root, mailbox) in table.roots() {
        let concerned = |path: &PathBuf| path.starts_with(root) || root.starts_with(path);
        if paths.is_empty() || paths.iter().any(concerned) {
            mailbox.everything();
        }
    }
}

fn meaning(kind: EventKind) -> Option<Meaning> {
    Some(match kind {
        // A file that was written through memory tells only when it is closed.
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Data(_)) => Meaning::Written,
        EventKind::Access(_) => return None,
        EventKind::Modify(ModifyKind::Metadata(_)) => Meaning::Rights,
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => {
            Meaning::Entry(Some(true))
        }
        EventKind::Create(CreateKind::File) | EventKind::Remove(RemoveKind::File) => {
            Meaning::Entry(Some(false))
        }
        // inotify tells of both halves besides.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => {
            return None;
        }
        _ => Meaning::Entry(None),
    })
}

fn changed(table: &Table, path: &Path, meaning: Meaning) {
    if meaning != Meaning::Written {
        for mailbox in table.above(path) {
            mailbox.root();
        }
    }
    let mut is_directory = None;
    for (root, route) in table.routes(path) {
        let Ok(relative) = path.strip_prefix(root) else {
            continue;
        };
        if relative.as_os_str().is_empty() {
            route.mailbox.root();
            continue;
        }
        let is_directory = *is_directory.get_or_insert_with(|| match meaning {
            Meaning::Written => false,
            Meaning::Entry(Some(is_directory)) => is_directory,
            // What is gone was a directory if it was watched.
            Meaning::Rights | Meaning::Entry(None) => path
                .symlink_metadata()
                .map_or_else(|_| table.is_watched(path), |metadata| metadata.is_dir()),
        });
        inside(route, path, relative, meaning, is_directory);
    }
}

/// Something happened inside of a folder.
fn inside(route: &Route, path: &Path, relative: &Path, meaning: Meaning, is_directory: bool) {
    let mailbox = &route.mailbox;
    let mut name = relative.to_string_lossy();
    if MAIN_SEPARATOR != '/' {
        name = name.replace(MAIN_SEPARATOR, "/").into();
    }
    if route.rules.come_from(&name) {
        mailbox.everything();
    } else if route.rules.leave_out(&name, is_directory) {
        return;
    }
    let file_name = name.rsplit_once('/').map_or(&*name, |(_, name)| name);
    if is_directory {
        mailbox.directory(path.to_owned());
    } else if matches!(meaning, Meaning::Entry(_))
        && is_marker(file_name)
        && let Some(parent) = path.parent()
        && name.len() > file_name.len()
    {
        mailbox.directory(parent.to_owned());
    }
    if !is_directory && is_temporary(file_name) {
        mailbox.temporary(name.into_owned());
    } else {
        mailbox.path(name.into_owned());
    }
}

/// Whether programs write files of that name to move them over others.
fn is_temporary(name: &str) -> bool {
    let mut endings = name.split('.').skip(1);
    endings.any(|ending| ending == "tmp" || ending.starts_with("tmp-"))
}
