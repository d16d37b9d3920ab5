//! Reads a folder into a [`Description`]: what runs, where it listens, what it speaks, what it needs, what is wrong with it.
//! Nothing of the folder is executed; files are read in bounded pieces.

mod card;
mod description;
mod entry;
mod environment;
mod folder;
mod generated;
mod ports;
mod project;
mod protocol;
mod python;
mod requirements;
mod several;
mod source;

use std::path::Path;

use nasiko_contract::{Finding, RuntimeKind, Severity};
use serde_json::Value;

use crate::compose::{self, ComposeFacts};
use crate::dockerfile;
use crate::error::WorkshopError;
use crate::finding::FindingBuilder as _;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::name;
use crate::snapshot::{CONTEXT_WARNING, Outline, Snapshot};
use project::Project;
use source::SourceFacts;

pub(crate) use folder::Folder;
pub(crate) use source::{language_of, source_files};

pub use description::{
    CardFile, DEFAULT_VERSION, Description, Entry, Language, PortClaim, Requirements,
    RequirementsKind,
};

/// The longest description that is taken from a readme or a docstring.
const LONGEST_DESCRIPTION: usize = 300;

/// Reads what tells of the folder, and nothing else of it: [`describe`] for who does not need to know whether anything changed.
pub fn describe_outline(root: &Path, outline: &Outline) -> Result<Description, WorkshopError> {
    describe(root, outline.unread())
}

/// Reads the folder. Blocks. What is broken in it becomes a finding and a [`Description::refusal`]; only an empty folder is an
/// error, since nothing can be said about it, and one of which files are gone that the snapshot has.
pub fn describe(root: &Path, snapshot: &Snapshot) -> Result<Description, WorkshopError> {
    if snapshot.files.is_empty() {
        return Err(WorkshopError::FolderEmpty {
            path: root.to_path_buf(),
        });
    }
    let folder = Folder::new(root, snapshot);
    let mut description = Description::blank();
    read_manifest(&folder, &mut description);
    read_dockerfile(&folder, &mut description);
    let compose = read_compose(&folder, &mut description);
    let found_card = card::find(&folder);
    let project = Project::read(&folder);
    let sources = SourceFacts::read(&folder);
    card::apply(&folder, found_card, &mut description);
    let capabilities = card::capabilities(&folder);

    description.language = project.language.unwrap_or(sources.language);
    description.framework = sources.framework.clone().or_else(|| project.framework());
    description.requirements =
        requirements::find(&folder, &project, description.dockerfile.as_ref());
    identify(
        &folder,
        compose.as_ref(),
        &project,
        &sources,
        capabilities.as_ref(),
        &mut description,
    );
    description.entry = entry::find(&folder, &description, &project, &sources);
    description.protocol =
        protocol::guess(&description, &project, &sources, capabilities.is_some());
    environment::collect(&folder, compose.as_ref(), &sources, &mut description);
    ports::claim(&folder, compose.as_ref(), &sources, &mut description);
    // The runtime sets these; a folder's own would point the agent elsewhere.
    description
        .env
        .retain(|name, _| !matches!(name.as_str(), "PORT" | "HOST"));
    description.exposes_health = health_path(&description, &sources);
    if description.card.is_none() {
        description.generated_card = Some(generated::card(
            &description,
            capabilities.as_ref(),
            &sources,
        ));
    }
    judge(&folder, snapshot, &mut description);
    description
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    folder.was_whole()?;
    Ok(description)
}

fn read_manifest(folder: &Folder<'_>, description: &mut Description) {
    let Some(text) = folder.read(MANIFEST_FILE) else {
        return;
    };
    match Manifest::parse(&text) {
        Ok(manifest) => description.manifest = manifest,
        Err(error) => description.refuse(None, "manifest.broken", &error),
    }
}

fn read_dockerfile(folder: &Folder<'_>, description: &mut Description) {
    let wanted = description.manifest.build.dockerfile.clone();
    let path = wanted.unwrap_or_else(|| "Dockerfile".to_owned());
    let Some(text) = folder.read(&path) else {
        return;
    };
    match dockerfile::parse_with(&path, &text, &description.manifest.build.args) {
        Ok(facts) => description.dockerfile = Some(facts),
        Err(error) => description.refuse(Some(RuntimeKind::Docker), "dockerfile.broken", &error),
    }
}

fn read_compose(folder: &Folder<'_>, description: &mut Description) -> Option<ComposeFacts> {
    let path = compose::COMPOSE_FILES
        .into_iter()
        .find(|path| folder.has(path))?;
    match compose::parse(&folder.read(path)?) {
        Ok(facts) => {
            if !facts.other_services.is_empty() {
                let others = facts.other_services.join(", ");
                description.findings.push(
                    Finding::of(
                        "compose.other_services",
                        Severity::Info,
                        format!("{path} has further services: {others}"),
                    )
                    .in_file(path)
                    .with_hint("Start them beside the agent if it needs them"),
                );
            }
            Some(facts)
        }
        Err(reason) => {
            let message = format!("{path} is not read: {reason}");
            description
                .findings
                .push(Finding::of("compose.broken", Severity::Warning, message).in_file(path));
            None
        }
    }
}

/// Name, version and description, each from the first that has one.
fn identify(
    folder: &Folder<'_>,
    compose: Option<&ComposeFacts>,
    project: &Project,
    sources: &SourceFacts,
    capabilities: Option<&Value>,
    description: &mut Description,
) {
    let card = description.card.as_ref().map(|card| &card.json);
    let said = |document: Option<&Value>, key: &str| {
        let text = document?.get(key)?.as_str()?.trim();
        (!text.is_empty() && !text.contains("{{")).then(|| text.to_owned())
    };
    let manifest = &description.manifest.agent;
    let container = compose.and_then(|compose| compose.container_name.as_deref());
    let names = [
        manifest.name.clone(),
        said(card, "name"),
        said(capabilities, "name"),
        container.map(|name| name.strip_prefix("agent-").unwrap_or(name).to_owned()),
        Some(folder.name()),
    ];
    let name = names
        .into_iter()
        .flatten()
        .find_map(|text| name::normalise(&text))
        .unwrap_or_else(|| "agent".to_owned());
    let version = manifest
        .version
        .clone()
        .or_else(|| said(card, "version"))
        .or_else(|| said(capabilities, "version"))
        .or_else(|| project.version.clone())
        .unwrap_or_else(|| DEFAULT_VERSION.to_owned());
    let text = manifest
        .description
        .clone()
        .or_else(|| said(card, "description"))
        .or_else(|| said(capabilities, "description"))
        .or_else(|| project.description.clone())
        .or_else(|| folder.readme_sentence())
        .or_else(|| sources.docstring.clone())
        .unwrap_or_default();
    description.name = name;
    description.version = version;
    description.description = text.chars().take(LONGEST_DESCRIPTION).collect();
}

fn health_path(description: &Description, sources: &SourceFacts) -> Option<String> {
    const PATHS: [&str; 6] = [
        "/health",
        "/healthz",
        "/ready",
        "/readyz",
        "/livez",
        "/api/health",
    ];
    let declared = description.manifest.run.ready.clone();
    let known = |path: &&String| PATHS.contains(&path.trim_end_matches('/'));
    declared.or_else(|| sources.routes.iter().find(known).cloned())
}

/// Findings over the whole, and what stops a deploy.
fn judge(folder: &Folder<'_>, snapshot: &Snapshot, description: &mut Description) {
    if snapshot.bytes > CONTEXT_WARNING {
        let message = format!(
            "The folder holds {} MiB, which every build sends",
            snapshot.bytes >> 20
        );
        description.findings.push(
            Finding::of("context.large", Severity::Warning, message)
                .with_hint("Name what the agent does not need in .dockerignore"),
        );
    }
    for skipped in snapshot.skipped.iter().take(20) {
        let message = format!("{} is left out: {}", skipped.path, skipped.why);
        description.findings.push(
            Finding::of("context.unreadable", Severity::Warning, message)
                .in_file(skipped.path.clone()),
        );
    }
    for path in folder.outside() {
        let message = format!("{path} is a link that leads out of the folder: it is not read");
        description.findings.push(
            Finding::of("link.outside", Severity::Warning, message)
                .in_file(path.clone())
                .with_hint("Copy the file into the folder"),
        );
    }
    if let Some(facts) = description.dockerfile.clone() {
        let context = description.manifest.build.context_path().to_owned();
        for missing in dockerfile::missing_copies(&facts, snapshot, folder.root(), &context) {
            description.refuse(
                Some(RuntimeKind::Docker),
                "dockerfile.copy_missing",
                &missing.into_error(&facts.path),
            );
        }
    }
    if description.entry.is_none() {
        refuse_without_entry(folder, description);
    }
    if description.card.is_none()
        && !description
            .findings
            .iter()
            .any(|finding| finding.code == "card.broken")
    {
        description.findings.push(
            Finding::of(
                "no_card",
                Severity::Info,
                "The folder has no agent card: one is read from the running agent, else generated",
            )
            .with_hint("Add an AgentCard.json to say what the agent can do"),
        );
    }
}

fn refuse_without_entry(folder: &Folder<'_>, description: &mut Description) {
    let has_image = description.dockerfile.is_some();
    if !has_image && description.card.is_none() {
        description.agents = several::agents(folder);
    }
    let only = has_image.then_some(RuntimeKind::Process);
    if description.agents.len() > 1 {
        let error = WorkshopError::SeveralAgents {
            folder: folder.name(),
            agents: description.agents.clone(),
        };
        description.refuse(only, "several_agents", &error);
        return;
    }
    let mut looked_for = entry::looked_for(folder, description);
    if let Some(agent) = description.agents.pop() {
        looked_for.push(format!(
            "the sub-folder {agent} looks like an agent: deploy that"
        ));
    }
    let error = WorkshopError::NoEntry {
        folder: folder.name(),
        looked_for,
    };
    description.refuse(only, "no_entry", &error);
}

#[cfg(test)]
mod tests;
