//! The local Docker stack: what is declared ([`files`]), brought up and down by jobs ([`work`]), whole or in part ([`part`]),
//! once the engine is there ([`waiting`]), shown ([`view`]), and its services looked into ([`services`]). Nothing of it is on
//! until a person asks for it.

mod files;
mod part;
mod progress;
mod services;
#[cfg(test)]
mod tests;
mod told;
mod view;
mod waiting;
mod work;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use nasiko_contract::{ErrorCode, Fault, GetStack, Job, Stack, StackDown, StackProgress, StackUp};
use nasiko_stack::compose::Environment;
use nasiko_store::Record;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{OnceCell, watch};

use crate::{
    api::{Caller, Serve},
    jobs::Work,
    plane::{ControlPlane, Shared},
};

pub(crate) use view::at_start;
pub(crate) use work::{DownWork, UpWork};

/// The topic of a change of the stack; its data is the [`Stack`].
pub(crate) const CHANGED: &str = "stack.changed";
/// The one stack's id, and the subject of its events.
const ID: &str = "stack";

/// What the control plane keeps of the stack while it runs.
pub(crate) struct LocalStack {
    /// The Compose project. Control planes that share an engine have a network each, and so a project each.
    project: String,
    /// Of this process, for `${…}` in people's files.
    environment: Environment,
    /// See [`files`].
    passwords: OnceCell<Environment>,
    /// How services are looked at.
    watching: view::Watching,
    /// How far the last job on it is.
    progress: watch::Sender<StackProgress>,
    /// As it was seen last, while it is watched.
    seen: Mutex<Option<Stack>>,
}

impl LocalStack {
    pub(crate) fn new(network: &str, environment: &[(OsString, OsString)]) -> Self {
        let text = |(name, value): &(OsString, OsString)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        };
        Self {
            project: project_of(network),
            environment: environment
                .iter()
                .filter_map(text)
                .collect::<BTreeMap<_, _>>(),
            passwords: OnceCell::new(),
            watching: view::Watching::default(),
            progress: watch::Sender::default(),
            seen: Mutex::default(),
        }
    }
}

/// `nasiko` for `nasiko-network`, in the letters that a project's name may have.
fn project_of(network: &str) -> String {
    let name = network.strip_suffix("-network").unwrap_or(network);
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '-' | '_') => letter,
        _ => '-',
    };
    let name: String = name.chars().map(letter).collect();
    let name = name.trim_start_matches(['-', '_']);
    if name.is_empty() { "nasiko" } else { name }.to_owned()
}

/// What was asked of the stack last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackRecord {
    /// It was brought up, and not taken down since.
    on: bool,
    /// The profiles that are on.
    profiles: Vec<String>,
    /// The person's Compose files.
    files: Vec<PathBuf>,
    /// What is to be done once the engine is there.
    #[serde(default)]
    pending: Option<Pending>,
}

/// What waits for the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pending {
    /// To be brought up.
    Up,
    /// To be removed.
    Down,
}

impl Record for StackRecord {
    const KIND: &'static str = "stack";

    fn id(&self) -> &str {
        ID
    }
}

impl StackRecord {
    /// With what a request adds: profiles that are on stay on, files that are given replace those of the last time.
    fn with(mut self, profiles: &[String], files: Option<&[PathBuf]>) -> Self {
        if !self.on {
            self.profiles.clear();
        }
        for profile in profiles {
            if !self.profiles.contains(profile) {
                self.profiles.push(profile.clone());
            }
        }
        if let Some(files) = files {
            self.files = files.to_vec();
        }
        self.on = true;
        self.pending = None;
        self
    }

    /// Switched off. The person's files are remembered for the next time.
    fn off(self) -> Self {
        Self {
            files: self.files,
            ..Self::default()
        }
    }
}

impl Shared {
    async fn stack_record(&self) -> Result<StackRecord, Fault> {
        let found = self.store.get::<StackRecord>(ID).await?;
        Ok(found.map(|found| found.value).unwrap_or_default())
    }

    /// The stack in the engine that containers of agents run in.
    async fn engine_stack(&self) -> Result<nasiko_stack::Stack, Fault> {
        let key = blake3::derive_key("nasiko stack configuration", self.fingerprint_key().await?);
        let engine = Arc::clone(self.docker.engine());
        Ok(nasiko_stack::Stack::new(
            engine,
            nasiko_stack::HashKey::new(key),
        ))
    }
}

impl Serve<GetStack> for ControlPlane {
    async fn serve(&self, _: &Caller, _: GetStack) -> Result<Stack, Fault> {
        self.shared.look_at_stack().await
    }
}

impl Serve<StackUp> for ControlPlane {
    /// Reads the files before the job is accepted: what is wrong with them is said at once.
    async fn serve(&self, caller: &Caller, request: StackUp) -> Result<Job, Fault> {
        let given = request.files.map(absolute).transpose()?;
        let shared = &self.shared;
        let wanted = shared.stack_record().await?;
        let wanted = wanted.with(&request.profiles, given.as_deref());
        let project = shared.declared(&wanted.files).await?;
        let selected = project.select(&wanted.profiles, &[]);
        if selected.map_err(Fault::from)?.is_empty() {
            let profiles = project.profiles().join(", ");
            return Err(Fault::new(
                ErrorCode::InvalidRequest,
                "No service of the stack is switched on",
            )
            .hint(format!("Name a profile: {profiles}; or a Compose file")));
        }
        let work = Work::StackUp(UpWork {
            profiles: request.profiles,
            files: given,
            remove_orphans: request.remove_orphans,
            force: request.force,
            keep: request.keep,
            build: request.build,
            pull: request.pull,
            wait: request.wait,
        });
        shared.accept(caller, &work).await
    }
}

impl Serve<StackDown> for ControlPlane {
    async fn serve(&self, caller: &Caller, request: StackDown) -> Result<Job, Fault> {
        // Orphans are containers of the project, and so go with the others in any case.
        let work = DownWork {
            profiles: request.profiles,
            files: absolute(request.files)?,
            volumes: request.volumes,
        };
        if self.shared.house.is_in_stack()
            && (work.is_whole() || work.profiles.iter().any(|profile| profile == "core"))
        {
            return Err(Fault::new(
                ErrorCode::WrongState,
                "The control plane's store is in the stack's MongoDB",
            )
            .hint(
                "Move it back first with `nasiko settings set store sqlite`; `nasiko down --keep-stack` ends the control \
                 plane alone",
            ));
        }
        if !work.is_whole() {
            // What is wrong with them is said at once.
            self.shared.part(&work).await?;
        }
        self.shared.accept(caller, &Work::StackDown(work)).await
    }
}

fn absolute(files: Vec<String>) -> Result<Vec<PathBuf>, Fault> {
    let mut paths = Vec::new();
    for file in files {
        if !Path::new(&file).is_absolute() {
            return Err(Fault::new(
                ErrorCode::InvalidRequest,
                format!("`{file}` is not an absolute path"),
            )
            .hint("The control plane has no working directory of yours: give the whole path"));
        }
        paths.push(PathBuf::from(file));
    }
    Ok(paths)
}
