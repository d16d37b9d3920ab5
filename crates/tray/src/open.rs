//! Opening the window, or a browser where there is no window's program.

use std::{path::PathBuf, process::Stdio};

use nasiko_contract::{ErrorCode, Fault};
use tokio::process::Command;

use crate::Config;

/// The window's program.
const WINDOW: &str = "nasiko-desktop";

/// Opens or focuses the window at a page; whether its program could be started. A window that is open already is told by
/// the second one, which then ends.
pub(crate) fn in_window(config: &Config, page: &str, token: Option<&str>) -> bool {
    let Some(program) = window(config) else {
        return false;
    };
    let mut command = Command::new(program);
    command
        .arg(format!("nasiko://open{page}"))
        .env("NASIKO_HOME", &config.home);
    if let Some(token) = token {
        command
            .env("XDG_ACTIVATION_TOKEN", token)
            .env("DESKTOP_STARTUP_ID", token);
    }
    match start(command) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "the window's program cannot be started");
            false
        }
    }
}

/// The window's program: beside our own, else in `PATH`.
fn window(config: &Config) -> Option<PathBuf> {
    let beside = config.program.parent().map(PathBuf::from);
    beside
        .iter()
        .chain(&config.path)
        .map(|folder| folder.join(WINDOW))
        .find(|program| program.is_file())
}

/// Opens an address in the person's browser.
pub(crate) fn in_browser(url: &str) -> Result<(), Fault> {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let mut command = Command::new(opener);
    command.arg(url);
    start(command).map_err(|error| {
        Fault::new(ErrorCode::ToolMissing, "No browser could be opened")
            .hint("`nasiko open --print` prints a link")
            .evidence([format!("{opener}: {error}")])
    })
}

/// Starts a program that lives on by itself: it is only waited for so that it does not stay as a zombie.
fn start(mut command: Command) -> std::io::Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // What a terminal tells the resident is not meant for it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    tokio::spawn(async move { child.wait().await });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_beside_the_own_program_comes_before_those_in_path() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [own, path] = folders.each_ref().map(|folder| folder.path().to_owned());
        let config = Config {
            home: own.clone(),
            program: own.join("nasiko"),
            path: vec![path.clone()],
            wayland: false,
            x11: false,
        };
        assert_eq!(window(&config), None);
        std::fs::write(path.join(WINDOW), "").unwrap();
        assert_eq!(window(&config), Some(path.join(WINDOW)));
        std::fs::write(own.join(WINDOW), "").unwrap();
        assert_eq!(window(&config), Some(own.join(WINDOW)));
    }
}
