//! How much a log line matters, as its own words say it.

use nasiko_contract::LogStream;

use crate::words::logs::level as words;

/// Letters of a line within which its level stands.
const LOOKED_AT: usize = 160;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

impl Level {
    /// All of them, with what choosing them means.
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Debug, words::ALL),
        (Self::Info, words::INFO),
        (Self::Warning, words::WARNING),
        (Self::Error, words::ERROR),
    ];

    /// The level of a line: what it says of itself, else by where it was written.
    pub(crate) fn of(text: &str, stream: LogStream) -> Self {
        said(text).unwrap_or(match stream {
            LogStream::Stderr => Self::Warning,
            LogStream::Stdout | LogStream::System => Self::Info,
        })
    }
}

fn said(text: &str) -> Option<Level> {
    let end = text
        .char_indices()
        .nth(LOOKED_AT)
        .map_or(text.len(), |(at, _)| at);
    let words = text[..end].split(|letter: char| !letter.is_alphanumeric());
    // `Traceback` and `panicked` begin what a program says when it breaks.
    words
        .filter(|word| word.len() >= 3)
        .find_map(|word| match word {
            "ERROR" | "error" | "Error" | "ERR" | "FATAL" | "fatal" | "CRITICAL" | "critical"
            | "SEVERE" | "PANIC" | "panicked" | "Traceback" => Some(Level::Error),
            "WARN" | "warn" | "WARNING" | "warning" | "Warning" => Some(Level::Warning),
            "INFO" | "info" | "Info" | "NOTICE" | "notice" => Some(Level::Info),
            "DEBUG" | "debug" | "TRACE" | "VERBOSE" => Some(Level::Debug),
            _ if word.ends_with("Error") || word.ends_with("Exception") => Some(Level::Error),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_their_level_in_many_ways() {
        for (text, level) in [
            ("2026-11-20 12:00:00 ERROR cannot bind", Level::Error),
            (
                "INFO:     127.0.0.1:5 - \"POST / HTTP/1.1\" 200 OK",
                Level::Info,
            ),
            (r#"{"level":"warn","msg":"slow"}"#, Level::Warning),
            ("level=debug msg=x", Level::Debug),
            ("[warning] disk nearly full", Level::Warning),
            ("Traceback (most recent call last):", Level::Error),
            (
                "ModuleNotFoundError: No module named 'github'",
                Level::Error,
            ),
            ("informed the operator", Level::Warning),
        ] {
            assert_eq!(Level::of(text, LogStream::Stderr), level, "{text}");
        }
        assert_eq!(Level::of("hello", LogStream::Stdout), Level::Info);
    }

    #[test]
    fn a_word_far_into_a_line_is_not_its_level() {
        let text = format!("INFO {} ERROR", "x".repeat(LOOKED_AT));
        assert_eq!(Level::of(&text, LogStream::Stdout), Level::Info);
        let long = format!("{}ERROR", "é ".repeat(LOOKED_AT));
        assert_eq!(Level::of(&long, LogStream::Stdout), Level::Info);
    }
}
