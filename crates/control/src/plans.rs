//! From what a folder was understood to be, to what the runtimes need to know.

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use indexmap::IndexMap;
use nasiko_contract::{
    AgentDescription, AgentName, Culprit, EntryPoint, EnvNeed, ErrorCode, Fault, Finding,
    RuntimeKind,
};
use nasiko_runtime::{Artifact, PreparePlan, Requirements, RequirementsKind, RuntimeError};
use nasiko_workshop::{
    Description, Snapshot, SnapshotOptions, WorkshopError, describe, dockerfile, manifest,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    launch::KnownCard,
    plane::Shared,
    read::Read,
    records::{AgentRecord, RestartPolicy, RunPlan, Source},
};

/// Where the generated Dockerfile stands in the build context; it is never written into the person's folder.
const GENERATED_DOCKERFILE: &str = "Dockerfile";

/// The parts of an agent's record that its folder says.
pub(crate) struct Described {
    description: String,
    language: String,
    version: String,
    env_needs: Vec<EnvNeed>,
    findings: Vec<Finding>,
}

/// What the folder says, to be written into the agent's record.
pub(crate) fn described(description: &Description) -> Described {
    Described {
        description: description.description.clone(),
        language: description.language.as_str().to_owned(),
        version: description.version.clone(),
        env_needs: description.env_needs.clone(),
        findings: description.findings.clone(),
    }
}

impl Described {
    pub(crate) fn apply(&self, agent: &mut AgentRecord) {
        agent.description.clone_from(&self.description);
        agent.language.clone_from(&self.language);
        agent.version.clone_from(&self.version);
        agent.env_needs.clone_from(&self.env_needs);
        agent.findings.clone_from(&self.findings);
    }
}

/// The folder's card, else the one made for it.
pub(crate) fn known_card(description: &Description) -> KnownCard {
    KnownCard {
        json: description.card_json().cloned().unwrap_or(Value::Null),
        generated: description.card_generated(),
    }
}

/// An agent of which nothing runs yet.
pub(crate) fn new_agent(
    name: AgentName,
    source: Source,
    runtime: RuntimeKind,
    description: &Description,
) -> AgentRecord {
    let card = known_card(description);
    let mut agent = AgentRecord {
        activity: "Reading".to_owned(),
        protocol: description.protocol,
        card: card.json,
        card_generated: card.generated,
        ..AgentRecord::new(name, source, runtime, crate::time::now_ms())
    };
    described(description).apply(&mut agent);
    agent
}

/// Refuses a deploy that lacks a variable the code cannot do without: a list before the start, not a crash after it.
pub(crate) async fn check_variables(
    shared: &Shared,
    agent: &AgentName,
    description: &Description,
) -> Result<(), Fault> {
    let sealed = shared.sealed_environment(agent).await?;
    let has = |name: &str| {
        description
            .env
            .get(name)
            .is_some_and(|value| !value.is_empty())
            || sealed.iter().any(|(known, _)| known == name)
    };
    let missing: Vec<&EnvNeed> = description
        .env_needs
        .iter()
        .filter(|need| need.required && !need.satisfied && !has(&need.name))
        .collect();
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let names = missing
        .iter()
        .map(|need| need.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    Err(Fault::new(ErrorCode::MissingVariable, format!("It needs {names}"))
        .hint(format!(
            "Give it with the deploy (`--env {0}=…`), in the folder's .env, or keep it: `nasiko secret set {agent} {0}`",
            first.name
        ))
        .evidence(missing.iter().map(|need| format!("{} is read at {}", need.name, need.source)))
        .culprit(Culprit::Variable { name: first.name.clone() }))
}

/// What the runtime has to prepare.
pub(crate) fn prepare_plan(agent: &AgentName, read: &Read) -> PreparePlan {
    let description = &read.description;
    let generated = description
        .dockerfile
        .is_none()
        .then(|| dockerfile::generate(description));
    let context = Arc::new(Context {
        root: read.root.clone(),
        snapshot: Arc::clone(&read.snapshot),
        part: description
            .manifest
            .build
            .context
            .clone()
            .filter(|part| !matches!(part.trim_end_matches('/'), "" | ".")),
        generated: generated.clone(),
    });
    PreparePlan {
        agent: agent.to_string(),
        owner: crate::environment::OWNER.to_owned(),
        version: description.version.clone(),
        root: read.root.clone(),
        content_hash: read.snapshot.hash.to_string(),
        requirements: description.requirements.as_ref().and_then(requirements),
        dockerfile: description
            .dockerfile
            .as_ref()
            .map(|facts| PathBuf::from(&facts.path)),
        generated_dockerfile: generated,
        build_args: description
            .manifest
            .build
            .args
            .clone()
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        context,
        image_tag: format!(
            "{}{}-{}",
            image_name(agent),
            tag_word(&description.version),
            read.snapshot.hash.short12()
        ),
    }
}

/// What the names of all of an agent's images begin with.
pub(crate) fn image_name(agent: &AgentName) -> String {
    format!("nasiko/{agent}:")
}

/// A version as the tag of an image can carry it.
fn tag_word(version: &str) -> String {
    let word: String = version
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_') {
                letter
            } else {
                '-'
            }
        })
        .take(64)
        .collect();
    if word.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        word
    } else {
        format!("v{word}")
    }
}

/// The build context: the folder, or the part of it that the manifest names.
struct Context {
    root: PathBuf,
    snapshot: Arc<Snapshot>,
    /// `[build] context`, where it is not the folder itself.
    part: Option<String>,
    generated: Option<String>,
}

impl nasiko_runtime::BuildContext for Context {
    fn write_tar(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let extra: Vec<(String, Vec<u8>)> = self
            .generated
            .iter()
            .map(|text| (GENERATED_DOCKERFILE.to_owned(), text.clone().into_bytes()))
            .collect();
        let written = match &self.part {
            None => self.snapshot.write_tar(&self.root, &extra, out),
            Some(part) => {
                let root = self.root.join(part);
                let never = CancellationToken::new();
                Snapshot::take(&root, &SnapshotOptions::default(), None, &never)
                    .and_then(|snapshot| snapshot.write_tar(&root, &extra, out))
            }
        };
        written.map_err(io::Error::other)
    }
}

/// Why nothing could be prepared. A folder that could not be packed is told of as one that could not be read.
pub(crate) fn not_prepared(error: RuntimeError) -> Fault {
    let unreadable = match &error {
        RuntimeError::File { source, .. } => source
            .get_ref()
            .and_then(|why| why.downcast_ref::<WorkshopError>()),
        _ => None,
    };
    match unreadable {
        Some(why) => why.into(),
        None => error.into(),
    }
}

fn requirements(found: &describe::Requirements) -> Option<Requirements> {
    let kind = match found.kind {
        describe::RequirementsKind::Pip => RequirementsKind::RequirementsTxt,
        describe::RequirementsKind::PyProject | describe::RequirementsKind::UvLock => {
            RequirementsKind::Pyproject
        }
        describe::RequirementsKind::Npm => RequirementsKind::PackageJson,
        // `go run` and `cargo run` see to them by themselves.
        describe::RequirementsKind::Go | describe::RequirementsKind::Cargo => return None,
    };
    Some(Requirements {
        kind,
        files: found.files.iter().map(PathBuf::from).collect(),
        packages: found.packages.clone(),
        hash: found.hash.clone(),
    })
}

/// The folder's own values for the environment of its instances.
pub(crate) fn run_env(description: &Description, runtime: RuntimeKind) -> IndexMap<String, String> {
    let mut env = description.env.clone();
    if let (RuntimeKind::Process, Some(entry)) = (runtime, &description.entry) {
        for (name, value) in &entry.env {
            env.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    env
}

/// How to start what was prepared; `folder_env` names the sealed values of [`run_env`].
pub(crate) fn run_plan(
    read: &Read,
    runtime: RuntimeKind,
    artifact: &Artifact,
    folder_env: Option<String>,
) -> RunPlan {
    let description = &read.description;
    let run = &description.manifest.run;
    let millis = |given: std::time::Duration| u64::try_from(given.as_millis()).unwrap_or(u64::MAX);
    let (command, workdir) = match (runtime, &description.entry) {
        (RuntimeKind::Process, Some(entry)) => {
            (entry.command.clone(), read.root.join(&entry.workdir))
        }
        (RuntimeKind::Process, None) => (Vec::new(), read.root.clone()),
        // The image knows how it is started, unless the person says otherwise.
        (RuntimeKind::Docker, _) => (run.command.clone().unwrap_or_default(), PathBuf::new()),
    };
    RunPlan {
        runtime,
        version: description.version.clone(),
        content_hash: read.snapshot.hash.to_string(),
        artifact: artifact.to_string(),
        command,
        workdir,
        folder_env,
        ports: description.port_candidates.clone(),
        ready: run.ready.clone(),
        start_timeout_ms: run.start_timeout.map(millis),
        stop_timeout_ms: run.stop_timeout.map(millis),
        restart: match run.restart {
            Some(manifest::RestartPolicy::Always) => RestartPolicy::Always,
            Some(manifest::RestartPolicy::Never) => RestartPolicy::Never,
            Some(manifest::RestartPolicy::OnFailure) | None => RestartPolicy::OnFailure,
        },
        overlay: None,
    }
}

/// The description as everybody sees it, but for what was counted and hashed.
pub(crate) fn to_contract(description: &Description) -> AgentDescription {
    AgentDescription {
        name: description.name.clone().into(),
        version: description.version.clone(),
        description: description.description.clone(),
        language: description.language.as_str().to_owned(),
        framework: description.framework.clone(),
        entry: description.entry.as_ref().map(|entry| EntryPoint {
            command: entry.command.clone(),
            workdir: entry.workdir.to_string_lossy().into_owned(),
            why: entry.why.clone(),
        }),
        port: description.port.as_ref().map(|claim| claim.port),
        protocol: description.protocol,
        card: description.card_json().cloned(),
        card_generated: description.card_generated(),
        dockerfile: description.dockerfile.is_some(),
        generated_dockerfile: description
            .dockerfile
            .is_none()
            .then(|| dockerfile::generate(description)),
        env: description.env_needs.clone(),
        findings: description.findings.clone(),
        agents: description.agents.clone(),
        ..AgentDescription::default()
    }
}

#[cfg(test)]
mod tests {
    use nasiko_runtime::BuildContext as _;

    use super::*;

    #[test]
    fn a_folder_that_changes_while_it_is_packed_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.py");
        fs_err::write(&file, "print()").unwrap();
        let never = CancellationToken::new();
        let snapshot =
            Snapshot::take(folder.path(), &SnapshotOptions::default(), None, &never).unwrap();
        let context = Context {
            root: folder.path().to_owned(),
            snapshot: Arc::new(snapshot),
            part: None,
            generated: None,
        };
        context.write_tar(&mut Vec::new()).unwrap();
        fs_err::remove_file(&file).unwrap();
        let fault = not_prepared(RuntimeError::File {
            what: "reading the build context of",
            path: folder.path().to_owned(),
            source: context.write_tar(&mut Vec::new()).unwrap_err(),
        });
        assert_eq!(fault.code, ErrorCode::FolderChanged, "{fault}");
        assert!(fault.retryable);
    }

    #[test]
    fn any_version_becomes_the_tag_of_an_image() {
        for (version, word) in [
            ("1.2.3", "1.2.3"),
            ("1.0.0+build 7", "1.0.0-build-7"),
            ("_draft", "v_draft"),
            (".5", "v.5"),
            ("", "v"),
            ("über", "v-ber"),
        ] {
            assert_eq!(tag_word(version), word, "{version:?}");
        }
        assert_eq!(tag_word(&"9".repeat(200)).len(), 64);
    }
}
