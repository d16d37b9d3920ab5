//! One place of a file in an image: what the steps of the build make of it, and what stands in the way of laying it over.

use super::{Image, Landing, covers};
use crate::dockerfile::placement::{below, excluded, joined};
use crate::dockerfile::script::Paths;
use crate::dockerfile::{CopyFact, RunFact};
use crate::snapshot::FileKind;
use crate::update::attributes::{Attributes, ModeChange, Owner};

/// What one command of a `RUN` does, as far as it matters to a file.
pub(super) enum Step {
    Anything,
    Installs { reads: Vec<String> },
    Writes(Vec<String>),
    Owner { owner: String, paths: Paths },
    Mode { mode: String, paths: Paths },
}

/// Why a place in the image cannot be taken as it is copied.
pub(super) enum Obstacle {
    Feeds { step: String, installs: bool },
    Doubt(String),
}

impl Image<'_> {
    /// Whether a `RUN` reads the file where it is mounted.
    pub(super) fn mounted(&self, path: &str) -> Option<(String, bool)> {
        let used = self.facts.used_stages();
        for (run, steps) in self.facts.runs.iter().zip(&self.runs) {
            for mount in run.mounts.iter().filter(|mount| mount.from.is_none()) {
                let source = mount.source.trim_start_matches("./").trim_matches('/');
                let source = joined(&self.context, if source == "." { "" } else { source });
                let rest = if source == path {
                    Some("")
                } else {
                    below(path, &source)
                };
                let Some(rest) = rest.filter(|_| used.get(run.stage) == Some(&true)) else {
                    continue;
                };
                let target = joined(mount.target.trim_end_matches('/'), rest);
                let unknown = mount.source.contains('$') || mount.target.contains('$');
                let mut ignored = Attributes::default();
                match self.after(run, steps, &target, &mut ignored) {
                    Err(Obstacle::Feeds { step, installs }) => return Some((step, installs)),
                    Err(Obstacle::Doubt(_)) => return Some((self.step(run), false)),
                    Ok(()) if unknown => return Some((self.step(run), false)),
                    Ok(()) => {}
                }
            }
        }
        None
    }

    /// One place of a file: `None` when something else is there in the end.
    pub(super) fn landing(
        &self,
        path: &str,
        index: usize,
        copy: &CopyFact,
        target: String,
    ) -> Result<Option<Landing>, Obstacle> {
        let doubt = |why: &str| Err(Obstacle::Doubt(format!("{}: {why}", self.place(copy))));
        if copy.is_add && is_archive(path) {
            return doubt("an archive is unpacked");
        }
        let unclear = self.placements.all.iter().any(|placement| {
            placement.copy == index
                && placement.target_of(path).is_some()
                && excluded(copy, placement, path).is_none()
        });
        if unclear {
            return doubt("its --exclude may mean this file");
        }
        let owner = match copy.options.chown.as_deref().map(Owner::of_copy) {
            None => Owner::root(),
            Some(Some(owner)) => owner,
            Some(None) => return doubt("its --chown is not known before the build"),
        };
        let modes = match copy.options.chmod.as_deref().map(ModeChange::parse) {
            None => Vec::new(),
            Some(Some(mode)) => vec![mode],
            Some(None) => return doubt("its --chmod is not known before the build"),
        };
        let mut attributes = Attributes { owner, modes };
        let lineage = self.facts.lineage_of(copy.stage);
        // Stages built upon this one go on with its files.
        let is_heir = |stage: usize| {
            lineage.contains(&stage) || self.facts.lineage_of(stage).contains(&copy.stage)
        };
        let used = self.facts.used_stages();
        let mut last_run = None;
        for (run, steps) in self.facts.runs.iter().zip(&self.runs) {
            if used.get(run.stage) != Some(&true) || !is_heir(run.stage) {
                continue;
            }
            last_run = last_run.max(Some(run.order));
            if run.order > copy.order && self.lineage.contains(&run.stage) {
                self.after(run, steps, &target, &mut attributes)?;
            } else if run.order > copy.order {
                self.after(run, steps, &target, &mut attributes.clone())?;
            }
        }
        self.copied_on(copy, &target)?;
        if !self.lineage.contains(&copy.stage) {
            // Nothing of the stage that was looked at takes it further.
            return Ok(None);
        }
        self.is_left_alone(copy, &target)?;
        if self.source_of(&target).is_some_and(|source| source != path) {
            return Ok(None);
        }
        if let Some(why) = self.special_place(&target) {
            return doubt(&why);
        }
        let why = self.reason(copy, &target, last_run);
        Ok(Some(Landing {
            target,
            attributes,
            why,
        }))
    }

    /// What a `RUN` after the copy makes of the file.
    fn after(
        &self,
        run: &RunFact,
        steps: &[Step],
        target: &str,
        attributes: &mut Attributes,
    ) -> Result<(), Obstacle> {
        let feeds = |installs| {
            Err(Obstacle::Feeds {
                step: self.step(run),
                installs,
            })
        };
        let installs = steps
            .iter()
            .any(|step| matches!(step, Step::Installs { .. }));
        for step in steps {
            match step {
                Step::Anything => return feeds(installs),
                Step::Installs { reads } => {
                    if reads
                        .iter()
                        .any(|read| read == target || below(target, read).is_some())
                    {
                        return feeds(true);
                    }
                }
                Step::Writes(paths) => {
                    if paths.iter().any(|path| may_touch(path, target)) {
                        return feeds(false);
                    }
                }
                Step::Owner { owner: text, paths } => match includes(paths, target) {
                    None => return feeds(false),
                    Some(false) => {}
                    Some(true) => match attributes.owner.clone().changed(text) {
                        Some(changed) => attributes.owner = changed,
                        None => return feeds(false),
                    },
                },
                Step::Mode { mode, paths } => match includes(paths, target) {
                    None => return feeds(false),
                    Some(false) => {}
                    Some(true) => match ModeChange::parse(mode) {
                        Some(change) => attributes.modes.push(change),
                        None => return feeds(false),
                    },
                },
            }
        }
        Ok(())
    }

    /// Whether another stage takes the file out of the one it is copied to.
    fn copied_on(&self, copy: &CopyFact, target: &str) -> Result<(), Obstacle> {
        let used = self.facts.used_stages();
        let is_source = |from: &str, stage: usize| {
            from.contains('$')
                || self
                    .facts
                    .stage_of(from, stage)
                    .is_some_and(|named| self.facts.lineage_of(named).contains(&copy.stage))
        };
        let takes = self.facts.copies.iter().find(|other| {
            used.get(other.stage) == Some(&true)
                && other
                    .from
                    .as_deref()
                    .is_some_and(|from| is_source(from, other.stage))
                && other
                    .sources
                    .iter()
                    .any(|source| may_touch(&rooted(source), target))
        });
        if let Some(other) = takes {
            return Err(Obstacle::Feeds {
                step: self.place(other),
                installs: false,
            });
        }
        let mounts = self.facts.runs.iter().find(|run| {
            used.get(run.stage) == Some(&true)
                && run.mounts.iter().any(|mount| {
                    mount
                        .from
                        .as_deref()
                        .is_some_and(|from| is_source(from, run.stage))
                        && may_touch(&rooted(&mount.source), target)
                })
        });
        match mounts {
            Some(run) => Err(Obstacle::Feeds {
                step: self.step(run),
                installs: false,
            }),
            None => Ok(()),
        }
    }

    /// An obstacle where a later copy out of another stage or image may put something else there.
    fn is_left_alone(&self, copy: &CopyFact, target: &str) -> Result<(), Obstacle> {
        let later = self.facts.copies.iter().find(|other| {
            let foreign = other.from.is_some()
                || other.sources.is_empty()
                || other
                    .sources
                    .iter()
                    .any(|source| source.contains("://") || source.starts_with("git@"));
            foreign
                && self.lineage.contains(&other.stage)
                && other.order > copy.order
                && (covers(&other.dest, target)
                    || other.dest.contains('$') && other.options.other.is_none())
        });
        match later {
            Some(other) => Err(Obstacle::Doubt(format!(
                "{} comes after it and may put another file there",
                self.place(other)
            ))),
            None => Ok(()),
        }
    }

    fn special_place(&self, target: &str) -> Option<String> {
        if ["/proc", "/sys", "/dev"]
            .iter()
            .any(|system| covers(system, target))
        {
            return Some("it goes to a place of the system".to_owned());
        }
        let volume = self
            .facts
            .volumes
            .iter()
            .find(|volume| volume.contains('$') || covers(volume, target));
        if let Some(volume) = volume {
            return Some(format!("{volume} is a volume"));
        }
        // A file, or a link, where a directory would have to be.
        let above = target.match_indices('/').map(|(end, _)| end).skip(1);
        let blocked = above.filter_map(|end| target.get(..end)).find(|directory| {
            self.source_of(directory).is_some_and(|source| {
                let file = self.snapshot.file(&source);
                file.is_some_and(|file| matches!(file.kind, FileKind::Symlink { .. }))
            })
        });
        blocked.map(|directory| format!("{directory} is a link"))
    }
}

/// Whether a path, perhaps with wildcards, may be the place, or hold it, or be within it.
fn may_touch(path: &str, target: &str) -> bool {
    let literal = path.split(['*', '?', '[', '{', '$']).next().unwrap_or(path);
    if literal.len() < path.len() {
        return target.starts_with(literal) || literal.starts_with(target);
    }
    covers(path, target) || below(path, target).is_some()
}

/// Whether `chown` or `chmod` of these paths is about the place; `None` when wildcards decide.
fn includes(paths: &Paths, target: &str) -> Option<bool> {
    let mut included = false;
    for path in &paths.paths {
        if path.contains(['*', '?', '[', '{']) {
            if may_touch(path, target) {
                return None;
            }
        } else {
            included |= path == target || (paths.recursive && below(target, path).is_some());
        }
    }
    Some(included)
}

/// The source of a copy between stages, from the root of the stage.
fn rooted(source: &str) -> String {
    let source = source.trim_start_matches("./").trim_matches('/');
    if source.is_empty() || source == "." {
        return String::new();
    }
    format!("/{source}")
}

fn is_archive(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    [
        ".tar", ".tgz", ".gz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz", ".zst", ".tzst", ".lzma",
    ]
    .iter()
    .any(|ending| name.ends_with(ending))
}
