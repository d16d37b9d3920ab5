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
    /// Something was made or deleted: a directory or not.
    Entry { is_directory: bool },
    /// Something was moved here.
    Arrived,
    /// Something was moved away from here.
    Departed,
    /// Any of these.
    Unknown,
}

impl Meaning {
    /// Whether it is about a directory, where that can be said.
    fn is_directory(self, table: &Table, path: &Path) -> Option<bool> {
        match self {
            Self::Written => Some(false),
            Self::Entry { is_directory } => Some(is_directory),
            // What is here by now is something else.
            Self::Departed => Some(table.is_watched(path)),
            Self::Arrived | Self::Rights => Some(is_directory(table, path)),
            Self::Unknown => None,
        }
    }

    /// Whether something came or went.
    fn is_coming_or_going(self) -> bool {
        !matches!(self, Self::Written | Self::Rights)
    }
}

/// Whether a directory is at a path, or was before it went.
fn is_directory(table: &Table, path: &Path) -> bool {
    let metadata = path.symlink_metadata();
    metadata.map_or_else(|_| table.is_watched(path), |metadata| metadata.is_dir())
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
            Meaning::Entry { is_directory: true }
        }
        EventKind::Create(CreateKind::File) | EventKind::Remove(RemoveKind::File) => {
            Meaning::Entry {
                is_directory: false,
            }
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Meaning::Departed,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Meaning::Arrived,
        // inotify tells of both halves besides.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => {
            return None;
        }
        _ => Meaning::Unknown,
    })
}

fn changed(table: &Table, path: &Path, meaning: Meaning) {
    if meaning != Meaning::Written {
        // A folder that is back already looks the same, but the system's watch over it may have ended meanwhile.
        for mailbox in table.above(path) {
            mailbox.everything();
        }
    }
    let mut kind = None;
    for (root, route) in table.routes(path) {
        let Ok(relative) = path.strip_prefix(root) else {
            continue;
        };
        if relative.as_os_str().is_empty() {
            route.mailbox.everything();
            continue;
        }
        let is_directory = *kind.get_or_insert_with(|| meaning.is_directory(table, path));
        let inside = Inside {
            route,
            path,
            relative,
            meaning,
            is_directory,
        };
        inside.tell(table);
    }
}

/// Something that happened in a folder.
struct Inside<'a> {
    route: &'a Route,
    path: &'a Path,
    relative: &'a Path,
    meaning: Meaning,
    is_directory: Option<bool>,
}

impl Inside<'_> {
    fn tell(&self, table: &Table) {
        let mailbox = &self.route.mailbox;
        let rules = &self.route.rules;
        let mut name = self.relative.to_string_lossy();
        if MAIN_SEPARATOR != '/' {
            name = name.replace(MAIN_SEPARATOR, "/").into();
        }
        if rules.come_from(&name) {
            mailbox.everything();
        } else if rules.leave_out(&name, self.is_directory) {
            return;
        }
        let file_name = name.rsplit_once('/').map_or(&*name, |(_, name)| name);
        // The folder itself counts whatever is in it.
        let parent = self.path.parent().filter(|_| name.len() > file_name.len());
        let is_directory = self
            .is_directory
            .unwrap_or_else(|| is_directory(table, self.path));
        let marks = self.meaning.is_coming_or_going() && is_marker(file_name);
        if let Some(parent) = parent {
            if marks {
                mailbox.directory(parent.to_owned());
            } else if table.is_marked(parent) {
                return;
            }
        }
        if is_directory {
            mailbox.directory(self.path.to_owned());
        }
        if !is_directory && is_temporary(file_name) {
            mailbox.temporary(name.into_owned());
        } else {
            mailbox.path(name.into_owned());
        }
    }
}

/// Whether programs write files of that name to move them over others.
fn is_temporary(name: &str) -> bool {
    let mut endings = name.split('.').skip(1);
    endings.any(|ending| ending == "tmp" || ending.starts_with("tmp-"))
}
