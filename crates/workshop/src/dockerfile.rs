//! Dockerfiles: what one says, how its command would run without a container, what is wrong with it, and one made for a
//! folder that has none.

mod generate;
mod layout;
mod lint;
pub(crate) mod placement;
mod process;
mod read;
pub(crate) mod script;
mod step;
mod words;

use indexmap::IndexMap;

pub use generate::generate;
pub use lint::{MissingCopy, missing_copies};
pub use process::{ProcessCommand, command_for_process, without_wrapper};
pub(crate) use read::absolute;
pub use read::{parse, parse_with};
pub use words::split_words;

/// What a Dockerfile says. Environment, ports, command and the like are those of the image, that is of the last stage and
/// of the stages it is built upon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerfileFacts {
    /// Its path in the folder.
    pub path: String,
    /// All stages in order.
    pub stages: Vec<StageFact>,
    /// `EXPOSE`, in order.
    pub ports: Vec<PortFact>,
    /// `ENV`, in order, variables replaced where their value is known.
    pub env: IndexMap<String, String>,
    /// The final `WORKDIR`, absolute.
    pub workdir: Option<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Option<CommandForm>,
    /// `CMD`.
    pub cmd: Option<CommandForm>,
    /// `USER`.
    pub user: Option<String>,
    /// `HEALTHCHECK CMD`.
    pub healthcheck: Option<CommandForm>,
    /// `COPY` and `ADD` of all stages, in order.
    pub copies: Vec<CopyFact>,
    /// `RUN` of all stages, in order.
    pub runs: Vec<RunFact>,
    /// `WORKDIR` of all stages, in order.
    pub workdirs: Vec<WorkdirFact>,
    /// `VOLUME`.
    pub volumes: Vec<String>,
    /// The stages with an `ONBUILD`, from 0.
    pub onbuild: Vec<usize>,
    /// `# syntax=`: who reads the file instead of the engine.
    pub frontend: Option<String>,
    /// Packages named in a `pip install` of a `RUN`, for folders that list them nowhere else.
    pub pip_packages: Vec<String>,
}

/// One `FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFact {
    /// `AS name`.
    pub name: Option<String>,
    /// The image, or an earlier stage's name.
    pub image: String,
    /// From 1.
    pub line: u32,
}

/// One port of an `EXPOSE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortFact {
    /// The port.
    pub port: u16,
    /// From 1.
    pub line: u32,
}

/// The two ways a command is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandForm {
    /// `["program", "argument"]`.
    Exec(Vec<String>),
    /// `program argument`, run by a shell.
    Shell(String),
}

/// One `COPY` or `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFact {
    /// As written, variables replaced where their value is known; here-documents are left out.
    pub sources: Vec<String>,
    /// The absolute destination; a trailing slash is kept.
    pub dest: String,
    /// `--from`: another stage or image.
    pub from: Option<String>,
    /// Whether it is an `ADD`, which unpacks archives.
    pub is_add: bool,
    /// Its options but `--from`.
    pub options: CopyOptions,
    /// Whether `dest` is relative to the working directory of the base image, which the Dockerfile does not say; it is taken
    /// for `/` then.
    pub in_base_workdir: bool,
    /// Which stage it stands in, from 0.
    pub stage: usize,
    /// Its place among all instructions, from 0.
    pub order: usize,
    /// From 1.
    pub line: u32,
    /// The whole instruction.
    pub text: String,
}

/// What a `COPY` or `ADD` says beyond sources and destination, variables replaced where their value is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyOptions {
    /// `--chown`.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`, each.
    pub exclude: Vec<String>,
    /// The first option that is none of these.
    pub other: Option<String>,
}

/// One `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFact {
    /// What it runs, variables replaced where all of them are known; the text of a here-document is a script.
    pub command: CommandForm,
    /// Whether the command is for a shell that is not one of the usual ones.
    pub foreign_shell: bool,
    /// Where it runs; `None` where only the base image knows.
    pub workdir: Option<String>,
    /// What it reads without a copy.
    pub mounts: Vec<MountFact>,
    /// Which stage it stands in, from 0.
    pub stage: usize,
    /// Its place among all instructions, from 0.
    pub order: usize,
    /// From 1.
    pub line: u32,
}

/// One `WORKDIR`: the directory exists from there on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkdirFact {
    /// Absolute.
    pub path: String,
    /// Which stage it stands in, from 0.
    pub stage: usize,
    /// Its place among all instructions, from 0.
    pub order: usize,
}

/// One `--mount=type=bind` of a `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountFact {
    /// Where in the build context, or in `from`; empty for all of it.
    pub source: String,
    /// Where in the image, absolute.
    pub target: String,
    /// Another stage or image.
    pub from: Option<String>,
}

impl DockerfileFacts {
    /// The copies out of the folder that make up the image: those of the last stage and of the stages it is built upon.
    pub(crate) fn image_copies(&self) -> impl Iterator<Item = &CopyFact> {
        let lineage = self.lineage();
        self.copies
            .iter()
            .filter(move |copy| lineage.contains(&copy.stage))
    }

    /// Indexes of the last stage and of those it is `FROM`.
    pub(crate) fn lineage(&self) -> Vec<usize> {
        let last = self.stages.len().checked_sub(1);
        last.map(|last| self.lineage_of(last)).unwrap_or_default()
    }

    /// The stage and those it is `FROM`, itself first.
    pub(crate) fn lineage_of(&self, stage: usize) -> Vec<usize> {
        let mut lineage = Vec::new();
        let mut current = Some(stage);
        while let Some(index) = current {
            lineage.push(index);
            current = self.parent(index);
        }
        lineage
    }

    /// The stage that a stage is `FROM`.
    fn parent(&self, index: usize) -> Option<usize> {
        let image = self.stages.get(index)?.image.as_str();
        self.stage_named(image, index)
    }

    /// The stage of that name before the stage `before`.
    fn stage_named(&self, name: &str, before: usize) -> Option<usize> {
        let earlier = self.stages.get(..before).unwrap_or_default();
        earlier.iter().rposition(|stage| {
            stage
                .name
                .as_deref()
                .is_some_and(|stage| stage.eq_ignore_ascii_case(name))
        })
    }

    /// The stage before `before` that `--from` names, by name or by number.
    pub(crate) fn stage_of(&self, from: &str, before: usize) -> Option<usize> {
        self.stage_named(from, before)
            .or_else(|| from.parse().ok().filter(|number| *number < before))
    }

    /// For every stage whether the image is made with its help. The others are not even built.
    pub(crate) fn used_stages(&self) -> Vec<bool> {
        let mut used = vec![false; self.stages.len()];
        let mut pending: Vec<usize> = self.stages.len().checked_sub(1).into_iter().collect();
        while let Some(index) = pending.pop() {
            match used.get_mut(index) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            pending.extend(self.parent(index));
            let copied = self
                .copies
                .iter()
                .filter(|copy| copy.stage == index)
                .filter_map(|copy| copy.from.as_deref());
            let mounted = self
                .runs
                .iter()
                .filter(|run| run.stage == index)
                .flat_map(|run| &run.mounts)
                .filter_map(|mount| mount.from.as_deref());
            for from in copied.chain(mounted) {
                if from.contains('$') {
                    // Whichever it is.
                    pending.extend(0..index);
                }
                pending.extend(self.stage_of(from, index));
            }
        }
        used
    }
}

#[cfg(test)]
mod tests;
