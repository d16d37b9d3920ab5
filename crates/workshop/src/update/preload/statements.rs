//! A Python source as the statements that run when the module is loaded. It is read line by line, and what cannot be read is
//! passed over: a source being written is no error.

/// A statement on one line: strings, brackets and continued lines are put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// From 1.
    pub(super) line: u32,
    /// Columns before it.
    indent: usize,
    /// Without comments. Long strings are left empty.
    pub(super) text: String,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// Dots before the name: 0 for an absolute one.
    pub(super) level: usize,
    /// What is imported, or imported from.
    pub(super) module: String,
    /// `from module import names`.
    pub(super) names: Vec<String>,
}

/// The statements that run when the module is loaded: those of functions, classes, and of `if TYPE_CHECKING` are left out, and
/// unless it is the start those of `if __name__ == "__main__"` as well.
pub(super) fn module_statements(text: &str, is_start: bool) -> Vec<Statement> {
    let mut kept = Vec::new();
    // What is deeper than this does not run.
    let mut skipping: Option<usize> = None;
    for mut statement in statements(text) {
        if skipping.is_some_and(|indent| statement.indent > indent) {
            continue;
        }
        skipping = None;
        let word = statement
            .text
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .next()
            .unwrap_or_default()
            .to_owned();
        let skips = match word.as_str() {
            "def" | "class" | "async" | "lambda" => true,
            "if" | "elif" => {
                let condition = statement.text.as_str();
                (condition.contains("TYPE_CHECKING") && !condition.contains("not "))
                    || (condition.contains("__name__") && !is_start)
            }
            _ => false,
        };
        if skips {
            skipping = Some(statement.indent);
            continue;
        }
        let opens = matches!(
            word.as_str(),
            "if" | "elif" | "else" | "try" | "except" | "finally" | "with" | "for" | "while"
        );
        if opens {
            // `try: import x`
            match after_header(&statement.text) {
                Some(body) if !body.is_empty() => statement.text = String::from(body),
                _ => continue,
            }
        }
        kept.push(statement);
    }
    kept
}

/// What an import statement imports.
pub(super) fn imports(text: &str) -> Vec<Import> {
    let clean = |name: &str| {
        name.split_whitespace()
            .next()
            .unwrap_or_default()
            .trim_matches(['(', ')'])
            .to_owned()
    };
    if let Some(rest) = text.strip_prefix("import ") {
        return rest
            .split(',')
            .map(clean)
            .filter(|module| !module.is_empty())
            .map(|module| Import {
                level: 0,
                module,
                names: Vec::new(),
            })
            .collect();
    }
    let Some((from, names)) = text
        .strip_prefix("from")
        .filter(|rest| rest.starts_with([' ', '.']))
        .and_then(|rest| rest.split_once("import"))
    else {
        return Vec::new();
    };
    let from = from.trim();
    let module = from.trim_start_matches(['.', ' ']);
    let level = from.matches('.').count() - module.matches('.').count();
    let names: Vec<String> = names
        .split(',')
        .map(|name| clean(name.trim().trim_start_matches('(')))
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() || (module.is_empty() && level == 0) {
        return Vec::new();
    }
    vec![Import {
        level,
        module: module.to_owned(),
        names,
    }]
}

/// What follows the colon of `if x:` on the same line.
fn after_header(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (place, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), close) if open == close => quote = None,
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ':') if depth == 0 => return text.get(place + 1..).map(str::trim),
            _ => {}
        }
    }
    None
}

/// Longer strings are left empty.
const LONGEST_STRING: usize = 200;

/// All statements, whatever they belong to.
fn statements(text: &str) -> Vec<Statement> {
    let mut reader = Reader {
        line: 1,
        ..Reader::default()
    };
    let mut characters = text.chars().peekable();
    while let Some(letter) = characters.next() {
        match letter {
            '#' => while characters.next_if(|next| *next != '\n').is_some() {},
            '\\' if characters.peek() == Some(&'\r') || characters.peek() == Some(&'\n') => {
                characters.next_if_eq(&'\r');
                characters.next_if_eq(&'\n');
                reader.line += 1;
                reader.push(' ');
            }
            '\n' => {
                if reader.depth == 0 {
                    reader.end();
                    reader.column = 0;
                } else {
                    reader.push(' ');
                }
                reader.line += 1;
            }
            ';' if reader.depth == 0 => reader.end(),
            '"' | '\'' => reader.string(letter, &mut characters),
            '(' | '[' | '{' => {
                reader.depth += 1;
                reader.push(letter);
            }
            ')' | ']' | '}' => {
                reader.depth = reader.depth.saturating_sub(1);
                reader.push(letter);
            }
            '\r' | '\u{c}' => {}
            ' ' if reader.text.is_empty() => reader.column += 1,
            '\t' if reader.text.is_empty() => reader.column += 8 - reader.column % 8,
            other => reader.push(other),
        }
    }
    reader.end();
    reader.statements
}

#[derive(Default)]
struct Reader {
    statements: Vec<Statement>,
    text: String,
    line: u32,
    started: u32,
    column: usize,
    depth: usize,
}

impl Reader {
    fn push(&mut self, letter: char) {
        if self.text.is_empty() {
            if letter.is_whitespace() {
                return;
            }
            self.started = self.line;
        }
        self.text.push(letter);
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if !text.is_empty() {
            self.statements.push(Statement {
                line: self.started,
                indent: self.column,
                text: text.to_owned(),
            });
        }
    }

    fn string(&mut self, quote: char, characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
        self.push(quote);
        let mut is_long = false;
        if characters.next_if_eq(&quote).is_some() {
            if characters.next_if_eq(&quote).is_none() {
                self.push(quote);
                return;
            }
            is_long = true;
        }
        let mut content = String::new();
        let mut closing = 0;
        while let Some(letter) = characters.next() {
            match letter {
                '\\' => {
                    closing = 0;
                    if characters.next() == Some('\n') {
                        self.line += 1;
                    }
                    continue;
                }
                '\n' => {
                    self.line += 1;
                    closing = 0;
                    if !is_long {
                        // It was never closed: the line ends here all the same.
                        self.push(quote);
                        if self.depth == 0 {
                            self.end();
                            self.column = 0;
                        }
                        return;
                    }
                }
                letter if letter == quote => {
                    closing += 1;
                    if closing == 3 || !is_long {
                        break;
                    }
                    continue;
                }
                _ => closing = 0,
            }
            content.push(letter);
        }
        if !is_long && content.len() <= LONGEST_STRING {
            self.text.push_str(&content);
        }
        self.push(quote);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str, is_start: bool) -> Vec<String> {
        module_statements(source, is_start)
            .into_iter()
            .map(|statement| statement.text)
            .collect()
    }

    #[test]
    fn statements_of_a_module_are_those_that_run() {
        let source = "\"\"\"Doc\nimport no\n\"\"\"\nimport a, b.c as d; import e\nfrom f import (\n    g,  # why\n    h as i,\n)\n\
                      try:\n    import j\nexcept ImportError:\n    import k\nif TYPE_CHECKING:\n    import no\nelse:\n    import l\n\
                      def x():\n    import no\n\n    y = '''\nimport no\n'''\nclass Y:\n    import no\nasync def z(): pass\n\
                      if __name__ == '__main__':\n    import m\nfrom n import \\\n    o\ntry: import p\nexcept Exception: pass\nif a == {1: 2}: import q\n";
        let found = texts(source, true);
        let expected = [
            "\"\"",
            "import a, b.c as d",
            "import e",
            "from f import (     g,       h as i, )",
            "import j",
            "import k",
            "import l",
            "import m",
            "from n import      o",
            "import p",
            "pass",
            "import q",
        ];
        assert_eq!(found, expected);
        assert!(!texts(source, false).contains(&"import m".to_owned()));
    }

    #[test]
    fn lines_are_those_of_the_source() {
        let source = "x = '''\n\n'''\ny = (1,\n2)\nimport a\n";
        let lines: Vec<u32> = module_statements(source, true)
            .iter()
            .map(|statement| statement.line)
            .collect();
        assert_eq!(lines, [1, 4, 6]);
    }

    #[test]
    fn imports_are_read_in_every_spelling() {
        let read = |text: &str| {
            imports(text)
                .into_iter()
                .map(|import| {
                    format!(
                        "{}{}:{}",
                        ".".repeat(import.level),
                        import.module,
                        import.names.join(",")
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(read("import a, b.c as d"), ["a:", "b.c:"]);
        assert_eq!(read("from a.b import (c, d as e,)"), ["a.b:c,d"]);
        assert_eq!(read("from . import x"), [".:x"]);
        assert_eq!(read("from ..y.z import w"), ["..y.z:w"]);
        assert_eq!(read("from.a import b"), [".a:b"]);
        assert_eq!(read("from a import *"), ["a:*"]);
        for nothing in [
            "importlib.reload(x)",
            "from x",
            "from import y",
            "import ",
            "fromage = 1",
        ] {
            assert_eq!(read(nothing), Vec::<String>::new(), "{nothing}");
        }
    }

    #[test]
    fn a_broken_source_gives_what_it_has() {
        assert_eq!(
            texts("import a\nx = 'never closed\nimport b\n", true),
            ["import a", "x = ''", "import b"]
        );
        assert_eq!(
            texts("import a\nx = (1,\nimport b\n", true)
                .first()
                .map(String::as_str),
            Some("import a")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z'\"#\\\\\n\t ;:(){}\\[\\]é.,=]{0,80}") {
            for statement in module_statements(&text, true) {
                imports(&statement.text);
            }
        }
    }
}
