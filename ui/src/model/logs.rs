//! A log as it is shown, of an agent or of services: a bounded number of lines, filtered, possibly held still.

use std::{collections::VecDeque, sync::Arc};

use nasiko_contract::{AgentLogLine, LogLine, LogStream, ServiceLogLine};

use crate::model::{log_level::Level, log_text::clean};

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
    /// That one is a service of the local stack.
    pub(crate) of_service: bool,
    /// The line, fit to be read.
    pub(crate) text: String,
}

impl From<LogLine> for Entry {
    fn from(line: LogLine) -> Self {
        Self {
            at: line.at,
            stream: line.stream,
            from: None,
            of_service: false,
            text: clean(&line.text).into_owned(),
        }
    }
}

impl From<AgentLogLine> for Entry {
    fn from(line: AgentLogLine) -> Self {
        Self {
            from: Some(line.agent.to_string()),
            ..line.line.into()
        }
    }
}

impl From<ServiceLogLine> for Entry {
    fn from(line: ServiceLogLine) -> Self {
        Self {
            at: line.at,
            stream: line.stream,
            from: Some(line.service),
            of_service: true,
            text: clean(&line.text).into_owned(),
        }
    }
}

/// Whose lines are wanted, in a log of agents and services.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Source {
    /// Everybody's.
    #[default]
    All,
    /// Those of all agents.
    Agents,
    /// One agent's.
    Agent(String),
    /// One service's.
    Service(String),
}

impl Source {
    /// Reads it from an address; what is not understood is everybody.
    pub(crate) fn read(text: &str) -> Self {
        match text.split_once(':') {
            Some(("agent", name)) => Self::Agent(name.to_owned()),
            Some(("service", name)) => Self::Service(name.to_owned()),
            None if text == "agents" => Self::Agents,
            _ => Self::All,
        }
    }

    /// As [`Source::read`] reads it.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Agents => "agents".to_owned(),
            Self::Agent(name) => format!("agent:{name}"),
            Self::Service(name) => format!("service:{name}"),
        }
    }

    /// Lines of agents are wanted.
    pub(crate) fn has_agents(&self) -> bool {
        !matches!(self, Self::Service(_))
    }

    /// Lines of services are wanted.
    pub(crate) fn has_services(&self) -> bool {
        matches!(self, Self::All | Self::Service(_))
    }

    /// The one agent, if it is one.
    pub(crate) fn agent(&self) -> Option<&str> {
        match self {
            Self::Agent(name) => Some(name),
            _ => None,
        }
    }

    /// The one service, if it is one.
    pub(crate) fn service(&self) -> Option<&str> {
        match self {
            Self::Service(name) => Some(name),
            _ => None,
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
    /// Only lines that matter at least as much.
    pub(crate) least: Option<Level>,
}

impl LogFilter {
    /// Whether a line is wanted.
    pub(crate) fn wants(&self, line: &Entry) -> bool {
        if self.errors_only && line.stream != LogStream::Stderr {
            return false;
        }
        let matters = |least| Level::of(&line.text, line.stream) >= least;
        if !self.least.is_none_or(matters) {
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

    /// Takes in lines of several sources, each in its place by time. What is held still stays as it is: then lines are
    /// added at the end.
    pub(crate) fn interleave(&mut self, lines: impl IntoIterator<Item = impl Into<Entry>>) {
        let before = self.rows.len();
        self.push(lines);
        if self.held.is_some() {
            return;
        }
        let newest_before = before.checked_sub(1).and_then(|last| self.rows.get(last));
        let in_order = newest_before.is_none_or(|newest| {
            let added = self.rows.iter().skip(before);
            added.map(|row| row.line.at).min() >= Some(newest.line.at)
        });
        if !in_order {
            self.rows.make_contiguous().sort_by_key(|row| row.line.at);
            self.count_anew();
        }
    }

    /// Forgets some lines, since they are told anew.
    pub(crate) fn forget(&mut self, told_anew: impl Fn(&Entry) -> bool) {
        let before = self.rows.len();
        self.rows.retain(|row| !told_anew(&row.line));
        self.next -= (before - self.rows.len()) as u64;
        self.held = self.held.map(|held| held.min(self.next));
        self.count_anew();
    }

    /// Numbers say where a row stands among all.
    fn count_anew(&mut self) {
        for (number, row) in (self.dropped()..).zip(&mut self.rows) {
            row.number = number;
        }
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
            of_service: false,
            text: text.to_owned(),
        }
    }

    fn out(text: &str) -> Entry {
        line(text, LogStream::Stdout)
    }

    fn filter(text: &str) -> LogFilter {
        LogFilter {
            text: text.to_owned(),
            ..LogFilter::default()
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
            errors_only: true,
            ..LogFilter::default()
        };
        assert!(errors.wants(&line("x", LogStream::Stderr)));
        assert!(!errors.wants(&out("x")));
        assert!(!errors.wants(&line("x", LogStream::System)));
    }

    #[test]
    fn a_level_leaves_out_what_matters_less() {
        let warnings = LogFilter {
            least: Some(Level::Warning),
            ..LogFilter::default()
        };
        assert!(warnings.wants(&out("WARN slow")));
        assert!(warnings.wants(&line("no level, but on standard error", LogStream::Stderr)));
        assert!(!warnings.wants(&out("INFO started")));
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

    fn at(at: i64, of_service: bool) -> Entry {
        Entry {
            at,
            of_service,
            ..out(&at.to_string())
        }
    }

    fn texts(log: &LogView) -> Vec<String> {
        let rows = log.shown(&LogFilter::default());
        rows.iter().map(|row| row.line.text.clone()).collect()
    }

    #[test]
    fn lines_of_several_sources_stand_by_time() {
        let mut log = LogView::default();
        log.interleave([at(1, false), at(5, false)]);
        log.interleave([at(2, true), at(6, true)]);
        assert_eq!(texts(&log), ["1", "2", "5", "6"]);
        let rows = log.shown(&LogFilter::default());
        assert!(rows.windows(2).all(|pair| pair[0].number < pair[1].number));
        log.forget(|line| !line.of_service);
        assert_eq!(texts(&log), ["2", "6"]);
        assert_eq!(log.dropped(), 0, "what is told anew has not fallen out");
        log.hold(true);
        log.interleave([at(3, false)]);
        assert_eq!(texts(&log), ["2", "6"], "held still nothing moves");
        assert_eq!(log.waiting(), 1);
    }

    #[test]
    fn a_source_is_read_as_it_is_written() {
        for source in [
            Source::All,
            Source::Agents,
            Source::Agent("greeter".to_owned()),
            Source::Service("redis".to_owned()),
        ] {
            assert_eq!(Source::read(&source.written()), source);
        }
        assert_eq!(Source::read("weather:x"), Source::All);
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
