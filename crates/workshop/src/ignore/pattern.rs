//! One pattern: Go's `filepath.Match` widened by `**`, as Docker's pattern matcher reads it.

/// A pattern ready to match. Matching is linear in pattern and path, whatever the pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    /// No wildcard.
    Exact,
    /// `prefix**`: everything that begins so.
    Prefix(String),
    /// `**suffix`: everything that ends so, and for `**/x` also `x` itself.
    Suffix(String),
    /// Anything else. `needle`, its longest stretch of plain text, is looked for first: most paths do not have it.
    Tokens { tokens: Vec<Token>, needle: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`: one character but the separator.
    One,
    /// `*`: any number of characters but the separator.
    Star,
    /// `**/` within a pattern: nothing, or whole directories.
    Directories,
    /// `**` at the end: anything.
    Rest,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// `None` for what Go refuses: an open class, a range without an end.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut characters = text.chars().peekable();
        let mut leading_double_star = false;
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '*' if characters.peek() == Some(&'*') => {
                    characters.next();
                    if characters.peek() == Some(&'/') {
                        characters.next();
                    }
                    leading_double_star |= tokens.is_empty();
                    if characters.peek().is_none() {
                        Token::Rest
                    } else {
                        Token::Directories
                    }
                }
                '*' => Token::Star,
                '?' => Token::One,
                '\\' => Token::Literal(characters.next()?),
                '[' => class(&mut characters)?,
                literal => Token::Literal(literal),
            });
        }
        let form = form(text, tokens, leading_double_star);
        Some(Self {
            text: text.to_owned(),
            form,
        })
    }

    /// Whether the whole path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match &self.form {
            Form::Exact => path == self.text,
            Form::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Form::Suffix(suffix) => {
                path.ends_with(suffix.as_str())
                    || suffix.strip_prefix('/').is_some_and(|name| path == name)
            }
            Form::Tokens { tokens, needle } => path.contains(needle.as_str()) && run(tokens, path),
        }
    }

    /// Whether some path below the directory might match: compared part by part until a `**` makes it possible.
    pub(crate) fn may_match_below(&self, directory: &str) -> bool {
        let mut parts = self.text.split('/');
        for name in directory.split('/') {
            match parts.next() {
                Some(part) if part.contains("**") => return true,
                Some(part)
                    if part == name
                        || Self::parse(part).is_some_and(|pattern| pattern.matches(name)) => {}
                _ => return false,
            }
        }
        parts.next().is_some()
    }
}

/// Docker takes short ways for the common forms; `**x` matching `yx` is one of their visible effects.
fn form(text: &str, tokens: Vec<Token>, leading_double_star: bool) -> Form {
    let literal = |tokens: &[Token]| {
        tokens
            .iter()
            .all(|token| matches!(token, Token::Literal(_)))
    };
    let escaped = text.contains('\\');
    match tokens.as_slice() {
        all if literal(all) && !escaped => Form::Exact,
        [_, rest @ ..] if leading_double_star && literal(rest) && !escaped => {
            Form::Suffix(text.get(2..).unwrap_or_default().to_owned())
        }
        [rest @ .., Token::Rest] if literal(rest) && !escaped => {
            Form::Prefix(text.trim_end_matches('/').trim_end_matches("**").to_owned())
        }
        all => Form::Tokens {
            needle: longest_literal(all),
            tokens,
        },
    }
}

fn longest_literal(tokens: &[Token]) -> String {
    let stretches = tokens.split(|token| !matches!(token, Token::Literal(_)));
    let longest = stretches
        .max_by_key(|stretch| stretch.len())
        .unwrap_or_default();
    longest
        .iter()
        .filter_map(|token| match token {
            Token::Literal(literal) => Some(*literal),
            _ => None,
        })
        .collect()
}

fn class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = characters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match characters.next()? {
            ']' if !ranges.is_empty() => return Some(Token::Class { negated, ranges }),
            ']' | '-' => return None,
            '\\' => characters.next()?,
            low => low,
        };
        let high = if characters.next_if_eq(&'-').is_some() {
            match characters.next()? {
                ']' | '-' => return None,
                '\\' => characters.next()?,
                high => high,
            }
        } else {
            low
        };
        ranges.push((low, high));
    }
}

/// Runs the tokens over the path with the set of all positions reached so far, so that no pattern can be made slow.
fn run(tokens: &[Token], path: &str) -> bool {
    let path: Vec<char> = path.chars().collect();
    let mut reached = vec![false; path.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for token in tokens {
        reached = step(token, &path, &reached);
    }
    reached.last().copied().unwrap_or(false)
}

fn step(token: &Token, path: &[char], reached: &[bool]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    // Whether a token that may stretch has begun at or before this position.
    let mut stretching = false;
    for (position, slot) in next.iter_mut().enumerate() {
        let before = position
            .checked_sub(1)
            .and_then(|previous| path.get(previous));
        let from_before = position
            .checked_sub(1)
            .and_then(|previous| reached.get(previous))
            .copied()
            .unwrap_or(false);
        let here = reached.get(position).copied().unwrap_or(false);
        *slot = match token {
            Token::Literal(literal) => from_before && before == Some(literal),
            Token::One => from_before && before.is_some_and(|character| *character != '/'),
            Token::Class { negated, ranges } => {
                from_before
                    && before.is_some_and(|character| {
                        ranges
                            .iter()
                            .any(|(low, high)| (low..=high).contains(&character))
                            != *negated
                    })
            }
            Token::Star => {
                stretching = (stretching && before != Some(&'/')) || here;
                stretching
            }
            Token::Rest => {
                stretching |= here;
                stretching
            }
            Token::Directories => {
                let whole_directories = stretching && before == Some(&'/');
                stretching |= here;
                here || whole_directories
            }
        };
    }
    next
}
