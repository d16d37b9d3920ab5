//! A log as it is shown, of an agent or of services: a bounded number of lines, filtered, possibly held still.

use std::{collections::VecDeque, sync::Arc};

use nasiko_contract::{LogLine, LogStream, ServiceLogLine};

use crate::model::log_text::clean;

/// Lines kept; the oldest fall out.
pub(crate) const LINES_KEPT: usize = 10_000;
/// Lines kept while the log is held still: what is looked at does not fall out at once.
const LINES_HELD: usize = 2 * LINES_KEPT;

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Unix milliseconds.
    pub(crate) at: i64,
    /// Where it came from.
    pub(crate) stream: LogStream,
    /// Whose it is, in a log of several.
    pub(crate) from: Option<String>,
    /// The line, fit to be read.
    pub(crate) text: String,
}

impl From<LogLine> for Entry {
    fn from(line: LogLine) -> Self {
        Self {
            at: line.at,
            stream: line.stream,
            from: None,
            text: clean(&line.text).into_owned(),
        }
    }
}

impl From<ServiceLogLine> for Entry {
    fn from(line: ServiceLogLine) -> Self {
        Self {
            at: line.at,
            stream: line.stream,
            from: Some(line.service),
            text: clean(&line.text).into_owned(),
        }
    }
}

/// A line with the number it arrived under.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Counts all lines of this view, those that fell out included.
    pub(crate) number: u64,
    /// The line; shared, since the view is made anew with each one that arrives.
    pub(crate) line: Arc<Entry>,
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
    pub(crate) fn wants(&self, line: &Entry) -> bool {
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
    pub(crate) fn push(&mut self, lines: impl IntoIterator<Item = impl Into<Entry>>) {
        for line in lines {
            self.rows.push_back(Row {
                number: self.next,
                line: Arc::new(line.into()),
            });
            self.next += 1;
        }
        self.trim();
    }

    fn trim(&mut self) {
        let kept = if self.held.is_some() {
            LINES_HELD
        } else {
            LINES_KEPT
        };
        let surplus = self.rows.len().saturating_sub(kept);
        self.rows.drain(..surplus);
    }

    /// Forgets all lines, since they are told anew.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Holds the view still, or lets it go.
    pub(crate) fn hold(&mut self, still: bool) {
        self.held = still.then_some(self.held.unwrap_or(self.next));
        self.trim();
    }

    /// It is held still.
    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
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

/// Rows as plain text, a line each, as they are copied.
pub(crate) fn copied(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        if let Some(from) = &row.line.from {
            text.push_str(from);
            text.push_str(": ");
        }
        text.push_str(&row.line.text);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, stream: LogStream) -> Entry {
        Entry {
            at: 0,
            stream,
            from: None,
            text: text.to_owned(),
        }
    }

    fn out(text: &str) -> Entry {
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

    #[test]
    fn what_is_looked_at_stays_while_it_is_held_still() {
        let mut log = LogView::default();
        let many = |count: usize| (0..count).map(|number| out(&number.to_string()));
        log.push(many(LINES_KEPT));
        log.hold(true);
        log.push(many(LINES_KEPT / 2));
        let rows = log.shown(&LogFilter::default());
        assert_eq!((rows.len(), rows[0].number), (LINES_KEPT, 0));
        log.push(many(LINES_HELD));
        assert!(log.shown(&LogFilter::default()).is_empty(), "not for ever");
        log.hold(false);
        assert_eq!(log.shown(&LogFilter::default()).len(), LINES_KEPT);
    }

    #[test]
    fn lines_are_copied_with_whose_they_are() {
        let mut log = LogView::default();
        let mut of_web = out("\"GET / 200\"");
        of_web.from = Some("web".to_owned());
        log.push([of_web, out("ready")]);
        let rows = log.shown(&LogFilter::default());
        assert_eq!(copied(&rows), "web: \"GET / 200\"\nready\n");
    }
}
