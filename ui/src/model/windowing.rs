//! Which rows of a long list are drawn: those in sight and a few around them.

/// Rows drawn above and below what is in sight, so that fast scrolling shows no gap.
const OVERSCAN: usize = 12;

/// The part of a list that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Window {
    /// The first row.
    pub(crate) first: usize,
    /// How many.
    pub(crate) rows: usize,
}

impl Window {
    /// The rows in sight of a list of `total` rows, `row` pixels each, scrolled by `top` in a view of `height`.
    pub(crate) fn of(total: usize, row: f64, top: f64, height: f64) -> Self {
        let uppermost = pixels_to_rows(top, row).min(total);
        let first = uppermost.saturating_sub(OVERSCAN);
        let end = uppermost + pixels_to_rows(height, row) + 1 + OVERSCAN;
        Self {
            first,
            rows: end.min(total) - first,
        }
    }

    /// The row that is uppermost in sight.
    pub(crate) fn first_in_sight(row: f64, top: f64) -> usize {
        pixels_to_rows(top, row)
    }

    /// The drawn rows.
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.first..self.first + self.rows
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a screen's pixels fit, and negative ones were cut off"
)]
fn pixels_to_rows(pixels: f64, row: f64) -> usize {
    (pixels.max(0.0) / row) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_sight_is_drawn() {
        let window = Window::of(10_000, 20.0, 20_000.0, 400.0);
        assert!(
            window.range().contains(&1_000) && window.range().contains(&1_020),
            "in sight"
        );
        assert!(window.rows < 60, "{} rows are too many", window.rows);
        let at_the_top = Window::of(10_000, 20.0, 0.0, 400.0);
        assert!(at_the_top.rows < window.rows, "nothing is above");
    }

    #[test]
    fn the_ends_are_reached_and_never_passed() {
        assert_eq!(Window::of(0, 20.0, 0.0, 400.0).rows, 0);
        assert_eq!(Window::of(5, 20.0, 0.0, 400.0).range(), 0..5);
        let last = Window::of(100, 20.0, 1_600.0, 400.0);
        assert_eq!(last.range().end, 100);
        let beyond = Window::of(10, 20.0, 9_000.0, 400.0);
        assert_eq!(
            beyond.range(),
            0..10,
            "what is left of a list that shrank while it was scrolled down"
        );
    }
}
