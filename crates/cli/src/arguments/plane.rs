//! Words about the control plane itself.

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;
use nasiko_contract::{AgentName, JobId, NoticeId};

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
    /// Go on in place of the control plane that runs there
    #[arg(long, hide = true)]
    pub(crate) take_over: bool,
    /// Show no icon in the tray and no notifications
    #[arg(
        long,
        env = "NASIKO_NO_TRAY",
        hide_env_values = true,
        value_parser = clap::builder::FalseyValueParser::new()
    )]
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
    /// Set a secret of an agent, or of all; its value is read from standard input unless given
    #[command(
        override_usage = "nasiko secret set [OPTIONS] <AGENT> <NAME> [VALUE]\n       nasiko secret set --shared <NAME> [VALUE]",
        after_help = "Examples:\n  nasiko secret set my-agent OPENAI_API_KEY < key.txt\n  nasiko secret set my-agent MODE fast\n  \
        nasiko secret set --shared OPENAI_API_KEY < key.txt"
    )]
    Set {
        /// Every agent gets it; one of an agent's own of that name wins
        #[arg(long)]
        shared: bool,
        /// The agent
        agent: String,
        /// The variable it gets
        #[arg(required_unless_present = "shared")]
        name: Option<String>,
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
    /// Remove a secret of an agent, or one of all
    #[command(
        visible_alias = "remove",
        override_usage = "nasiko secret rm [OPTIONS] <AGENT> <NAME>\n       nasiko secret rm --shared <NAME>",
        after_help = "Examples:\n  nasiko secret rm my-agent OPENAI_API_KEY\n  nasiko secret rm --shared OPENAI_API_KEY"
    )]
    Rm {
        /// One that every agent gets
        #[arg(long)]
        shared: bool,
        /// The agent
        agent: String,
        /// The variable
        #[arg(required_unless_present = "shared", conflicts_with = "shared")]
        name: Option<String>,
    },
    /// Say where the key that seals secrets is kept, and why there
    #[command(after_help = "Examples:\n  nasiko secret key\n  nasiko secret key --json")]
    Key,
    /// Keep the key that seals secrets elsewhere
    ///
    /// The key is written to its new place and read back there before it is removed from the old one. A passphrase is asked
    /// for at a terminal, else read from standard input, else from the file that the control plane's
    /// NASIKO_VAULT_PASSPHRASE_FILE names.
    #[command(
        after_help = "Examples:\n  nasiko secret keep-in keyring\n  nasiko secret keep-in file\n  \
        nasiko secret keep-in passphrase < passphrase.txt"
    )]
    KeepIn {
        /// Where
        #[arg(value_enum)]
        place: KeyPlaceWord,
    },
    /// Unlock the key that seals secrets: a keyring asks you, a passphrase is asked for here
    #[command(
        after_help = "Examples:\n  nasiko secret unlock\n  nasiko secret unlock < passphrase.txt"
    )]
    Unlock,
    /// Forget all secrets, for a key that is lost
    #[command(after_help = "Examples:\n  nasiko secret reset\n  nasiko secret reset --yes")]
    Reset {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyPlaceWord {
    /// The system's keyring
    Keyring,
    /// A file that only you may read
    File,
    /// A file sealed with a passphrase, which is needed at each start
    Passphrase,
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
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct NoticesArguments {
    /// Only those that nobody has read
    #[arg(long)]
    pub(crate) unread: bool,
    /// How many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "ROWS")]
    pub(crate) limit: u32,
    #[command(subcommand)]
    pub(crate) command: Option<NoticesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NoticesCommand {
    /// Mark notices as read
    Read {
        /// Which; all unless given
        notice: Option<NoticeId>,
    },
    /// Take notices out of the inbox
    Clear {
        /// Which; all unless given
        notice: Option<NoticeId>,
    },
    /// Undo the last `clear`
    Restore,
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
    #[command(
        after_help = "Examples:\n  nasiko settings set default-runtime docker\n  nasiko settings set otlp-forward-url http://127.0.0.1:14318\n  nasiko settings set otlp-forward-url ''\n  nasiko settings set store stack\n  nasiko settings set store - --redis redis://127.0.0.1:6379\n  nasiko settings set store sqlite\n\nArguments of a process can be seen by others on the machine: give an address that has a password on standard input."
    )]
    Set {
        /// Its name, e.g. `default-runtime`; `nasiko settings` lists all
        name: String,
        /// Its value; empty for none. `store` takes `sqlite`, `stack`, mongodb://user:password@host:port/database, or `-` for
        /// standard input
        value: String,
        /// With `store`: a Redis server beside it, redis://:password@host:port; `-` for standard input
        #[arg(long, value_name = "URL")]
        redis: Option<String>,
        /// With `store`: work with what is in a database that is in use, instead of copying there what is here
        #[arg(long)]
        join: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
