//! How long saves took to be answered: figures and the points of a plot.

use std::sync::Arc;

use nasiko_contract::{Update, UpdateId, UpdateState};

use crate::{
    model::{format, updates},
    words::saves as words,
};

/// Saves that are looked at.
const SAVES: usize = 50;

/// One save on the plot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// Which.
    pub(crate) id: UpdateId,
    /// Seconds from the save to its answer, or to its failure.
    pub(crate) seconds: f64,
    /// It was not made live.
    pub(crate) failed: bool,
    /// It was started from an instance that waited warm.
    pub(crate) warm: bool,
}

/// The last saves that were answered or failed, oldest first, and what they say together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SaveTimes {
    /// The saves.
    pub(crate) points: Vec<Point>,
    /// Half of those that are live took no longer, in seconds.
    pub(crate) median: Option<f64>,
    /// 95 of 100 that are live took no longer, in seconds.
    pub(crate) p95: Option<f64>,
    /// How many are live.
    pub(crate) live: usize,
    /// How many were not made live.
    pub(crate) failed: usize,
}

impl SaveTimes {
    /// Of `updates`, newest first.
    pub(crate) fn of(updates: &[Arc<Update>]) -> Self {
        let mut points: Vec<Point> = updates
            .iter()
            .filter_map(|update| {
                Some(Point {
                    id: update.id.clone(),
                    seconds: updates::took(update)?,
                    failed: update.state == UpdateState::Failed,
                    warm: update.warm,
                })
            })
            .take(SAVES)
            .collect();
        points.reverse();
        let mut answered: Vec<f64> = points
            .iter()
            .filter(|point| !point.failed)
            .map(|point| point.seconds)
            .collect();
        answered.sort_by(f64::total_cmp);
        Self {
            median: percentile(&answered, 50),
            p95: percentile(&answered, 95),
            live: answered.len(),
            failed: points.len() - answered.len(),
            points,
        }
    }

    /// The figures as a sentence, for those who do not see the plot.
    pub(crate) fn words(&self) -> String {
        let of = |figure: Option<f64>| figure.map_or("–".to_owned(), format::duration_seconds);
        words::times(
            self.points.len(),
            &of(self.median),
            &of(self.p95),
            self.failed,
        )
    }
}

/// The value below or at which `percent` of 100 of the sorted values are (nearest rank).
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// A logarithmic scale over whole decades: a save takes from milliseconds to minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    lowest: i32,
    highest: i32,
}

impl Scale {
    /// The decades that hold all points.
    pub(crate) fn of(points: &[Point]) -> Self {
        let decades = points.iter().map(|point| decade(point.seconds));
        let lowest = decades.clone().map(f64::floor).fold(0.0, f64::min);
        let highest = decades.map(f64::ceil).fold(lowest, f64::max);
        let (lowest, highest) = (whole(lowest), whole(highest));
        Self {
            lowest,
            highest: highest.max(lowest + 1),
        }
    }

    /// Where a time stands, from 0 at the bottom to 1 at the top.
    pub(crate) fn place(self, seconds: f64) -> f64 {
        let span = f64::from(self.highest - self.lowest);
        ((decade(seconds) - f64::from(self.lowest)) / span).clamp(0.0, 1.0)
    }

    /// The whole decades with their words, from the lowest.
    pub(crate) fn marks(self) -> impl Iterator<Item = (f64, String)> {
        (self.lowest..=self.highest).map(move |exponent| {
            let seconds = 10_f64.powi(exponent);
            (self.place(seconds), format::duration_seconds(seconds))
        })
    }
}

fn decade(seconds: f64) -> f64 {
    seconds.max(1e-4).log10()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "decades of seconds are few, and whole by now"
)]
fn whole(decade: f64) -> i32 {
    decade as i32
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::updates::tests::update;

    fn saves(times: &[(f64, &str)]) -> Vec<Arc<Update>> {
        let save = |(at, (seconds, state)): (usize, &(f64, &str))| {
            let seconds =
                json!({"seen": 0.001, "decided": 0.002, "applied": seconds, "answered": seconds});
            Arc::new(update(
                json!({"id": at.to_string(), "state": state, "seconds": seconds}),
            ))
        };
        times.iter().enumerate().map(save).collect()
    }

    #[test]
    fn figures_are_of_what_went_live_and_failures_are_counted() {
        let times = SaveTimes::of(&saves(&[
            (0.3, "live"),
            (9.0, "failed"),
            (0.1, "live"),
            (0.2, "live"),
            (0.0, "unchanged"),
            (5.0, "superseded"),
        ]));
        assert_eq!((times.median, times.p95), (Some(0.2), Some(0.3)));
        assert_eq!((times.live, times.failed), (3, 1));
        assert_eq!(times.points[0].id.as_str(), "3", "oldest first");
        assert!(times.points[2].failed);
        assert_eq!(
            times.words(),
            "Save to answer of the last 4 saves: median 200 ms, 95th percentile 300 ms, 1 not applied"
        );
    }

    #[test]
    fn only_the_last_saves_count() {
        let times = SaveTimes::of(&saves(&vec![(0.1, "live"); 80]));
        assert_eq!(times.points.len(), SAVES);
        assert_eq!(times.points.last().unwrap().id.as_str(), "0");
    }

    #[test]
    fn nothing_has_no_figures() {
        let times = SaveTimes::of(&[]);
        assert_eq!((times.median, times.p95), (None, None));
        assert_eq!(percentile(&[1.0], 95), Some(1.0));
    }

    #[test]
    fn the_scale_holds_all_points_between_whole_decades() {
        let times = SaveTimes::of(&saves(&[(0.084, "live"), (42.0, "live")]));
        let scale = Scale::of(&times.points);
        let words: Vec<String> = scale.marks().map(|(_, word)| word).collect();
        assert_eq!(words, ["10 ms", "100 ms", "1.00 s", "10.0 s", "1 min 40 s"]);
        assert!(scale.place(0.084) > 0.2 && scale.place(0.084) < 0.25);
        assert!(
            (scale.place(1e9) - 1.0).abs() < 1e-9,
            "nothing leaves the plot"
        );
        assert_eq!(Scale::of(&[]).marks().count(), 2);
    }
}
