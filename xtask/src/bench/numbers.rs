//! Figures beside their targets.

use std::fmt::Write as _;
use std::time::Duration;

/// One line of the table.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) measured: f64,
    /// At most this (or at least); none: told for comparison.
    pub(super) target: Option<f64>,
    /// More is better.
    pub(super) more: bool,
    pub(super) unit: &'static str,
    /// How it was measured and how much it varied.
    pub(super) note: String,
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, measured: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            measured,
            target: None,
            more: false,
            unit,
            note: String::new(),
        }
    }

    pub(super) fn at_most(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }

    pub(super) fn at_least(mut self, target: f64) -> Self {
        self.more = true;
        self.at_most(target)
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Met or missed, and by how much.
    fn verdict(&self) -> String {
        let Some(target) = self.target else {
            return String::new();
        };
        let percent = (self.measured / target - 1.0) * 100.0;
        let distance = (self.measured - target).abs();
        let met = if self.more {
            self.measured >= target
        } else {
            self.measured <= target
        };
        let word = if met { "met" } else { "MISSED" };
        format!(
            "{word} by {} {} ({percent:+.0} %)",
            number(distance),
            self.unit
        )
    }
}

/// All figures, aligned.
pub(super) fn table(figures: &[Figure]) -> String {
    let width = figures
        .iter()
        .map(|figure| figure.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = format!(
        "{:<width$}  {:>12}  {:>12}  verdict\n",
        "figure", "measured", "target"
    );
    for figure in figures {
        let with_unit = |value: f64| format!("{} {}", number(value), figure.unit);
        let target = figure.target.map(with_unit).unwrap_or_default();
        let measured = with_unit(figure.measured);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<width$}  {measured:>12}  {target:>12}  {}",
            figure.name,
            figure.verdict()
        );
        if !figure.note.is_empty() {
            let _ = writeln!(text, "{:<width$}  {}", "", figure.note);
        }
    }
    text
}

/// Milliseconds, as a number.
pub(super) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The value below which that share of the values lies, by nearest rank; 0 of none.
pub(super) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil().max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is small and positive"
    )]
    let index = rank as usize - 1;
    sorted.get(index).or(sorted.last()).copied().unwrap_or(0.0)
}

/// The middle value.
pub(super) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// `smallest–largest`, for notes.
pub(super) fn spread(values: &[f64]) -> String {
    format!(
        "{}–{}",
        number(percentile(values, 0.0)),
        number(percentile(values, 1.0))
    )
}

fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, median, percentile, table};

    #[test]
    fn ranks_are_the_nearest() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!((median(&values) - 50.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 0.99) - 99.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 1.0) - 100.0).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn a_verdict_says_by_how_much() {
        let text = table(&[
            Figure::new("quick", 90.0, "ms").at_most(100.0),
            Figure::new("slow", 150.0, "ms").at_most(100.0).note("why"),
            Figure::new("times quicker", 4.0, "x").at_least(5.0),
        ]);
        assert!(text.contains("met by 10.0 ms (-10 %)"), "{text}");
        assert!(text.contains("MISSED by 50.0 ms (+50 %)"), "{text}");
        assert!(text.contains("MISSED by 1.00 x (-20 %)"), "{text}");
        assert!(text.contains("why"), "{text}");
    }
}
