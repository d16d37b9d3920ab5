//! The first process that we bring along for containers whose files are still to come, see `crates/gate`.

use std::io::{self, Write};

use bollard::Docker;
use tar::{Builder, EntryType, Header};

use super::Shared;
use crate::error::RuntimeError;

/// Where it lies within a container.
pub(super) const PATH: &str = "/.nasiko/gate";
/// What it writes when the files lie and the program goes on. Terminals show nothing of it, and neither do our logs.
pub(super) const LET_GO: &str = "\u{1b}]nasiko;let go\u{1b}\\";
/// How it begins the line that says what it failed with.
pub(super) const COMPLAINT: &str = "nasiko-gate: ";

const X86_64: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nasiko-gate-x86_64"));
const AARCH64: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nasiko-gate-aarch64"));
const SITE_CUSTOMIZE: &str = include_str!("../gate/sitecustomize.py");

const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;
const PROGRAM_MODE: u32 = 0o755;
/// It lays files over those of anybody and gives this up as soon as it runs.
const SET_USER_ID: u32 = 0o4000;

/// What it is to do in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use<'a> {
    /// Wait for files, then start the program.
    Hold,
    /// Start a Python program that loads these modules and waits by itself.
    Preload(&'a [String]),
    /// Lay files over those of a container that runs.
    Lay,
}

impl Use<'_> {
    /// The entry point of a container that it holds the command of.
    pub(super) fn entry_point(self, command: Vec<String>) -> Vec<String> {
        let mut words = vec![PATH.to_owned(), "run".to_owned()];
        if let Use::Preload(modules) = self {
            words.extend(["--preload".to_owned(), modules.join(",")]);
        }
        words.push("--".to_owned());
        words.extend(command);
        words
    }

    /// An archive of what it needs in the container.
    pub(super) fn write(self, program: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut archive = Builder::new(out);
        let mut add = |kind, path: &str, mode, content: &[u8]| {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, content)
        };
        let bits = if self == Use::Lay { 0 } else { SET_USER_ID };
        add(EntryType::Directory, ".nasiko", FOLDER_MODE, &[])?;
        add(
            EntryType::Regular,
            ".nasiko/gate",
            PROGRAM_MODE | bits,
            program,
        )?;
        if matches!(self, Use::Preload(_)) {
            add(EntryType::Directory, ".nasiko/python", FOLDER_MODE, &[])?;
            let path = ".nasiko/python/sitecustomize.py";
            add(
                EntryType::Regular,
                path,
                FILE_MODE,
                SITE_CUSTOMIZE.as_bytes(),
            )?;
        }
        archive.finish()
    }
}

/// The gate for the engine's machine, if there is one for it: it needs nothing else of a container.
pub(super) async fn program(
    shared: &Shared,
    client: &Docker,
) -> Result<Option<&'static [u8]>, RuntimeError> {
    let version = client
        .version()
        .await
        .map_err(|error| shared.failed("its version", error))?;
    let (system, architecture) = (
        version.os.unwrap_or_default(),
        version.arch.unwrap_or_default(),
    );
    let program = of_machine(&system, &architecture);
    if program.is_none() {
        shared.without_gate.call_once(|| {
            tracing::warn!(%system, %architecture, "no gate for the engine's machine: updates make containers anew");
        });
    }
    Ok(program)
}

/// The gate for a machine as engines name it; none where none was built into this program.
fn of_machine(system: &str, architecture: &str) -> Option<&'static [u8]> {
    let program = match (system, architecture) {
        ("linux", "amd64" | "x86_64") => X86_64,
        ("linux", "arm64" | "aarch64") => AARCH64,
        _ => &[],
    };
    (!program.is_empty()).then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_machines_that_it_was_built_for_have_it() {
        for (system, architecture) in [("linux", "riscv64"), ("windows", "amd64"), ("", "")] {
            assert!(
                of_machine(system, architecture).is_none(),
                "{system} {architecture}"
            );
        }
        assert_eq!(of_machine("linux", "amd64").is_none(), X86_64.is_empty());
    }

    #[test]
    fn a_command_stands_whole_behind_it() {
        let command = || vec!["python".to_owned(), "--".to_owned()];
        assert_eq!(
            Use::Hold.entry_point(command()),
            [PATH, "run", "--", "python", "--"]
        );
        let modules = ["os".to_owned(), "json".to_owned()];
        assert_eq!(
            Use::Preload(&modules).entry_point(command()),
            [PATH, "run", "--preload", "os,json", "--", "python", "--"]
        );
    }

    #[test]
    fn only_the_one_that_gives_its_privilege_up_has_it() {
        for (purpose, expected) in [
            (Use::Hold, 0o4755),
            (Use::Preload(&[]), 0o4755),
            (Use::Lay, 0o755),
        ] {
            let mut written = Vec::new();
            purpose.write(b"program", &mut written).unwrap();
            let mut archive = tar::Archive::new(&written[..]);
            let gate = archive
                .entries()
                .unwrap()
                .map(Result::unwrap)
                .find(|entry| entry.path().unwrap().ends_with("gate"));
            assert_eq!(
                gate.unwrap().header().mode().unwrap(),
                expected,
                "{purpose:?}"
            );
        }
    }
}
