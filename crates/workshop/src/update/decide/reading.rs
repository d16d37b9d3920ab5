//! Which files a description is made from.

use nasiko_contract::FileChangeKind;

use super::dockerfile_path;
use crate::compose::COMPOSE_FILES;
use crate::describe::Description;
use crate::manifest::MANIFEST_FILE;
use crate::snapshot::Change;
use crate::text::has_extension;
use crate::update::kind;

/// Whether a file that the description is made from is among the changes, so that the folder must be described anew before
/// [`decide`](super::decide).
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
        || has_extension(path, "env")
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
