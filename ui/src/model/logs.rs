//! An agent's log as it is shown: a bounded number of lines, filtered, possibly held still.

use std::{collections::VecDeque, sync::Arc};

use nasiko_contract::{LogLine, LogStream};

/// Lines kept; the oldest fall out.
pub(crate) const LINES_KEPT: usize = 10_000;

/// A line with the number it arrived under.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Counts all lines of this view, those that fell out included.
    pub(crate) number: u64,
    /// The line; shared, since the view is made anew with each one that arrives.
    pub(crate) line: Arc<LogLine>,
}

/// What is wanted of a log.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LogFilter {
    /// Words that must occur, in any order and case; quotes have no meaning.
    pub(crate) text: String,
    /// Only standard error.
    pub(crate) errors_only: bool,
}

impl LogFilter {
    /// Whether a line is wanted.
    pub(crate) fn wants(&self, line: &LogLine) -> bool {
        if self.errors_only && line.stream != LogStream::Stderr {
            return false;
        }
        if self.text.trim().is_empty() {
            return true;
        }
        let text = line.text.to_lowercase();
        self.text
            .to_lowercase()
            .split_whitespace()
            .all(|word| text.contains(word))
    }
}

/// The log.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LogView {
    rows: VecDeque<Row>,
    next: u64,
    /// Held still at this number: later lines are kept but not shown.
    held: Option<u64>,
}

impl LogView {
    /// Takes in lines.
    pub(crate) fn push(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        for line in lines {
            self.rows.push_back(Row {
                number: self.next,
                line: Arc::new(line),
            });
            self.next += 1;
        }
        while self.rows.len() > LINES_KEPT {
            self.rows.pop_front();
        }
    }

    /// Holds the view still, or lets it go.
    pub(crate) fn hold(&mut self, still: bool) {
        self.held = still.then_some(self.next);
    }

    /// Lines that arrived since it was held still.
    pub(crate) fn waiting(&self) -> u64 {
        self.held.map_or(0, |held| self.next - held)
    }

    /// Lines that fell out.
    pub(crate) fn dropped(&self) -> u64 {
        self.next - self.rows.len() as u64
    }

    /// The rows to show.
    pub(crate) fn shown(&self, filter: &LogFilter) -> Vec<Row> {
        let end = self.held.unwrap_or(u64::MAX);
        self.rows
            .iter()
            .take_while(|row| row.number < end)
            .filter(|row| filter.wants(&row.line))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, stream: LogStream) -> LogLine {
        LogLine {
            at: 0,
            stream,
            text: text.to_owned(),
            deployment: String::new().into(),
        }
    }

    fn out(text: &str) -> LogLine {
        line(text, LogStream::Stdout)
    }

    fn filter(text: &str) -> LogFilter {
        LogFilter {
            text: text.to_owned(),
            errors_only: false,
        }
    }

    #[test]
    fn every_word_must_occur_in_any_order_and_case() {
        let wanted = filter("post 200");
        assert!(wanted.wants(&out("200 OK for POST /greeter")));
        assert!(!wanted.wants(&out("POST /greeter 500")));
        assert!(filter("  ").wants(&out("anything")));
    }

    #[test]
    fn errors_only_means_standard_error() {
        let errors = LogFilter {
            text: String::new(),
            errors_only: true,
        };
        assert!(errors.wants(&line("x", LogStream::Stderr)));
        assert!(!errors.wants(&out("x")));
        assert!(!errors.wants(&line("x", LogStream::System)));
    }

    #[test]
    fn held_still_it_keeps_what_comes_without_showing_it() {
        let mut log = LogView::default();
        log.push([out("1")]);
        log.hold(true);
        log.push([out("2"), out("3")]);
        assert_eq!(log.shown(&LogFilter::default()).len(), 1);
        assert_eq!(log.waiting(), 2);
        log.hold(false);
        assert_eq!(log.shown(&LogFilter::default()).len(), 3);
        assert_eq!(log.waiting(), 0);
    }

    #[test]
    fn the_oldest_lines_fall_out_and_are_counted() {
        let mut log = LogView::default();
        log.push((0..LINES_KEPT + 5).map(|number| out(&number.to_string())));
        let rows = log.shown(&LogFilter::default());
        assert_eq!(rows.len(), LINES_KEPT);
        assert_eq!(
            rows[0].line.text, "5",
            "the first five are gone, numbers stay"
        );
        assert_eq!((rows[0].number, log.dropped()), (5, 5));
    }
}
