//! What this process reads of its surroundings, in one place.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, ExitCode},
};

use nasiko_client::resident;
use nasiko_contract::{ErrorCode, Fault};

/// With GPU buffers shared through DMA-BUF, WebKitGTK shows an empty window on some drivers (tauri-apps/tauri#9304).
#[cfg(target_os = "linux")]
const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Prepares the environment the webview needs. It is read when GTK starts and cannot be changed safely once threads
/// run, so this process is replaced by itself with the variable set. An exit code means: end with it.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() -> Option<ExitCode> {
    use std::os::unix::process::CommandExt;
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !is_set("WAYLAND_DISPLAY") && !is_set("DISPLAY") {
        complain(
            "There is no display to open a window on. `nasiko open` gives a link for a browser",
        );
        return Some(ExitCode::FAILURE);
    }
    if std::env::var_os(NO_DMABUF).is_some() {
        return None;
    }
    let program = std::env::current_exe().ok()?;
    let error = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(NO_DMABUF, "1")
        .exec();
    complain(&format!("Starting again with {NO_DMABUF} failed: {error}"));
    None
}

/// Nothing to prepare.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() -> Option<ExitCode> {
    None
}

/// From now on a fault of our own, or of the libraries below the webview, is told in words rather than as a stack.
pub(crate) fn tell_faults() {
    std::panic::set_hook(Box::new(|fault| {
        complain(&format!(
            "The window broke off: {fault}\nAgents and the control plane go on"
        ));
    }));
}

/// Says something to whoever started us from a terminal.
pub(crate) fn complain(what: &str) {
    // Nobody may be listening; there is nowhere else to say it.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// The data directory.
pub(crate) fn home() -> Result<PathBuf, Fault> {
    resident::home(std::env::var_os("NASIKO_HOME"), std::env::home_dir())
}

/// The `nasiko` program: beside this one, as packages install it, else wherever the shell finds it.
pub(crate) fn nasiko_program() -> Result<PathBuf, Fault> {
    let name = format!("nasiko{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe()
        .ok()
        .and_then(|own| Some(own.parent()?.join(&name)));
    if let Some(program) = beside.filter(|program| program.is_file()) {
        return Ok(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            Fault::new(ErrorCode::Unreachable, "The program `nasiko` was not found")
                .hint("Install it beside the desktop program, or put it on the PATH")
        })
}
