//! Whether the agent's sources speak of a file: by its name, by its directory, or by walking over everything.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::Path;

use crate::describe::{Description, Folder, Language, source_files};
use crate::dockerfile::CommandForm;
use crate::snapshot::Snapshot;
use crate::text::has_extension;

/// Bytes that are read of one file.
const FILE_LIMIT: u64 = 128 << 10;
/// Bytes that are read of all of them.
const ALL_LIMIT: usize = 4 << 20;
/// Settings and scripts that are read beside the sources.
const MOST_SETTINGS: usize = 50;
/// Questions that are answered by looking: of thousands of files that change at once, the rest counts as named.
const MOST_QUESTIONS: usize = 200;
/// Calls that read whatever there is.
const WALKS: [&str; 14] = [
    "os.walk(",
    "glob(",
    "listdir(",
    "iterdir(",
    "scandir(",
    "DirectoryLoader(",
    "SimpleDirectoryReader(",
    "readdir(",
    "readdirSync(",
    "opendir(",
    "filepath.Walk",
    "os.ReadDir(",
    "read_dir(",
    "WalkDir",
];
/// Who names a file where it cannot be told.
const UNREAD: &str = "a source that was not read";
/// Files of tools, which name directories for other reasons.
const OF_TOOLS: [&str; 8] = [
    "pyproject.toml",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "setup.cfg",
    "mkdocs.yml",
    "nasiko.toml",
    "capabilities.json",
];

/// The texts in which an agent would name its files. They are read when the first question is asked.
pub(super) struct Mentions<'a> {
    root: &'a Path,
    snapshot: &'a Snapshot,
    description: &'a Description,
    texts: OnceCell<Texts>,
    /// Answers by what was asked for.
    answers: RefCell<HashMap<String, Option<String>>>,
}

struct Texts {
    texts: Vec<(String, String)>,
    /// Whether this is all there is.
    whole: bool,
}

impl<'a> Mentions<'a> {
    pub(super) fn new(
        root: &'a Path,
        snapshot: &'a Snapshot,
        description: &'a Description,
    ) -> Self {
        Self {
            root,
            snapshot,
            description,
            texts: OnceCell::new(),
            answers: RefCell::default(),
        }
    }

    /// Who names the file or directory: `main.py`. What cannot be known counts as named.
    pub(super) fn of(&self, name: &str) -> Option<String> {
        self.answer(name, || self.find(name, |text| names(text, name)))
    }

    /// Who walks over directories and so may read any file.
    pub(super) fn walks(&self) -> Option<String> {
        self.any_of(&WALKS)
    }

    /// Which source contains one of these words.
    pub(super) fn any_of(&self, words: &[&str]) -> Option<String> {
        self.answer(&words.join("\n"), || {
            self.find("", |text| words.iter().any(|word| text.contains(word)))
        })
    }

    fn answer(&self, question: &str, find: impl FnOnce() -> Option<String>) -> Option<String> {
        if let Some(known) = self.answers.borrow().get(question) {
            return known.clone();
        }
        if self.answers.borrow().len() >= MOST_QUESTIONS {
            return Some(UNREAD.to_owned());
        }
        let answer = find();
        self.answers
            .borrow_mut()
            .insert(question.to_owned(), answer.clone());
        answer
    }

    fn find(&self, except: &str, holds: impl Fn(&str) -> bool) -> Option<String> {
        let texts = self.texts.get_or_init(|| self.read());
        let found = texts
            .texts
            .iter()
            .find(|(path, text)| path != except && holds(text));
        match found {
            Some((path, _)) => Some(path.clone()),
            None if texts.whole => None,
            None => Some(UNREAD.to_owned()),
        }
    }

    fn read(&self) -> Texts {
        let folder = Folder::new(self.root, self.snapshot);
        let sources: Vec<&str> = source_files(&folder)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        let all_sources = self
            .snapshot
            .files
            .iter()
            .filter(|file| crate::describe::language_of(&file.path).is_some())
            .count();
        let settings = self
            .snapshot
            .files
            .iter()
            .map(|file| file.path.as_str())
            .filter(|path| self.is_setting(path))
            .take(MOST_SETTINGS);
        let mut texts = Texts {
            texts: self.commands(),
            // Sources left out of the reading by their place (tests, examples) do not run.
            whole: self.description.language != Language::Other
                && sources.len() < 200.min(all_sources + 1),
        };
        let mut bytes = 0;
        for path in sources.into_iter().chain(settings) {
            let Some(text) = folder.read_prefix(path, FILE_LIMIT) else {
                continue;
            };
            bytes += text.len();
            texts.whole &= bytes <= ALL_LIMIT && (text.len() as u64) < FILE_LIMIT;
            texts.texts.push((path.to_owned(), text));
            if bytes > ALL_LIMIT {
                break;
            }
        }
        texts.whole &= folder.was_whole().is_ok();
        texts
    }

    /// Commands and values, which name files as sources do.
    fn commands(&self) -> Vec<(String, String)> {
        let description = self.description;
        let mut texts = Vec::new();
        if let Some(entry) = &description.entry {
            texts.push(("its command".to_owned(), entry.command.join("\n")));
        }
        if let Some(facts) = &description.dockerfile {
            for form in [&facts.cmd, &facts.entrypoint].into_iter().flatten() {
                let text = match form {
                    CommandForm::Exec(words) => words.join("\n"),
                    CommandForm::Shell(text) => text.clone(),
                };
                texts.push((facts.path.clone(), text));
            }
            let values: Vec<&str> = facts.env.values().map(String::as_str).collect();
            texts.push((facts.path.clone(), values.join("\n")));
        }
        let values: Vec<&str> = description.env.values().map(String::as_str).collect();
        texts.push(("its environment".to_owned(), values.join("\n")));
        texts
    }

    fn is_setting(&self, path: &str) -> bool {
        let is_card = self
            .description
            .card
            .as_ref()
            .is_some_and(|card| card.path == path);
        let near = path.matches('/').count() <= 2 && !path.starts_with('.');
        let of_tools =
            OF_TOOLS.contains(&path) || path.contains("compose") || path.contains("lock");
        let aside = super::kind::aside(path).is_some();
        let setting = ["yaml", "yml", "toml", "json", "ini", "cfg", "sh", "env"]
            .iter()
            .any(|ending| has_extension(path, ending));
        near && setting && !of_tools && !is_card && !aside
    }
}

/// Whether a text names a file or directory: the word stands there, not as a part of a longer one.
fn names(text: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    text.match_indices(name).any(|(start, _)| {
        let before = text
            .get(..start)
            .and_then(|before| before.chars().next_back());
        let after = text
            .get(start + name.len()..)
            .and_then(|after| after.chars().next());
        if before.is_some_and(is_part) || after.is_some_and(is_part) {
            return false;
        }
        // A directory is named within a text or a path, not by a word of a sentence.
        name.contains('.')
            || before.is_some_and(|letter| matches!(letter, '"' | '\'' | '`' | '/' | '='))
            || after.is_some_and(|letter| matches!(letter, '"' | '\'' | '`' | '/' | '.'))
            || before.is_none()
            || before == Some('\n')
            || text
                .get(..start)
                .is_some_and(|before| before.ends_with("from ") || before.ends_with("import "))
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_stand_alone() {
        for (text, name, expected) in [
            ("open(\"README.md\")", "README.md", true),
            ("open(\"MY-README.md\")", "README.md", false),
            ("Path('docs') / 'a'", "docs", true),
            ("load(f\"{here}/docs/{name}\")", "docs", true),
            ("# see the docs for more", "docs", false),
            ("from tests.fixtures import x", "tests", true),
            ("latests = 1", "tests", false),
            ("", "docs", false),
        ] {
            assert_eq!(names(text, name), expected, "{text}");
        }
    }
}
