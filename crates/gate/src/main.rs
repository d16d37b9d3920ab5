//! Owns the first process of a container whose files are still to come: it waits for them at its standard input, lays
//! them over the image's and lets the program go, as whose supervisor it stays. Must never see a secret in its arguments,
//! nor need anything of the image it runs in: no shell, no library, no root user.
//!
//! The control plane puts this program into the container as `/.nasiko/gate`, owned by root and with its set-user-ID bit,
//! so that the container keeps the image's own user: the program gets that user, its groups, environment and folder from
//! the engine, exactly as without a gate.

#[cfg(target_os = "linux")]
mod accounts;
#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod passage;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod supervisor;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use std::io::Write as _;
    use std::path::Path;

    use crate::arguments::Task;

    /// What the engine itself exits with when it, and not the program, is at fault.
    const OUR_FAULT: u8 = 125;

    let done = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Task::Run(run)) => supervisor::run(Path::new("/"), &run),
        Ok(Task::Lay) => files::lay(Path::new("/"), std::io::stdin().lock()).map(|end| match end {
            files::End::LetGo => ExitCode::SUCCESS,
            files::End::HungUp => ExitCode::from(OUR_FAULT),
        }),
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        // A container without an open error output still has its exit code.
        // One piece, so that it is one line among those of others.
        let line = format!("nasiko-gate: {error}\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
        ExitCode::from(OUR_FAULT)
    })
}

/// It runs in containers, and these are Linux.
#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::FAILURE
}
