//! The list of desktops after freedesktop.org: files in `autostart` of the person's folder for configuration.
//!
//! <https://specifications.freedesktop.org/autostart-spec/latest/> and
//! <https://specifications.freedesktop.org/desktop-entry-spec/latest/>. GNOME, KDE, Xfce and systemd read it. Switching an
//! entry off they write `Hidden=true` or `X-GNOME-Autostart-enabled=false` into it, or remove it.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Entry, Start};
use crate::home;

/// The group of an entry that counts.
const GROUP: &str = "[Desktop Entry]";
/// The key that says whose an entry is: the data directory.
const OWNER: &str = "X-Nasiko-Home";
/// The key of GNOME's tools.
const ENABLED: &str = "X-GNOME-Autostart-enabled";
/// The longest entry that is read, in bytes.
const LONGEST: u64 = 64 << 10;
/// Characters for which an argument of `Exec` is quoted.
const RESERVED: &str = " \"'\\><~|&;$*?#()`";

/// The folder with the entries of one person.
pub(super) struct Autostart {
    folder: PathBuf,
}

/// An entry's keys and values, as they are written.
type Keys = HashMap<String, String>;

impl Autostart {
    /// That of the environment; none without a home folder.
    pub(super) fn of(named: &dyn Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        let configuration =
            named("XDG_CONFIG_HOME").or_else(|| Some(named("HOME")?.join(".config")))?;
        Some(Self {
            folder: configuration.join("autostart"),
        })
    }

    /// The entry of this data directory, if there is one.
    pub(super) fn entry(&self, start: &Start) -> io::Result<Option<Entry>> {
        let found = self.find(start)?;
        Ok(found.map(|(path, keys)| {
            let says = |key: &str, value: &str| keys.get(key).is_some_and(|have| have == value);
            Entry {
                place: path.display().to_string(),
                on: !says("Hidden", "true") && !says(ENABLED, "false"),
                program: keys
                    .get("TryExec")
                    .map(|value| PathBuf::from(value.replace("\\\\", "\\")))
                    .unwrap_or_default(),
            }
        }))
    }

    /// Writes the entry, whole or not at all; one that is there is made as it should be.
    pub(super) fn put(&self, start: &Start) -> io::Result<()> {
        fs_err::create_dir_all(&self.folder)?;
        let path = match self.find(start)? {
            Some((path, _)) => path,
            None => self.free(start)?,
        };
        home::write_whole(&path, text(start).as_bytes())
    }

    /// Removes the entry. Where there is none that is fine.
    pub(super) fn remove(&self, start: &Start) -> io::Result<()> {
        match self.find(start)? {
            Some((path, _)) => fs_err::remove_file(path),
            None => Ok(()),
        }
    }

    /// Where an entry may be: the plain name belongs to whichever data directory came first.
    fn names(&self, start: &Start) -> [PathBuf; 2] {
        let other = format!("nasiko-{}.desktop", start.tag());
        ["nasiko.desktop", &other].map(|name| self.folder.join(name))
    }

    fn find(&self, start: &Start) -> io::Result<Option<(PathBuf, Keys)>> {
        let owner = value(&start.home);
        for path in self.names(start) {
            if let Some(keys) = read(&path)?
                && keys.get(OWNER) == Some(&owner)
            {
                return Ok(Some((path, keys)));
            }
        }
        Ok(None)
    }

    /// A name at which nothing is: no file of somebody else's is written over.
    fn free(&self, start: &Start) -> io::Result<PathBuf> {
        for path in self.names(start) {
            match fs_err::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!(
                "others' entries are in the way in {}",
                self.folder.display()
            ),
        ))
    }
}

/// The keys of an entry; none where there is no file, or none of text.
fn read(path: &Path) -> io::Result<Option<Keys>> {
    let file = match fs_err::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    match file.take(LONGEST).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
        read => read?,
    };
    let mut in_group = false;
    let mut keys = Keys::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_group = line == GROUP;
        } else if in_group && let Some((key, value)) = line.split_once('=') {
            keys.insert(key.trim_end().to_owned(), value.trim_start().to_owned());
        }
    }
    Ok(Some(keys))
}

/// The file's content.
fn text(start: &Start) -> String {
    let command = start.words().map(argument).join(" ");
    let keys = [
        ("Type", "Application".to_owned()),
        ("Name", "Nasiko".to_owned()),
        (
            "Comment",
            "The control plane, with its icon in the tray".to_owned(),
        ),
        ("Icon", "nasiko-desktop".to_owned()),
        ("Exec", value(&command)),
        // Gone with the program, the entry does no harm.
        ("TryExec", value(&start.program)),
        ("Terminal", "false".to_owned()),
        ("StartupNotify", "false".to_owned()),
        (ENABLED, "true".to_owned()),
        (OWNER, value(&start.home)),
    ];
    let lines = keys.map(|(key, value)| format!("{key}={value}\n"));
    format!("{GROUP}\n{}", lines.concat())
}

/// A word of `Exec`: quoted where that is called for, and without anything that stands for something else.
fn argument(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter {
            '"' | '`' | '$' | '\\' => escaped.push('\\'),
            '%' => escaped.push('%'),
            _ => {}
        }
        escaped.push(letter);
    }
    let is_plain = !word.is_empty() && !word.contains(|letter| RESERVED.contains(letter));
    if is_plain {
        escaped
    } else {
        format!("\"{escaped}\"")
    }
}

/// A value as it is written; control characters were refused before.
fn value(text: &str) -> String {
    text.replace('\\', "\\\\")
}

#[cfg(test)]
mod tests {
    use super::{argument, value};

    #[test]
    fn words_come_out_of_a_shell_as_they_went_in() {
        for (word, written) in [
            ("up", "up"),
            ("/opt/nasiko", "/opt/nasiko"),
            ("/home/Jo Smith/n", r#""/home/Jo Smith/n""#),
            ("100%", "100%%"),
            ("$HOME`x`", r#""\$HOME\`x\`""#),
            (r#"a"b"#, r#""a\"b""#),
            (r"a\b", r#""a\\b""#),
            ("", r#""""#),
        ] {
            assert_eq!(argument(word), written);
        }
        assert_eq!(value(&argument(r"a\b")), r#""a\\\\b""#);
    }
}
