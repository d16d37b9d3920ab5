//! What a save means for a running agent: for every changed file what is done about it and why; the files to lay over the
//! image that runs; and what a warm instance may import before the agent's own code is known.
//!
//! Nothing is configured and nothing is executed: the Dockerfile, the names of the files and the text of the sources decide.
//! In doubt a file asks for more rather than less. [`Manifest`](crate::Manifest)'s `[dev]` overrides.

mod attributes;
mod decide;
mod image;
mod installs;
mod kind;
mod mentions;
mod overlay;
mod preload;

use std::path::Path;

use nasiko_contract::{FileUpdate, RuntimeKind, UpdateAction};

pub use decide::{decide, needs_reading};
pub use overlay::{ChangedWhilePacked, Layers, overlay};
pub use preload::{Preload, python_imports};

use crate::describe::Description;
use crate::snapshot::{Change, Snapshot};

/// What a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct Decide<'a> {
    /// The folder. Sources are read when it matters whether they name a file.
    pub root: &'a Path,
    /// What the folder was understood to be when what runs was made.
    pub description: &'a Description,
    /// What it is understood to be now; the same again where [`needs_reading`] says that nothing of it changed.
    pub newer: &'a Description,
    /// What runs.
    pub before: &'a Snapshot,
    /// What is in the folder.
    pub now: &'a Snapshot,
    /// The difference. Files that no snapshot has (an ignored `.env`) may be among them.
    pub changes: &'a [Change],
    /// Where it runs.
    pub runtime: RuntimeKind,
}

/// What is done about a batch of changes.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdatePlan {
    /// Every change in the order given, with its action and the reason.
    pub files: Vec<FileUpdate>,
    /// The most that any of them asks for.
    pub action: UpdateAction,
    /// The file that asks for it, and why, in one sentence.
    pub why: String,
}

#[cfg(test)]
mod tests;
