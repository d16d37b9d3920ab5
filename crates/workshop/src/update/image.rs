//! The image as its Dockerfile lays it out: where a file of the folder lands, and which steps of the build may read it.

mod landing;

use std::borrow::Cow;
use std::path::Path;

use landing::{Obstacle, Step};

use super::attributes::Attributes;
use super::installs;
use crate::describe::{Description, Folder};
use crate::dockerfile::placement::{Placements, below, joined};
use crate::dockerfile::script::{Effect, effects};
use crate::dockerfile::{self, CommandForm, CopyFact, DockerfileFacts, RunFact};
use crate::ignore::DockerIgnore;
use crate::snapshot::Snapshot;

/// Bytes that are read of a file which an installer reads.
const TEXT_LIMIT: u64 = 1 << 20;
/// Characters of a `RUN` that a reason quotes.
const QUOTED: usize = 40;

/// An image that is built of a folder.
pub(super) struct Image<'a> {
    facts: Cow<'a, DockerfileFacts>,
    snapshot: &'a Snapshot,
    placements: Placements,
    /// The stages that the last one is built upon, and itself.
    lineage: Vec<usize>,
    /// What each `RUN` of the facts does.
    runs: Vec<Vec<Step>>,
    /// The build context relative to the folder.
    context: String,
    /// Rules besides those of the snapshot: of the Dockerfile's own `.dockerignore`, and of that of a build context within the
    /// folder.
    rules: Vec<(String, DockerIgnore)>,
    /// Why nothing can be said of any file.
    blanket: Option<String>,
}

/// What a file is to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No copy brings it. Why.
    Unused(String),
    /// It is only copied. At least one place.
    Lands(Vec<Landing>),
    /// A step of the build may read it.
    Feeds {
        /// `RUN pip install (Dockerfile:5)`.
        step: String,
        /// Whether the step installs what the file names.
        installs: bool,
    },
    /// It cannot be told. Why.
    Doubt(String),
}

/// One place of a file in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Landing {
    /// Absolute.
    pub(super) target: String,
    pub(super) attributes: Attributes,
    /// `COPY src/ to /app/src is after the last RUN (Dockerfile:9)`.
    pub(super) why: String,
}

impl<'a> Image<'a> {
    /// The image that a description's Dockerfile, else the generated one, makes of a snapshot. Files that installers read are read
    /// from `root`.
    pub(super) fn new(description: &'a Description, root: &Path, snapshot: &'a Snapshot) -> Self {
        let (facts, parsed) = facts(description);
        let build = &description.manifest.build;
        let context = build.context_path().to_owned();
        let folder = Folder::new(root, snapshot);
        let placements = Placements::of(&facts, snapshot, &context);
        let mut image = Self {
            lineage: facts.lineage(),
            blanket: if parsed {
                blanket(&facts, &context)
            } else {
                Some("its Dockerfile cannot be read".to_owned())
            },
            rules: rules(&folder, &facts.path, &context),
            facts,
            snapshot,
            placements,
            runs: Vec::new(),
            context,
        };
        let first_copy = image.facts.copies.iter().map(|copy| copy.order).min();
        let runs = image.facts.runs.iter().map(|run| {
            // What is run before anything is copied can only read what is mounted.
            if first_copy.is_none_or(|first| run.order < first) && run.mounts.is_empty() {
                Vec::new()
            } else {
                image.steps(run, &folder)
            }
        });
        image.runs = runs.collect();
        image
    }

    /// What a file is to the image. It need not be in the snapshot any more.
    pub(super) fn verdict(&self, path: &str) -> Verdict {
        if let Some(why) = &self.blanket {
            return Verdict::Doubt(why.clone());
        }
        let Some(inside) = below(path, &self.context) else {
            return Verdict::Unused(format!("the build context is {}", self.context));
        };
        if let Some((file, _)) = self.rules.iter().find(|(_, rules)| rules.excludes(inside)) {
            return Verdict::Unused(format!("{file} leaves it out"));
        }
        if let Some((step, installs)) = self.mounted(path) {
            return Verdict::Feeds { step, installs };
        }
        if let Some(doubt) = self
            .placements
            .doubts
            .iter()
            .find(|doubt| path == doubt.source || below(path, &doubt.source).is_some())
        {
            let place = self
                .facts
                .copies
                .get(doubt.copy)
                .map(|copy| self.place(copy));
            return Verdict::Doubt(format!("{}: {}", place.unwrap_or_default(), doubt.why));
        }
        let mut landings = Vec::new();
        let mut doubt = None;
        for (index, target) in self.placements.targets(&self.facts, path) {
            let Some(copy) = self.facts.copies.get(index) else {
                continue;
            };
            match self.landing(path, index, copy, target) {
                Ok(Some(landing)) => landings.push(landing),
                Ok(None) => {}
                // What is read counts more than what is not known.
                Err(Obstacle::Feeds { step, installs }) => {
                    return Verdict::Feeds { step, installs };
                }
                Err(Obstacle::Doubt(why)) => doubt = doubt.or(Some(why)),
            }
        }
        match doubt {
            Some(why) => Verdict::Doubt(why),
            None if landings.is_empty() => {
                Verdict::Unused("it is not copied into the image".to_owned())
            }
            None => Verdict::Lands(landings),
        }
    }

    /// Which file of the folder is at a place of the image.
    pub(super) fn source_of(&self, target: &str) -> Option<String> {
        let found = self
            .placements
            .source_of(&self.facts, &self.lineage, target, self.snapshot);
        found.map(|(_, source)| source)
    }

    /// Whether the image has a directory there that the folder, or the Dockerfile itself, brings.
    pub(super) fn has_directory(&self, target: &str) -> bool {
        let is_or_holds = |path: &str| {
            let path = path.trim_end_matches('/');
            path == target || below(path, target).is_some()
        };
        let placed = self.placements.all.iter().any(|placement| {
            let directory = if placement.is_directory {
                placement.target.as_str()
            } else {
                parent(&placement.target)
            };
            is_or_holds(directory)
                || placement.is_directory
                    && placement
                        .source_at(target)
                        .is_some_and(|source| self.snapshot.has_directory(&source))
        });
        let of_lineage = |stage: &usize| self.lineage.contains(stage);
        placed
            || self
                .facts
                .workdirs
                .iter()
                .any(|workdir| of_lineage(&workdir.stage) && is_or_holds(&workdir.path))
            || self.facts.copies.iter().any(|copy| {
                of_lineage(&copy.stage) && copy.from.is_some() && is_or_holds(&copy.dest)
            })
    }

    /// The copies that name this very file or directory, so that the build fails without it.
    pub(super) fn needs(&self, path: &str) -> Option<String> {
        let placement = self
            .placements
            .all
            .iter()
            .find(|placement| placement.source == path)?;
        let copy = self.facts.copies.get(placement.copy)?;
        let by_name = copy.sources.iter().any(|source| {
            let source = source.trim_start_matches("./").trim_matches('/');
            joined(&self.context, source) == path
        });
        by_name.then(|| self.place(copy))
    }

    /// Whether a copy names this file itself, not only a directory that holds it.
    pub(super) fn is_copied_by_name(&self, path: &str) -> bool {
        self.placements
            .all
            .iter()
            .any(|placement| !placement.is_directory && placement.source == path)
    }

    /// Sources that the folder does not have, which fails the build.
    pub(super) fn missing(&self) -> Option<String> {
        let (copy, source) = self.placements.missing.first()?;
        let copy = self.facts.copies.get(*copy)?;
        Some(format!("{} needs {source}", self.place(copy)))
    }

    /// Why a removal may uncover what an earlier step made at that place.
    pub(super) fn uncovers(&self, target: &str) -> Option<String> {
        const SYSTEM: [&str; 7] = ["/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr", "/var"];
        if let Some(system) = SYSTEM.iter().find(|system| below(target, system).is_some()) {
            return Some(format!(
                "the base image may have its own file there in {system}"
            ));
        }
        let first = self
            .placements
            .all
            .iter()
            .filter_map(|placement| {
                let copy = self.facts.copies.get(placement.copy)?;
                let covers =
                    placement.source_at(target).is_some() && self.lineage.contains(&copy.stage);
                covers.then_some(copy.order)
            })
            .max()?;
        let before = |stage: usize, order: usize| self.lineage.contains(&stage) && order < first;
        let brought = self.facts.copies.iter().find(|copy| {
            copy.from.is_some() && before(copy.stage, copy.order) && covers(&copy.dest, target)
        });
        if let Some(copy) = brought {
            return Some(format!(
                "{} may have brought one of its own",
                self.place(copy)
            ));
        }
        let made =
            self.facts.runs.iter().find(|run| {
                before(run.stage, run.order) && effects(run).contains(&Effect::Anything)
            });
        made.map(|run| format!("{} may have made one of its own", self.step(run)))
    }

    fn reason(&self, copy: &CopyFact, target: &str, last_run: Option<usize>) -> String {
        let verb = if copy.is_add { "ADD" } else { "COPY" };
        let sources = shortened(&copy.sources.join(" "));
        let place = format!("{}:{}", self.facts.path, copy.line);
        let dest = if copy.dest.len() > 1 {
            copy.dest.trim_end_matches('/')
        } else {
            target
        };
        match last_run {
            Some(last) if last > copy.order => {
                format!("{verb} {sources} to {dest}: no RUN after it reads it ({place})")
            }
            Some(_) => format!("{verb} {sources} to {dest} is after the last RUN ({place})"),
            None => format!("{verb} {sources} to {dest} and nothing is run on it ({place})"),
        }
    }

    /// `COPY . . (Dockerfile:9)`.
    fn place(&self, copy: &CopyFact) -> String {
        format!(
            "{} ({}:{})",
            shortened(&copy.text),
            self.facts.path,
            copy.line
        )
    }

    /// `RUN pip install (Dockerfile:5)`.
    fn step(&self, run: &RunFact) -> String {
        let text = match &run.command {
            CommandForm::Exec(words) => words.join(" "),
            CommandForm::Shell(script) => script.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        format!(
            "RUN {} ({}:{})",
            shortened(&text),
            self.facts.path,
            run.line
        )
    }

    fn steps(&self, run: &RunFact, folder: &Folder<'_>) -> Vec<Step> {
        let stages = self.facts.lineage_of(run.stage);
        let text_of = |target: &str| {
            let mounted = run.mounts.iter().find_map(|mount| {
                let at = mount.target.trim_end_matches('/');
                let rest = if at == target {
                    Some("")
                } else {
                    below(target, at)
                };
                let source = mount.source.trim_start_matches("./").trim_matches('/');
                rest.filter(|_| mount.from.is_none())
                    .map(|rest| joined(&joined(&self.context, source), rest))
            });
            let copied = || {
                self.placements
                    .source_of(&self.facts, &stages, target, self.snapshot)
                    .map(|(_, source)| source)
            };
            folder.read_prefix(&mounted.or_else(copied)?, TEXT_LIMIT)
        };
        let resolved = effects(run).into_iter().filter_map(|effect| {
            Some(match effect {
                Effect::Anything => Step::Anything,
                Effect::Installs(install) => match installs::reads(&install, &text_of) {
                    Some(reads) => Step::Installs { reads },
                    None => {
                        return Some(vec![Step::Installs { reads: Vec::new() }, Step::Anything]);
                    }
                },
                Effect::Writes(paths) => Step::Writes(paths),
                Effect::Creates(_) => return None,
                Effect::Owner { owner, paths } => Step::Owner { owner, paths },
                Effect::Mode { mode, paths } => Step::Mode { mode, paths },
            })
            .map(|step| vec![step])
        });
        resolved.flatten().collect()
    }
}

/// The facts of the Dockerfile that counts, and whether it could be read.
fn facts(description: &Description) -> (Cow<'_, DockerfileFacts>, bool) {
    if let Some(facts) = &description.dockerfile {
        return (Cow::Borrowed(facts), !facts.stages.is_empty());
    }
    match dockerfile::parse(
        "the generated Dockerfile",
        &dockerfile::generate(description),
    ) {
        Ok(facts) => (Cow::Owned(facts), true),
        Err(_) => (Cow::Owned(DockerfileFacts::default()), false),
    }
}

fn rules(folder: &Folder<'_>, dockerfile: &str, context: &str) -> Vec<(String, DockerIgnore)> {
    let mut files = vec![format!("{dockerfile}.dockerignore")];
    if !context.is_empty() {
        files.push(format!("{context}/.dockerignore"));
    }
    files
        .into_iter()
        .filter_map(|file| {
            let rules = DockerIgnore::parse(&folder.read(&file)?);
            Some((file, rules))
        })
        .collect()
}

fn blanket(facts: &DockerfileFacts, context: &str) -> Option<String> {
    if let Some(frontend) = &facts.frontend
        && !frontend
            .trim_start_matches("docker.io/")
            .starts_with("docker/dockerfile")
    {
        return Some(format!("its Dockerfile is read by {frontend}"));
    }
    if context.starts_with('/') || context.split('/').any(|part| part == "..") {
        return Some("its build context is outside of the folder".to_owned());
    }
    let used = facts.used_stages();
    let last = facts.stages.len().saturating_sub(1);
    for (index, stage) in facts.stages.iter().enumerate() {
        if used.get(index) != Some(&true) {
            continue;
        }
        if stage.image.contains("onbuild") {
            return Some(format!(
                "{} runs steps of its own on what is copied",
                stage.image
            ));
        }
        if index != last && facts.onbuild.contains(&index) {
            return Some(format!(
                "{}:{} has steps that run later (ONBUILD)",
                facts.path, stage.line
            ));
        }
    }
    None
}

/// Whether a destination is the place, or a directory above it.
fn covers(dest: &str, target: &str) -> bool {
    let dest = dest.trim_end_matches('/');
    dest == target || below(target, dest).is_some()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= QUOTED {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(QUOTED).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}
