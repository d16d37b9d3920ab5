//! `.dockerignore` with Docker's own semantics, which differ from git's: patterns are anchored at the root, the last match
//! wins, `!` re-includes, and a match of a parent is a match of everything below it.

mod pattern;

pub(crate) use pattern::Pattern;

/// Files the engine reads itself: they are sent even when a pattern excludes them.
const ALWAYS_SENT: [&str; 2] = ["Dockerfile", ".dockerignore"];

/// The rules of one `.dockerignore`.
#[derive(Debug, Clone, Default)]
pub struct DockerIgnore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    reincludes: bool,
}

/// What the rules said of a directory, so that its children need not ask again for every parent.
#[derive(Debug, Clone, Default)]
pub struct ParentMatches {
    /// One bit per rule.
    bits: Vec<u64>,
}

impl ParentMatches {
    fn get(&self, index: usize) -> bool {
        self.bits
            .get(index / 64)
            .is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    fn set(&mut self, index: usize) {
        if self.bits.len() <= index / 64 {
            self.bits.resize(index / 64 + 1, 0);
        }
        if let Some(word) = self.bits.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }
}

impl DockerIgnore {
    /// Reads the text of a `.dockerignore`. Patterns that the engine would refuse are left out.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self::from_patterns(text.lines().filter(|line| !line.starts_with('#')))
    }

    /// Rules from patterns, one per item, as lines of the file.
    pub fn from_patterns<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self::default().with_patterns(patterns)
    }

    /// The same rules followed by further patterns.
    #[must_use]
    pub fn with_patterns<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.rules.extend(patterns.into_iter().filter_map(rule));
        self
    }

    /// Whether the path, relative to the root and `/`-separated, is left out of the build context.
    ///
    /// A trailing slash in a pattern does not restrict it to directories; Docker drops it.
    pub fn excludes(&self, path: &str) -> bool {
        if ALWAYS_SENT.contains(&path) {
            return false;
        }
        let mut parent = ParentMatches::default();
        for (end, _) in path.match_indices('/') {
            if let Some(ancestor) = path.get(..end) {
                parent = self.verdict(ancestor, &parent).1;
            }
        }
        self.verdict(path, &parent).0.unwrap_or(false)
    }

    /// What the rules say of a path whose parent directory gave `parent`: excluded, re-included, or nothing at all; and the
    /// matches to pass on to its children.
    pub fn verdict(&self, path: &str, parent: &ParentMatches) -> (Option<bool>, ParentMatches) {
        let mut matches = ParentMatches::default();
        let mut excluded = None;
        for (index, rule) in self.rules.iter().enumerate() {
            if parent.get(index) || rule.pattern.matches(path) {
                matches.set(index);
                excluded = Some(!rule.reincludes);
            }
        }
        if ALWAYS_SENT.contains(&path) {
            excluded = Some(false);
        }
        (excluded, matches)
    }

    /// Whether something below an excluded directory may be re-included, so that it must be walked nevertheless.
    pub fn may_reinclude_below(&self, directory: &str) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.reincludes && rule.pattern.may_match_below(directory))
    }
}

fn rule(line: &str) -> Option<Rule> {
    let line = line.trim();
    let (reincludes, text) = match line.strip_prefix('!') {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    let text = clean(text);
    if text.is_empty() {
        return None;
    }
    Pattern::parse(&text).map(|pattern| Rule {
        pattern,
        reincludes,
    })
}

/// Lexical cleaning as Go's `filepath.Clean`, without the leading slash: no `.`, no empty part, `..` resolved.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests;
