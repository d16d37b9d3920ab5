//! The command line's words: flags, values and what is left.

use anyhow::{Result, bail};

/// Words not yet understood. Each question takes its answer out.
pub(crate) struct Args(Vec<String>);

impl Args {
    pub(crate) fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    /// The first word, unless it is a flag.
    pub(crate) fn command(&mut self) -> Option<String> {
        let is_command = self.0.first().is_some_and(|word| !word.starts_with('-'));
        is_command.then(|| self.0.remove(0))
    }

    /// Whether `name` was given.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() != before
    }

    /// What was given as `name VALUE` or `name=VALUE`.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>> {
        let joined = format!("{name}=");
        let Some(at) = self
            .0
            .iter()
            .position(|word| word == name || word.starts_with(&joined))
        else {
            return Ok(None);
        };
        let word = self.0.remove(at);
        if let Some(value) = word.strip_prefix(&joined) {
            return Ok(Some(value.to_owned()));
        }
        if at >= self.0.len() || self.0[at].starts_with('-') {
            bail!("{name} wants a value");
        }
        Ok(Some(self.0.remove(at)))
    }

    /// The words that are left; an unknown flag among them is an error.
    pub(crate) fn rest(self) -> Result<Vec<String>> {
        match self.0.iter().find(|word| word.starts_with('-')) {
            Some(unknown) => bail!("unknown option `{unknown}`; see `cargo xtask --help`"),
            None => Ok(self.0),
        }
    }

    /// All that is left, flags included: another program's words.
    pub(crate) fn words(mut self) -> Vec<String> {
        if self.0.first().is_some_and(|word| word == "--") {
            self.0.remove(0);
        }
        self.0
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest()?.first() {
            Some(word) => bail!("`{word}` was not expected here; see `cargo xtask --help`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn answers_leave_nothing_behind() {
        let mut words = args("run --once --home=/a/b");
        assert_eq!(words.command().as_deref(), Some("run"));
        assert!(words.flag("--once"));
        assert_eq!(
            words.value("--home").expect("a value").as_deref(),
            Some("/a/b")
        );
        words.finish().expect("nothing left");
    }

    #[test]
    fn unknown_flags_and_missing_values_are_errors() {
        assert!(args("--what").rest().is_err());
        assert!(args("extra").finish().is_err());
        assert!(args("--home").value("--home").is_err());
        assert!(args("--home --once").value("--home").is_err());
    }
}
