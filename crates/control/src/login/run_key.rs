//! The list of Windows: values of the key `Run` of the person's part of the registry. The Task Manager notes beside it what
//! people switched off.

use std::{io, path::PathBuf};

use windows_registry::CURRENT_USER;

use super::{Entry, Start};

const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
const APPROVED: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";

/// The list of one person.
pub(super) struct RunKey;

impl RunKey {
    /// It is always there.
    #[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
    pub(super) fn of(_: &dyn Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        Some(Self)
    }

    /// The entry of this data directory, if there is one.
    pub(super) fn entry(&self, start: &Start) -> io::Result<Option<Entry>> {
        let name = name(start);
        let key = CURRENT_USER.create(RUN)?;
        if !key.values()?.any(|(have, _)| have == name) {
            return Ok(None);
        }
        let command = key.get_string(&name)?;
        let program = command.split('"').nth(1).unwrap_or_default();
        Ok(Some(Entry {
            place: format!(r"HKEY_CURRENT_USER\{RUN}\{name}"),
            on: !is_switched_off(&name),
            program: PathBuf::from(program),
        }))
    }

    /// Writes the entry, and takes back what the Task Manager noted.
    pub(super) fn put(&self, start: &Start) -> io::Result<()> {
        let name = name(start);
        let command = start.words().map(quoted).join(" ");
        CURRENT_USER.create(RUN)?.set_string(&name, command)?;
        if is_switched_off(&name) {
            CURRENT_USER.create(APPROVED)?.remove_value(&name)?;
        }
        Ok(())
    }

    /// Removes the entry. Where there is none that is fine.
    pub(super) fn remove(&self, start: &Start) -> io::Result<()> {
        if self.entry(start)?.is_some() {
            CURRENT_USER.create(RUN)?.remove_value(name(start))?;
        }
        Ok(())
    }
}

fn name(start: &Start) -> String {
    format!("Nasiko {}", start.tag())
}

/// Odd is off.
fn is_switched_off(name: &str) -> bool {
    let noted = CURRENT_USER
        .open(APPROVED)
        .and_then(|key| key.get_value(name));
    noted.is_ok_and(|value| value.first().is_some_and(|first| first % 2 == 1))
}

/// A word of a command line. No path holds a quotation mark; backslashes before one would take it as their own.
fn quoted(word: &str) -> String {
    let last = word.len() - word.trim_end_matches('\\').len();
    format!("\"{word}{}\"", "\\".repeat(last))
}
