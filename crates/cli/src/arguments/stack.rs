//! Words about the local stack.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// A Compose file to bring up beside the product's own; may be given several times
    #[arg(long = "file", short, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// A profile of the stack to switch on; may be given several times
    #[arg(long = "profile", value_name = "PROFILE")]
    pub(crate) profiles: Vec<String>,
    /// Remove containers of the stack that no file declares any more
    #[arg(long)]
    pub(crate) remove_orphans: bool,
    /// Make all containers of the stack anew, even where nothing changed
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DownArguments {
    /// Stop the agents first
    #[arg(long)]
    pub(crate) stop_agents: bool,
    /// Remove the stack's volumes too: what its services stored is gone
    #[arg(long)]
    pub(crate) volumes: bool,
    /// Leave the stack as it is
    #[arg(long, conflicts_with = "volumes")]
    pub(crate) keep_stack: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StackArguments {
    #[command(subcommand)]
    pub(crate) command: Option<StackCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// Start a service's container
    Start {
        /// The service
        service: String,
    },
    /// Stop a service's container
    Stop {
        /// The service
        service: String,
    },
    /// Restart a service's container
    Restart {
        /// The service
        service: String,
    },
    /// Run one command in a service's container
    #[command(after_help = "Examples:\n  nasiko stack exec redis -- redis-cli --version")]
    Exec {
        /// The service
        service: String,
        /// The program and its arguments
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<String>,
    },
    /// Show what the services write
    #[command(
        after_help = "Examples:\n  nasiko stack logs -f\n  nasiko stack logs redis --tail 20"
    )]
    Logs(StackLogsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct StackLogsArguments {
    /// Only this service's
    pub(crate) service: Option<String>,
    /// Go on with new lines
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Lines of the past of each service
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 200)]
    pub(crate) tail: u32,
    /// Show when each line was written
    #[arg(long, short)]
    pub(crate) timestamps: bool,
}
