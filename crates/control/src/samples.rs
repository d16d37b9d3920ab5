//! Samples: agents that come with the program, so that the first minute needs no engine, key, account or download.

use std::path::Path;

use nasiko_contract::{
    DeployOptions, DeploySample, ErrorCode, Fault, Job, ListSamples, Page, RuntimeKind, Sample,
};

use crate::{
    api::{Caller, Serve},
    home,
    intake::local_source,
    plane::{ControlPlane, Shared},
};

#[cfg(test)]
mod tests;

/// What comes with the program of a sample.
struct Bundled {
    name: &'static str,
    description: &'static str,
    /// The program that runs it, also its language.
    program: &'static str,
    /// The same for people.
    language: &'static str,
    /// Where people get that program.
    source: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// The one to begin with first.
const BUNDLED: &[Bundled] = &[
    Bundled {
        name: "greeter",
        description: "Greets people, and remembers who it talks to within a conversation",
        program: "python",
        language: "Python",
        source: "python.org",
        files: &[
            (
                "main.py",
                include_str!("../../../examples/agents/greeter/main.py"),
            ),
            (
                "AgentCard.json",
                include_str!("../../../examples/agents/greeter/AgentCard.json"),
            ),
            (
                "Dockerfile",
                include_str!("../../../examples/agents/greeter/Dockerfile"),
            ),
            (
                "README.md",
                include_str!("../../../examples/agents/greeter/README.md"),
            ),
        ],
    },
    Bundled {
        name: "echo-node",
        description: "Says back what it hears, word by word",
        program: "node",
        language: "Node.js",
        source: "nodejs.org",
        files: &[
            (
                "server.js",
                include_str!("../../../examples/agents/echo-node/server.js"),
            ),
            (
                "package.json",
                include_str!("../../../examples/agents/echo-node/package.json"),
            ),
            (
                "AgentCard.json",
                include_str!("../../../examples/agents/echo-node/AgentCard.json"),
            ),
            (
                "Dockerfile",
                include_str!("../../../examples/agents/echo-node/Dockerfile"),
            ),
            (
                "README.md",
                include_str!("../../../examples/agents/echo-node/README.md"),
            ),
        ],
    },
];

impl Serve<ListSamples> for ControlPlane {
    async fn serve(&self, _: &Caller, _: ListSamples) -> Result<Page<Sample>, Fault> {
        let shared = &self.shared;
        let engine = shared.engine_status().await.map(|engine| engine.kind);
        let samples = BUNDLED
            .iter()
            .map(|bundled| shared.sample(bundled, engine.as_deref()));
        Ok(Page {
            items: samples.collect(),
            next_cursor: None,
        })
    }
}

impl Serve<DeploySample> for ControlPlane {
    async fn serve(&self, caller: &Caller, request: DeploySample) -> Result<Job, Fault> {
        let shared = &self.shared;
        let bundled = BUNDLED
            .iter()
            .find(|bundled| bundled.name == request.sample);
        let bundled = bundled.ok_or_else(|| unknown(&request.sample))?;
        let engine = shared.engine_status().await.map(|engine| engine.kind);
        let sample = shared.sample(bundled, engine.as_deref());
        let Some(runtime) = sample.runtime else {
            let fault = Fault::new(ErrorCode::ToolMissing, sample.why);
            return Err(fault.hint(sample.hint.unwrap_or_default()));
        };
        let folder = shared.home.samples().join(bundled.name);
        write(bundled, &folder).await?;
        let source = local_source(&sample.folder).await?;
        let options = DeployOptions {
            runtime: Some(runtime),
            watch: Some(true),
            ..DeployOptions::default()
        };
        shared.accept_deploy(caller, source, options).await
    }
}

impl Shared {
    /// A sample, and where it runs on this machine: as a process with what is installed, else with an engine of that kind.
    fn sample(&self, bundled: &Bundled, engine: Option<&str>) -> Sample {
        let Bundled {
            language, source, ..
        } = bundled;
        let (runtime, why) = match (self.process.program(bundled.program), engine) {
            (Some(program), _) => (
                Some(RuntimeKind::Process),
                format!("Runs as a process with {}", program.display()),
            ),
            (None, Some(engine)) => (
                Some(RuntimeKind::Docker),
                format!(
                    "There is no {language} on this computer: runs in {engine}, which loads an image at first"
                ),
            ),
            (None, None) => (
                None,
                format!("There is no {language} on this computer, and no container engine answers"),
            ),
        };
        Sample {
            name: bundled.name.to_owned(),
            description: bundled.description.to_owned(),
            language: bundled.program.to_owned(),
            hint: runtime.is_none().then(|| {
                format!("Install {language} from {source} or with the system's packages, or start a container engine")
            }),
            runtime,
            why,
            folder: self.home.samples().join(bundled.name).display().to_string(),
        }
    }
}

/// Writes what is not there: a person's edits stay.
async fn write(bundled: &Bundled, folder: &Path) -> Result<(), Fault> {
    let written = async {
        fs_err::tokio::create_dir_all(folder).await?;
        for (name, content) in bundled.files {
            let path = folder.join(name);
            if !fs_err::tokio::try_exists(&path).await? {
                fs_err::tokio::write(&path, content).await?;
            }
        }
        Ok(())
    };
    written
        .await
        .map_err(|error| home::unwritable(folder, &error))
}

fn unknown(name: &str) -> Fault {
    let names: Vec<&str> = BUNDLED.iter().map(|bundled| bundled.name).collect();
    Fault::new(
        ErrorCode::NotFound,
        format!("There is no sample named `{name}`"),
    )
    .hint(format!("There are {}", names.join(", ")))
}
