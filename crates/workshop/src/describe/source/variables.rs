//! Environment variables that a source file reads, and whether it can do without them.

use crate::describe::Language;
use crate::envfile::is_variable;
use crate::text::line_at;

/// One reading of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::describe) struct VariableUse {
    pub(in crate::describe) name: String,
    pub(in crate::describe) required: bool,
    /// `file:line`.
    pub(in crate::describe) source: String,
}

/// How a language spells the reading of a variable.
struct Spelling {
    /// What stands before the name.
    mark: &'static str,
    /// Whether the name is a quoted text; otherwise it follows bare.
    quoted: bool,
    /// Whether reading a variable that is not set fails by itself; otherwise the code may go on without it.
    fails: bool,
}

const fn spelling(mark: &'static str, quoted: bool, fails: bool) -> Spelling {
    Spelling {
        mark,
        quoted,
        fails,
    }
}

const PYTHON: [Spelling; 3] = [
    spelling("environ[", true, true),
    spelling("environ.get(", true, false),
    spelling("getenv(", true, false),
];
const NODE: [Spelling; 2] = [
    spelling("process.env.", false, false),
    spelling("process.env[", true, false),
];
const GO: [Spelling; 2] = [
    spelling("os.Getenv(", true, false),
    spelling("os.LookupEnv(", true, false),
];
const RUST: [Spelling; 1] = [spelling("env::var(", true, true)];
const JAVA: [Spelling; 1] = [spelling("System.getenv(", true, false)];

/// Python packages whose clients read a key by themselves.
const IMPLIED: [(&str, &str); 8] = [
    ("langchain_openai", "OPENAI_API_KEY"),
    ("openai", "OPENAI_API_KEY"),
    ("langchain_anthropic", "ANTHROPIC_API_KEY"),
    ("anthropic", "ANTHROPIC_API_KEY"),
    ("langchain_google_genai", "GOOGLE_API_KEY"),
    ("google.generativeai", "GOOGLE_API_KEY"),
    ("groq", "GROQ_API_KEY"),
    ("mistralai", "MISTRAL_API_KEY"),
];

/// Keys that an imported client will look for; not required, since they may be given in other ways.
pub(super) fn implied(path: &str, text: &str, module: &str, line: u32) -> Option<VariableUse> {
    let named = |package: &str| {
        module
            .strip_prefix(package)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let (_, key) = IMPLIED.iter().find(|(package, _)| named(package))?;
    (!text.contains("api_key=")).then(|| VariableUse {
        name: (*key).to_owned(),
        required: false,
        source: format!("{path}:{line}"),
    })
}

/// Every reading in the text.
pub(super) fn read(path: &str, text: &str, language: Language) -> Vec<VariableUse> {
    let spellings: &[Spelling] = match language {
        Language::Python => &PYTHON,
        Language::Node => &NODE,
        Language::Go => &GO,
        Language::Rust => &RUST,
        Language::Java => &JAVA,
        Language::Other => &[],
    };
    let mut uses = Vec::new();
    for spelling in spellings {
        for (offset, mark) in text.match_indices(spelling.mark) {
            let Some(after) = text.get(offset + mark.len()..) else {
                continue;
            };
            let name = if spelling.quoted {
                literal(after.trim_start())
            } else {
                Some(bare(after))
            };
            let Some((name, rest)) = name.filter(|(name, _)| is_variable(name)) else {
                continue;
            };
            let line = line_around(text, offset);
            if line.trim_start().starts_with(['#', '*'])
                || line.trim_start().starts_with("//")
                || is_assigned(rest)
            {
                continue;
            }
            let asked = is_asked(line);
            let required = is_demanded(text, offset, rest, asked)
                || (spelling.fails && !asked && !has_default(rest) && !is_caught(text, offset));
            uses.push(VariableUse {
                name: name.to_owned(),
                required,
                source: format!("{path}:{}", line_at(text, offset)),
            });
        }
    }
    uses
}

/// A quoted text at the start, and what follows it.
pub(super) fn literal(text: &str) -> Option<(&str, &str)> {
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    text.get(1..)?.split_once(quote)
}

fn bare(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .unwrap_or(text.len());
    text.split_at(end)
}

fn line_around(text: &str, offset: usize) -> &str {
    let start = text
        .get(..offset)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |end| end + 1);
    text.get(start..)
        .and_then(|line| line.lines().next())
        .unwrap_or_default()
}

/// `os.environ["X"] = …` gives a value, it reads none.
fn is_assigned(rest: &str) -> bool {
    let rest = rest.trim_start_matches([']', ' ']);
    rest.starts_with('=') && !rest.starts_with("==")
}

/// A second argument, or an `or`, `||`, `??`, `unwrap_or` before the statement ends.
fn has_default(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    if rest.trim_start().starts_with(',') {
        // A default of None is none.
        return !rest
            .trim_start()
            .trim_start_matches(',')
            .trim_start()
            .starts_with("None");
    }
    let after = line.trim_start_matches([')', ']', ' ', '!']);
    [
        "or ",
        "|| ",
        "?? ",
        "||",
        "??",
        ".unwrap_or",
        ".ok()",
        "if ",
    ]
    .iter()
    .any(|mark| after.starts_with(mark))
        || rest
            .trim_start_matches([')', ']', ' ', '\n', '\t'])
            .starts_with(".unwrap_or")
}

/// A variable that is only asked for whether it is set.
fn is_asked(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("if ")
        || line.starts_with("elif ")
        || line.starts_with("} else if")
        || line.starts_with("if(")
        || line.contains(" is not None")
        || line.contains("bool(")
}

/// Whether the code gives up when the variable is empty: a negative condition, and a failure right below it.
fn is_demanded(text: &str, offset: usize, rest: &str, asked: bool) -> bool {
    const CONDITIONS: [&str; 9] = [
        "if not ",
        "if (!",
        "if(!",
        "if !",
        " is None",
        "== \"\"",
        "== null",
        "=== undefined",
        "is_none()",
    ];
    const FAILURES: [&str; 8] = [
        "raise ",
        "sys.exit(",
        "exit(1",
        "throw ",
        "log.Fatal",
        "panic(",
        "process.exit(",
        "os.Exit(",
    ];
    let fails = |line: &&str| FAILURES.iter().any(|mark| line.contains(mark));
    let mut below = rest.lines().skip(1);
    if asked {
        let start = text
            .get(..offset)
            .and_then(|before| before.lines().next_back())
            .unwrap_or_default();
        let negative = ["if not ", "if (!", "if(!"]
            .iter()
            .any(|mark| start.contains(mark));
        return negative && below.take(2).any(|line| fails(&line));
    }
    let condition = below
        .by_ref()
        .take(2)
        .find(|line| CONDITIONS.iter().any(|mark| line.contains(mark)));
    condition.is_some_and(|condition| fails(&condition) || below.take(2).any(|line| fails(&line)))
}

/// Whether the failure of a reading is caught: the line stands right below a `try:`.
fn is_caught(text: &str, offset: usize) -> bool {
    let before = text.get(..offset).unwrap_or_default();
    before
        .lines()
        .rev()
        .nth(1)
        .is_some_and(|line| line.trim() == "try:")
}
