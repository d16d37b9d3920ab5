//! The list of traces: pages of it as one scrolls, kept up to date by its tail.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use nasiko_contract::{AgentName, ListTraces, Page, SpanStatus, TraceId, TraceSummary};

/// Rows kept; the oldest fall out.
const ROWS_KEPT: usize = 100_000;
/// Rows of a page.
const PAGE_ROWS: u32 = 200;
/// Letters of a word that the control plane looks for.
const SHORTEST_WORD: usize = 2;

/// What is wanted of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TraceFilter {
    /// Only this agent's.
    pub(crate) agent: Option<AgentName>,
    /// Only failed ones.
    pub(crate) errors_only: bool,
    /// Words that must begin a word of what the trace says.
    pub(crate) text: String,
}

impl TraceFilter {
    /// The only one of an agent, or all.
    pub(crate) fn of(agent: Option<AgentName>) -> Self {
        Self {
            agent,
            ..Self::default()
        }
    }

    /// What the tail brings is looked at here: the name and the agent are all that is known of it.
    fn wants(&self, row: &TraceSummary) -> bool {
        let of_agent = self.agent.as_ref().is_none_or(|agent| *agent == row.agent);
        let failed = !self.errors_only || row.status == SpanStatus::Error;
        let said = || {
            let text = format!("{} {}", row.agent, row.name).to_lowercase();
            self.words().all(|word| text.contains(&word))
        };
        of_agent && failed && said()
    }

    fn words(&self) -> impl Iterator<Item = String> {
        let words = self.text.split_whitespace().map(str::to_lowercase);
        words.filter(|word| {
            word.chars()
                .filter(|letter| letter.is_alphanumeric())
                .count()
                >= SHORTEST_WORD
        })
    }

    fn page(&self, cursor: Option<String>) -> ListTraces {
        let text = self.words().collect::<Vec<_>>().join(" ");
        ListTraces {
            agent: self.agent.clone(),
            status: self.errors_only.then_some(SpanStatus::Error),
            text: Some(text).filter(|text| !text.is_empty()),
            cursor,
            limit: Some(PAGE_ROWS),
            ..ListTraces::default()
        }
    }
}

/// The list, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TraceList {
    filter: TraceFilter,
    rows: BTreeMap<(Reverse<u64>, TraceId), Arc<TraceSummary>>,
    /// When each trace began.
    begins: HashMap<TraceId, u64>,
    /// Where the next page begins; none before the first one, and after the last.
    next: Option<String>,
    reading: bool,
    /// The first page has been read.
    pub(crate) loaded: bool,
}

impl TraceList {
    /// An empty list of what is wanted.
    pub(crate) fn of(filter: TraceFilter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }

    /// What it is a list of.
    pub(crate) fn filter(&self) -> &TraceFilter {
        &self.filter
    }

    /// The question for the newest rows.
    pub(crate) fn newest_page(&self) -> ListTraces {
        self.filter.page(None)
    }

    /// The question for the rows after those that were read, unless it is on its way or there are none.
    pub(crate) fn begin_reading(&mut self) -> Option<ListTraces> {
        if self.reading || self.rows.len() >= ROWS_KEPT {
            return None;
        }
        let cursor = self.next.clone()?;
        self.reading = true;
        Some(self.filter.page(Some(cursor)))
    }

    /// Takes in a page. The newest one, read again after the tail broke off, does not take back how far was read.
    pub(crate) fn put_page(&mut self, page: Page<TraceSummary>, asked: &ListTraces) {
        if asked.cursor.is_some() {
            self.reading = false;
        }
        if asked.cursor.is_some() || !self.loaded {
            self.next = page.next_cursor;
        }
        self.loaded = true;
        self.put(page.items);
    }

    /// The page did not come: it may be asked for again.
    pub(crate) fn give_up(&mut self) {
        self.reading = false;
    }

    /// Takes in what the tail brings.
    pub(crate) fn hear(&mut self, rows: Vec<TraceSummary>) {
        let wanted: Vec<_> = rows
            .into_iter()
            .filter(|row| self.filter.wants(row))
            .collect();
        self.put(wanted);
    }

    /// Of two rows of the same trace the fuller one counts.
    fn put(&mut self, rows: Vec<TraceSummary>) {
        for row in rows {
            if let Some(begin) = self.begins.get(&row.trace_id) {
                let key = (Reverse(*begin), row.trace_id.clone());
                if self
                    .rows
                    .get(&key)
                    .is_some_and(|known| known.spans > row.spans)
                {
                    continue;
                }
                self.rows.remove(&key);
            }
            self.begins.insert(row.trace_id.clone(), row.start_ns);
            self.rows
                .insert((Reverse(row.start_ns), row.trace_id.clone()), Arc::new(row));
        }
        while self.rows.len() > ROWS_KEPT
            && let Some(((_, oldest), _)) = self.rows.pop_last()
        {
            self.begins.remove(&oldest);
        }
    }

    /// The rows.
    pub(crate) fn shown(&self) -> Vec<Arc<TraceSummary>> {
        self.rows.values().cloned().collect()
    }

    /// The newest row.
    pub(crate) fn newest(&self) -> Option<&TraceSummary> {
        self.rows.values().next().map(Arc::as_ref)
    }

    /// One row.
    pub(crate) fn row(&self, trace: &TraceId) -> Option<&TraceSummary> {
        let begin = self.begins.get(trace)?;
        self.rows
            .get(&(Reverse(*begin), trace.clone()))
            .map(Arc::as_ref)
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

    fn ids(list: &TraceList) -> Vec<String> {
        list.shown()
            .iter()
            .map(|row| row.trace_id.to_string())
            .collect()
    }

    fn page(ids: &[(&str, u64)], next: Option<&str>) -> Page<TraceSummary> {
        Page {
            items: ids
                .iter()
                .map(|(id, start)| row(id, "x", *start, 1))
                .collect(),
            next_cursor: next.map(str::to_owned),
        }
    }

    #[test]
    fn the_fuller_row_counts_whichever_way_it_came() {
        let mut list = TraceList::default();
        list.hear(vec![row("a", "x", 5, 5)]);
        list.hear(vec![row("a", "x", 5, 2)]);
        assert_eq!(list.row(&"a".into()).map(|row| row.spans), Some(5));
        // An earlier span came late: the trace began earlier than was known.
        list.hear(vec![row("a", "x", 3, 9), row("b", "x", 4, 1)]);
        assert_eq!(list.row(&"a".into()).map(|row| row.spans), Some(9));
        assert_eq!(ids(&list), ["b", "a"]);
    }

    #[test]
    fn pages_follow_each_other_and_one_is_read_at_a_time() {
        let mut list = TraceList::default();
        assert_eq!(list.begin_reading(), None, "nothing before the first page");
        let newest = list.newest_page();
        list.put_page(page(&[("d", 4), ("c", 3)], Some("after-c")), &newest);
        let second = list.begin_reading().expect("there are more");
        assert_eq!(second.cursor.as_deref(), Some("after-c"));
        assert_eq!(list.begin_reading(), None, "it is on its way");
        list.give_up();
        assert_eq!(
            list.begin_reading(),
            Some(second.clone()),
            "asked for again"
        );
        // The tail broke off meanwhile: what was read stays read.
        list.put_page(page(&[("e", 5)], Some("after-e")), &newest);
        list.put_page(page(&[("b", 2), ("a", 1)], None), &second);
        assert_eq!(ids(&list), ["e", "d", "c", "b", "a"]);
        assert_eq!(list.begin_reading(), None, "that was the last one");
    }

    #[test]
    fn the_control_plane_filters_pages_and_the_tail_is_filtered_here() {
        let filter = TraceFilter {
            agent: Some("greeter".into()),
            errors_only: true,
            text: "chat x GREET".to_owned(),
        };
        let mut list = TraceList::of(filter);
        let asked = list.newest_page();
        assert_eq!(
            asked.text.as_deref(),
            Some("chat greet"),
            "one letter is no word"
        );
        assert_eq!(asked.status, Some(SpanStatus::Error));
        let mut failed = row("b", "greeter", 2, 1);
        failed.status = SpanStatus::Error;
        list.hear(vec![
            row("a", "greeter", 1, 1),
            failed,
            row("c", "echo", 3, 1),
        ]);
        assert_eq!(ids(&list), ["b"]);
    }
}
