//! What source files show without being run: imports, routes, ports, environment variables, the docstring. Text is searched,
//! not parsed: good enough to describe, cheap enough for any folder.

mod python;
mod variables;
mod web;

use nasiko_contract::Protocol;

use super::folder::Folder;
use super::{Language, PortClaim};
use crate::text::has_extension;

pub(super) use python::Tool;
pub(super) use variables::VariableUse;

/// Source files that are read at most, the nearest to the root first.
const MOST_FILES: usize = 200;
/// Bytes read of each.
const FILE_LIMIT: u64 = 64 << 10;
/// Bytes read of all of them: the beginning of a folder says what it is.
const ALL_LIMIT: usize = 2 << 20;
/// Tools and ports that are kept of all files, roughly.
const MOST_KEPT: usize = 20;
/// Folders whose sources say nothing of the agent.
const NOT_SOURCE: [&str; 9] = [
    "tests",
    "test",
    "docs",
    "examples",
    "scripts",
    "migrations",
    "vendor",
    "dist",
    "site-packages",
];

/// What the sources show together.
#[derive(Debug)]
pub(super) struct SourceFacts {
    /// The language of most files near the root.
    pub(super) language: Language,
    pub(super) framework: Option<String>,
    /// Paths of HTTP routes.
    pub(super) routes: Vec<String>,
    pub(super) ports: Vec<PortClaim>,
    pub(super) variables: Vec<VariableUse>,
    /// First sentence of the first module docstring.
    pub(super) docstring: Option<String>,
    /// Functions marked as tools or skills.
    pub(super) tools: Vec<Tool>,
    /// Whether answers are streamed.
    pub(super) streams: bool,
    pub(super) uses_a2a_sdk: bool,
    /// The dialect whose method names the sources spell out.
    pub(super) a2a_dialect: Option<Protocol>,
}

impl SourceFacts {
    /// Reads the sources of the folder.
    pub(super) fn read(folder: &Folder<'_>) -> Self {
        let files = source_files(folder);
        let mut facts = Self {
            language: files
                .first()
                .map_or(Language::Other, |(_, language)| *language),
            framework: None,
            routes: Vec::new(),
            ports: Vec::new(),
            variables: Vec::new(),
            docstring: None,
            tools: Vec::new(),
            streams: false,
            uses_a2a_sdk: false,
            a2a_dialect: None,
        };
        let mut framework_rank = usize::MAX;
        let mut dialects = (false, false);
        let mut bytes = 0;
        for (path, language) in files {
            let Some(text) = folder.read_prefix(path, FILE_LIMIT) else {
                continue;
            };
            bytes += text.len();
            if bytes > ALL_LIMIT {
                break;
            }
            if language == Language::Python {
                facts.python(path, &text, &mut framework_rank);
            }
            facts.uses_a2a_sdk |=
                text.contains("@a2a-js/sdk") || text.contains("a2aproject/a2a-go");
            facts.streams |= [
                "text/event-stream",
                "StreamingResponse",
                "EventSourceResponse",
                "streaming=True",
                "streaming: true",
            ]
            .iter()
            .any(|mark| text.contains(mark));
            dialects.0 |= ["message/send", "a2a.server.apps"]
                .iter()
                .any(|mark| text.contains(mark));
            dialects.1 |= ["\"SendMessage\"", "'SendMessage'", "a2a.server.routes"]
                .iter()
                .any(|mark| text.contains(mark));
            facts.routes.extend(web::routes(&text));
            if facts.ports.len() < MOST_KEPT {
                facts.ports.extend(web::ports(path, &text));
            }
            facts
                .variables
                .extend(variables::read(path, &text, language));
        }
        facts.a2a_dialect = match dialects {
            (_, true) => Some(Protocol::A2aV1),
            (true, false) => Some(Protocol::A2aV0),
            (false, false) => None,
        };
        facts
    }

    fn python(&mut self, path: &str, text: &str, framework_rank: &mut usize) {
        for (line, module) in python::imports(text) {
            self.variables
                .extend(variables::implied(path, text, module, line));
            let Some((rank, framework)) = python::framework(module) else {
                continue;
            };
            self.uses_a2a_sdk |= framework == "a2a-sdk";
            if rank < *framework_rank {
                *framework_rank = rank;
                self.framework = Some(framework.to_owned());
            }
        }
        if self.docstring.is_none() {
            self.docstring = python::docstring(text);
        }
        if self.tools.len() < MOST_KEPT {
            self.tools.extend(python::tools(text));
        }
    }
}

/// The sources that say what the agent is, the nearest to the root first.
pub(crate) fn source_files<'a>(folder: &Folder<'a>) -> Vec<(&'a str, Language)> {
    let mut files: Vec<(&str, Language)> = folder
        .files()
        .filter(|path| {
            !path
                .split('/')
                .any(|part| NOT_SOURCE.contains(&part) || (part.starts_with('.') && part.len() > 1))
        })
        .filter_map(|path| Some((path, language_of(path)?)))
        .collect();
    files.sort_by_key(|(path, _)| (path.matches('/').count(), !is_entry_name(path)));
    files.truncate(MOST_FILES);
    files
}

fn is_entry_name(path: &str) -> bool {
    let stem = path
        .rsplit('/')
        .next()
        .and_then(|name| name.split('.').next())
        .unwrap_or_default();
    matches!(
        stem,
        "main" | "__main__" | "app" | "server" | "agent" | "index"
    )
}

/// The language of a source file that is no test.
pub(crate) fn language_of(path: &str) -> Option<Language> {
    let name = path.rsplit('/').next()?;
    let (stem, ending) = name.rsplit_once('.')?;
    if stem.starts_with("test_")
        || stem.ends_with("_test")
        || has_extension(stem, "test")
        || has_extension(stem, "min")
        || stem == "setup"
    {
        return None;
    }
    match ending {
        "py" => Some(Language::Python),
        "js" | "mjs" | "cjs" | "ts" | "mts" => Some(Language::Node),
        "go" => Some(Language::Go),
        "rs" => Some(Language::Rust),
        "java" | "kt" => Some(Language::Java),
        _ => None,
    }
}
