//! Words about live update: developing, watching, what saves did, pinned questions.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use nasiko_contract::{AgentName, PinId};

use super::agents::DeployOptionWords;

#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// The agent's folder
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) options: DeployOptionWords,
    /// Leave the agent's log out
    #[arg(long)]
    pub(crate) no_logs: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// The agent's name
    pub(crate) agent: AgentName,
    /// Stop watching
    #[arg(long, conflicts_with = "status")]
    pub(crate) off: bool,
    /// Only say how its folder is watched
    #[arg(long)]
    pub(crate) status: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdatesArguments {
    /// The agent's name
    pub(crate) agent: AgentName,
    /// How many
    #[arg(long, short = 'n', default_value_t = 20, value_name = "ROWS")]
    pub(crate) limit: u32,
    /// Show every changed file with its reason, and failures with their evidence
    #[arg(long, short)]
    pub(crate) files: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PinCommand {
    /// Pin a question
    #[command(after_help = "Examples:\n  nasiko pin add my-agent \"What is on invoice 7?\"")]
    Add {
        /// The agent's name
        agent: AgentName,
        /// The question
        #[arg(required = true)]
        question: Vec<String>,
    },
    /// List an agent's pinned questions with how their answers compare
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  nasiko pin list my-agent"
    )]
    List {
        /// The agent's name
        agent: AgentName,
    },
    /// Ask them all again now
    #[command(after_help = "Examples:\n  nasiko pin run my-agent")]
    Run {
        /// The agent's name
        agent: AgentName,
    },
    /// Accept a question's latest answer: later ones are compared with it
    #[command(
        after_help = "Examples:\n  nasiko pin accept my-agent 0198c0de-0000-7000-8000-000000000001"
    )]
    Accept(OnePin),
    /// Remove a question with its answers
    #[command(
        visible_alias = "remove",
        after_help = "Examples:\n  nasiko pin rm my-agent 0198c0de-0000-7000-8000-000000000001"
    )]
    Rm(OnePin),
}

#[derive(Debug, Args)]
pub(crate) struct OnePin {
    /// The agent's name
    pub(crate) agent: AgentName,
    /// The question's id
    pub(crate) pin: PinId,
}
