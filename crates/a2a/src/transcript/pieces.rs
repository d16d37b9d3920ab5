//! How pieces of an answer become one text, and what they weigh.

use super::{Change, Segment, Source};
use crate::message::{FileContent, Part};

/// What goes between two pieces. Chunks follow each other directly; what is complete in itself starts a new line or paragraph.
pub(super) fn joint(
    previous: Option<&Segment>,
    next: &Segment,
    before: &str,
    text: &str,
) -> &'static str {
    let Some(previous) = previous.filter(|_| !before.is_empty() && !text.is_empty()) else {
        return "";
    };
    let ends_line = before.ends_with('\n') || text.starts_with('\n');
    match (&previous.source, &next.source) {
        _ if ends_line => "",
        (Source::Artifact(_), Source::Artifact(_)) if previous.name == next.name => "",
        (Source::Message(_), Source::Message(_)) if !is_new_sentence(before, text) => "",
        (Source::Message(_), Source::Message(_)) => "\n",
        (Source::Stream, Source::Stream) => "",
        _ => "\n\n",
    }
}

/// A finished sentence is followed by the beginning of another, without the space that a torn text would have.
fn is_new_sentence(before: &str, text: &str) -> bool {
    before.ends_with(['.', '!', '?', '\u{2026}', ':'])
        && text.starts_with(|first: char| !first.is_whitespace())
}

pub(super) fn join(segments: &[Segment]) -> String {
    let mut joined = String::new();
    let mut previous = None;
    for segment in segments {
        let text = segment.text();
        joined.push_str(joint(previous, segment, &joined, &text));
        joined.push_str(&text);
        previous = Some(segment);
    }
    joined
}

/// The text without any white space: what two tellings of the same have in common.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

pub(super) fn only_text(parts: &[Part]) -> bool {
    parts.iter().all(|part| matches!(part, Part::Text(_)))
}

/// Roughly what parts occupy, in bytes.
pub(super) fn weight(parts: &[Part]) -> usize {
    const PER_PART: usize = 64;
    parts.iter().map(|part| PER_PART + part_size(part)).sum()
}

fn part_size(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::File(file) => match &file.content {
            FileContent::Bytes(text) | FileContent::Uri(text) => text.len(),
        },
        Part::Data(data) => data.to_string().len(),
    }
}

/// What adding `text` changes.
pub(super) fn appended(text: &str) -> Change {
    if text.is_empty() {
        Change::None
    } else {
        Change::Appended(text.to_owned())
    }
}

/// Two changes as one.
pub(super) fn merge(first: Change, second: Change) -> Change {
    match (first, second) {
        (Change::Rewritten, _) | (_, Change::Rewritten) => Change::Rewritten,
        (Change::Appended(mut before), Change::Appended(after)) => {
            before.push_str(&after);
            Change::Appended(before)
        }
        (added @ Change::Appended(_), _) | (_, added @ Change::Appended(_)) => added,
        (Change::Progress, _) | (_, Change::Progress) => Change::Progress,
        (Change::None, Change::None) => Change::None,
    }
}
