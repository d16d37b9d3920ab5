//! Owns the window process: the webview, the one bridge to the chosen control plane, and what comes from the desktop around
//! it. Must never do what the resident could do; it holds the token, and the webview never sees it.

#![cfg_attr(windows, windows_subsystem = "windows")]

mod arguments;
mod bridge;
mod environment;
mod instance;
mod kept;
mod link;
mod opened;
mod paint;
mod pick;
mod place;
mod update;
mod window;

use std::process::ExitCode;

use nasiko_client::window::Opened;
use nasiko_contract::{ErrorCode, Fault};

use crate::paint::End;

fn main() -> ExitCode {
    if let Some(code) = environment::prepare() {
        return code;
    }
    environment::tell_faults();
    match start() {
        Ok(code) => code,
        Err(fault) => {
            environment::complain(&fault.to_string());
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<ExitCode, Fault> {
    let home = environment::home()?;
    let opened = arguments::read(std::env::args_os().skip(1), &environment::folder());
    let mut refused = false;
    for one in &opened {
        if let Opened::Refused { message } = one {
            // The window says it too: most of those who open things have no terminal.
            environment::complain(message);
            refused = true;
        }
    }
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Fault::new(ErrorCode::Internal, what).evidence([error.to_string()])
    };
    let instance = instance::claim(&home, &opened)
        .map_err(|error| failed("The window's data directory cannot be used", &error))?;
    let Some(instance) = instance else {
        return Ok(if refused {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        });
    };
    let end = window::run(&home, instance, opened)
        .map_err(|error| failed("The window could not be opened", &error))?;
    Ok(match end {
        End::Closed => ExitCode::SUCCESS,
        End::NothingPainted => environment::start_without_compositing(),
    })
}
