//! Words about conversations, traces and the registry.

use clap::{Args, Subcommand};
use nasiko_contract::{AgentName, SessionId, TraceId};

#[derive(Debug, Args)]
pub(crate) struct ChatArguments {
    /// The agent and the message; without a message it is read from standard input, or asked for at a terminal
    #[arg(value_name = "AGENT MESSAGE", num_args = 0..)]
    pub(crate) words: Vec<String>,
    /// Go on with this conversation
    #[arg(long, short, value_name = "ID")]
    pub(crate) session: Option<SessionId>,
}

#[derive(Debug, Args)]
pub(crate) struct SessionsArguments {
    /// Only with this agent
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<AgentName>,
    /// How many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "ROWS")]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct TracesArguments {
    /// Only of this agent
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<AgentName>,
    /// Only with this status
    #[arg(long, value_parser = ["unset", "ok", "error"])]
    pub(crate) status: Option<String>,
    /// At least this long
    #[arg(long, value_name = "MILLISECONDS")]
    pub(crate) min_ms: Option<u64>,
    /// At most this long
    #[arg(long, value_name = "MILLISECONDS")]
    pub(crate) max_ms: Option<u64>,
    /// Words in span names
    #[arg(long, value_name = "WORDS")]
    pub(crate) text: Option<String>,
    /// An attribute
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) attr: Vec<String>,
    /// How many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "ROWS")]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArguments {
    /// Its id; the newest without one
    pub(crate) id: Option<TraceId>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObservabilityCommand {
    /// List traces
    Traces(TracesArguments),
    /// Show one trace as a tree
    Trace(TraceArguments),
    /// List conversations
    Sessions(SessionsArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// List the entries
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  nasiko registry list\n  nasiko registry list --text invoice"
    )]
    List {
        /// Words in name, description, skills or tags
        #[arg(long, value_name = "WORDS")]
        text: Option<String>,
    },
    /// Show an entry with its card
    #[command(after_help = "Examples:\n  nasiko registry get my-agent --json")]
    Get {
        /// The agent
        agent: AgentName,
    },
    /// Change an entry's description or tags
    #[command(
        after_help = "Examples:\n  nasiko registry update my-agent --description \"Reads invoices\" --tag finance"
    )]
    Update(UpdateEntry),
    /// Forget what you changed of an entry; the agent stays
    #[command(
        visible_alias = "reset",
        after_help = "Examples:\n  nasiko registry delete my-agent"
    )]
    Delete {
        /// The agent
        agent: AgentName,
    },
}

#[derive(Debug, Args)]
pub(crate) struct UpdateEntry {
    /// The agent
    pub(crate) agent: AgentName,
    /// One sentence
    #[arg(long, value_name = "TEXT", required_unless_present = "tag")]
    pub(crate) description: Option<String>,
    /// A tag; all its tags are replaced by those given
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RegistryGetByName {
    /// The agent
    #[arg(long)]
    pub(crate) name: AgentName,
}
