//! A shell script as a list of plain commands, where it is no more than that.

/// One plain command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// Program and arguments, quotes taken off; variables and wildcards as written.
    pub(super) words: Vec<String>,
    /// Where its output goes.
    pub(super) writes: Vec<String>,
}

/// Words that begin what is more than a list of commands.
const KEYWORDS: [&str; 16] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "function", "{", "}", "source",
];

/// The commands of a script, whatever joins them. `None` when it has branches, loops, input from files, or commands within
/// commands.
pub(super) fn commands(script: &str) -> Option<Vec<Command>> {
    let mut reader = Reader::default();
    let mut characters = script.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let word = reader.word();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => loop {
                match characters.next()? {
                    '"' => {
                        reader.word();
                        break;
                    }
                    '`' => return None,
                    '$' if characters.peek() == Some(&'(') => return None,
                    '\\' => {
                        let escaped = characters.next()?;
                        let word = reader.word();
                        if !matches!(escaped, '"' | '\\' | '$' | '`' | '\n') {
                            word.push('\\');
                        }
                        word.push(escaped);
                    }
                    other => reader.word().push(other),
                }
            },
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) => reader.word().push(escaped),
            },
            '#' if reader.word.is_none() => {
                while characters.next_if(|next| *next != '\n').is_some() {}
            }
            '`' | '<' | '(' | ')' => return None,
            '$' if characters.peek() == Some(&'(') => return None,
            '>' => {
                // `2>`: the number says which output.
                if reader
                    .word
                    .as_deref()
                    .is_some_and(|word| word.chars().all(|digit| digit.is_ascii_digit()))
                {
                    reader.word = None;
                }
                reader.end_word();
                characters.next_if(|next| matches!(next, '>' | '|'));
                if characters.next_if_eq(&'&').is_some() {
                    // Another output.
                    while characters.next_if(char::is_ascii_digit).is_some() {}
                    characters.next_if_eq(&'-');
                } else {
                    reader.redirects = true;
                }
            }
            // `&>`: both outputs.
            '&' if characters.peek() == Some(&'>') => reader.end_word(),
            '&' | ';' | '|' | '\n' => reader.end_command()?,
            blank if blank.is_whitespace() => reader.end_word(),
            other => reader.word().push(other),
        }
    }
    reader.end_command()?;
    Some(reader.commands)
}

#[derive(Default)]
struct Reader {
    commands: Vec<Command>,
    command: Command,
    word: Option<String>,
    /// Whether the next word is where the output goes.
    redirects: bool,
}

impl Reader {
    fn word(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !self.redirects {
            self.command.words.push(word);
        } else if !word.starts_with("/dev/") {
            self.command.writes.push(word);
        }
        self.redirects = false;
    }

    fn end_command(&mut self) -> Option<()> {
        self.end_word();
        let command = std::mem::take(&mut self.command);
        let first = command.words.first().map(String::as_str);
        if first.is_some_and(|first| {
            KEYWORDS.contains(&first) || matches!(first, "." | "[" | "[[" | "test" | "eval")
        }) {
            return None;
        }
        if command != Command::default() {
            self.commands.push(command);
        }
        Some(())
    }
}
