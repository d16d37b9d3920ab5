//! Reads a folder into a [`Description`]: what runs, where it listens, what it speaks, what it needs, what is wrong with it.
//! Nothing of the folder is executed; files are read in bounded pieces.

mod card;
mod entry;
mod environment;
mod folder;
mod generated;
mod ports;
mod project;
mod protocol;
mod python;
mod several;
mod source;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use nasiko_contract::{EnvNeed, Fault, Finding, Protocol, RuntimeKind, Severity};
use serde_json::Value;

use crate::compose::{self, ComposeFacts};
use crate::dockerfile::{self, DockerfileFacts};
use crate::error::WorkshopError;
use crate::finding::FindingBuilder as _;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::name;
use crate::snapshot::{CONTEXT_WARNING, Snapshot};
use folder::Folder;
use project::Project;
use source::SourceFacts;

/// The version of an agent that does not say its own.
pub const DEFAULT_VERSION: &str = "0.1.0";
/// The longest description that is taken from a readme or a docstring.
const LONGEST_DESCRIPTION: usize = 300;

/// What a folder was understood to be.
#[derive(Debug, Clone)]
pub struct Description {
    /// A valid agent name.
    pub name: String,
    /// What the folder calls its version, else [`DEFAULT_VERSION`].
    pub version: String,
    /// One sentence, possibly empty.
    pub description: String,
    /// What it is written in.
    pub language: Language,
    /// The agent framework, else the web framework, e.g. `langgraph`.
    pub framework: Option<String>,
    /// How it is spoken to, as far as the folder shows.
    pub protocol: Protocol,
    /// How it runs as a process; `None` when only an image can run it, or nothing.
    pub entry: Option<Entry>,
    /// The most trusted port.
    pub port: Option<PortClaim>,
    /// Ports to look at, most trusted first, without repetition; always ends with the usual ones.
    pub port_candidates: Vec<u16>,
    /// The folder's card.
    pub card: Option<CardFile>,
    /// The card made from what the folder says, when it has none.
    pub generated_card: Option<Value>,
    /// Variables that it reads.
    pub env_needs: Vec<EnvNeed>,
    /// Values the folder gives: Compose, then `.env`, then `nasiko.toml`; later wins.
    pub env: IndexMap<String, String>,
    /// Its Dockerfile, when it has one that parses.
    pub dockerfile: Option<DockerfileFacts>,
    /// What has to be installed for it.
    pub requirements: Option<Requirements>,
    /// Its `nasiko.toml`; the default when it has none or a broken one.
    pub manifest: Manifest,
    /// What was noticed, gravest first.
    pub findings: Vec<Finding>,
    /// Sub-folders that hold an agent each, when this one holds several and is none itself.
    pub agents: Vec<String>,
    /// A path that answers once it is healthy.
    pub exposes_health: Option<String>,
    /// What stops a deploy, in order of discovery.
    refusals: Vec<Refusal>,
}

/// A reason not to deploy, everywhere or on one runtime.
#[derive(Debug, Clone)]
struct Refusal {
    runtime: Option<RuntimeKind>,
    fault: Fault,
}

/// What an agent is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Python.
    Python,
    /// JavaScript or TypeScript.
    Node,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Java.
    Java,
    /// None of these, or not known.
    Other,
}

impl Language {
    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Java => "java",
            Self::Other => "other",
        }
    }
}

/// How an agent is started as a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Program and arguments. `python` stands for the environment's interpreter; `$PORT` and `$HOST` are replaced at start.
    pub command: Vec<String>,
    /// Where it runs, relative to the folder; empty for the folder itself.
    pub workdir: PathBuf,
    /// Why this one, for people: `CMD of Dockerfile`.
    pub why: String,
    /// The source file it runs, where that is known.
    pub file: Option<String>,
    /// Variables this way of starting needs, below everything else that is set.
    pub env: IndexMap<String, String>,
}

/// A port and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortClaim {
    /// The port.
    pub port: u16,
    /// E.g. `EXPOSE in Dockerfile:7`.
    pub source: String,
}

/// A card found in the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct CardFile {
    /// Relative to the folder.
    pub path: String,
    /// The whole document.
    pub json: Value,
}

/// What has to be installed before the agent runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// Which tool reads them.
    pub kind: RequirementsKind,
    /// The files, relative to the folder, in the order they are given to the tool.
    pub files: Vec<String>,
    /// Packages named on the command line of the Dockerfile's `pip install`.
    pub packages: Vec<String>,
    /// Over kind, files and packages: equal hash, same environment.
    pub hash: String,
}

/// Who reads the requirements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequirementsKind {
    /// `requirements.txt`, or packages alone.
    Pip,
    /// `pyproject.toml`.
    PyProject,
    /// `pyproject.toml` and `uv.lock`.
    UvLock,
    /// `package.json` and its lock.
    Npm,
    /// `go.mod`.
    Go,
    /// `Cargo.toml`.
    Cargo,
}

impl Description {
    /// Why the agent cannot be deployed to that runtime; `None` when nothing in the folder speaks against it.
    pub fn refusal(&self, runtime: RuntimeKind) -> Option<&Fault> {
        self.refusals
            .iter()
            .find(|refusal| refusal.runtime.is_none_or(|only| only == runtime))
            .map(|refusal| &refusal.fault)
    }

    /// Whether the card was made by us.
    pub fn card_generated(&self) -> bool {
        self.card.is_none()
    }

    /// The folder's card, else the generated one.
    pub fn card_json(&self) -> Option<&Value> {
        self.card
            .as_ref()
            .map(|card| &card.json)
            .or(self.generated_card.as_ref())
    }

    fn refuse(&mut self, runtime: Option<RuntimeKind>, code: &'static str, error: &WorkshopError) {
        let fault = Fault::from(error);
        let mut finding = Finding::of(code, Severity::Error, fault.message.clone());
        finding.hint.clone_from(&fault.hint);
        if let WorkshopError::DockerfileBroken { file, line, .. }
        | WorkshopError::CopyMissing { file, line, .. }
        | WorkshopError::CardBroken { file, line, .. }
        | WorkshopError::ManifestBroken { file, line, .. } = error
        {
            finding = finding.in_file(file.clone()).on_line(*line);
        }
        self.findings.push(finding);
        self.refusals.push(Refusal { runtime, fault });
    }
}

/// Reads the folder. Blocks. What is broken in it becomes a finding and a [`Description::refusal`]; only an empty folder is an
/// error, since nothing can be said about it.
pub fn describe(root: &Path, snapshot: &Snapshot) -> Result<Description, WorkshopError> {
    if snapshot.files.is_empty() {
        return Err(WorkshopError::FolderEmpty {
            path: root.to_path_buf(),
        });
    }
    let folder = Folder::new(root, snapshot);
    let mut description = blank();
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
    description.requirements = project.requirements(&folder, description.dockerfile.as_ref());
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
    ports::claim(&folder, compose.as_ref(), &sources, &mut description);
    environment::collect(&folder, compose.as_ref(), &sources, &mut description);
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
    Ok(description)
}

fn blank() -> Description {
    Description {
        name: String::new(),
        version: DEFAULT_VERSION.to_owned(),
        description: String::new(),
        language: Language::Other,
        framework: None,
        protocol: Protocol::Unknown,
        entry: None,
        port: None,
        port_candidates: Vec::new(),
        card: None,
        generated_card: None,
        env_needs: Vec::new(),
        env: IndexMap::new(),
        dockerfile: None,
        requirements: None,
        manifest: Manifest::default(),
        findings: Vec::new(),
        agents: Vec::new(),
        exposes_health: None,
        refusals: Vec::new(),
    }
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
    match dockerfile::parse(&path, &text) {
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
    let declared = description.manifest.run.ready.clone();
    declared.or_else(|| {
        sources
            .routes
            .iter()
            .map(|route| route.path.clone())
            .find(|path| {
                matches!(
                    path.trim_end_matches('/'),
                    "/health" | "/healthz" | "/ready" | "/readyz" | "/livez" | "/api/health"
                )
            })
    })
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
    if let Some(facts) = description.dockerfile.clone() {
        let context = description
            .manifest
            .build
            .context
            .clone()
            .unwrap_or_default();
        let context = context.trim_start_matches("./").trim_matches('/');
        let context = if context == "." { "" } else { context };
        for missing in dockerfile::missing_copies(&facts, snapshot, folder.root(), context) {
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
