//! A day of events in minutes, with the window open and closed: whether memory grows with what happens.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::desktop::{megabytes_below, window};
use super::numbers::Figure;
use super::{Bed, probe};
use crate::display;

/// What a busy day brings: a change every three seconds.
const EVENTS: u32 = 24 * 60 * 20;
/// After so many, what is filled once (caches, pools, rings) is full.
const WARM: u32 = EVENTS / 6;
const SAMPLES: u32 = 20;
const SETTLE: Duration = Duration::from_secs(5);
/// As many as a page still draws; more would be gathered into one.
const PER_SECOND: u32 = 200;

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let display = display::start(bed.places, &bed.scratch.0)?;
    let product = bed.packaged("day");
    let resident = product.serve()?;
    let home = product.home.as_ref().context("a home of its own")?;
    let endpoint: serde_json::Value =
        serde_json::from_slice(&std::fs::read(home.join("endpoint.json"))?)?;
    let settings = format!(
        "{}/api/v1/settings",
        endpoint["api"].as_str().unwrap_or_default()
    );
    let token = format!("Bearer {}", endpoint["token"].as_str().unwrap_or_default());
    let client = probe::client();
    let day = |pid: u32| -> Result<f64> {
        let began = Instant::now();
        let mut samples = Vec::new();
        for event in 0..EVENTS {
            client
                .patch(&settings)
                .header("authorization", &token)
                .send_json(json!({"traceRetentionDays": 7 + event % 2}))?;
            if event >= WARM && (event - WARM).is_multiple_of((EVENTS - WARM) / SAMPLES) {
                let hours = f64::from(event) / f64::from(EVENTS) * 24.0;
                samples.push((hours, megabytes_below(pid)?));
            }
            let next = began + Duration::from_secs(1) / PER_SECOND * event;
            sleep(next.saturating_duration_since(Instant::now()));
        }
        Ok(slope(&samples))
    };
    let open = {
        let window = window(bed, &product, &display)?;
        sleep(SETTLE);
        day(window.id())?
    };
    let closed = day(resident.id())?;
    let note = format!(
        "{EVENTS} changes of the event log, written and heard, at up to {PER_SECOND} a second"
    );
    Ok(vec![
        Figure::new(
            "24 simulated hours, window open: growth of its memory",
            open,
            "MB/h",
        )
        .at_most(0.2)
        .note(note),
        Figure::new(
            "24 simulated hours, window closed: growth of the resident's",
            closed,
            "MB/h",
        )
        .at_most(0.1),
    ])
}

/// The slope of the line that fits best.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let (mean_x, mean_y) = samples.iter().fold((0.0, 0.0), |(x, y), sample| {
        (x + sample.0 / count, y + sample.1 / count)
    });
    let (mut over, mut under) = (0.0, 0.0);
    for (x, y) in samples {
        over += (x - mean_x) * (y - mean_y);
        under += (x - mean_x).powi(2);
    }
    over / under
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn a_line_has_its_slope() {
        let samples: Vec<(f64, f64)> = (0..10)
            .map(|x| (f64::from(x), 3.0 * f64::from(x) + 1.0))
            .collect();
        assert!((slope(&samples) - 3.0).abs() < 1e-9);
    }
}
