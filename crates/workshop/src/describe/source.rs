//! What source files show without being run: imports, routes, ports, environment variables, the docstring. Text is searched,
//! not parsed: good enough to describe, cheap enough for any folder.

mod variables;

use nasiko_contract::Protocol;

use super::folder::Folder;
use super::{Language, PortClaim};
use crate::text::{has_extension, line_at};

pub(super) use variables::VariableUse;

/// Source files that are read at most, the nearest to the root first.
const MOST_FILES: usize = 200;
/// Bytes read of each.
const FILE_LIMIT: u64 = 64 << 10;
/// Routes that are kept of one file.
const MOST_ROUTES: usize = 100;
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
    pub(super) routes: Vec<Route>,
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

/// An HTTP route of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) path: String,
}

/// A function offered to a model or to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: String,
}

/// Python modules and what they tell, most telling first.
const PYTHON_FRAMEWORKS: [(&str, &str); 16] = [
    ("google.adk", "google-adk"),
    ("langgraph", "langgraph"),
    ("crewai", "crewai"),
    ("autogen_agentchat", "autogen"),
    ("autogen", "autogen"),
    ("llama_index", "llama-index"),
    ("pydantic_ai", "pydantic-ai"),
    ("semantic_kernel", "semantic-kernel"),
    ("smolagents", "smolagents"),
    ("langchain", "langchain"),
    ("a2a", "a2a-sdk"),
    ("fastapi", "fastapi"),
    ("flask", "flask"),
    ("starlette", "starlette"),
    ("aiohttp", "aiohttp"),
    ("tornado", "tornado"),
];

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
        for (path, language) in files {
            let Some(text) = folder.read_prefix(path, FILE_LIMIT) else {
                continue;
            };
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
            facts.routes.extend(routes(&text));
            if facts.ports.len() < 4 {
                facts.ports.extend(ports(path, &text));
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
        for (number, module) in (1..)
            .zip(text.lines())
            .filter_map(|(number, line)| Some((number, imported_module(line)?)))
        {
            self.variables
                .extend(variables::implied(path, text, module, number));
            let rank = PYTHON_FRAMEWORKS.iter().position(|(name, _)| {
                module.strip_prefix(name).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('.') || rest.starts_with('_')
                })
            });
            if let Some((rank, (_, framework))) =
                rank.and_then(|rank| Some((rank, PYTHON_FRAMEWORKS.get(rank)?)))
            {
                self.uses_a2a_sdk |= *framework == "a2a-sdk";
                if rank < *framework_rank {
                    *framework_rank = rank;
                    self.framework = Some((*framework).to_owned());
                }
            }
        }
        if self.docstring.is_none() {
            self.docstring = module_docstring(text);
        }
        if self.tools.len() < 20 {
            self.tools.extend(python_tools(text));
        }
    }
}

fn source_files<'a>(folder: &Folder<'a>) -> Vec<(&'a str, Language)> {
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

fn language_of(path: &str) -> Option<Language> {
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

/// `import a.b` and `from a.b import c` name a module.
fn imported_module(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line
        .strip_prefix("import ")
        .or_else(|| line.strip_prefix("from "))?;
    let module = rest.split([' ', ',', ';']).next()?;
    (!module.is_empty()).then_some(module)
}

/// The first sentence of a module's docstring.
fn module_docstring(text: &str) -> Option<String> {
    let start = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let quote = ["\"\"\"", "'''"]
        .into_iter()
        .find(|quote| start.starts_with(quote))?;
    let (_, after) = text.split_once(quote)?;
    let (inner, _) = after.split_once(quote)?;
    let paragraph: Vec<&str> = inner
        .trim()
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |end| end + 1);
    paragraph
        .get(..end)
        .filter(|sentence| !sentence.is_empty())
        .map(str::to_owned)
}

/// Functions below a decorator such as `@tool` or `@function_tool`, with their docstrings.
fn python_tools(text: &str) -> Vec<Tool> {
    let mut tools = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let decorator = line
            .trim()
            .strip_prefix('@')
            .map(|name| name.split('(').next().unwrap_or(name));
        if !decorator.is_some_and(|name| {
            matches!(
                name.rsplit('.').next(),
                Some("tool" | "function_tool" | "tool_plain" | "skill")
            )
        }) {
            continue;
        }
        let function = lines
            .by_ref()
            .map(str::trim)
            .find(|line| line.starts_with("def ") || line.starts_with("async def "));
        let Some(name) = function.and_then(|line| {
            line.trim_start_matches("async ")
                .strip_prefix("def ")?
                .split('(')
                .next()
        }) else {
            break;
        };
        while lines.peek().is_some_and(|line| {
            !line.trim_end().ends_with(':') && !line.trim_start().starts_with("\"\"\"")
        }) {
            lines.next();
        }
        let body = lines
            .by_ref()
            .take(2)
            .map(str::trim)
            .find(|line| line.starts_with("\"\"\"") || line.starts_with("'''"));
        let description = body
            .map(|line| line.trim_matches(['"', '\'']).trim().to_owned())
            .unwrap_or_default();
        tools.push(Tool {
            name: name.trim().to_owned(),
            description,
        });
    }
    tools
}

/// Paths in route declarations: decorators, `Route(`, `app.get(`, `HandleFunc(`, and comparisons of a plain server's path.
fn routes(text: &str) -> Vec<Route> {
    const MARKS: [&str; 14] = [
        ".get(",
        ".post(",
        ".put(",
        ".route(",
        ".websocket(",
        "Route(",
        "HandleFunc(",
        ".Handle(",
        "add_route(",
        "add_api_route(",
        "path == ",
        "path === ",
        "path in (",
        "url === ",
    ];
    let mut routes: Vec<Route> = Vec::new();
    for line in text.lines() {
        let Some((_, mut rest)) = MARKS.into_iter().find_map(|mark| line.split_once(mark)) else {
            continue;
        };
        while let Some((path, after)) = next_literal(rest) {
            if path.starts_with('/') && routes.len() < MOST_ROUTES {
                routes.push(Route {
                    path: path.to_owned(),
                });
            }
            rest = after;
        }
    }
    routes
}

fn next_literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.find(['"', '\'', '`'])?;
    variables::literal(text.get(quote..)?)
}

/// Numbers that stand right after the word port, and what Node and Go listen on.
fn ports(path: &str, text: &str) -> Vec<PortClaim> {
    let mut claims: Vec<PortClaim> = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let lower = line.to_ascii_lowercase();
        let Some(place) = lower
            .find("port")
            .map(|place| place + 4)
            .or_else(|| lower.find(".listen(").map(|place| place + 8))
            .or_else(|| lower.find("listenandserve(").map(|place| place + 15))
        else {
            continue;
        };
        let comment = lower.trim_start();
        if comment.starts_with("import")
            || comment.starts_with("from ")
            || comment.starts_with('#')
            || comment.starts_with("//")
        {
            continue;
        }
        let rest = lower.get(place..).unwrap_or_default();
        let Some(digit) = rest
            .find(|character: char| character.is_ascii_digit())
            .filter(|digit| *digit <= 40)
        else {
            continue;
        };
        let number: String = rest
            .chars()
            .skip(digit)
            .take_while(char::is_ascii_digit)
            .collect();
        if let Some(port) = number
            .parse::<u16>()
            .ok()
            .filter(|port| *port >= 80 && number.len() >= 4)
            && !claims.iter().any(|claim| claim.port == port)
        {
            claims.push(PortClaim {
                port,
                source: format!("{path}:{}", line_at(text, start)),
            });
        }
    }
    claims.truncate(3);
    claims
}
