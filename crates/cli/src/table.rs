//! Rows for a person: columns as wide as their content.

use crate::{failure::Failure, output::Output};

/// A table under construction.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(titles: &[&str]) -> Self {
        Self {
            rows: vec![titles.iter().map(|title| title.to_uppercase()).collect()],
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Prints it, or what to say when there are no rows.
    pub(crate) fn print(self, output: Output, nothing: &str) -> Result<(), Failure> {
        if self.rows.len() == 1 {
            output.say(nothing);
            return Ok(());
        }
        self.lines().iter().try_for_each(|line| output.line(line))
    }

    /// Its lines, the titles first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

/// A number of bytes in the unit that fits.
pub(crate) fn bytes(count: u64) -> String {
    let bytes = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.2} GB", bytes / 1e9),
    }
}

/// How long ago, in the one unit that says enough; `then` is Unix milliseconds.
pub(crate) fn ago(then: i64) -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    let seconds = (now - then).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A duration in the unit that fits, from nanoseconds.
pub(crate) fn duration(nanoseconds: u64) -> String {
    let ns = nanoseconds as f64;
    match nanoseconds {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.0} µs", ns / 1e3),
        1_000_000..10_000_000 => format!("{:.1} ms", ns / 1e6),
        10_000_000..1_000_000_000 => format!("{:.0} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}
