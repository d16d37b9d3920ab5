//! Owns the `nasiko` command line: its words, its documents, its exit codes. Must never know what an operation does:
//! everything goes through the client; `serve` alone starts a resident.

mod arguments;
mod commands;
mod documents;
mod failure;
mod follow;
mod output;
mod session;
mod source;
mod table;
mod tree;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;
use nasiko_contract::{ErrorCode, Fault};

use crate::{arguments::Arguments, failure::Failure, output::Output, session::Session};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let arguments = match Arguments::try_parse_from(&words) {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error, words.iter().any(|word| word == "--json")),
    };
    let output = Output::new(arguments.json, arguments.verbose);
    match run(arguments, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let session = Session::new(&arguments, output)?;
    let runtime = commands::runtime_for(&arguments.command)?;
    let result = runtime.block_on(commands::run(&session, arguments.command));
    // A read of the terminal that is still waiting must not keep the program alive.
    runtime.shutdown_background();
    result
}

/// Words that make no command; also `--help` and `--version`, which are asked for and no failure.
fn misused(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let sentence = lines.next().unwrap_or_default();
        let fault = Fault::new(
            ErrorCode::InvalidRequest,
            sentence.strip_prefix("error: ").unwrap_or(sentence),
        )
        .evidence(lines)
        .hint("Add --help to see how it is used");
        Output::new(true, false).failure(&Failure::Usage(fault));
    } else if error.print().is_err() {
        return ExitCode::FAILURE;
    }
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ => failure::USAGE.into(),
    }
}
