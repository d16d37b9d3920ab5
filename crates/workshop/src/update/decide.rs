//! For every changed file what is done about it and why.

use nasiko_contract::{FileUpdate, RuntimeKind, UpdateAction};

use super::{Decide, UpdatePlan};
use crate::describe::Description;
use crate::snapshot::Change;

/// Decides for every change, and for all of them together. Blocks: sources may be read. Never fails: in doubt it rebuilds.
pub fn decide(input: &Decide<'_>) -> UpdatePlan {
    let (action, why) = match input.runtime {
        RuntimeKind::Process => (UpdateAction::Restart, "the folder is run where it is"),
        RuntimeKind::Docker => (UpdateAction::Rebuild, "it may be part of the image"),
    };
    let files: Vec<FileUpdate> = input
        .changes
        .iter()
        .map(|change| FileUpdate {
            path: change.path.clone(),
            change: change.kind,
            action,
            why: why.to_owned(),
        })
        .collect();
    UpdatePlan {
        action: files.first().map(|file| file.action).unwrap_or_default(),
        why: files
            .first()
            .map(|file| format!("{}: {}", file.path, file.why))
            .unwrap_or_default(),
        files,
    }
}

/// Whether a file that the description is made from is among the changes, so that the folder must be described anew before
/// [`decide`].
pub fn needs_reading(description: &Description, changes: &[Change]) -> bool {
    let _ = description;
    !changes.is_empty()
}
