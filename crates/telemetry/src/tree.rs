//! Spans in the order in which a person reads a trace.

use std::collections::{HashMap, HashSet};

use crate::{Span, SpanId};

/// Orders spans as a walk of their tree: each parent before its children, siblings by start. A span whose parent is
/// missing counts as a root; of spans with one id the first stays; a cycle is entered at its earliest span.
pub(crate) fn walk(mut spans: Vec<Span>) -> Vec<Span> {
    let mut seen = HashSet::with_capacity(spans.len());
    spans.retain(|span| seen.insert(span.span_id));
    spans.sort_by_key(|span| (span.start_ns, span.span_id));

    let present: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
    let mut children: HashMap<SpanId, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        match span
            .parent_id
            .filter(|parent| present.contains(parent) && *parent != span.span_id)
        {
            Some(parent) => children.entry(parent).or_default().push(index),
            None => roots.push(index),
        }
    }
    let mut visited = vec![false; spans.len()];
    let mut order = Vec::with_capacity(spans.len());
    // After the roots, every index once more: what is not visited by then hangs on a cycle.
    for start in roots.into_iter().chain(0..spans.len()) {
        let mut stack = vec![start];
        while let Some(index) = stack.pop() {
            if std::mem::replace(&mut visited[index], true) {
                continue;
            }
            order.push(index);
            if let Some(below) = children.get(&spans[index].span_id) {
                stack.extend(below.iter().rev());
            }
        }
    }
    let mut slots: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|index| slots[index].take())
        .collect()
}
