//! A trace as a tree: who called whom, for how long, when within the whole.

use std::collections::{BTreeMap, BTreeSet};

use nasiko_contract::{Span, SpanStatus, Trace};

use crate::{
    output::{Look, Output},
    table::duration,
};

/// Cells of the bar that shows when a span ran.
const BAR: u64 = 24;

/// The lines of the tree.
pub(crate) fn lines(trace: &Trace, output: Output) -> Vec<String> {
    let start = trace
        .spans
        .iter()
        .map(|span| span.start_ns)
        .min()
        .unwrap_or(0);
    let end = trace.spans.iter().map(end_of).max().unwrap_or(0);
    let ids: BTreeSet<&str> = trace
        .spans
        .iter()
        .map(|span| span.span_id.as_str())
        .collect();
    let mut children: BTreeMap<Option<&str>, Vec<&Span>> = BTreeMap::new();
    for span in &trace.spans {
        // A span whose parent has not arrived stands at the top.
        let parent = span.parent_id.as_ref().map(AsRef::as_ref);
        let parent = parent.filter(|id| ids.contains(id) && *id != span.span_id.as_str());
        children.entry(parent).or_default().push(span);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_key(|span| span.start_ns);
    }
    let mut rows = Vec::new();
    // Whose parent is nobody comes first; then what is left: spans that name each other as parents.
    while let Some((_, roots)) = children.pop_first() {
        let mut open: Vec<(&Span, String, String)> = Vec::new();
        open.extend(
            roots
                .into_iter()
                .rev()
                .map(|root| (root, String::new(), String::new())),
        );
        while let Some((span, own, below)) = open.pop() {
            rows.push((format!("{own}{}", span.name), span));
            let below_me = children
                .remove(&Some(span.span_id.as_str()))
                .unwrap_or_default();
            let last = below_me.len().saturating_sub(1);
            for (index, child) in below_me.into_iter().enumerate().rev() {
                let (branch, rest) = if index == last {
                    ("└─ ", "   ")
                } else {
                    ("├─ ", "│  ")
                };
                open.push((child, format!("{below}{branch}"), format!("{below}{rest}")));
            }
        }
    }
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let service = rows
        .iter()
        .map(|(_, span)| span.service.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|(name, span)| {
            let bar = bar(span, start, end);
            let look = if span.status == SpanStatus::Error {
                Look::Bad
            } else {
                Look::Good
            };
            let took = duration(span.duration_ns);
            let line = format!(
                "{name:width$}  {}  {}  {took:>8}",
                output.look(Look::Dim, &format!("{:service$}", span.service)),
                output.look(look, &bar),
            );
            if span.status == SpanStatus::Error {
                let why = if span.status_message.is_empty() {
                    "failed"
                } else {
                    &span.status_message
                };
                format!("{line}  {}", output.look(Look::Bad, why))
            } else {
                line
            }
        })
        .collect()
}

fn end_of(span: &Span) -> u64 {
    span.start_ns.saturating_add(span.duration_ns)
}

/// Where within the whole the span ran: at least one cell, so that each is seen.
fn bar(span: &Span, start: u64, end: u64) -> String {
    let whole = u128::from(end.saturating_sub(start).max(1));
    let cell = |at: u64| {
        let share = u128::from(at.saturating_sub(start)) * u128::from(BAR) / whole;
        u64::try_from(share).unwrap_or(BAR).min(BAR)
    };
    let from = cell(span.start_ns).min(BAR - 1);
    let to = cell(end_of(span)).max(from + 1);
    (0..BAR)
        .map(|cell| {
            if (from..to).contains(&cell) {
                '█'
            } else {
                '·'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
