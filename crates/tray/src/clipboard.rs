//! The clipboard, without a window to own it: Wayland gives it to windows in focus alone and X11 to whoever stays to serve
//! it, so a program that does either is used where there is one. Where there is none the menu offers no copying.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use nasiko_contract::{ErrorCode, Fault};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{Config, menu::Address};

/// A program that puts its standard input on the clipboard, and its arguments.
type Tool = (&'static str, &'static [&'static str]);

const WAYLAND: [Tool; 1] = [("wl-copy", &[])];
const X11: [Tool; 2] = [
    ("xclip", &["-selection", "clipboard", "-in"]),
    ("xsel", &["--clipboard", "--input"]),
];

/// A program that was found.
pub(crate) struct Clipboard {
    program: PathBuf,
    arguments: &'static [&'static str],
}

impl Clipboard {
    /// The first that is there for one of the displays.
    pub(crate) fn find(config: &Config) -> Option<Self> {
        let wayland = config.wayland.then_some(WAYLAND).into_iter().flatten();
        let x11 = config.x11.then_some(X11).into_iter().flatten();
        wayland.chain(x11).find_map(|(name, arguments)| {
            let program = in_path(&config.path, name)?;
            Some(Self { program, arguments })
        })
    }

    /// Puts text there. The program serves it on from a process of its own.
    pub(crate) async fn put(&self, text: &str) -> Result<(), Fault> {
        self.try_put(text).await.map_err(|error| {
            Fault::new(ErrorCode::ToolMissing, "It could not be copied")
                .evidence([format!("{}: {error}", self.program.display())])
        })
    }

    async fn try_put(&self, text: &str) -> std::io::Result<()> {
        let mut child = Command::new(&self.program)
            .args(self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(text.as_bytes()).await?;
        }
        let status = child.wait().await?;
        if status.success() {
            Ok(())
        } else {
            Err(std::io::Error::other(status.to_string()))
        }
    }
}

/// What the menu can offer of an address.
pub(crate) fn offer(config: &Config) -> Address {
    match Clipboard::find(config) {
        Some(_) => Address::Copied,
        None => Address::Opened,
    }
}

fn in_path(path: &[PathBuf], name: &str) -> Option<PathBuf> {
    let folders = path.iter().map(PathBuf::as_path);
    let mut programs = folders.map(|folder: &Path| folder.join(name));
    programs.find(|program| program.is_file())
}
