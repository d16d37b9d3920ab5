//! Words about agents and where they come from.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nasiko_contract::{AgentName, DeployOptions, RuntimeKind};

use crate::failure::{Failure, usage};

/// Where an agent runs.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RuntimeWord {
    /// A process of this machine
    Process,
    /// A container
    Docker,
}

/// How an agent is to be deployed.
#[derive(Debug, Default, Args)]
pub(crate) struct DeployOptionWords {
    /// The agent's name, instead of the one its source says
    #[arg(long, short = 'n', value_name = "NAME", visible_alias = "agent-name")]
    name: Option<String>,
    /// Where it runs
    #[arg(long, short, value_enum)]
    runtime: Option<RuntimeWord>,
    /// A value for its environment, kept like a secret; without `=VALUE` it is taken from your own environment
    #[arg(long, short, value_name = "KEY[=VALUE]")]
    env: Vec<String>,
    /// Make everything anew, even if nothing has changed
    #[arg(long)]
    force: bool,
    /// Take the place of the agent of that name, wherever that one came from
    #[arg(long)]
    replace: bool,
    /// Keep it in step with its folder: a save is live by itself
    #[arg(long)]
    watch: bool,
}

impl DeployOptionWords {
    pub(crate) fn read(self) -> Result<DeployOptions, Failure> {
        let mut env = std::collections::BTreeMap::new();
        for pair in self.env {
            let (key, value) = match pair.split_once('=') {
                Some((key, value)) => (key.to_owned(), value.to_owned()),
                None => match std::env::var(&pair) {
                    Ok(value) => (pair, value),
                    Err(_) => {
                        return Err(usage(
                            format!("`{pair}` is not set in your environment"),
                            "Give its value as --env KEY=VALUE",
                        ));
                    }
                },
            };
            if key.is_empty() {
                return Err(usage(
                    "--env needs a name before the `=`",
                    "Give it as --env KEY=VALUE",
                ));
            }
            env.insert(key, value);
        }
        Ok(DeployOptions {
            agent_name: self.name,
            runtime: self.runtime.map(|word| match word {
                RuntimeWord::Process => RuntimeKind::Process,
                RuntimeWord::Docker => RuntimeKind::Docker,
            }),
            env,
            force: self.force,
            replace: self.replace,
            watch: self.watch.then_some(true),
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct DeployArguments {
    /// A folder, a zip or tar archive, a git address, or `owner/repo`
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The branch or tag of a repository
    #[arg(long, short, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    #[command(flatten)]
    pub(crate) options: DeployOptionWords,
}

#[derive(Debug, Args)]
pub(crate) struct UploadDirectoryArguments {
    /// The folder
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) options: DeployOptionWords,
}

#[derive(Debug, Args)]
pub(crate) struct UploadZipArguments {
    /// The archive
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) options: DeployOptionWords,
}

#[derive(Debug, Args)]
pub(crate) struct CloneArguments {
    /// `owner/repo`, or a git address
    pub(crate) repository: String,
    /// The branch or tag
    #[arg(long, short, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    #[command(flatten)]
    pub(crate) options: DeployOptionWords,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// A folder or an archive
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
}

/// A scaffold.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Template {
    /// Python's standard library, one answer at a time
    Python,
    /// Python's standard library, an answer word by word
    PythonStream,
    /// Node without packages
    Node,
}

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// What to begin with
    #[arg(value_enum)]
    pub(crate) template: Template,
    /// The agent's name; its folder is made here
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct OneAgent {
    /// The agent's name
    pub(crate) agent: AgentName,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// The agent's name
    pub(crate) agent: AgentName,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// The agent; the control plane's own log without one
    pub(crate) agent: Option<AgentName>,
    /// Go on with new lines
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Lines of the past
    #[arg(
        long,
        short = 'n',
        value_name = "LINES",
        default_value_t = 200,
        visible_alias = "lines"
    )]
    pub(crate) tail: u32,
    /// Show when each line was written
    #[arg(long, short)]
    pub(crate) timestamps: bool,
}
