//! A trace as a waterfall: spans in the order of their tree, each with its place on the time line.

use std::collections::{HashMap, HashSet};

use nasiko_contract::{Span, SpanId, SpanStatus, Trace};

use crate::words::states::span as words;

/// Marks on the time line, the last one at its end.
const MARKS: u64 = 2;

/// A data series: what kind of work a span is. Each has a colour and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Series {
    /// Our own: the conversation, the gateway.
    Nasiko,
    /// A model was asked.
    Model,
    /// Work inside the agent.
    Work,
    /// A call to somebody else.
    Call,
    /// A tool was used.
    Tool,
    /// A database was asked.
    Database,
}

impl Series {
    /// What kind of work `span` is, by OpenTelemetry's conventions.
    pub(crate) fn of(span: &Span) -> Self {
        let has = |prefix: &str| span.attributes.keys().any(|key| key.starts_with(prefix));
        let operation = span
            .attributes
            .get("gen_ai.operation.name")
            .and_then(|name| name.as_str());
        if operation == Some("execute_tool")
            || has("gen_ai.tool.")
            || span.name.starts_with("tool ")
        {
            return Self::Tool;
        }
        if has("gen_ai.request.")
            || matches!(operation, Some("chat" | "embeddings" | "text_completion"))
        {
            return Self::Model;
        }
        if has("db.") {
            return Self::Database;
        }
        if span.service == "nasiko" || span.service.starts_with("nasiko-") {
            return Self::Nasiko;
        }
        match span.kind.as_str() {
            "client" | "producer" => Self::Call,
            _ => Self::Work,
        }
    }

    /// The custom property that holds its colour.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Nasiko => "s1",
            Self::Model => "s2",
            Self::Work => "s3",
            Self::Call => "s4",
            Self::Tool => "s5",
            Self::Database => "s6",
        }
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nasiko => words::NASIKO,
            Self::Model => words::MODEL,
            Self::Work => words::WORK,
            Self::Call => words::CALL,
            Self::Tool => words::TOOL,
            Self::Database => words::DATABASE,
        }
    }
}

/// A row of the waterfall.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    /// The span.
    pub(crate) id: SpanId,
    /// Its name.
    pub(crate) name: String,
    /// Its depth in the tree.
    pub(crate) depth: usize,
    /// Where it starts, 0 to 100.
    pub(crate) left: f64,
    /// How long it is, 0 to 100.
    pub(crate) width: f64,
    /// Nanoseconds.
    pub(crate) duration_ns: u64,
    /// What kind of work.
    pub(crate) series: Series,
    /// It failed.
    pub(crate) failed: bool,
    /// It has children.
    pub(crate) parent: bool,
    /// Its children are hidden.
    pub(crate) folded: bool,
}

/// A laid-out trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Waterfall {
    /// Its rows, top to bottom.
    pub(crate) bars: Vec<Bar>,
    /// The first start, Unix nanoseconds.
    pub(crate) start_ns: u64,
    /// From the first start to the last end.
    pub(crate) duration_ns: u64,
    /// All spans, those that are folded away included.
    pub(crate) spans: usize,
}

impl Waterfall {
    /// Lays out a trace. Children come below their parent in order of start; a span whose parent has not arrived
    /// stands at the top; a circle of parents is cut. The children of `folded` spans are left out.
    pub(crate) fn new(trace: &Trace, folded: &HashSet<SpanId>) -> Self {
        let spans = &trace.spans;
        let start_ns = spans.iter().map(|span| span.start_ns).min().unwrap_or(0);
        let end_ns = spans.iter().map(end_of).max().unwrap_or(0);
        let mut waterfall = Self {
            bars: Vec::with_capacity(spans.len()),
            start_ns,
            duration_ns: end_ns - start_ns,
            spans: spans.len(),
        };
        let mut tree = Tree::of(spans);
        let mut placed = vec![false; spans.len()];
        for root in tree.roots.clone() {
            waterfall.place(spans, &tree, root, folded, &mut placed);
        }
        // What is left hangs in a circle: its first member is shown as a root.
        for index in 0..spans.len() {
            if !placed[index] && !tree.reached.contains(&index) {
                tree.mark(index);
                waterfall.place(spans, &tree, index, folded, &mut placed);
            }
        }
        waterfall
    }

    fn place(
        &mut self,
        spans: &[Span],
        tree: &Tree,
        root: usize,
        folded: &HashSet<SpanId>,
        placed: &mut [bool],
    ) {
        // A stack of its own: traces are deeper than the page's.
        let mut waiting = vec![(root, 0)];
        while let Some((index, depth)) = waiting.pop() {
            if std::mem::replace(&mut placed[index], true) {
                continue;
            }
            let span = &spans[index];
            let children = tree.children.get(&index).map_or(&[][..], Vec::as_slice);
            let is_folded = folded.contains(&span.span_id);
            self.bars
                .push(self.bar(span, depth, !children.is_empty(), is_folded));
            if !is_folded {
                waiting.extend(children.iter().rev().map(|child| (*child, depth + 1)));
            }
        }
    }

    fn bar(&self, span: &Span, depth: usize, parent: bool, folded: bool) -> Bar {
        let total = self.duration_ns.max(1) as f64;
        Bar {
            id: span.span_id.clone(),
            name: span.name.clone(),
            depth,
            left: (span.start_ns - self.start_ns) as f64 / total * 100.0,
            width: span.duration_ns as f64 / total * 100.0,
            duration_ns: span.duration_ns,
            series: Series::of(span),
            failed: span.status == SpanStatus::Error,
            parent,
            folded,
        }
    }

    /// Moments of the time line that are written above it: place (0 to 100) and nanoseconds.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (f64, u64)> {
        let total = self.duration_ns;
        (0..=MARKS).map(move |mark| (mark as f64 / MARKS as f64 * 100.0, total / MARKS * mark))
    }
}

fn end_of(span: &Span) -> u64 {
    span.start_ns.saturating_add(span.duration_ns)
}

/// Who is whose child.
struct Tree {
    roots: Vec<usize>,
    children: HashMap<usize, Vec<usize>>,
    /// Spans that hang below a root.
    reached: HashSet<usize>,
}

impl Tree {
    fn of(spans: &[Span]) -> Self {
        let by_id: HashMap<&SpanId, usize> = spans
            .iter()
            .enumerate()
            .map(|(index, span)| (&span.span_id, index))
            .collect();
        let mut tree = Self {
            roots: Vec::new(),
            children: HashMap::new(),
            reached: HashSet::new(),
        };
        for (index, span) in spans.iter().enumerate() {
            match span.parent_id.as_ref().and_then(|id| by_id.get(id)) {
                Some(parent) if *parent != index => {
                    tree.children.entry(*parent).or_default().push(index);
                }
                _ => tree.roots.push(index),
            }
        }
        let by_start = |index: &usize| spans[*index].start_ns;
        tree.roots.sort_by_key(by_start);
        for children in tree.children.values_mut() {
            children.sort_by_key(by_start);
        }
        for root in tree.roots.clone() {
            tree.mark(root);
        }
        tree
    }

    fn mark(&mut self, root: usize) {
        let mut waiting = vec![root];
        while let Some(index) = waiting.pop() {
            if self.reached.insert(index)
                && let Some(children) = self.children.get(&index)
            {
                waiting.extend(children);
            }
        }
    }
}

#[cfg(test)]
mod tests;
