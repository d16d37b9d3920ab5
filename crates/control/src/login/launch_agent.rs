//! The list of macOS: property lists in `~/Library/LaunchAgents`, one for each data directory.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Entry, Start};
use crate::home;

/// What `launchd` reads. <https://developer.apple.com/library/archive/documentation/MacOSX/Conceptual/BPSystemStartup/>
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Agent {
    label: String,
    program_arguments: Vec<String>,
    run_at_load: bool,
    /// What the command leaves running is not ended with it.
    #[serde(default)]
    abandon_process_group: bool,
    #[serde(default)]
    disabled: bool,
}

/// The folder with the agents of one person.
pub(super) struct LaunchAgents {
    folder: PathBuf,
}

impl LaunchAgents {
    /// That of the environment; none without a home folder.
    pub(super) fn of(named: &dyn Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        Some(Self {
            folder: named("HOME")?.join("Library/LaunchAgents"),
        })
    }

    /// The entry of this data directory, if there is one.
    pub(super) fn entry(&self, start: &Start) -> io::Result<Option<Entry>> {
        let path = self.path(start);
        let agent: Agent = match plist::from_file(&path) {
            Ok(agent) => agent,
            Err(error) => {
                return match error.into_io() {
                    Ok(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Ok(error) => Err(error),
                    // Whatever it is, it starts nothing of ours.
                    Err(_) => Ok(None),
                };
            }
        };
        Ok(Some(Entry {
            place: path.display().to_string(),
            on: agent.run_at_load && !agent.disabled,
            program: agent
                .program_arguments
                .first()
                .map(PathBuf::from)
                .unwrap_or_default(),
        }))
    }

    /// Writes the entry, whole or not at all.
    pub(super) fn put(&self, start: &Start) -> io::Result<()> {
        let agent = Agent {
            label: label(start),
            program_arguments: start.words().map(str::to_owned).into(),
            run_at_load: true,
            abandon_process_group: true,
            disabled: false,
        };
        let mut text = Vec::new();
        plist::to_writer_xml(&mut text, &agent).map_err(io::Error::other)?;
        fs_err::create_dir_all(&self.folder)?;
        home::write_whole(&self.path(start), &text)
    }

    /// Removes the entry. Where there is none that is fine.
    pub(super) fn remove(&self, start: &Start) -> io::Result<()> {
        match fs_err::remove_file(self.path(start)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, start: &Start) -> PathBuf {
        self.folder.join(format!("{}.plist", label(start)))
    }
}

fn label(start: &Start) -> String {
    format!("dev.nasiko.login.{}", start.tag())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn an_agent_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let list = LaunchAgents::of(&|_| Some(folder.path().to_owned())).unwrap();
        let program = Path::new("/Applications/Nasiko & Co.app/nasiko");
        let start = Start::new(program, Path::new("/Users/jo/<data>")).unwrap();
        assert_eq!(list.entry(&start).unwrap(), None);
        list.put(&start).unwrap();
        let entry = list.entry(&start).unwrap().unwrap();
        assert!(entry.on);
        assert_eq!(entry.program, program);
        let agent: Agent = plist::from_file(list.path(&start)).unwrap();
        assert_eq!(agent.program_arguments, start.words());
        list.remove(&start).unwrap();
        list.remove(&start).unwrap();
        assert_eq!(list.entry(&start).unwrap(), None);
    }
}
