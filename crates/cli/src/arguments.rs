//! The words of the command line.

mod agents;
mod context;
mod doctor;
mod live;
mod plane;
mod stack;
mod talk;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use agents::{
    CloneArguments, DeployArguments, InspectArguments, LogsArguments, NewArguments, OneAgent,
    RemoveArguments, Template, UploadDirectoryArguments, UploadZipArguments,
};
pub(crate) use context::{AddContext, ContextCommand, EditContext};
pub(crate) use doctor::DoctorArguments;
pub(crate) use live::{DevArguments, PinCommand, UpdatesArguments, WatchArguments};
pub(crate) use plane::{
    CompletionsArguments, DeadLettersArguments, JobsArguments, JobsCommand, KeyPlaceWord,
    LocalCommand, NoticesArguments, NoticesCommand, OpenArguments, RequeueCommand, SecretCommand,
    ServeArguments, SettingsArguments, SettingsCommand,
};
pub(crate) use stack::{
    DownArguments, ExecArguments, StackArguments, StackCommand, StackLogsArguments, StatsArguments,
    UpArguments,
};
pub(crate) use talk::{
    ChatArguments, ObservabilityCommand, RegistryCommand, RegistryGetByName, SessionsArguments,
    TraceArguments, TracesArguments, UpdateEntry,
};

/// Where the flags stand that every command has.
const EVERYWHERE: &str = "Everywhere";

/// Develop AI agents on your own machine: from a folder to a conversation.
#[derive(Debug, Parser)]
#[command(
    name = "nasiko",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 not found, 4 not reachable, 5 refused, \
        130 cancelled.\n\nExamples:\n  nasiko deploy ./my-agent\n  nasiko chat my-agent \"Hello\"\n  nasiko trace"
)]
pub(crate) struct Arguments {
    /// Print one JSON document (JSON lines for streams) instead of words
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// Say more about what happens
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub(crate) verbose: bool,
    /// The context to work in, instead of the one that `nasiko context use` chose
    #[arg(
        long,
        global = true,
        env = "NASIKO_CONTEXT",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = EVERYWHERE
    )]
    pub(crate) context: Option<String>,
    /// The data directory
    #[arg(
        long,
        global = true,
        hide = true,
        env = "NASIKO_HOME",
        value_name = "PATH"
    )]
    pub(crate) home: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Deploy an agent: from a folder, an archive or a repository to an address that answers
    #[command(
        after_help = "Examples:\n  nasiko deploy ./my-agent\n  nasiko deploy agent.zip --name reader\n  \
        nasiko deploy octo/agent --runtime docker --env LOG_LEVEL=debug\n  OPENAI_API_KEY=… nasiko deploy . --env OPENAI_API_KEY"
    )]
    Deploy(DeployArguments),
    /// Develop an agent: deploy its folder, make each save live, show updates, logs and answers
    #[command(
        after_help = "Examples:\n  nasiko dev\n  nasiko dev ./my-agent --runtime docker\n  nasiko dev ./my-agent --json"
    )]
    Dev(DevArguments),
    /// Keep an agent in step with its folder: a save is live by itself
    #[command(
        after_help = "Examples:\n  nasiko watch my-agent\n  nasiko watch my-agent --status\n  nasiko watch my-agent --off"
    )]
    Watch(WatchArguments),
    /// What each save did, and why
    #[command(
        after_help = "Examples:\n  nasiko updates my-agent\n  nasiko updates my-agent --files\n  nasiko updates my-agent --json"
    )]
    Updates(UpdatesArguments),
    /// Pin questions that are asked again after each update
    #[command(
        subcommand,
        visible_alias = "pins",
        after_help = "Examples:\n  nasiko pin add my-agent \"What is on invoice 7?\"\n  nasiko pin list my-agent\n  \
        nasiko pin run my-agent"
    )]
    Pin(PinCommand),
    /// Say what is in a folder or archive; nothing is started
    #[command(
        visible_alias = "validate",
        after_help = "Examples:\n  nasiko inspect ./my-agent\n  nasiko inspect agent.zip --json"
    )]
    Inspect(InspectArguments),
    /// Make a new agent's folder
    #[command(
        after_help = "Examples:\n  nasiko new python my-agent\n  nasiko new node my-agent && nasiko deploy my-agent"
    )]
    New(NewArguments),
    /// List the agents
    #[command(after_help = "Examples:\n  nasiko ps\n  nasiko ps --json")]
    Ps,
    /// Stop an agent
    #[command(after_help = "Examples:\n  nasiko stop my-agent")]
    Stop(OneAgent),
    /// Start a stopped agent
    #[command(after_help = "Examples:\n  nasiko start my-agent")]
    Start(OneAgent),
    /// Restart an agent without a gap
    #[command(after_help = "Examples:\n  nasiko restart my-agent")]
    Restart(OneAgent),
    /// Read an agent's source again, make everything anew and start it
    #[command(after_help = "Examples:\n  nasiko rebuild my-agent")]
    Rebuild(OneAgent),
    /// Stop an agent and forget it; your folder is not touched
    #[command(
        visible_alias = "remove",
        after_help = "Examples:\n  nasiko rm my-agent\n  nasiko rm my-agent --yes"
    )]
    Rm(RemoveArguments),
    /// Show an agent's log, or the control plane's own
    #[command(
        after_help = "Examples:\n  nasiko logs my-agent -f\n  nasiko logs my-agent --tail 20 --json\n  nasiko logs"
    )]
    Logs(LogsArguments),

    /// Talk to an agent
    #[command(
        override_usage = "nasiko chat [OPTIONS] [AGENT] [MESSAGE]...",
        after_help = "Examples:\n  nasiko chat my-agent \"Hello\"\n  nasiko chat my-agent\n  \
        nasiko chat --session ID \"And then?\"\n  cat letter.txt | nasiko chat my-agent"
    )]
    Chat(ChatArguments),
    /// List conversations
    #[command(after_help = "Examples:\n  nasiko sessions\n  nasiko sessions --agent my-agent")]
    Sessions(SessionsArguments),
    /// List traces
    #[command(
        after_help = "Examples:\n  nasiko traces\n  nasiko traces --agent my-agent --status error --min-ms 500"
    )]
    Traces(TracesArguments),
    /// Show one trace as a tree: the newest, unless one is named
    #[command(
        after_help = "Examples:\n  nasiko trace\n  nasiko trace 4bf92f3577b34da6a3ce929d0e0e4736"
    )]
    Trace(TraceArguments),
    /// Look at agents as others find them
    #[command(
        subcommand,
        after_help = "Examples:\n  nasiko registry list\n  nasiko registry update my-agent --description \"Reads invoices\""
    )]
    Registry(RegistryCommand),

    /// Run the control plane in this terminal
    #[command(
        after_help = "Examples:\n  nasiko serve\n  nasiko serve --api-port 0 --gateway-port 0"
    )]
    Serve(ServeArguments),
    /// Start the control plane in the background, and bring the local stack up where it is on
    #[command(
        after_help = "Examples:\n  nasiko up\n  nasiko up --profile core\n  nasiko up -f services.yml --remove-orphans"
    )]
    Up(UpArguments),
    /// Take the local stack down and end the control plane; agents go on running unless told otherwise
    ///
    /// With a file or a profile, only that part of the stack is taken down, and the control plane stays.
    #[command(
        after_help = "Examples:\n  nasiko down\n  nasiko down --stop-agents\n  nasiko down --volumes --yes\n  \
        nasiko down --keep-stack\n  nasiko down -f services.yml"
    )]
    Down(DownArguments),
    /// List the services of the local stack, start, stop, look into one
    #[command(
        after_help = "Examples:\n  nasiko stack\n  nasiko stack restart redis\n  nasiko stack logs -f\n  \
        nasiko stack stats\n  nasiko stack exec redis redis-cli --version"
    )]
    Stack(StackArguments),
    /// Say what runs, and where
    #[command(after_help = "Examples:\n  nasiko status\n  nasiko status --json")]
    Status,
    /// Look for what may be wrong: engine, machine, network, data directory, agents; say why, and what to do
    ///
    /// Works as well where no control plane runs or starts. The exit code is 1 if something failed.
    #[command(
        after_help = "Examples:\n  nasiko doctor\n  nasiko doctor --fix\n  nasiko doctor --agent my-agent\n  \
        nasiko doctor --report > report.md\n  nasiko doctor --json"
    )]
    Doctor(DoctorArguments),
    /// Open the web UI in a browser
    #[command(after_help = "Examples:\n  nasiko open\n  nasiko open --print")]
    Open(OpenArguments),
    /// Keep secrets for agents
    #[command(
        subcommand,
        visible_alias = "secrets",
        after_help = "Examples:\n  nasiko secret set my-agent OPENAI_API_KEY < key.txt\n  nasiko secret list my-agent\n  \
        nasiko secret keep-in keyring"
    )]
    Secret(SecretCommand),
    /// List jobs, follow one, cancel one
    #[command(
        after_help = "Examples:\n  nasiko jobs --agent my-agent\n  nasiko jobs log ID\n  nasiko jobs cancel ID"
    )]
    Jobs(JobsArguments),
    /// Show what happened while you did not look
    #[command(
        after_help = "Examples:\n  nasiko notices\n  nasiko notices --unread --json\n  nasiko notices read\n  nasiko notices clear"
    )]
    Notices(NoticesArguments),
    /// List jobs given up after their last try, and try one again
    #[command(after_help = "Examples:\n  nasiko dead-letters\n  nasiko dead-letters requeue ID")]
    DeadLetters(DeadLettersArguments),
    /// Show settings, change one
    #[command(
        after_help = "Examples:\n  nasiko settings\n  nasiko settings set default-runtime docker\n  nasiko settings set store stack"
    )]
    Settings(SettingsArguments),
    /// Choose which control plane is meant: this machine's, another on it, or one elsewhere
    #[command(
        subcommand,
        visible_alias = "contexts",
        after_help = "Examples:\n  nasiko context list\n  nasiko context add work ~/work-nasiko --use\n  \
        nasiko --context work ps\n  nasiko context use local\n  \
        nasiko context add far https://nasiko.example --token-file ~/.nasiko-far"
    )]
    Context(ContextCommand),
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  nasiko completions bash > ~/.local/share/bash-completion/completions/nasiko\n  \
        nasiko completions zsh > ~/.zfunc/_nasiko"
    )]
    Completions(CompletionsArguments),

    #[command(subcommand, hide = true, about = "The control plane of this machine")]
    Local(LocalCommand),
    #[command(hide = true, about = "Deploy a folder")]
    UploadDirectory(UploadDirectoryArguments),
    #[command(hide = true, about = "Upload an archive and deploy it")]
    UploadZip(UploadZipArguments),
    #[command(hide = true, about = "Deploy a git repository")]
    Clone(CloneArguments),
    #[command(subcommand, hide = true, about = "Traces")]
    Observability(ObservabilityCommand),
    #[command(hide = true, about = "List the contexts")]
    ListClusters,
    #[command(hide = true, about = "List registry entries")]
    RegistryList,
    #[command(hide = true, about = "Show a registry entry")]
    RegistryGet(RegistryGetByName),
    #[command(hide = true, about = "Change a registry entry")]
    RegistryUpdate(UpdateEntry),
}

impl Command {
    /// Whether it manages contexts rather than works in one.
    pub(crate) fn is_about_contexts(&self) -> bool {
        matches!(self, Self::Context(_) | Self::ListClusters)
    }
}

#[cfg(test)]
mod tests;
