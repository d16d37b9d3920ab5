//! The places an engine may be at: said by the environment, by Docker's current context, or known of the engines there are.

use std::fmt;
use std::path::{Path, PathBuf};

use fs_err::tokio as fs;
use serde::Deserialize;

use crate::EngineConfig;
use crate::error::EngineError;

/// Settings that are longer are none of Docker's.
const MAX_SETTINGS_BYTES: u64 = 1024 * 1024;
/// Contexts looked at.
const MAX_CONTEXTS: usize = 256;
/// Why an address that asks for TLS is not used.
const NO_TLS: &str = "engines behind TLS are not supported; forward its socket and give that";
/// Docker's context that means the usual socket.
const DEFAULT_CONTEXT: &str = "default";

#[cfg(unix)]
const SYSTEM_SOCKETS: [(&str, &str); 2] = [
    ("Docker", "/var/run/docker.sock"),
    ("Podman (rootful)", "/run/podman/podman.sock"),
];
/// Below a home directory or a runtime directory.
#[cfg(unix)]
const USER_SOCKETS: [(&str, &str); 9] = [
    ("Docker Desktop", ".docker/run/docker.sock"),
    ("Docker Desktop", ".docker/desktop/docker.sock"),
    ("Rancher Desktop", ".rd/docker.sock"),
    ("Colima", ".colima/default/docker.sock"),
    ("Colima", ".config/colima/default/docker.sock"),
    ("OrbStack", ".orbstack/run/docker.sock"),
    ("Docker (rootless)", "docker.sock"),
    ("Podman (rootless)", "podman/podman.sock"),
    (
        "Podman machine",
        ".local/share/containers/podman/machine/podman.sock",
    ),
];
#[cfg(windows)]
const PIPES: [(&str, &str); 3] = [
    ("Docker", "npipe:////./pipe/docker_engine"),
    (
        "Docker Desktop",
        "npipe:////./pipe/dockerDesktopLinuxEngine",
    ),
    ("Podman machine", "npipe:////./pipe/podman-machine-default"),
];

/// A place an engine may be at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As in `DOCKER_HOST`.
    pub address: String,
    /// Why it is one.
    pub source: Source,
    /// What was found out.
    pub verdict: Verdict,
}

/// Why a place is a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It was given, as by `DOCKER_HOST`.
    Given,
    /// It was chosen while we run, instead of what is configured.
    Instead,
    /// It is that of a Docker context of this name.
    Context(String),
    /// It is where this engine usually is.
    Usual(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => formatter.write_str("given by DOCKER_HOST"),
            Self::Instead => formatter
                .write_str("chosen instead of what is configured, until the control plane ends"),
            Self::Context(name) => write!(formatter, "the Docker context {name}"),
            Self::Usual(engine) => write!(formatter, "the usual place of {engine}"),
        }
    }
}

/// What was found out about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Another was found before it.
    NotTried,
    /// An engine answered, and is used.
    Chosen,
    /// Nothing is there.
    Absent,
    /// This account may not use it.
    Refused,
    /// Something is there and does not answer properly.
    Stopped {
        /// What was seen.
        reason: String,
    },
    /// It cannot be used from here.
    Unsupported {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    pub(crate) fn of(error: &EngineError) -> Self {
        match error {
            EngineError::Absent { .. } => Self::Absent,
            EngineError::Refused { .. } => Self::Refused,
            EngineError::Stopped { reason, .. } => Self::Stopped {
                reason: reason.clone(),
            },
            EngineError::Failed { message, .. } => Self::Stopped {
                reason: message.clone(),
            },
            EngineError::AddressInvalid { reason, .. } => Self::Unsupported {
                reason: reason.clone(),
            },
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTried => formatter.write_str("not tried"),
            Self::Chosen => formatter.write_str("used"),
            Self::Absent => formatter.write_str("nothing there"),
            Self::Refused => formatter.write_str("not for this account"),
            Self::Stopped { reason } => write!(formatter, "does not answer: {reason}"),
            Self::Unsupported { reason } => write!(formatter, "cannot be used: {reason}"),
        }
    }
}

/// All places, in the order in which they are tried. What is given is the only one; so is a context that is asked for by name.
pub(crate) async fn of(config: &EngineConfig) -> Vec<Candidate> {
    if let Some(host) = &config.host {
        let mut given = candidate(host.clone(), Source::Given);
        if config.tls && host.starts_with("tcp://") {
            given.verdict = unsupported(NO_TLS);
        }
        return vec![given];
    }
    let folders = config_folders(config);
    if let Some(name) = config
        .context
        .as_ref()
        .filter(|name| *name != DEFAULT_CONTEXT)
    {
        let found = context(&folders, name).await;
        return vec![found.unwrap_or_else(|| Candidate {
            address: name.clone(),
            source: Source::Context(name.clone()),
            verdict: unsupported("there is no such context"),
        })];
    }
    found(config, &folders).await
}

/// Places that are not looked at, since one is given by name.
pub(crate) async fn beside(config: &EngineConfig) -> Vec<Candidate> {
    if config.host.is_none() && config.context.is_none() {
        return Vec::new();
    }
    let config = EngineConfig {
        host: None,
        context: None,
        ..config.clone()
    };
    found(&config, &config_folders(&config)).await
}

/// Whether a place has a socket, and it is that of none of these. The same socket may have several paths.
pub(crate) async fn is_another(place: &Candidate, known: &[Candidate]) -> bool {
    let Some(path) = place.address.strip_prefix("unix://") else {
        return false;
    };
    let Ok(socket) = fs::canonicalize(path).await else {
        return false;
    };
    for other in known {
        let path = other.address.strip_prefix("unix://").unwrap_or_default();
        if fs::canonicalize(path)
            .await
            .is_ok_and(|other| other == socket)
        {
            return false;
        }
    }
    true
}

/// The current context, then the usual places.
async fn found(config: &EngineConfig, folders: &[PathBuf]) -> Vec<Candidate> {
    let mut all = Vec::new();
    if config.context.is_none()
        && let Some(name) = current_context(folders).await
    {
        all.extend(context(folders, &name).await);
    }
    for place in usual(&config.socket_folders) {
        if !all
            .iter()
            .any(|other: &Candidate| other.address == place.address)
        {
            all.push(place);
        }
    }
    all
}

fn candidate(address: String, source: Source) -> Candidate {
    let reason = if address.starts_with("ssh://") {
        Some("engines behind SSH are not supported; forward its socket and give that")
    } else if address.starts_with("https://") {
        Some(NO_TLS)
    } else if address.starts_with("npipe://") && cfg!(not(windows)) {
        Some("named pipes are only on Windows")
    } else {
        None
    };
    let verdict = reason.map_or(Verdict::NotTried, unsupported);
    Candidate {
        address,
        source,
        verdict,
    }
}

fn unsupported(reason: &str) -> Verdict {
    Verdict::Unsupported {
        reason: reason.to_owned(),
    }
}

#[cfg(unix)]
fn usual(folders: &[PathBuf]) -> Vec<Candidate> {
    let system = SYSTEM_SOCKETS
        .iter()
        .map(|(engine, path)| (*engine, PathBuf::from(path)));
    let user = folders.iter().flat_map(|folder| {
        USER_SOCKETS
            .iter()
            .map(move |(engine, path)| (*engine, folder.join(path)))
    });
    system
        .chain(user)
        .map(|(engine, path)| {
            candidate(format!("unix://{}", path.display()), Source::Usual(engine))
        })
        .collect()
}

#[cfg(windows)]
fn usual(_folders: &[PathBuf]) -> Vec<Candidate> {
    PIPES
        .iter()
        .map(|(engine, pipe)| candidate((*pipe).to_owned(), Source::Usual(engine)))
        .collect()
}

/// Where Docker's own settings may be.
fn config_folders(config: &EngineConfig) -> Vec<PathBuf> {
    match &config.config_folder {
        Some(folder) => vec![folder.clone()],
        None => config
            .socket_folders
            .iter()
            .map(|folder| folder.join(".docker"))
            .collect(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(default)]
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    name: String,
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    #[serde(default)]
    host: String,
}

async fn current_context(folders: &[PathBuf]) -> Option<String> {
    for folder in folders {
        let settings: Option<Settings> = read(&folder.join("config.json")).await;
        if let Some(Settings { current_context }) = settings {
            let named = !current_context.is_empty() && current_context != DEFAULT_CONTEXT;
            return named.then_some(current_context);
        }
    }
    None
}

/// The place that a context means. Docker names its folders by hashes; what they hold says the name too.
async fn context(folders: &[PathBuf], name: &str) -> Option<Candidate> {
    for folder in folders {
        let Ok(mut entries) = fs::read_dir(folder.join("contexts/meta")).await else {
            continue;
        };
        for _ in 0..MAX_CONTEXTS {
            let Ok(Some(entry)) = entries.next_entry().await else {
                break;
            };
            let meta: Option<Meta> = read(&entry.path().join("meta.json")).await;
            let Some(meta) = meta.filter(|meta| meta.name == name) else {
                continue;
            };
            let host = meta.endpoints.docker.map(|endpoint| endpoint.host);
            let host = host.filter(|host| !host.is_empty())?;
            let mut found = candidate(host, Source::Context(name.to_owned()));
            // The certificates lie in a folder of the same hash.
            let certificates = folder.join("contexts/tls").join(entry.file_name());
            if found.address.starts_with("tcp://") && fs::metadata(certificates).await.is_ok() {
                found.verdict = unsupported(NO_TLS);
            }
            return Some(found);
        }
    }
    None
}

async fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let length = fs::metadata(path).await.ok()?.len();
    if length > MAX_SETTINGS_BYTES {
        return None;
    }
    let text = fs::read(path).await.ok()?;
    match serde_json::from_slice(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "docker's settings cannot be read");
            None
        }
    }
}
