//! Dockerfiles: what one says, how its command would run without a container, what is wrong with it, and one made for a
//! folder that has none.

mod generate;
mod layout;
mod lint;
mod process;
mod read;
mod words;

use indexmap::IndexMap;

pub use generate::generate;
pub use lint::{MissingCopy, missing_copies};
pub use process::{ProcessCommand, command_for_process, without_wrapper};
pub use read::parse;
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
    /// Which stage it stands in, from 0.
    pub stage: usize,
    /// From 1.
    pub line: u32,
    /// The whole instruction.
    pub text: String,
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
    fn lineage(&self) -> Vec<usize> {
        let mut lineage = Vec::new();
        let mut current = self.stages.len().checked_sub(1);
        while let Some(index) = current {
            lineage.push(index);
            let image = self
                .stages
                .get(index)
                .map_or("", |stage| stage.image.as_str());
            let earlier = self.stages.get(..index).unwrap_or_default();
            current = earlier.iter().rposition(|stage| {
                stage
                    .name
                    .as_deref()
                    .is_some_and(|name| name.eq_ignore_ascii_case(image))
            });
        }
        lineage
    }
}

#[cfg(test)]
mod tests;
