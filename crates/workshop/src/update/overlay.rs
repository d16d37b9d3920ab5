//! The files that differ from the image: found, and packed to be laid over it.

mod layers;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nasiko_contract::FileChangeKind;

pub use layers::{ChangedWhilePacked, Layers};

use self::layers::{Content, Entry};
use super::attributes::Attributes;
use super::decide::{dockerfile_path, is_of_ours, sync_rule, type_change};
use super::image::{Image, Landing, Verdict};
use super::kind;
use crate::describe::Description;
use crate::dockerfile::absolute;
use crate::dockerfile::placement::{below, joined};
use crate::ignore::DockerIgnore;
use crate::manifest::SyncRule;
use crate::snapshot::{Change, FileEntry, Snapshot};

/// What turns an image built of `base` into one built of `now`, whose files are below `root`. Blocks, but reads nothing large. The
/// error is the reason why only a build can: a file feeds a step of it, or it cannot be told where the file goes.
///
/// What `[dev] ignore` names, and what programs write for themselves, stays as it is.
pub fn overlay(
    description: &Description,
    base: &Snapshot,
    now: &Snapshot,
    root: &Path,
) -> Result<Layers, String> {
    let mut gathering = Gathering {
        description,
        base,
        now,
        before: Image::new(description, root, base),
        after: Image::new(description, root, now),
        ignored: DockerIgnore::from_patterns(
            description.manifest.dev.ignore.iter().map(String::as_str),
        ),
        entries: BTreeMap::new(),
        removed: BTreeSet::new(),
    };
    let changes = base.changes(now);
    for change in &changes {
        gathering
            .file(change)
            .map_err(|why| format!("{}: {why}", change.path))?;
    }
    gathering.directories(&changes)?;
    if !changes.is_empty()
        && let Some(missing) = gathering.after.missing()
    {
        return Err(missing);
    }
    Ok(gathering.finish(root))
}

struct Gathering<'a> {
    description: &'a Description,
    base: &'a Snapshot,
    now: &'a Snapshot,
    before: Image<'a>,
    after: Image<'a>,
    ignored: DockerIgnore,
    /// By their place in the image; a name that is not Unicode tells apart what looks the same.
    entries: BTreeMap<(String, Option<OsString>), Entry>,
    /// Files and directories.
    removed: BTreeSet<String>,
}

impl Gathering<'_> {
    fn file(&mut self, change: &Change) -> Result<(), String> {
        let path = change.path.trim_end_matches('/');
        if path.len() < change.path.len() || self.is_left(path) {
            // Directories come later.
            return Ok(());
        }
        if path == dockerfile_path(self.description) || path.ends_with(".dockerignore") {
            return Err("it says how the image is built".to_owned());
        }
        if let Some(why) = type_change(self.base, self.now, path, change.kind) {
            return Err(why);
        }
        if change.kind == FileChangeKind::Removed {
            return self.gone(path);
        }
        for landing in self.landings(path, change.kind)? {
            self.put(path, &landing.target, &landing.attributes)?;
        }
        Ok(())
    }

    /// Whether the file stays as it is in the image.
    fn is_left(&self, path: &str) -> bool {
        let written = kind::written(path).is_some()
            && !self.before.is_copied_by_name(path)
            && !self.after.is_copied_by_name(path);
        self.ignored.excludes(path) || written
    }

    fn landings(&self, path: &str, change: FileChangeKind) -> Result<Vec<Landing>, String> {
        if let Some(rule) = sync_rule(&self.description.manifest, path) {
            return Ok(vec![Landing {
                target: synced(rule, path, self.workdir()),
                attributes: Attributes::default(),
                why: String::new(),
            }]);
        }
        let image = if change == FileChangeKind::Removed {
            &self.before
        } else {
            &self.after
        };
        match image.verdict(path) {
            Verdict::Lands(landings) => Ok(landings),
            Verdict::Unused(_) => Ok(Vec::new()),
            Verdict::Feeds { .. } | Verdict::Doubt(_) if is_of_ours(path) => Ok(Vec::new()),
            Verdict::Feeds { step, .. } => Err(format!("feeds {step}")),
            Verdict::Doubt(why) => Err(why),
        }
    }

    fn workdir(&self) -> &str {
        let facts = self.description.dockerfile.as_ref();
        facts
            .map_or(Some("/app"), |facts| facts.workdir.as_deref())
            .unwrap_or("/")
    }

    fn gone(&mut self, path: &str) -> Result<(), String> {
        if let Some(step) = self.before.needs(path) {
            return Err(format!("{step} needs it"));
        }
        if self
            .base
            .files
            .iter()
            .any(|file| file.path == path && file.raw.is_some())
        {
            return Err("it has gone, and its name is not Unicode".to_owned());
        }
        for landing in self.landings(path, FileChangeKind::Removed)? {
            // Another copy may have been hidden by it.
            if let Some(source) = self.after.source_of(&landing.target) {
                for other in self.landings(&source, FileChangeKind::Added)? {
                    if other.target == landing.target {
                        self.put(&source, &other.target, &other.attributes)?;
                    }
                }
            } else if let Some(why) = self.before.uncovers(&landing.target) {
                return Err(why);
            } else {
                self.removed.insert(landing.target);
            }
        }
        Ok(())
    }

    /// Notes a file, or all of them that look the same where names are not Unicode.
    fn put(&mut self, path: &str, target: &str, attributes: &Attributes) -> Result<(), String> {
        if self.before.has_directory(target) {
            return Err(format!("{target} is a directory in the image"));
        }
        let named = |snapshot: &'_ Snapshot| -> Vec<FileEntry> {
            let from = snapshot
                .files
                .partition_point(|file| file.path.as_str() < path);
            let same = snapshot
                .files
                .iter()
                .skip(from)
                .take_while(|file| file.path == path);
            same.cloned().collect()
        };
        let files = named(self.now);
        let raws: Vec<&Option<OsString>> = files.iter().map(|file| &file.raw).collect();
        if named(self.base)
            .iter()
            .any(|file| !raws.contains(&&file.raw))
        {
            return Err("its name is not Unicode, and changed".to_owned());
        }
        for file in files {
            let entry = Entry {
                place: place(&file, target),
                owner: attributes.owner.clone(),
                mode: attributes.mode(if file.is_executable() { 0o755 } else { 0o644 }, false),
                content: Content::File(file.clone()),
            };
            self.entries.insert((target.to_owned(), file.raw), entry);
        }
        Ok(())
    }

    /// Directories that came and went with the files, or without any.
    fn directories(&mut self, changes: &[Change]) -> Result<(), String> {
        let mut touched: BTreeSet<&str> = BTreeSet::new();
        for change in changes {
            let path = change.path.trim_end_matches('/');
            if matches!(change.kind, FileChangeKind::Modified | FileChangeKind::Mode)
                || self.is_left(path)
            {
                continue;
            }
            let ends = path.match_indices('/').map(|(end, _)| end);
            touched.extend(ends.filter_map(|end| path.get(..end)));
            if path.len() < change.path.len() {
                touched.insert(path);
            }
        }
        for directory in touched {
            let (was, is) = (
                self.base.has_directory(directory),
                self.now.has_directory(directory),
            );
            let kind = match (was, is) {
                (false, true) => FileChangeKind::Added,
                (true, false) => FileChangeKind::Removed,
                _ => continue,
            };
            let landings = self
                .landings(directory, kind)
                .map_err(|why| format!("{directory}/: {why}"))?;
            for landing in landings {
                let target = landing.target;
                if is && !self.before.has_directory(&target) {
                    let entry = Entry {
                        place: PathBuf::from(target.trim_start_matches('/')),
                        owner: landing.attributes.owner.clone(),
                        mode: landing.attributes.mode(0o755, true),
                        content: Content::Directory,
                    };
                    self.entries.insert((target, None), entry);
                } else if was && !self.after.has_directory(&target) {
                    self.removed.insert(target);
                }
            }
        }
        Ok(())
    }

    fn finish(self, root: &Path) -> Layers {
        // What is put there needs not be removed before.
        let kept: BTreeSet<String> = self
            .entries
            .keys()
            .map(|(target, _)| target.clone())
            .collect();
        let (directories, files): (Vec<String>, Vec<String>) = self
            .removed
            .into_iter()
            .filter(|target| !kept.contains(target))
            .partition(|target| self.before.has_directory(target));
        // A directory sorts before what is in it; it goes after.
        let removed = files
            .into_iter()
            .chain(directories.into_iter().rev())
            .collect();
        Layers::new(root, self.entries.into_values().collect(), removed)
    }
}

/// Where a rule of `[dev] sync` puts a file.
fn synced(rule: &SyncRule, path: &str, workdir: &str) -> String {
    let from = rule.from.trim_start_matches("./").trim_matches('/');
    let from = if from == "." { "" } else { from };
    let to = if rule.to.is_empty() { "." } else { &rule.to };
    let to = absolute(Some(workdir), to);
    let directory = to.trim_end_matches('/');
    let place = match below(path, from) {
        Some(rest) => joined(directory, rest),
        None if to.ends_with('/') => joined(directory, path.rsplit('/').next().unwrap_or(path)),
        None => to,
    };
    // Below the root there is no directory to join to.
    format!("/{}", place.trim_start_matches('/'))
}

/// A place of the image as the system spells it: the end of the path is that of the file, which may not be Unicode.
fn place(file: &FileEntry, target: &str) -> PathBuf {
    let target = target.trim_start_matches('/');
    let Some(raw) = &file.raw else {
        return PathBuf::from(target);
    };
    let same = file
        .path
        .rsplit('/')
        .zip(target.rsplit('/'))
        .take_while(|(left, right)| left == right)
        .count();
    let parts: Vec<&str> = target.split('/').collect();
    let mut place: PathBuf = parts
        .iter()
        .take(parts.len().saturating_sub(same))
        .collect();
    let raw: Vec<_> = Path::new(raw).iter().collect();
    place.extend(raw.iter().skip(raw.len().saturating_sub(same)));
    place
}
