//! From the start of the resident to its first "ready".

use std::time::{Duration, Instant};

use anyhow::Result;

use super::numbers::{Figure, median, ms, spread};
use super::{Bed, probe};
use crate::daemon::Daemon;

const RUNS: usize = 20;
const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let first = start(bed)?;
    let times = (0..RUNS)
        .map(|_| start(bed))
        .collect::<Result<Vec<f64>>>()?;
    let note = format!(
        "{} ms over {RUNS} starts; the very first, which makes its files: {first:.0} ms",
        spread(&times)
    );
    Ok(vec![
        Figure::new("resident: start to ready", median(&times), "ms")
            .at_most(150.0)
            .note(note),
    ])
}

fn start(bed: &Bed<'_>) -> Result<f64> {
    let product = bed.product("start");
    let port = probe::free_port()?;
    let mut serve = product.nasiko();
    serve
        .args(["serve", "--no-tray"])
        .env("NASIKO_API_PORT", port.to_string());
    let client = probe::client();
    let url = format!("http://127.0.0.1:{port}/ready");
    let began = Instant::now();
    let mut resident = Daemon::start("nasiko", &mut serve, &bed.places.logs().join("nasiko.log"))?;
    let mut took = None;
    resident.until(LIMIT, |_| {
        // Finer than the pulse of a wait, which would be a tenth of the figure.
        let burst = began.elapsed() + Duration::from_millis(200);
        while took.is_none() && began.elapsed() < burst {
            if client.get(&url).call().is_ok() {
                took = Some(began.elapsed());
            } else {
                std::thread::sleep(Duration::from_micros(500));
            }
        }
        took.is_some()
    })?;
    Ok(ms(took.unwrap_or_default()))
}
