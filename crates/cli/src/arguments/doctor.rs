//! Words about what may be wrong.

use clap::Args;
use nasiko_contract::AgentName;

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Do what can be done safely about what is wrong, and say what was done
    #[arg(long)]
    pub(crate) fix: bool,
    /// Only the checks of this agent
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<AgentName>,
    /// Print a report to show to others: without secrets, your name, and the path of your home
    #[arg(long, conflicts_with_all = ["fix", "agent"])]
    pub(crate) report: bool,
    /// Show what is well, too
    #[arg(long)]
    pub(crate) all: bool,
}
