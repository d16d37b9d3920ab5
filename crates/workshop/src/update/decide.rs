//! For every changed file what is done about it and why.

mod described;
mod reading;

use nasiko_contract::{FileChangeKind, FileUpdate, RuntimeKind, UpdateAction};

pub use reading::needs_reading;

use super::image::{Image, Landing, Verdict};
use super::mentions::Mentions;
use super::{Decide, UpdatePlan, kind};
use crate::compose::COMPOSE_FILES;
use crate::describe::{Description, RequirementsKind};
use crate::dockerfile::placement::below;
use crate::ignore::DockerIgnore;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::snapshot::{Change, Snapshot};
use crate::text::has_extension;

/// An action and the reason for it.
type Decision = (UpdateAction, String);

/// Decides for every change, and for all of them together. Blocks: sources may be read. Never fails: in doubt it rebuilds.
pub fn decide(input: &Decide<'_>) -> UpdatePlan {
    let judge = Judge::new(input);
    let files: Vec<FileUpdate> = input
        .changes
        .iter()
        .map(|change| {
            let (action, why) = judge.change(change);
            FileUpdate {
                path: change.path.clone(),
                change: change.kind,
                action,
                why,
            }
        })
        .collect();
    // The first of those that ask for the most.
    let deciding = files.iter().rev().max_by_key(|file| file.action);
    let (action, why) = deciding.map_or_else(
        || (UpdateAction::Nothing, "nothing changed".to_owned()),
        |file| (file.action, format!("{}: {}", file.path, file.why)),
    );
    UpdatePlan { files, action, why }
}

/// The Dockerfile that counts, whether it is there or not.
pub(super) fn dockerfile_path(description: &Description) -> &str {
    let manifest = description.manifest.build.dockerfile.as_deref();
    let found = description
        .dockerfile
        .as_ref()
        .map(|facts| facts.path.as_str());
    found.or(manifest).unwrap_or("Dockerfile")
}

struct Judge<'a> {
    input: &'a Decide<'a>,
    /// Docker alone: the image of before, and of now.
    images: Option<(Image<'a>, Image<'a>)>,
    mentions: Mentions<'a>,
    ignored: DockerIgnore,
}

impl<'a> Judge<'a> {
    fn new(input: &'a Decide<'a>) -> Self {
        let images = (input.runtime == RuntimeKind::Docker).then(|| {
            (
                Image::new(input.description, input.root, input.before),
                Image::new(input.newer, input.root, input.now),
            )
        });
        let ignore = input.newer.manifest.dev.ignore.iter().map(String::as_str);
        Self {
            input,
            images,
            mentions: Mentions::new(input.root, input.now, input.newer),
            ignored: DockerIgnore::from_patterns(ignore),
        }
    }

    fn change(&self, change: &Change) -> Decision {
        let path = change.path.trim_end_matches('/');
        if self.ignored.excludes(path) {
            return nothing("[dev] ignore in nasiko.toml names it");
        }
        if let Some(rule) = sync_rule(self.manifest(), path) {
            let to = format!(
                "[dev] sync in nasiko.toml puts {} to {}",
                rule.from, rule.to
            );
            return match self.manifest().dev.restart {
                Some(false) => (UpdateAction::Sync, to),
                _ => (UpdateAction::Restart, to),
            };
        }
        if let Some(decision) = self.described(path) {
            return match &self.images {
                Some((before, now)) if decision.0 < UpdateAction::Rebuild && !is_of_ours(path) => {
                    let in_image = self.docker(change, path, before, now);
                    if in_image.0 > UpdateAction::Restart {
                        in_image
                    } else {
                        decision
                    }
                }
                _ => decision,
            };
        }
        if let Some(what) = kind::written(path)
            && !self.is_copied_by_name(path)
        {
            return nothing(&format!("it is {what}: written, not read"));
        }
        match &self.images {
            Some((before, now)) => self.docker(change, path, before, now),
            None => self.process(change, path),
        }
    }

    fn manifest(&self) -> &Manifest {
        &self.input.newer.manifest
    }

    /// Whether what runs has the file.
    fn is_there(&self, path: &str) -> bool {
        self.images
            .as_ref()
            .is_none_or(|(_, now)| !matches!(now.verdict(path), Verdict::Unused(_)))
    }

    fn is_copied_by_name(&self, path: &str) -> bool {
        self.images.as_ref().is_some_and(|(before, now)| {
            before.is_copied_by_name(path) || now.is_copied_by_name(path)
        })
    }

    fn docker(&self, change: &Change, path: &str, before: &Image<'_>, now: &Image<'_>) -> Decision {
        let rebuild = |why: String| (UpdateAction::Rebuild, why);
        if let Some(why) = type_change(self.input.before, self.input.now, path, change.kind) {
            return rebuild(why);
        }
        let removed = change.kind == FileChangeKind::Removed;
        if removed && let Some(step) = before.needs(path) {
            return rebuild(format!("{step} needs it"));
        }
        // A file that came may match a pattern otherwise than one that went.
        let verdict = match change.kind {
            FileChangeKind::Removed => before.verdict(path),
            FileChangeKind::Added => now.verdict(path),
            FileChangeKind::Modified | FileChangeKind::Mode => {
                worse(before.verdict(path), now.verdict(path))
            }
        };
        match verdict {
            Verdict::Unused(why) => {
                let feeds_nothing = kind::is_requirements(path) && self.is_installed_from(path);
                if feeds_nothing {
                    nothing(&format!("{why}, and nothing else installs from it"))
                } else {
                    nothing(&why)
                }
            }
            Verdict::Feeds { step, installs } if installs && self.installs_from(path) => (
                UpdateAction::Environment,
                format!("{step} installs from it: built with what is cached"),
            ),
            Verdict::Feeds { step, .. } => rebuild(format!("feeds {step}")),
            Verdict::Doubt(why) => rebuild(why),
            Verdict::Lands(landings) => {
                let first: Option<&Landing> = landings.first();
                let why = first.map(|landing| landing.why.clone()).unwrap_or_default();
                let uncovers = landings
                    .iter()
                    .filter(|_| removed)
                    .find_map(|landing| before.uncovers(&landing.target));
                match uncovers {
                    Some(why) => rebuild(why),
                    None => self.lands(change, path, why),
                }
            }
        }
    }

    fn process(&self, change: &Change, path: &str) -> Decision {
        if let Some(decision) = self.requirements(path) {
            return decision;
        }
        self.lands(change, path, "the folder is run where it is".to_owned())
    }

    /// What the process runtime installs from.
    fn requirements(&self, path: &str) -> Option<Decision> {
        let Decide {
            description, newer, ..
        } = *self.input;
        let (before, now) = (
            description.requirements.as_ref(),
            newer.requirements.as_ref(),
        );
        let builds_itself = now.is_some_and(|requirements| {
            matches!(
                requirements.kind,
                RequirementsKind::Go | RequirementsKind::Cargo
            )
        });
        if builds_itself || !self.is_installed_from(path) {
            return None;
        }
        if before.map(|requirements| &requirements.hash)
            != now.map(|requirements| &requirements.hash)
        {
            return Some((
                UpdateAction::Environment,
                format!("{path} is installed from"),
            ));
        }
        // Node reads more than the dependencies from it.
        if path.ends_with("package.json") {
            return Some((
                UpdateAction::Restart,
                "the same is installed; the rest of it is read at the start".to_owned(),
            ));
        }
        match self.mentions.of(path.rsplit('/').next().unwrap_or(path)) {
            Some(source) => Some((UpdateAction::Restart, format!("{source} names it"))),
            None => Some(nothing("the same is installed as before")),
        }
    }

    /// Whether the requirements as they were understood name the file.
    fn is_installed_from(&self, path: &str) -> bool {
        [self.input.description, self.input.newer]
            .iter()
            .filter_map(|description| description.requirements.as_ref())
            .flat_map(|requirements| requirements.files.iter().chain(&requirements.included))
            .any(|file| file == path)
    }

    fn installs_from(&self, path: &str) -> bool {
        kind::is_requirements(path) || self.is_installed_from(path)
    }

    /// A file that only has to be where it belongs.
    fn lands(&self, change: &Change, path: &str, why: String) -> Decision {
        if kind::is_database(path) {
            return nothing("it is a database: the agent may write it itself");
        }
        if let Some(word) = kind::aside(path) {
            let reader = self
                .mentions
                .of(word)
                .map(|source| format!("{source} names it"))
                .or_else(|| {
                    let walker = kind::is_prose(path)
                        .then(|| self.mentions.walks())
                        .flatten()?;
                    Some(format!("{walker} reads whole directories"))
                });
            return match reader {
                Some(reader) => self.restart(format!("{reader}; {why}")),
                None => nothing("it is not read by the agent"),
            };
        }
        if kind::is_static(path) && !self.is_held(change, path) {
            return (
                UpdateAction::Sync,
                format!("it is read for each request; {why}"),
            );
        }
        self.restart(why)
    }

    fn restart(&self, why: String) -> Decision {
        if self.manifest().dev.restart == Some(false) {
            return (UpdateAction::Sync, format!("{why}; [dev] restart is off"));
        }
        (UpdateAction::Restart, why)
    }

    /// Whether a static file may be read once and kept: a source names it, renders templates, or lists what there is.
    fn is_held(&self, change: &Change, path: &str) -> bool {
        const LISTS: [&str; 5] = [
            "whitenoise",
            "WhiteNoise",
            "wildcard: false",
            "ManifestStatic",
            "preCache",
        ];
        let name = path.rsplit('/').next().unwrap_or(path);
        let listed = matches!(change.kind, FileChangeKind::Added | FileChangeKind::Removed);
        let page = has_extension(name, "html") || has_extension(name, "htm");
        self.mentions.of(name).is_some()
            || page && self.mentions.any_of(&["emplate", "jinja"]).is_some()
            || listed && self.mentions.any_of(&LISTS).is_some()
    }
}

fn nothing(why: &str) -> Decision {
    (UpdateAction::Nothing, why.to_owned())
}

/// Files that only this product reads: no step of a build does.
pub(super) fn is_of_ours(path: &str) -> bool {
    path == MANIFEST_FILE || COMPOSE_FILES.contains(&path)
}

/// The verdict that asks for more.
fn worse(left: Verdict, right: Verdict) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Unused(_) => 0,
        Verdict::Lands(_) => 1,
        Verdict::Feeds { installs: true, .. } => 2,
        Verdict::Feeds { .. } | Verdict::Doubt(_) => 3,
    };
    if rank(&left) > rank(&right) {
        left
    } else {
        right
    }
}

/// The first `[dev] sync` rule for a path.
pub(super) fn sync_rule<'a>(
    manifest: &'a Manifest,
    path: &str,
) -> Option<&'a crate::manifest::SyncRule> {
    manifest.dev.sync.iter().find(|rule| {
        let from = rule.from.trim_start_matches("./").trim_matches('/');
        let from = if from == "." { "" } else { from };
        path == from || below(path, from).is_some()
    })
}

/// Why a path cannot be laid over because it is another kind of thing now.
pub(super) fn type_change(
    before: &Snapshot,
    now: &Snapshot,
    path: &str,
    kind: FileChangeKind,
) -> Option<String> {
    let became = match kind {
        FileChangeKind::Removed => now.has_directory(path).then_some("a directory"),
        FileChangeKind::Added if before.has_directory(path) && !now.has_directory(path) => {
            Some("a file")
        }
        FileChangeKind::Added => {
            let mut above = path
                .match_indices('/')
                .filter_map(|(end, _)| path.get(..end));
            let was_file = above.any(|directory| before.file(directory).is_some());
            was_file.then_some("below what was a file")
        }
        _ => None,
    };
    became.map(|became| format!("it is {became} now"))
}
