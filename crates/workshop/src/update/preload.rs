//! What a Python agent imports before its own code runs.

use std::path::Path;

use crate::describe::Description;
use crate::snapshot::Snapshot;

/// What an instance may import while it waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preload {
    /// Modules outside of the folder, in the order the agent imports them.
    pub modules: Vec<String>,
    /// Why there are none, or no more of them.
    pub why_not: Option<String>,
}

/// What the agent's own Python sources import when they are loaded. Blocks: the sources are read.
pub fn python_imports(description: &Description, root: &Path, snapshot: &Snapshot) -> Preload {
    let _ = (description, root, snapshot);
    Preload::default()
}
