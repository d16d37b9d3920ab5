//! How log lines are packed: many to a row, whole rows are dropped when a log is full.

use super::limits;

/// Bytes in one row, about: the grain in which old lines are dropped.
const ROW_BYTES: usize = 32 << 10;

/// Lines that are kept together.
#[derive(Default)]
pub(crate) struct LogRow {
    /// How many there are.
    pub(crate) lines: u64,
    /// Each with its line break.
    pub(crate) text: String,
}

/// Packs lines into rows, in order.
pub(crate) fn log_rows(lines: &[String]) -> Vec<LogRow> {
    let mut rows = Vec::new();
    let mut row = LogRow::default();
    for line in lines {
        row.text.push_str(&one_line(line));
        row.text.push('\n');
        row.lines += 1;
        if row.text.len() >= ROW_BYTES {
            rows.push(std::mem::take(&mut row));
        }
    }
    if row.lines > 0 {
        rows.push(row);
    }
    rows
}

/// The text without line breaks, cut to the limit on a character's edge.
fn one_line(line: &str) -> String {
    let mut end = line.len().min(limits::LOG_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end]
        .trim_end_matches(['\r', '\n'])
        .replace(['\r', '\n'], " ")
}
