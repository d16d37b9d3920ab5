//! What an engine keeps of a container's output, as lines with their times.

use std::time::{SystemTime, UNIX_EPOCH};

use bollard::container::LogOutput;
use bollard::query_parameters::{LogsOptions, LogsOptionsBuilder};

/// One line of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When the engine got it.
    pub at: SystemTime,
    /// Whether it was written to standard error. A terminal's output does not tell its two streams apart.
    pub is_error: bool,
    /// Without the line's end.
    pub text: String,
}

/// Asks for lines with their times, which [`stamped`] takes apart: of the last ones `tail` (none: all), and those since a
/// moment. That is in whole seconds; whoever asks leaves out what is older.
pub fn log_options(
    tail: Option<impl std::fmt::Display>,
    since: Option<SystemTime>,
    follow: bool,
) -> LogsOptions {
    let tail = tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string());
    let since = since
        .and_then(|since| since.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default()
        .as_secs();
    LogsOptionsBuilder::default()
        .follow(follow)
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .since(i32::try_from(since).unwrap_or(i32::MAX))
        .tail(&tail)
        .build()
}

/// The lines of a piece of output. Each begins with the time at which the engine got it.
pub fn stamped(output: &LogOutput) -> Vec<Line> {
    let (is_error, bytes) = match output {
        LogOutput::StdErr { message } => (true, message),
        LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => (false, message),
    };
    let line = |line: &str| {
        let (stamp, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (at, text) = match moment(stamp) {
            Some(at) => (at, rest),
            None => (SystemTime::now(), line),
        };
        Line {
            at,
            is_error,
            text: text.trim_end_matches('\r').to_owned(),
        }
    };
    String::from_utf8_lossy(bytes).lines().map(line).collect()
}

/// A moment as the engine writes it; none for its "never".
pub fn moment(text: &str) -> Option<SystemTime> {
    let at = SystemTime::from(text.parse::<jiff::Timestamp>().ok()?);
    (at > UNIX_EPOCH).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_line_is_taken_apart() {
        let message = "2026-11-20T10:00:00.5Z hello world\r\n".into();
        let [line] = stamped(&LogOutput::StdErr { message }).try_into().unwrap();
        let at = moment("2026-11-20T10:00:00.5Z").unwrap();
        let text = "hello world".to_owned();
        assert_eq!(
            line,
            Line {
                at,
                is_error: true,
                text
            }
        );
    }

    #[test]
    fn an_empty_line_stays_a_line() {
        let lines = stamped(&LogOutput::StdOut {
            message: "2026-11-20T10:00:00Z \n".into(),
        });
        assert_eq!(lines[0].text, "");
    }
}
