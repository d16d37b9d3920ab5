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
    #[arg(long, visible_alias = "force-recreate")]
    pub(crate) force: bool,
    /// Make no container anew, even where something changed
    #[arg(long, conflicts_with = "force")]
    pub(crate) no_recreate: bool,
    /// Build images again, even where they are here
    #[arg(long)]
    pub(crate) build: bool,
    /// Pull images again, even where they are here
    #[arg(long)]
    pub(crate) pull: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DownArguments {
    /// Take down only what this Compose file of yours declares, and go on without it; may be given several times
    #[arg(long = "file", short, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Take down only what is on for this profile, and go on without it; may be given several times
    #[arg(long = "profile", value_name = "PROFILE")]
    pub(crate) profiles: Vec<String>,
    /// Stop the agents first
    #[arg(long, conflicts_with_all = ["files", "profiles"])]
    pub(crate) stop_agents: bool,
    /// Remove the volumes too: what the services stored is gone
    #[arg(long)]
    pub(crate) volumes: bool,
    /// Leave the stack as it is
    #[arg(long, conflicts_with_all = ["volumes", "files", "profiles"])]
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
    /// List the services
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  nasiko stack ps\n  nasiko stack ps --json"
    )]
    Ps,
    /// Start services' containers
    #[command(after_help = "Examples:\n  nasiko stack start redis mongodb")]
    Start(ServicesArguments),
    /// Stop services' containers
    #[command(after_help = "Examples:\n  nasiko stack stop redis mongodb")]
    Stop(ServicesArguments),
    /// Restart services' containers
    #[command(after_help = "Examples:\n  nasiko stack restart redis mongodb")]
    Restart(ServicesArguments),
    /// Run one command in a service's container, and end with its exit code; it gets no input
    #[command(
        after_help = "Examples:\n  nasiko stack exec redis redis-cli --version\n  \
        nasiko stack exec --user postgres db psql -c \"select 1\""
    )]
    Exec(ExecArguments),
    /// Show what the services write
    #[command(
        after_help = "Examples:\n  nasiko stack logs -f\n  nasiko stack logs redis mongodb --tail 20\n  \
        nasiko stack logs --since 10m\n  nasiko stack logs --since 2026-01-31T08:00:00Z"
    )]
    Logs(StackLogsArguments),
    /// Show what the services use, again and again until Ctrl-C
    #[command(
        after_help = "Examples:\n  nasiko stack stats\n  nasiko stack stats redis --once\n  nasiko stack stats --json"
    )]
    Stats(StatsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ServicesArguments {
    /// The services
    #[arg(required = true, value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ExecArguments {
    /// As this user, in place of the container's
    #[arg(long, short, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// In this folder, in place of the container's
    #[arg(long, short, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    /// The service
    pub(crate) service: String,
    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StackLogsArguments {
    /// Only these services'
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Go on with new lines
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Lines of the past of each service
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 200)]
    pub(crate) tail: u32,
    /// Only lines since then: how long ago (10m, 1h30m), or a time (2026-01-31T08:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// Show when each line was written
    #[arg(long, short)]
    pub(crate) timestamps: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Measure once and end; without a terminal, and with --json, it is always so
    #[arg(long)]
    pub(crate) once: bool,
}

/// A time, or how long ago it was.
fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let ago: jiff::SignedDuration = text.parse().map_err(|_| {
        "neither a time like 2026-01-31T08:00:00Z nor a duration like 10m".to_owned()
    })?;
    jiff::Timestamp::now()
        .checked_sub(ago)
        .map_err(|error| error.to_string())
}
