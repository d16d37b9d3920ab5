//! Where the copies of a Dockerfile put the files of a folder: forward from a file to its places in the image, and back.

use std::collections::{BTreeSet, HashMap};

use super::script::{Effect, effects};
use super::{CopyFact, DockerfileFacts};
use crate::ignore::{DockerIgnore, Pattern};
use crate::snapshot::{FileKind, Snapshot};

/// Images whose own working directory is `/`, and which have no directories but the usual ones.
const KNOWN_IMAGES: [&str; 8] = [
    "python", "node", "alpine", "debian", "ubuntu", "busybox", "rust", "scratch",
];
/// Directories that every image but `scratch` has.
const USUAL_DIRECTORIES: [&str; 16] = [
    "/bin",
    "/etc",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/local",
    "/usr/local/bin",
    "/usr/sbin",
    "/var",
];

/// One source of a copy as it is in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Index of the copy in [`DockerfileFacts::copies`].
    pub(crate) copy: usize,
    /// Relative to the folder; empty for all of it.
    pub(crate) source: String,
    /// Whether the source is a directory, whose content is copied.
    pub(crate) is_directory: bool,
    /// Absolute, without a slash at the end; empty for `/`.
    pub(crate) target: String,
}

/// A copy of which it is not known what it puts where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// Index of the copy.
    pub(crate) copy: usize,
    /// The file or directory it is about, relative to the folder; empty for any.
    pub(crate) source: String,
    /// What is not known.
    pub(crate) why: String,
}

/// All copies out of the folder, resolved against its content.
#[derive(Debug, Clone, Default)]
pub(crate) struct Placements {
    /// In the order of the copies.
    pub(crate) all: Vec<Placement>,
    /// In the order of the copies.
    pub(crate) doubts: Vec<Doubt>,
    /// Sources that the folder does not have: index of the copy, and the source relative to the folder.
    pub(crate) missing: Vec<(usize, String)>,
}

impl Placements {
    /// Resolves the copies of all stages that the image is made with. `context` is the build context relative to the folder, empty
    /// for the folder itself.
    pub(crate) fn of(facts: &DockerfileFacts, snapshot: &Snapshot, context: &str) -> Self {
        let used = facts.used_stages();
        let mut resolver = Resolver {
            facts,
            snapshot,
            context,
            directories: HashMap::new(),
            found: Self::default(),
        };
        for (index, copy) in facts.copies.iter().enumerate() {
            if used.get(copy.stage) != Some(&true) {
                continue;
            }
            if copy.from.is_none() {
                resolver.copy(index, copy);
            }
        }
        resolver.found
    }

    /// Every place in the image that a file of the folder is copied to, with the index of the copy; excluded ones are left out.
    pub(crate) fn targets<'a>(
        &'a self,
        facts: &'a DockerfileFacts,
        path: &'a str,
    ) -> impl Iterator<Item = (usize, String)> + 'a {
        self.all.iter().filter_map(move |placement| {
            let target = placement.target_of(path)?;
            let copy = facts.copies.get(placement.copy)?;
            (excluded(copy, placement, path) != Some(true)).then_some((placement.copy, target))
        })
    }

    /// The file of the folder that is at a place of the image in the end, as far as the copies of these stages decide.
    pub(crate) fn source_of(
        &self,
        facts: &DockerfileFacts,
        stages: &[usize],
        target: &str,
        snapshot: &Snapshot,
    ) -> Option<(usize, String)> {
        self.all.iter().rev().find_map(|placement| {
            let copy = facts.copies.get(placement.copy)?;
            let source = placement.source_at(target)?;
            let there = stages.contains(&copy.stage)
                && snapshot.file(&source).is_some()
                && excluded(copy, placement, &source) != Some(true);
            there.then_some((placement.copy, source))
        })
    }
}

impl Placement {
    /// Where a path of the folder ends in the image.
    pub(crate) fn target_of(&self, path: &str) -> Option<String> {
        if !self.is_directory {
            return (path == self.source).then(|| self.target.clone());
        }
        below(path, &self.source).map(|rest| format!("{}/{rest}", self.target))
    }

    /// Which path of the folder ends at a place of the image.
    pub(crate) fn source_at(&self, target: &str) -> Option<String> {
        if !self.is_directory {
            return (target == self.target).then(|| self.source.clone());
        }
        let rest = target
            .strip_prefix(self.target.as_str())?
            .strip_prefix('/')?;
        Some(joined(&self.source, rest))
    }
}

/// Whether a copy's `--exclude` leaves a file out; `None` when it depends on how the pattern is read.
pub(crate) fn excluded(copy: &CopyFact, placement: &Placement, path: &str) -> Option<bool> {
    if copy.options.exclude.is_empty() {
        return Some(false);
    }
    let rules = DockerIgnore::from_patterns(copy.options.exclude.iter().map(String::as_str));
    let name = path.rsplit('/').next().unwrap_or(path);
    let within = if placement.is_directory {
        below(path, &placement.source).unwrap_or(name)
    } else {
        name
    };
    // Relative to the source, as it is documented; and to the context, as some engines do.
    match (rules.excludes(within), rules.excludes(path)) {
        (left, right) if left == right => Some(left),
        _ => None,
    }
}

/// The rest of a path below a directory; everything is below `""`.
pub(crate) fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    if directory.is_empty() {
        return Some(path);
    }
    path.strip_prefix(directory)?.strip_prefix('/')
}

/// A path below a directory, which may be `""`.
pub(crate) fn joined(directory: &str, path: &str) -> String {
    match (directory, path) {
        ("", path) => path.to_owned(),
        (directory, "") => directory.to_owned(),
        (directory, path) => format!("{directory}/{path}"),
    }
}

struct Resolver<'a> {
    facts: &'a DockerfileFacts,
    snapshot: &'a Snapshot,
    context: &'a str,
    /// Directories known to exist in the image, by stage, as copies before brought them.
    directories: HashMap<usize, BTreeSet<String>>,
    found: Placements,
}

impl Resolver<'_> {
    fn copy(&mut self, index: usize, copy: &CopyFact) {
        let base = self.base_image(copy.stage);
        let dest_is_unknown = if copy.dest.contains('$') {
            Some("where it goes depends on a variable that only the build knows".to_owned())
        } else if copy.in_base_workdir && !is_known(&base) {
            Some(format!(
                "where it goes depends on the working directory of {base}"
            ))
        } else {
            copy.options
                .other
                .as_ref()
                .map(|option| format!("--{option} is not known"))
        };
        for source in &copy.sources {
            if source.contains("://") || source.starts_with("git@") {
                continue;
            }
            match (&dest_is_unknown, inside(source, copy.options.parents)) {
                (_, None) => self.doubt(index, "", "what it copies is not known before the build"),
                (why, Some(inside)) if is_pattern(inside.as_str()) => {
                    self.pattern(index, copy, &inside, why.as_deref());
                }
                (Some(why), Some(inside)) => {
                    let source = joined(self.context, &inside);
                    self.doubt(index, &source, why);
                }
                (None, Some(inside)) => {
                    let source = joined(self.context, &inside);
                    self.literal(index, copy, &inside, &source, copy.sources.len() > 1);
                }
            }
        }
    }

    fn doubt(&mut self, copy: usize, source: &str, why: &str) {
        self.found.doubts.push(Doubt {
            copy,
            source: source.to_owned(),
            why: why.to_owned(),
        });
    }

    /// A source without wildcards, or one thing that a wildcard matched.
    fn literal(
        &mut self,
        index: usize,
        copy: &CopyFact,
        inside: &str,
        source: &str,
        several: bool,
    ) {
        let dest = copy.dest.trim_end_matches('/');
        if source.is_empty() || self.snapshot.has_directory(source) {
            let target = if copy.options.parents {
                format!("{dest}/{inside}")
            } else {
                dest.to_owned()
            };
            self.place(
                index,
                copy,
                source,
                true,
                target.trim_end_matches('/').to_owned(),
            );
            return;
        }
        let Some(file) = self.snapshot.file(source) else {
            self.found.missing.push((index, source.to_owned()));
            return;
        };
        if let FileKind::Symlink { .. } = file.kind {
            self.doubt(index, source, "it is a link, and the copy follows it");
            return;
        }
        let name = inside.rsplit('/').next().unwrap_or(inside);
        let target = if copy.options.parents {
            format!("{dest}/{inside}")
        } else if copy.dest.ends_with('/') || several {
            format!("{dest}/{name}")
        } else {
            match self.is_directory(copy, dest, name) {
                Some(true) => format!("{dest}/{name}"),
                Some(false) => dest.to_owned(),
                None => {
                    let why = format!("whether {dest} is a directory only the base image knows");
                    self.doubt(index, source, &why);
                    return;
                }
            }
        };
        self.place(index, copy, source, false, target);
    }

    fn pattern(&mut self, index: usize, copy: &CopyFact, inside: &str, unknown: Option<&str>) {
        let pattern = (!inside.contains("**") && !is_pattern(self.context))
            .then(|| Pattern::parse(&joined(self.context, inside)))
            .flatten();
        let Some(pattern) = pattern else {
            self.doubt(
                index,
                "",
                "its pattern is read differently by different engines",
            );
            return;
        };
        let matched = self.matching(&pattern);
        // A pattern without a match copies nothing; that is no error.
        let several = copy.sources.len() > 1 || matched.len() > 1;
        for source in &matched {
            let inside = below(source, self.context).unwrap_or(source).to_owned();
            match unknown {
                Some(why) => self.doubt(index, source, why),
                None if several && !copy.dest.ends_with('/') && !copy.options.parents => {
                    // The engine refuses it, unless the destination is a directory already.
                    let dest = copy.dest.trim_end_matches('/');
                    if self.is_directory(copy, dest, "") == Some(true) {
                        self.literal(index, copy, &inside, source, true);
                    } else {
                        self.doubt(
                            index,
                            source,
                            "several files go to what may be no directory",
                        );
                    }
                }
                None => self.literal(index, copy, &inside, source, several),
            }
        }
    }

    /// Files and directories that a pattern matches; what is below a matched directory belongs to it.
    fn matching(&self, pattern: &Pattern) -> BTreeSet<String> {
        let files = self.snapshot.files.iter().map(|file| file.path.as_str());
        let directories = self.snapshot.empty_directories.iter().map(String::as_str);
        let mut matched = BTreeSet::new();
        for path in files.chain(directories) {
            let ends = path
                .match_indices('/')
                .map(|(end, _)| end)
                .chain([path.len()]);
            let parts = ends.filter_map(|end| path.get(..end));
            if let Some(found) = parts.into_iter().find(|part| pattern.matches(part)) {
                matched.insert(found.to_owned());
            }
        }
        matched
    }

    fn place(
        &mut self,
        index: usize,
        copy: &CopyFact,
        source: &str,
        is_directory: bool,
        target: String,
    ) {
        let known = self.directories.entry(copy.stage).or_default();
        let directory = if is_directory {
            target.as_str()
        } else {
            parent(&target)
        };
        known.insert(directory.to_owned());
        self.found.all.push(Placement {
            copy: index,
            source: source.to_owned(),
            is_directory,
            target,
        });
    }

    /// Whether the image has a directory there when the copy is made; `None` when it cannot be known. `name` is that of the file
    /// which would go there.
    fn is_directory(&self, copy: &CopyFact, dest: &str, name: &str) -> Option<bool> {
        if dest.is_empty() {
            return Some(true);
        }
        if copy.options.link {
            // What is below is not looked at.
            return Some(false);
        }
        let lineage = self.lineage(copy.stage);
        let earlier = |stage: usize, order: usize| lineage.contains(&stage) && order < copy.order;
        let is_or_holds = |path: &str| path == dest || below(path, dest).is_some();
        let base = self.base_image(copy.stage);
        let made_by_workdir = self.facts.workdirs.iter().any(|workdir| {
            earlier(workdir.stage, workdir.order) && is_or_holds(workdir.path.trim_end_matches('/'))
        });
        let made_by_copy = lineage
            .iter()
            .filter_map(|stage| self.directories.get(stage))
            .flatten()
            .any(|directory| is_or_holds(directory));
        let usual = base != "scratch" && USUAL_DIRECTORIES.contains(&dest);
        if made_by_workdir || made_by_copy || usual {
            return Some(true);
        }
        let mut may_be_made = !is_known(&base);
        for run in self
            .facts
            .runs
            .iter()
            .filter(|run| earlier(run.stage, run.order))
        {
            for effect in effects(run) {
                match effect {
                    Effect::Creates(paths) if paths.iter().any(|path| is_or_holds(path)) => {
                        return Some(true);
                    }
                    Effect::Anything => may_be_made = true,
                    _ => {}
                }
            }
        }
        let last = dest.rsplit('/').next().unwrap_or(dest);
        let looks_like_a_file = last == name || last.trim_start_matches('.').contains('.');
        (looks_like_a_file || !may_be_made).then_some(false)
    }

    fn lineage(&self, stage: usize) -> Vec<usize> {
        self.facts.lineage_of(stage)
    }

    /// The image that the stage is built upon in the end, without registry and tag.
    fn base_image(&self, stage: usize) -> String {
        let root = self.lineage(stage).last().copied().unwrap_or(stage);
        let image = self
            .facts
            .stages
            .get(root)
            .map_or("", |stage| stage.image.as_str());
        image.to_owned()
    }
}

fn is_known(image: &str) -> bool {
    let name = image.split(['@']).next().unwrap_or(image);
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let name = name.split(':').next().unwrap_or(name);
    KNOWN_IMAGES.contains(&name)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

/// A source relative to the build context; `None` when only the build knows it.
fn inside(source: &str, keeps_parents: bool) -> Option<String> {
    let mut parts = Vec::new();
    for part in source.split('/') {
        match part {
            "" => {}
            // With `--parents` a dot in the middle says where the copied part of the path begins.
            "." if parts.is_empty() || !keeps_parents => {}
            "." | ".." => return None,
            part => parts.push(part),
        }
    }
    (!source.contains('$')).then(|| parts.join("/"))
}
