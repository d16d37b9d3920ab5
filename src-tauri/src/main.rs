//! Owns the window process: the webview and the one bridge to the current control plane. Must never do what the
//! resident could do; it holds the token, and the webview never sees it.

#![cfg_attr(windows, windows_subsystem = "windows")]

mod bridge;
mod environment;
mod window;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = environment::prepare() {
        return code;
    }
    environment::tell_faults();
    match window::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            environment::complain(&format!("The window could not be opened: {error}"));
            ExitCode::FAILURE
        }
    }
}
