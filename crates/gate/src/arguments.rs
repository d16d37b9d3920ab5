//! What it is asked to do. Whoever asks is a program of ours, so that there is no help and there are no short forms.

use std::ffi::OsString;
use std::io;

/// One of its two uses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Wait for files, then run a program and stay its supervisor.
    Run(Run),
    /// Lay files over those of a container that runs.
    Lay,
}

/// `run [--preload MODULES] -- PROGRAM ARGUMENT…`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Python modules, separated by commas: the program is started at once, loads these and waits itself.
    pub(crate) preload: Option<OsString>,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> io::Result<Task> {
    let mut words = words.into_iter();
    match words.next().as_ref().and_then(|word| word.to_str()) {
        Some("lay") => Ok(Task::Lay),
        Some("run") => run(words),
        _ => Err(wrong("the first word is `run` or `lay`")),
    }
}

fn run(mut words: impl Iterator<Item = OsString>) -> io::Result<Task> {
    let mut preload = None;
    loop {
        match words.next() {
            Some(word) if word == "--" => break,
            Some(word) if word == "--preload" => {
                preload = Some(
                    words
                        .next()
                        .ok_or_else(|| wrong("`--preload` names modules"))?,
                );
            }
            _ => return Err(wrong("a program follows after `--`")),
        }
    }
    Ok(Task::Run(Run {
        preload,
        program: words
            .next()
            .ok_or_else(|| wrong("no program follows after `--`"))?,
        arguments: words.collect(),
    }))
}

fn wrong(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn a_program_keeps_its_own_words() {
        let expected = |preload: Option<&str>| {
            Task::Run(Run {
                preload: preload.map(OsString::from),
                program: "python".into(),
                arguments: words("-m server -- --preload x"),
            })
        };
        let plain = parse(words("run -- python -m server -- --preload x")).unwrap();
        assert_eq!(plain, expected(None));
        let warm = parse(words(
            "run --preload os,json -- python -m server -- --preload x",
        ))
        .unwrap();
        assert_eq!(warm, expected(Some("os,json")));
        assert_eq!(parse(words("lay")).unwrap(), Task::Lay);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "run",
            "run --",
            "run --preload",
            "run --preload x",
            "run python",
            "walk",
        ] {
            assert!(parse(words(text)).is_err(), "{text:?}");
        }
    }
}
