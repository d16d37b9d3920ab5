//! Words about the control plane itself.

use clap::{Args, Subcommand};
use clap_complete::Shell;
use nasiko_contract::{AgentName, JobId};

use super::{
    agents::LogsArguments,
    stack::{DownArguments, UpArguments},
};

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// API and web UI [default: 8000, else the next free one; 0: any free one]
    #[arg(
        long,
        env = "NASIKO_API_PORT",
        value_name = "PORT",
        hide_env_values = true
    )]
    pub(crate) api_port: Option<u16>,
    /// What agents and people call [default: 9100]
    #[arg(
        long,
        env = "NASIKO_GATEWAY_PORT",
        value_name = "PORT",
        hide_env_values = true
    )]
    pub(crate) gateway_port: Option<u16>,
    /// The gateway's routes and status [default: 9101]
    #[arg(
        long,
        env = "NASIKO_ADMIN_PORT",
        value_name = "PORT",
        hide_env_values = true
    )]
    pub(crate) admin_port: Option<u16>,
    /// OTLP over gRPC [default: 4317]
    #[arg(
        long,
        env = "NASIKO_OTLP_GRPC_PORT",
        value_name = "PORT",
        hide_env_values = true
    )]
    pub(crate) otlp_grpc_port: Option<u16>,
    /// OTLP over HTTP [default: 4318]
    #[arg(
        long,
        env = "NASIKO_OTLP_HTTP_PORT",
        value_name = "PORT",
        hide_env_values = true
    )]
    pub(crate) otlp_http_port: Option<u16>,
    /// Show no icon in the tray
    #[arg(long)]
    pub(crate) no_tray: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocalCommand {
    /// Start the control plane in the background
    Up(UpArguments),
    /// End the control plane
    Down(DownArguments),
    /// Say what runs, and where
    Status,
    /// Show an agent's log, or the control plane's own
    Logs(LogsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct OpenArguments {
    /// Only print the link; it is good once and for a minute
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Set a secret of an agent; its value is read from standard input unless given
    #[command(
        after_help = "Examples:\n  nasiko secret set my-agent OPENAI_API_KEY < key.txt\n  nasiko secret set my-agent MODE fast"
    )]
    Set {
        /// The agent
        agent: AgentName,
        /// The variable it gets
        name: String,
        /// The value; other programs of this machine may see it here, so standard input is better
        value: Option<String>,
    },
    /// List names of secrets; values are never shown
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  nasiko secret list\n  nasiko secret list my-agent"
    )]
    List {
        /// Only this agent's
        agent: Option<AgentName>,
    },
    /// Remove a secret of an agent
    #[command(
        visible_alias = "remove",
        after_help = "Examples:\n  nasiko secret rm my-agent OPENAI_API_KEY"
    )]
    Rm {
        /// The agent
        agent: AgentName,
        /// The variable
        name: String,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct JobsArguments {
    /// Only this agent's
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<AgentName>,
    /// Only in this state
    #[arg(long, value_parser = ["queued", "running", "succeeded", "failed", "cancelled", "dead"])]
    pub(crate) state: Option<String>,
    /// How many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "ROWS")]
    pub(crate) limit: u32,
    #[command(subcommand)]
    pub(crate) command: Option<JobsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Show one job
    Get {
        /// Its id
        job: JobId,
    },
    /// Print a job's output until it ends
    Log {
        /// Its id
        job: JobId,
    },
    /// Cancel a job
    Cancel {
        /// Its id
        job: JobId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DeadLettersArguments {
    #[command(subcommand)]
    pub(crate) command: Option<RequeueCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RequeueCommand {
    /// Try a dead letter again
    Requeue {
        /// Its id
        job: JobId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SettingsArguments {
    #[command(subcommand)]
    pub(crate) command: Option<SettingsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Change a setting
    Set {
        /// Its name, e.g. `default-runtime`
        name: String,
        /// Its value
        value: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
