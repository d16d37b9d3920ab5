//! What this process reads of its surroundings, in one place.

use std::{io::Write, path::PathBuf, process::ExitCode};

use nasiko_client::resident;
use nasiko_contract::{ErrorCode, Fault};

#[cfg(target_os = "linux")]
use std::process::Command;

/// With GPU buffers shared through DMA-BUF, WebKitGTK shows an empty window on some drivers (tauri-apps/tauri#9304).
#[cfg(target_os = "linux")]
const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
/// On some it shows one unless everything is drawn by the processor.
#[cfg(target_os = "linux")]
const NO_COMPOSITING: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// Prepares the environment the webview needs, which reads it when GTK starts. To be called before there is a thread.
/// An exit code means: end with it.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() -> Option<ExitCode> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !is_set("WAYLAND_DISPLAY") && !is_set("DISPLAY") {
        complain(
            "There is no display to open a window on. `nasiko open` gives a link for a browser",
        );
        return Some(ExitCode::FAILURE);
    }
    // One that was set by whoever started us stays. Starting again with it would cost a tenth of a second: this
    // program's libraries are many.
    if let Err(error) = glib::setenv(NO_DMABUF, "1", false) {
        complain(&format!("{NO_DMABUF} is not set: {error}"));
    }
    None
}

/// Nothing to prepare.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() -> Option<ExitCode> {
    None
}

/// Whether WebKit may still be asked to draw without compositing.
#[cfg(target_os = "linux")]
pub(crate) fn may_draw_plainer() -> bool {
    std::env::var_os(NO_COMPOSITING).is_none()
}

/// There is only one way to draw.
#[cfg(not(target_os = "linux"))]
pub(crate) fn may_draw_plainer() -> bool {
    false
}

/// Begins again, drawing without compositing. Comes back only if that failed.
#[cfg(target_os = "linux")]
pub(crate) fn start_without_compositing() -> ExitCode {
    complain("Nothing was painted: starting again without compositing");
    complain(&again_with(NO_COMPOSITING));
    ExitCode::FAILURE
}

/// There is no other way to draw.
#[cfg(not(target_os = "linux"))]
pub(crate) fn start_without_compositing() -> ExitCode {
    complain("Nothing was painted");
    ExitCode::FAILURE
}

/// Replaces this process by itself with `variable` set; comes back with why that failed.
#[cfg(target_os = "linux")]
fn again_with(variable: &str) -> String {
    use std::os::unix::process::CommandExt;
    let error = match std::env::current_exe() {
        Ok(program) => Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(variable, "1")
            .exec(),
        Err(error) => error,
    };
    format!("Starting again with {variable} failed: {error}")
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

/// The person's home folder.
pub(crate) fn user_home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// The folder that relative arguments are meant from.
pub(crate) fn folder() -> PathBuf {
    // One that was deleted: then relative arguments lead nowhere, and say so.
    std::env::current_dir().unwrap_or_default()
}

/// The AppImage that this program is run from.
pub(crate) fn app_image() -> Option<PathBuf> {
    let named = |name: &str| Some(PathBuf::from(std::env::var_os(name)?));
    // A terminal that is an AppImage hands its own variables to all that is started in it.
    let folder = named("APPDIR").and_then(|folder| fs_err::canonicalize(folder).ok())?;
    let is_ours = std::env::current_exe().is_ok_and(|own| own.starts_with(folder));
    named("APPIMAGE").filter(|image| cfg!(target_os = "linux") && is_ours && image.is_absolute())
}

/// The context that this window was started for, where one was named.
pub(crate) fn context() -> Option<String> {
    std::env::var("NASIKO_CONTEXT")
        .ok()
        .filter(|name| !name.is_empty())
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
