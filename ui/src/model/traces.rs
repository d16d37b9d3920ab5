//! The list of traces, kept up to date by its tail.

use nasiko_contract::{AgentName, SpanStatus, TraceId, TraceSummary};

/// Rows kept; the oldest fall out.
const ROWS_KEPT: usize = 500;

/// What is wanted of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TraceFilter {
    /// Only this agent's.
    pub(crate) agent: Option<AgentName>,
    /// Only failed ones.
    pub(crate) errors_only: bool,
    /// Words that must occur in the name or the agent's name.
    pub(crate) text: String,
}

impl TraceFilter {
    fn wants(&self, row: &TraceSummary) -> bool {
        let of_agent = self.agent.as_ref().is_none_or(|agent| *agent == row.agent);
        let failed = !self.errors_only || row.status == SpanStatus::Error;
        let text = format!("{} {}", row.agent, row.name).to_lowercase();
        let said = self
            .text
            .to_lowercase()
            .split_whitespace()
            .all(|word| text.contains(word));
        of_agent && failed && said
    }
}

/// The list, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TraceList {
    rows: Vec<TraceSummary>,
    /// The first page has been read.
    pub(crate) loaded: bool,
}

impl TraceList {
    /// Takes in rows from the list or the tail; of two of the same trace the fuller one counts.
    pub(crate) fn put(&mut self, rows: impl IntoIterator<Item = TraceSummary>) {
        for row in rows {
            match self
                .rows
                .iter_mut()
                .find(|known| known.trace_id == row.trace_id)
            {
                Some(known) if known.spans > row.spans => {}
                Some(known) => *known = row,
                None => self.rows.push(row),
            }
        }
        self.rows.sort_by_key(|row| std::cmp::Reverse(row.start_ns));
        self.rows.truncate(ROWS_KEPT);
    }

    /// The rows that are wanted.
    pub(crate) fn shown(&self, filter: &TraceFilter) -> Vec<TraceSummary> {
        self.rows
            .iter()
            .filter(|row| filter.wants(row))
            .cloned()
            .collect()
    }

    /// One row.
    pub(crate) fn row(&self, trace: &TraceId) -> Option<&TraceSummary> {
        self.rows.iter().find(|row| row.trace_id == *trace)
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, agent: &str, start_ns: u64, spans: u64) -> TraceSummary {
        TraceSummary {
            trace_id: id.into(),
            agent: agent.into(),
            name: "POST /chat".to_owned(),
            start_ns,
            duration_ns: 1,
            status: SpanStatus::Ok,
            spans,
            tokens: None,
            cost: None,
        }
    }

    #[test]
    fn the_fuller_row_counts_whichever_way_it_came() {
        let mut list = TraceList::default();
        list.put([row("a", "x", 1, 5)]);
        list.put([row("a", "x", 1, 2)]);
        assert_eq!(list.row(&"a".into()).map(|row| row.spans), Some(5));
        list.put([row("a", "x", 1, 9)]);
        assert_eq!(list.row(&"a".into()).map(|row| row.spans), Some(9));
    }

    #[test]
    fn newest_first_and_bounded() {
        let mut list = TraceList::default();
        let many = (0..ROWS_KEPT as u64 + 10).map(|start| row(&start.to_string(), "x", start, 1));
        list.put(many);
        let shown = list.shown(&TraceFilter::default());
        assert_eq!(shown.len(), ROWS_KEPT);
        assert!(shown[0].start_ns > shown[1].start_ns);
        assert!(list.row(&"0".into()).is_none(), "the oldest fell out");
    }

    #[test]
    fn filters_combine() {
        let mut list = TraceList::default();
        let mut failed = row("b", "greeter", 2, 1);
        failed.status = SpanStatus::Error;
        list.put([row("a", "greeter", 1, 1), failed, row("c", "echo", 3, 1)]);
        let filter = TraceFilter {
            agent: Some("greeter".into()),
            errors_only: true,
            text: "chat GREET".to_owned(),
        };
        let ids: Vec<String> = list
            .shown(&filter)
            .iter()
            .map(|row| row.trace_id.to_string())
            .collect();
        assert_eq!(ids, ["b"]);
    }
}
