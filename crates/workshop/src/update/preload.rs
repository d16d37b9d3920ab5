//! What a Python agent imports before its own code runs: read from its sources, from the one it starts with on, in the order
//! Python would. Nothing is run, and no Python is needed.

mod statements;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::describe::{Description, Folder, Language, source_files};
use crate::manifest::PreloadRule;
use crate::snapshot::Snapshot;
use crate::text::has_extension;

use self::statements::{Statement, imports, module_statements};

/// Modules that are named at most.
const MOST_MODULES: usize = 200;
/// Sources that are read at most.
const MOST_FILES: usize = 500;
/// Bytes that are read of each.
const FILE_LIMIT: u64 = 256 << 10;
/// How deep own modules may import each other.
const MAX_DEPTH: usize = 50;
/// Programs that are modules themselves and import much.
const SERVERS: [&str; 10] = [
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "granian",
    "flask",
    "fastapi",
    "langgraph",
    "chainlit",
    "streamlit",
    "daphne",
];
/// Modules that do something visible when they are imported.
const NEVER: [&str; 4] = ["__future__", "__main__", "antigravity", "this"];
/// Words of libraries that must change others before these are imported.
const PATCHES: [&str; 4] = ["gevent", "eventlet", "monkey.patch", "monkey_patch"];

/// What an instance may import while it waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preload {
    /// Modules outside of the folder, in the order the agent imports them.
    pub modules: Vec<String>,
    /// Why there are none, or no more of them.
    pub why_not: Option<String>,
}

/// What the agent's own Python sources import when they are loaded, or what `[dev] preload` names. Blocks: sources are read.
///
/// There are none when a library is used that has to change others before they are imported; and none after the statement that sets
/// a variable of the environment, so that every module sees what it would see without a warm start.
pub fn python_imports(description: &Description, root: &Path, snapshot: &Snapshot) -> Preload {
    match &description.manifest.dev.preload {
        Some(PreloadRule::Imports(false)) => {
            return Preload {
                modules: Vec::new(),
                why_not: Some("[dev] preload is off".to_owned()),
            };
        }
        Some(PreloadRule::Modules(modules)) => {
            let mut modules = modules.clone();
            modules.retain(|module| is_module_name(module));
            modules.truncate(MOST_MODULES);
            return Preload {
                modules,
                why_not: None,
            };
        }
        Some(PreloadRule::Imports(true)) | None => {}
    }
    let folder = Folder::new(root, snapshot);
    let mut tracer = Tracer::new(&folder, description);
    if let Some(why_not) = tracer.patches(description) {
        return Preload {
            modules: Vec::new(),
            why_not: Some(why_not),
        };
    }
    tracer.servers(description);
    let starts = tracer.starts(description);
    if starts.is_empty() {
        let mut sources: Vec<&str> = tracer.sources.keys().copied().collect();
        sources.sort_by_key(|path| path.matches('/').count());
        for path in sources {
            tracer.file(path, false, 0);
        }
    }
    for path in starts {
        tracer.file(&path, true, 0);
    }
    Preload {
        modules: tracer.modules,
        why_not: tracer.stopped,
    }
}

struct Tracer<'a> {
    folder: &'a Folder<'a>,
    /// The Python sources of the folder and their texts, read when they are needed.
    sources: BTreeMap<&'a str, Option<String>>,
    /// First parts of module names that the folder has itself, anywhere.
    own: BTreeSet<&'a str>,
    /// Where modules are looked for, relative to the root.
    search: Vec<String>,
    seen: BTreeSet<String>,
    modules: Vec<String>,
    /// Why nothing more is taken.
    stopped: Option<String>,
}

impl<'a> Tracer<'a> {
    fn new(folder: &'a Folder<'a>, description: &Description) -> Self {
        let mut sources = BTreeMap::new();
        let mut own = BTreeSet::new();
        for path in folder.files().filter(|path| has_extension(path, "py")) {
            let stem = path.strip_suffix(".py").unwrap_or(path);
            own.extend(stem.split('/'));
            if sources.len() < MOST_FILES {
                sources.insert(path, None);
            }
        }
        let workdir = description
            .entry
            .as_ref()
            .map(|entry| entry.workdir.to_string_lossy().replace('\\', "/"))
            .unwrap_or_default();
        let mut search = vec![workdir, String::new(), "src".to_owned()];
        search.dedup();
        Self {
            folder,
            sources,
            own,
            search,
            seen: BTreeSet::new(),
            modules: Vec::new(),
            stopped: None,
        }
    }

    /// Who uses a library that has to come first.
    fn patches(&mut self, description: &Description) -> Option<String> {
        let patch = |text: &str| PATCHES.iter().find(|word| text.contains(**word));
        let command = description
            .entry
            .as_ref()
            .map(|entry| entry.command.join(" "));
        if let Some(word) = command.as_deref().and_then(patch) {
            return Some(format!(
                "its command names {word}, which has to come before every import"
            ));
        }
        let mut paths: Vec<&str> = source_files(self.folder)
            .into_iter()
            .filter(|(_, language)| *language == Language::Python)
            .map(|(path, _)| path)
            .collect();
        paths.extend(["gunicorn.conf.py", "sitecustomize.py", "usercustomize.py"]);
        paths.into_iter().find_map(|path| {
            let text = self.text(path)?;
            let word = patch(&text)?;
            Some(format!(
                "{path} names {word}, which has to come before every import"
            ))
        })
    }

    fn text(&mut self, path: &str) -> Option<String> {
        let slot = self.sources.get_mut(path)?;
        if slot.is_none() {
            *slot = self.folder.read_prefix(path, FILE_LIMIT);
        }
        slot.clone()
    }

    /// The server program itself is imported before the agent.
    fn servers(&mut self, description: &Description) {
        let Some(entry) = &description.entry else {
            return;
        };
        let mut words = entry.command.iter().map(String::as_str);
        let program = match (words.next(), words.next(), words.next()) {
            (Some("python"), Some("-m"), Some(module)) => module,
            (Some(program), _, _) => program.rsplit('/').next().unwrap_or(program),
            _ => return,
        };
        if SERVERS.contains(&program) && !self.own.contains(program) {
            self.modules.push(program.to_owned());
        }
    }

    /// The sources the agent starts with.
    fn starts(&self, description: &Description) -> Vec<String> {
        let Some(entry) = &description.entry else {
            return Vec::new();
        };
        let is_source = |path: &String| self.sources.contains_key(path.as_str());
        let file = entry.file.clone().filter(is_source);
        // `main:app` of a server, `-m package`.
        let modules = entry.command.iter().flat_map(|word| {
            let module = word.split(':').next().unwrap_or(word);
            self.find(&format!("{module}.__main__"))
                .into_iter()
                .chain(self.find(module))
        });
        let mut starts: Vec<String> = file.into_iter().chain(modules).collect();
        let mut seen = BTreeSet::new();
        starts.retain(|path| seen.insert(path.clone()));
        starts
    }

    /// The source of an own module.
    fn find(&self, module: &str) -> Option<String> {
        if !is_module_name(module) {
            return None;
        }
        let path = module.replace('.', "/");
        self.search.iter().find_map(|directory| {
            let base = if directory.is_empty() {
                path.clone()
            } else {
                format!("{directory}/{path}")
            };
            [format!("{base}.py"), format!("{base}/__init__.py")]
                .into_iter()
                .find(|path| self.sources.contains_key(path.as_str()))
        })
    }

    fn file(&mut self, path: &str, is_start: bool, depth: usize) {
        if depth > MAX_DEPTH || self.stopped.is_some() || !self.seen.insert(path.to_owned()) {
            return;
        }
        let Some(text) = self.text(path) else { return };
        for statement in module_statements(&text, is_start) {
            if self.stopped.is_some() {
                return;
            }
            if let Some(what) = prepares(&statement) {
                self.stopped = Some(format!(
                    "{path}:{} {what} for what is imported after it",
                    statement.line
                ));
                return;
            }
            for import in imports(&statement.text) {
                if import.level > 0 {
                    self.relative(path, &import, depth);
                } else {
                    self.absolute(&import, depth);
                }
            }
        }
    }

    fn absolute(&mut self, import: &statements::Import, depth: usize) {
        let top = import.module.split('.').next().unwrap_or_default();
        // A folder named as a package that is installed hides it, wherever the path leads.
        if self.own.contains(top) {
            for module in packages(&import.module) {
                if let Some(path) = self.find(&module) {
                    self.file(&path, false, depth + 1);
                }
            }
            for name in &import.names {
                if let Some(path) = self.find(&format!("{}.{name}", import.module)) {
                    self.file(&path, false, depth + 1);
                }
            }
            return;
        }
        let usable = is_module_name(&import.module) && !NEVER.contains(&top);
        if usable && self.modules.len() < MOST_MODULES && !self.modules.contains(&import.module) {
            self.modules.push(import.module.clone());
        }
    }

    /// `from . import x`, `from ..y import z`.
    fn relative(&mut self, path: &str, import: &statements::Import, depth: usize) {
        let mut parts: Vec<&str> = path.split('/').collect();
        parts.truncate(parts.len().saturating_sub(import.level));
        parts.extend(import.module.split('.').filter(|part| !part.is_empty()));
        let base = parts.join("/");
        let mut candidates = vec![format!("{base}.py"), format!("{base}/__init__.py")];
        for name in &import.names {
            candidates.push(format!("{base}/{name}.py"));
            candidates.push(format!("{base}/{name}/__init__.py"));
        }
        for candidate in candidates {
            let candidate = candidate.trim_start_matches('/').to_owned();
            if self.sources.contains_key(candidate.as_str()) {
                self.file(&candidate, false, depth + 1);
            }
        }
    }
}

/// `a`, `a.b`, `a.b.c`: Python imports the packages first.
fn packages(module: &str) -> Vec<String> {
    let ends = module
        .match_indices('.')
        .map(|(end, _)| end)
        .chain([module.len()]);
    ends.filter_map(|end| module.get(..end).map(str::to_owned))
        .collect()
}

fn is_module_name(text: &str) -> bool {
    !text.is_empty()
        && text.split('.').all(|part| {
            part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && part
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '_')
        })
}

/// What a statement does that modules imported after it may depend on.
fn prepares(statement: &Statement) -> Option<&'static str> {
    let text: String = statement
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let code = text.as_str();
    let environment = ["os.environ", "environ"].iter().any(|name| {
        code.strip_prefix(name).is_some_and(|rest| {
            let rest = rest.trim_start();
            let assigned = rest.starts_with('[')
                && rest.split_once(']').is_some_and(|(_, after)| {
                    let after = after.trim_start();
                    let plain = after.starts_with('=') && !after.starts_with("==");
                    plain || after.starts_with("+=") || after.starts_with("|=")
                });
            assigned
                || [".setdefault(", ".update(", ".pop(", ".clear(", "|="]
                    .iter()
                    .any(|call| rest.starts_with(call))
        })
    });
    let deletes = code.starts_with("del os.environ") || code.starts_with("del environ");
    if environment || deletes || code.contains("putenv(") || code.contains("unsetenv(") {
        return Some("sets the environment");
    }
    if let Some((_, arguments)) = code.split_once("load_dotenv(")
        && !code.starts_with("from ")
    {
        // The values of the folder's own .env are there already.
        let arguments = arguments
            .trim_end_matches(')')
            .replace([' ', '\'', '"'], "");
        let usual = [
            "",
            ".env",
            "find_dotenv(",
            "override=False",
            "verbose=True",
            "dotenv_path=.env",
        ];
        if !usual.contains(&arguments.as_str()) {
            return Some("sets the environment");
        }
    }
    if code.starts_with("sys.modules[")
        || code.contains("sys.meta_path")
        || code.contains("sys.path_hooks")
    {
        return Some("changes how modules are found");
    }
    if code.starts_with("os.chdir(") {
        return Some("changes the directory");
    }
    None
}

#[cfg(test)]
mod tests;
