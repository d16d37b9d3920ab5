//! Spans made durable per second, alone and while all of them are forwarded to a viewer.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Bed;
use super::numbers::{Figure, median, spread};
use crate::command::{capture, cargo, command};

const ROUNDS: usize = 3;
const SECONDS: &str = "4";
const LIMIT: Duration = Duration::from_mins(2);
/// Compiling the program that measures.
const COMPILING: Duration = Duration::from_mins(25);

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let mut build = cargo(bed.places);
    build.args(["build", "--release", "-p", "nasiko-telemetry"]);
    build.args(["--example", "span_rate"]);
    capture(&mut build, COMPILING)?;
    let program = bed.places.target.join("release/examples/span_rate");

    let (mut alone, mut forwarding) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut turn = |forward: bool| -> Result<()> {
            let rates = if forward { &mut forwarding } else { &mut alone };
            rates.push(rate(bed, &program, round, forward)?);
            Ok(())
        };
        let first = round % 2 == 1;
        turn(first)?;
        turn(!first)?;
    }
    let pairs = alone.iter().zip(&forwarding);
    let ratios: Vec<f64> = pairs
        .map(|(alone, forwarding)| forwarding / alone)
        .collect();
    let note = |rates: &[f64]| format!("{} /s over {ROUNDS} runs of {SECONDS} s", spread(rates));
    Ok(vec![
        Figure::new("spans made durable", median(&alone), "/s")
            .at_least(100_000.0)
            .note(note(&alone)),
        Figure::new("the same while forwarding, share", median(&ratios), "")
            .note(note(&forwarding)),
    ])
}

fn rate(bed: &Bed<'_>, program: &Path, round: usize, forward: bool) -> Result<f64> {
    let directory = bed.scratch.0.join(format!("spans-{round}-{forward}"));
    let mut measuring = command(bed.places, program);
    measuring.arg(SECONDS).arg(directory);
    if forward {
        measuring.arg("forward");
    }
    let said = capture(&mut measuring, LIMIT)?;
    let rate = said.split_whitespace().next();
    Ok(rate.context("it told no figure")?.parse()?)
}
