//! What a Python file shows: modules, docstring, tools.

/// A function offered to a model or to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::describe) struct Tool {
    pub(in crate::describe) name: String,
    pub(in crate::describe) description: String,
}

/// Modules and the framework they tell, most telling first.
const FRAMEWORKS: [(&str, &str); 16] = [
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
/// Lines a signature may run over.
const LONGEST_SIGNATURE: usize = 30;

/// The framework a module belongs to; the lower the rank, the more it tells.
pub(super) fn framework(module: &str) -> Option<(usize, &'static str)> {
    let belongs = |name: &str| {
        module
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
    };
    let rank = FRAMEWORKS.iter().position(|(name, _)| belongs(name))?;
    FRAMEWORKS
        .get(rank)
        .map(|(_, framework)| (rank, *framework))
}

/// `import a.b` and `from a.b import c` name a module; with the line, from 1.
pub(super) fn imports(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let line = line.trim_start();
        let rest = line
            .strip_prefix("import ")
            .or_else(|| line.strip_prefix("from "))?;
        let module = rest.split([' ', ',', ';']).next()?;
        (!module.is_empty()).then_some((number, module))
    })
}

/// The first sentence of a module's docstring.
pub(super) fn docstring(text: &str) -> Option<String> {
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

/// Functions below a decorator such as `@tool` or `@function_tool`, with the first line of their docstrings.
pub(super) fn tools(text: &str) -> Vec<Tool> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let decorated = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| is_tool_decorator(line));
    decorated
        .filter_map(|(index, _)| tool_below(lines.get(index + 1..)?))
        .collect()
}

fn is_tool_decorator(line: &str) -> bool {
    let name = line
        .strip_prefix('@')
        .map(|name| name.split('(').next().unwrap_or(name));
    name.and_then(|name| name.rsplit('.').next())
        .is_some_and(|name| matches!(name, "tool" | "function_tool" | "tool_plain" | "skill"))
}

fn tool_below(lines: &[&str]) -> Option<Tool> {
    let mut lines = lines.iter().take(LONGEST_SIGNATURE);
    let name_of = |line: &str| {
        let function = line
            .strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("def ")?;
        function.split('(').next().map(str::to_owned)
    };
    let (name, signature) = lines
        .by_ref()
        .find_map(|line| Some((name_of(line)?, *line)))?;
    if !signature.ends_with(':') {
        lines.by_ref().find(|line| line.ends_with(':'))?;
    }
    let body = lines.next().copied().unwrap_or_default();
    let is_docstring = body.starts_with("\"\"\"") || body.starts_with("'''");
    let description = if is_docstring {
        body.trim_matches(['"', '\'']).trim()
    } else {
        ""
    };
    Some(Tool {
        name,
        description: description.to_owned(),
    })
}
