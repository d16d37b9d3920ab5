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
    /// What a reading without a default means.
    required: bool,
}

const PYTHON: [Spelling; 4] = [
    Spelling {
        mark: "environ[",
        quoted: true,
        required: true,
    },
    Spelling {
        mark: "environ.get(",
        quoted: true,
        required: true,
    },
    Spelling {
        mark: "getenv(",
        quoted: true,
        required: true,
    },
    Spelling {
        mark: "env.str(",
        quoted: true,
        required: true,
    },
];
const NODE: [Spelling; 2] = [
    Spelling {
        mark: "process.env.",
        quoted: false,
        required: true,
    },
    Spelling {
        mark: "process.env[",
        quoted: true,
        required: true,
    },
];
const GO: [Spelling; 2] = [
    Spelling {
        mark: "os.Getenv(",
        quoted: true,
        required: true,
    },
    Spelling {
        mark: "os.LookupEnv(",
        quoted: true,
        required: false,
    },
];
const RUST: [Spelling; 1] = [Spelling {
    mark: "env::var(",
    quoted: true,
    required: true,
}];
const JAVA: [Spelling; 1] = [Spelling {
    mark: "System.getenv(",
    quoted: true,
    required: true,
}];

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
            let required = spelling.required && !has_default(rest) && !is_asked(line);
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
