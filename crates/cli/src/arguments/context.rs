//! Words about contexts.

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use nasiko_client::context::Color;

#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// List the contexts; the one in use is marked
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  nasiko context list\n  nasiko context list --json"
    )]
    List,
    /// Add a context
    ///
    /// A data directory on this machine gets a control plane of its own, with its own agents, settings and secrets; it is
    /// started when it is needed. An address is one of a control plane elsewhere.
    #[command(
        after_help = "Examples:\n  nasiko context add work ~/work-nasiko --use\n  nasiko context add trial ./trial --color amber\n  \
        nasiko context add far https://nasiko.example --token-file ~/.nasiko-far"
    )]
    Add(AddContext),
    /// Give a context another name or colour
    #[command(
        after_help = "Examples:\n  nasiko context edit work --name job\n  nasiko context edit work --color amber"
    )]
    Edit(EditContext),
    /// Choose the context that commands and windows work in from now on
    #[command(after_help = "Examples:\n  nasiko context use work\n  nasiko context use local")]
    Use {
        /// Its name
        name: String,
    },
    /// Forget a context; its control plane, agents and data stay
    #[command(
        visible_alias = "remove",
        after_help = "Examples:\n  nasiko context rm work"
    )]
    Rm {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddContext {
    /// What it is called: lower-case letters, digits and hyphens
    pub(crate) name: String,
    /// A data directory on this machine, or the address of a control plane elsewhere
    #[arg(value_name = "FOLDER|URL")]
    pub(crate) place: String,
    /// A file with the token of a control plane elsewhere; only you may read it
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<String>,
    /// The colour that windows show it in [default: one that no other context has]
    #[arg(long, value_parser = PossibleValuesParser::new(Color::ALL.map(Color::as_str)))]
    pub(crate) color: Option<String>,
    /// Use it from now on
    #[arg(long = "use")]
    pub(crate) in_use: bool,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(true)))]
pub(crate) struct EditContext {
    /// What it is called
    pub(crate) name: String,
    /// What it is to be called
    #[arg(long = "name", value_name = "NEW-NAME", group = "change")]
    pub(crate) new_name: Option<String>,
    /// The colour that windows are to show it in
    #[arg(long, group = "change", value_parser = PossibleValuesParser::new(Color::ALL.map(Color::as_str)))]
    pub(crate) color: Option<String>,
}
