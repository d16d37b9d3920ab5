//! Owns the start of the AppImage: unpacks the file system that follows this program's own bytes, once for each version,
//! and becomes what is in it. Must never need FUSE, a library or another program, nor write outside of the person's cache.
//!
//! The usual start of an AppImage mounts it for as long as the window is open. Ours holds a control plane too, which stays
//! when the window is closed: its files have to stay as well. Unpacked they do, and each later start is as quick as that
//! of an installed program. What tools ask of any AppImage of type 2 is answered: `--appimage-offset`,
//! `--appimage-extract`, `--appimage-extract-and-run`.

#[cfg(unix)]
mod cache;
#[cfg(unix)]
mod image;

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    use std::io::Write as _;

    start().unwrap_or_else(|error| {
        // Whoever double-clicked has no terminal; there is nowhere else to say it.
        let _ = writeln!(std::io::stderr(), "This AppImage cannot start: {error}");
        ExitCode::FAILURE
    })
}

/// AppImages are for Linux.
#[cfg(not(unix))]
fn main() -> ExitCode {
    ExitCode::FAILURE
}

/// Answers an option of AppImages, or becomes the program inside.
#[cfg(unix)]
fn start() -> std::io::Result<ExitCode> {
    use std::{
        env,
        io::{self, Write as _},
        os::unix::process::CommandExt as _,
        path::Path,
        process::Command,
    };

    let path = env::current_exe()?;
    let image = image::Image::open(&path)?;
    let mut words = env::args_os();
    let called = words.next().unwrap_or_default();
    let mut words = words.peekable();
    let option = words
        .peek()
        .and_then(|word| word.to_str())
        .and_then(|word| word.strip_prefix("--appimage-"));
    match option {
        None => {}
        Some("extract-and-run") => drop(words.next()),
        Some("offset") => {
            writeln!(io::stdout(), "{}", image.offset())?;
            return Ok(ExitCode::SUCCESS);
        }
        Some("extract") => {
            image.unpack(Path::new("squashfs-root"))?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(other) => {
            return Err(io::Error::other(format!(
                "it knows no option --appimage-{other}"
            )));
        }
    }
    let cache = cache::Cache::of_person(env::var_os("XDG_CACHE_HOME"), env::home_dir())?;
    let folder = cache.unpacked(&image)?;
    let mut program = Command::new(folder.join("AppRun"));
    program
        .args(words)
        .env("APPIMAGE", &path)
        .env("APPDIR", &folder)
        .env("ARGV0", called);
    program.envs(env::current_dir().map(|folder| ("OWD", folder)));
    Err(program.exec())
}
