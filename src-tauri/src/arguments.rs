//! What a start of this program was given: folders and archives to look at, links to follow.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use nasiko_client::window::Opened;

use crate::link::{self, Link};

/// The most arguments that are read; a file manager may be asked to open everything there is.
const MOST: usize = 64;
/// The endings of archives' names. What is in them is looked at by the preview.
const ARCHIVES: [&str; 4] = [".zip", ".tar", ".tar.gz", ".tgz"];

/// Reads the arguments of a start in `folder`. Nothing is dropped silently: what is not followed is [`Opened::Refused`].
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>, folder: &Path) -> Vec<Opened> {
    let mut all = Vec::new();
    let mut paths = Vec::new();
    let mut arguments = arguments.into_iter();
    for argument in arguments.by_ref().take(MOST) {
        match one(&argument, folder) {
            Ok(Wish::Look(path)) => paths.push(path),
            Ok(Wish::Page(path)) => all.push(Opened::Go { path }),
            Err(why) => all.push(Opened::Refused {
                message: format!("`{}` is not opened: {why}", shortened(&argument)),
            }),
        }
    }
    if arguments.next().is_some() {
        all.push(Opened::Refused {
            message: format!("Only the first {MOST} of what was given are opened"),
        });
    }
    if !paths.is_empty() {
        all.push(Opened::Open { paths });
    }
    all
}

enum Wish {
    Look(String),
    Page(String),
}

fn one(argument: &OsStr, folder: &Path) -> Result<Wish, &'static str> {
    let text = argument.to_str();
    match text {
        Some("") => return Err("it is empty"),
        Some(option) if option.starts_with('-') => return Err("there is no such option"),
        Some(text) if link::is_link(text) => {
            return link::parse(text).map(|link| match link {
                Link::Page(path) => Wish::Page(path),
                Link::Preview(source) => Wish::Look(source),
            });
        }
        _ => {}
    }
    let path = match text.and_then(|text| text.strip_prefix("file://")) {
        // As file managers write it; another machine's files are not ours to open.
        Some(path) => PathBuf::from(
            link::decoded(path.strip_prefix("localhost").unwrap_or(path))
                .filter(|path| Path::new(path).is_absolute())
                .ok_or("it is no file of this machine")?,
        ),
        None => folder.join(argument),
    };
    look(&path).map(Wish::Look)
}

fn look(path: &Path) -> Result<String, &'static str> {
    let path = std::path::absolute(path).map_err(|_| "it is no path")?;
    let metadata = path
        .metadata()
        .map_err(|_| "it is not there, or cannot be read")?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let is_archive = metadata.is_file() && ARCHIVES.iter().any(|ending| name.ends_with(ending));
    if !metadata.is_dir() && !is_archive {
        return Err("it is neither a folder nor a zip or tar archive");
    }
    path.into_os_string()
        .into_string()
        .map_err(|_| "its name is not plain text")
}

/// An argument, as much of it as fits into a sentence.
fn shortened(argument: &OsStr) -> String {
    let mut text: String = argument
        .to_string_lossy()
        .chars()
        .filter(|one| !one.is_control())
        .take(81)
        .collect();
    if text.chars().count() > 80 {
        text.pop();
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(arguments: &[&str], folder: &Path) -> Vec<Opened> {
        read(arguments.iter().map(OsString::from), folder)
    }

    #[test]
    fn folders_archives_and_links_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let base = std::path::absolute(folder.path()).unwrap();
        fs_err::create_dir(base.join("my agent")).unwrap();
        fs_err::write(base.join("Agent.ZIP"), "").unwrap();
        let whole = |name: &str| base.join(name).to_str().unwrap().to_owned();
        let written = format!("file://{}", whole("my agent").replace(' ', "%20"));
        assert_eq!(
            read_all(
                &[
                    "my agent",
                    "nasiko://open/stack",
                    "Agent.ZIP",
                    &written,
                    "nasiko://deploy?source=/a"
                ],
                &base
            ),
            [
                Opened::Go {
                    path: "/stack".to_owned()
                },
                Opened::Open {
                    paths: vec![
                        whole("my agent"),
                        whole("Agent.ZIP"),
                        whole("my agent"),
                        "/a".to_owned()
                    ]
                },
            ]
        );
    }

    #[test]
    fn everything_else_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("notes.txt"), "").unwrap();
        for (argument, told) in [
            ("", "empty"),
            ("--remote-debugging", "no such option"),
            ("notes.txt", "neither a folder"),
            ("nowhere", "not there"),
            ("nasiko://erase", "only `open` and `deploy`"),
            ("file://elsewhere/etc", "no file of this machine"),
            ("file:///a%00", "no file of this machine"),
        ] {
            let read = read_all(&[argument], folder.path());
            let [Opened::Refused { message }] = read.as_slice() else {
                panic!("{argument}: {read:?}");
            };
            assert!(message.contains(told), "{message}");
        }
    }

    #[test]
    fn what_is_told_stays_short_and_there_are_not_too_many() {
        let long = "x".repeat(10_000);
        let read = read_all(&vec![&*long; MOST + 5], Path::new("/"));
        assert_eq!(read.len(), MOST + 1);
        for one in read {
            assert!(matches!(one, Opened::Refused { message } if message.len() < 300));
        }
    }
}
