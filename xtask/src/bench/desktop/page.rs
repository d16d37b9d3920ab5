//! The pages in a browser over a full store: from a click to what it shows, drawing while events come in, lists and the
//! palette.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use ureq::Agent;

use super::super::numbers::{Figure, percentile, spread};
use super::super::{Bed, probe};
use super::browser::Browser;
use super::filled::{self, AGENT, Api};
use super::scripts;
use crate::product::Product;
use crate::report::warn;

const AGENTS: usize = 1_000;
const TRACES: usize = 100_000;
/// As many as a list must bear, and as the palette must look through.
const MANY_AGENTS: usize = 10_000;
/// Until the page has read what it shows.
const LOADING: Duration = Duration::from_secs(5);
/// Changes a second while frames are counted, and for how long.
const EVENTS: u32 = 60;
const DRAWING: Duration = Duration::from_secs(10);
/// A frame that comes later than this missed its turn at 60 a second.
const LATE: f64 = 25.0;
/// Typed letter by letter: what finds nearly all, what finds few, and something to be done.
const TYPED: [&str; 3] = ["invrdr", "reader 42", "start inv"];

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let product = bed.packaged("pages");
    let client = probe::client();
    let Some(browser) = Browser::start(bed, &client)? else {
        warn("no chromedriver: no figures of the pages");
        return Ok(Vec::new());
    };
    let first = product.serve()?;
    filled::add_agent(bed, &product)?;
    drop(first);
    filled::copy_agent(bed, &product, 1..AGENTS)?;
    let mut figures = busy(&product, &client, &browser)?;
    filled::copy_agent(bed, &product, AGENTS..MANY_AGENTS)?;
    figures.extend(crowded(&product, &client, &browser)?);
    Ok(figures)
}

/// With as much in the store as there is where the product is used a lot.
fn busy(product: &Product<'_>, client: &Agent, browser: &Browser<'_>) -> Result<Vec<Figure>> {
    let resident = product.serve()?;
    filled::add_traces(product, client, TRACES)?;
    let api = Api::of(product, client)?;
    browser.open(&api.entry()?)?;
    std::thread::sleep(LOADING);
    let more = [format!("/agents/{AGENT}"), "/settings/secrets".to_owned()];
    let took: HashMap<String, Vec<f64>> =
        serde_json::from_value(browser.run(scripts::CLICKS, &[json!(more)])?)?;
    let mut figures: Vec<Figure> = took
        .iter()
        .map(|(path, times)| {
            let name = format!("page {path}: click to next paint");
            let note = format!("{} ms over {} clicks", spread(times), times.len());
            Figure::new(name, percentile(times, 1.0), "ms")
                .at_most(50.0)
                .note(note)
        })
        .collect();
    figures.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(first) = figures.first_mut() {
        first.note = format!(
            "{}; {AGENTS} agents and {TRACES} traces in the store",
            first.note
        );
    }
    figures.push(drawing(browser, &api)?);
    figures.push(scrolled(browser, "traces", TRACES)?);
    drop(resident);
    Ok(figures)
}

/// With more agents than anybody will have.
fn crowded(product: &Product<'_>, client: &Agent, browser: &Browser<'_>) -> Result<Vec<Figure>> {
    let resident = product.serve()?;
    browser.open(&Api::of(product, client)?.entry()?)?;
    std::thread::sleep(LOADING);
    let scrolled = scrolled(browser, "agents", MANY_AGENTS)?;
    let mut typed = browser.run(scripts::PALETTE, &[json!(TYPED)])?;
    let found: Vec<f64> = serde_json::from_value(typed["found"].take())?;
    let seen: Vec<f64> = serde_json::from_value(typed["seen"].take())?;
    let slowest = |name: String, times: &[f64]| {
        Figure::new(name, percentile(times, 1.0), "ms").note(format!(
            "{} ms over {} letters",
            spread(times),
            times.len()
        ))
    };
    drop(resident);
    Ok(vec![
        scrolled,
        slowest(
            format!("palette: a letter's match over {MANY_AGENTS} agents"),
            &found,
        )
        .at_most(16.0),
        slowest("palette: letter to next paint".to_owned(), &seen).at_most(50.0),
    ])
}

/// Frames that come late while the event log grows.
fn drawing(browser: &Browser<'_>, api: &Api<'_>) -> Result<Figure> {
    let gaps = std::thread::scope(|scope| {
        let events = scope.spawn(|| {
            let began = Instant::now();
            let mut made = 0;
            while began.elapsed() < DRAWING {
                api.change(made)?;
                made += 1;
                let next = began + Duration::from_secs(1) / EVENTS * made;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            anyhow::Ok(made)
        });
        let gaps = browser.run(scripts::FRAMES, &[json!(DRAWING.as_millis())])?;
        let made = events
            .join()
            .map_err(|_| anyhow::anyhow!("no events were made"))??;
        if made < EVENTS * 9 {
            warn(&format!("only {made} events in {} s", DRAWING.as_secs()));
        }
        anyhow::Ok(gaps)
    })?;
    late(&format!("at {EVENTS} events/s"), gaps)
}

/// Frames that come late while the list of all `what` is scrolled, once all rows have been read.
fn scrolled(browser: &Browser<'_>, what: &str, many: usize) -> Result<Figure> {
    let list = json!(format!(".table-scroll.{what}"));
    browser.run(scripts::OPEN, &[json!(format!("/{what}")), list.clone()])?;
    let rows = browser.run(scripts::READ_ALL, &[list.clone(), json!(many)])?;
    let gaps = browser.run(scripts::SCROLL, &[list, json!(DRAWING.as_millis())])?;
    late(&format!("scrolling {rows} {what}"), gaps)
}

fn late(during: &str, gaps: Value) -> Result<Figure> {
    let gaps: Vec<f64> = serde_json::from_value(gaps)?;
    let late = gaps.iter().filter(|gap| **gap > LATE).count();
    let note = format!("of {} frames; {} ms apart", gaps.len(), spread(&gaps));
    Ok(
        Figure::new(format!("pages: late frames, {during}"), late as f64, "")
            .at_most(0.0)
            .note(note),
    )
}
