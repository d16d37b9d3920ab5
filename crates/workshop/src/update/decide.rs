//! For every changed file what is done about it and why.

use nasiko_contract::{FileChangeKind, FileUpdate, RuntimeKind, UpdateAction};

use super::image::{Image, Landing, Verdict};
use super::mentions::Mentions;
use super::{Decide, UpdatePlan, kind};
use crate::compose::COMPOSE_FILES;
use crate::describe::{Description, RequirementsKind};
use crate::dockerfile::placement::below;
use crate::ignore::DockerIgnore;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::snapshot::{Change, Snapshot};

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

/// Whether a file that the description is made from is among the changes, so that the folder must be described anew before
/// [`decide`].
pub fn needs_reading(description: &Description, changes: &[Change]) -> bool {
    changes.iter().any(|change| {
        let path = change.path.as_str();
        let came_or_went = matches!(change.kind, FileChangeKind::Added | FileChangeKind::Removed);
        describes(description, path)
            || came_or_went
                && (description.entry.is_none()
                    || description
                        .entry
                        .as_ref()
                        .and_then(|entry| entry.file.as_deref())
                        == Some(path)
                    || may_be_entry(path))
    })
}

/// Files that say something of the agent to whoever reads the folder.
fn describes(description: &Description, path: &str) -> bool {
    const NAMES: [&str; 9] = [
        MANIFEST_FILE,
        "Procfile",
        ".env",
        ".env.example",
        ".env.sample",
        ".env.template",
        "env.example",
        ".dockerignore",
        "Dockerfile",
    ];
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let is_card = [
        "agentcard.json",
        "agent-card.json",
        "agent_card.json",
        "agent.json",
        "capabilities.json",
    ]
    .contains(&name);
    let requirements = description.requirements.as_ref();
    let listed = requirements.is_some_and(|requirements| {
        requirements
            .files
            .iter()
            .chain(&requirements.included)
            .any(|file| file == path)
    });
    NAMES.contains(&path)
        || is_card
        || listed
        || kind::is_requirements(path)
        || COMPOSE_FILES.contains(&path)
        || path.ends_with(".env")
        || lower.starts_with("readme")
        || dockerfile_path(description) == path
        || path.ends_with(".dockerignore")
}

/// Names by which a folder without a command of its own is started.
fn may_be_entry(path: &str) -> bool {
    let stem = path
        .rsplit('/')
        .next()
        .and_then(|name| name.split('.').next())
        .unwrap_or_default();
    path.matches('/').count() <= 2
        && matches!(
            stem,
            "main" | "__main__" | "app" | "server" | "agent" | "run" | "serve" | "index"
        )
}

fn dockerfile_path(description: &Description) -> &str {
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

    /// Files that have a meaning of their own, wherever they are copied to.
    fn described(&self, path: &str) -> Option<Decision> {
        let Decide {
            description,
            newer,
            runtime,
            ..
        } = *self.input;
        let docker = runtime == RuntimeKind::Docker;
        if path == dockerfile_path(description) || path == dockerfile_path(newer) {
            return Some(if docker {
                (
                    UpdateAction::Rebuild,
                    format!("{path} says how the image is built"),
                )
            } else {
                self.as_described("the command and the environment in it")
            });
        }
        let own_rules = format!("{}.dockerignore", dockerfile_path(newer));
        let context = newer.manifest.build.context_path();
        if path == ".dockerignore"
            || path == own_rules
            || below(path, context) == Some(".dockerignore")
        {
            return Some(if docker {
                (
                    UpdateAction::Rebuild,
                    format!("{path} says what the image is built from"),
                )
            } else {
                nothing("only an image is built by it")
            });
        }
        if path == MANIFEST_FILE {
            return Some(manifest(description, newer, docker));
        }
        if path == ".env" || is_env_file(description, path) {
            return Some((
                UpdateAction::Restart,
                "its values are given at the start".to_owned(),
            ));
        }
        if COMPOSE_FILES.contains(&path) {
            return Some(self.as_described("what it says of the agent"));
        }
        let is_card = [description, newer].iter().any(|description| {
            description
                .card
                .as_ref()
                .is_some_and(|card| card.path == path)
        });
        if is_card {
            let name = path.rsplit('/').next().unwrap_or(path);
            return Some(match self.mentions.of(name) {
                Some(source) if self.is_there(path) => {
                    (UpdateAction::Restart, format!("{source} reads the card"))
                }
                _ => (
                    UpdateAction::Card,
                    "the card is read again, the program goes on".to_owned(),
                ),
            });
        }
        None
    }

    /// A file that counts for what the description takes from it alone.
    fn as_described(&self, what: &str) -> Decision {
        let Decide {
            description, newer, ..
        } = *self.input;
        let same = description.entry == newer.entry
            && description.env == newer.env
            && description.port == newer.port
            && description.port_candidates == newer.port_candidates;
        let installed = |description: &Description| {
            description
                .requirements
                .as_ref()
                .map(|requirements| requirements.hash.clone())
        };
        if self.input.runtime == RuntimeKind::Process && installed(description) != installed(newer)
        {
            return (
                UpdateAction::Environment,
                "what has to be installed changed".to_owned(),
            );
        }
        if same {
            nothing(&format!("{what} did not change"))
        } else {
            (UpdateAction::Restart, format!("{what} changed"))
        }
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
        if self.is_installed_from(path) || kind::is_requirements(path) {
            if let Some(decision) = self.requirements(path) {
                return decision;
            }
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
        let page = name.ends_with(".html") || name.ends_with(".htm");
        self.mentions.of(name).is_some()
            || page && self.mentions.any_word(&["emplate", "jinja"])
            || listed && self.mentions.any_word(&LISTS)
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

fn is_env_file(description: &Description, path: &str) -> bool {
    // Which ones the Compose file names is not kept: any of them may be.
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".env.")
        && !matches!(name, ".env.example" | ".env.sample" | ".env.template")
        && !description.env.is_empty()
}

fn manifest(before: &Description, newer: &Description, docker: bool) -> Decision {
    if newer
        .findings
        .iter()
        .any(|finding| finding.code == "manifest.broken")
    {
        return (UpdateAction::Restart, "it cannot be read".to_owned());
    }
    let (before, now) = (&before.manifest, &newer.manifest);
    if before.build != now.build && docker {
        return (
            UpdateAction::Rebuild,
            "[build] says how the image is built".to_owned(),
        );
    }
    if before.agent.runtime != now.agent.runtime {
        return (
            UpdateAction::Rebuild,
            "[agent] says where it runs".to_owned(),
        );
    }
    let sections = [
        (before.run != now.run, "[run]"),
        (before.env != now.env, "[env]"),
        (before.agent != now.agent, "[agent]"),
        (before.build != now.build, "[build]"),
    ];
    match sections.iter().find(|(changed, _)| *changed) {
        Some((_, section)) => (
            UpdateAction::Restart,
            format!("{section} counts at the start"),
        ),
        None if before.dev != now.dev => nothing("[dev] counts from now on"),
        None => nothing("it says the same as before"),
    }
}
