//! What describing a folder yields.

use std::path::PathBuf;

use indexmap::IndexMap;
use nasiko_contract::{EnvNeed, Fault, Finding, Protocol, RuntimeKind, Severity};
use serde_json::Value;

use crate::dockerfile::DockerfileFacts;
use crate::error::WorkshopError;
use crate::finding::FindingBuilder as _;
use crate::manifest::Manifest;

/// The version of an agent that does not say its own.
pub const DEFAULT_VERSION: &str = "0.1.0";

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
    /// Files that these include (`-r`, `-c`); the tool reads them by itself.
    pub included: Vec<String>,
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
    /// A description that says nothing yet.
    pub(super) fn blank() -> Self {
        Self {
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

    /// Notes an error as a finding, and as a reason not to deploy (to one runtime, or to any).
    pub(super) fn refuse(
        &mut self,
        runtime: Option<RuntimeKind>,
        code: &'static str,
        error: &WorkshopError,
    ) {
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
