//! The pages in a browser over a full store: from a click to what it shows, and drawing while events come in.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;

use super::super::numbers::{Figure, percentile, spread};
use super::super::{Bed, probe};
use crate::command::command;
use crate::daemon::Daemon;
use crate::places::program_on_path;
use crate::product::{Product, text};
use crate::report::warn;

const TRACES: usize = 100_000;
const TRACES_AT_ONCE: usize = 1_000;
const LIMIT: Duration = Duration::from_secs(60);
/// Changes a second while frames are counted, and for how long.
const EVENTS: u32 = 60;
const DRAWING: Duration = Duration::from_secs(10);
/// A frame that comes later than this missed its turn at 60 a second.
const LATE: f64 = 25.0;

/// Follows each entry of the navigation and tells how long it took until the next picture, in milliseconds.
const CLICKS: &str = "
    const done = arguments[arguments.length - 1];
    const links = [...document.querySelectorAll('nav a[href^=\"/\"]')].map(link => link.getAttribute('href'));
    const took = {};
    const next = at => {
        if (at === links.length * 3) return done(took);
        const path = links[at % links.length];
        const link = document.querySelector(`nav a[href='${path}']`);
        const began = performance.now();
        link.click();
        requestAnimationFrame(() => setTimeout(() => {
            (took[path] ||= []).push(performance.now() - began);
            setTimeout(() => next(at + 1), 400);
        }));
    };
    next(0);";
/// The times between frames while something happens, in milliseconds.
const FRAMES: &str = "
    const [length, done] = [arguments[0], arguments[arguments.length - 1]];
    const gaps = []; let last = performance.now(); const end = last + length;
    const frame = now => { gaps.push(now - last); last = now; now < end ? requestAnimationFrame(frame) : done(gaps); };
    requestAnimationFrame(now => { last = now; requestAnimationFrame(frame); });";

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let product = bed.packaged("pages");
    let resident = product.serve()?;
    let client = probe::client();
    let api = Api::of(&product, &client)?;
    fill(&product, &client)?;
    let Some(browser) = Browser::start(bed, &client)? else {
        warn("no chromedriver: no figures of the pages");
        return Ok(Vec::new());
    };
    browser.open(&api.entry()?)?;
    std::thread::sleep(Duration::from_secs(3));
    let took: HashMap<String, Vec<f64>> = serde_json::from_value(browser.run(CLICKS, &[])?)?;
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
        first.note = format!("{}; {TRACES} traces in the store", first.note);
    }
    figures.push(drawing(&browser, &api)?);
    drop(browser);
    drop(resident);
    Ok(figures)
}

/// Frames that come late while the event log grows.
fn drawing(browser: &Browser<'_>, api: &Api<'_>) -> Result<Figure> {
    let gaps: Vec<f64> = std::thread::scope(|scope| {
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
        let gaps = browser.run(FRAMES, &[json!(DRAWING.as_millis())])?;
        let made = events
            .join()
            .map_err(|_| anyhow::anyhow!("no events were made"))??;
        if made < EVENTS * 9 {
            warn(&format!("only {made} events in {} s", DRAWING.as_secs()));
        }
        anyhow::Ok(serde_json::from_value(gaps)?)
    })?;
    let late = gaps.iter().filter(|gap| **gap > LATE).count();
    let name = format!("pages: late frames at {EVENTS} events/s");
    Ok(Figure::new(name, late as f64, "")
        .at_most(0.0)
        .note(format!(
            "of {} frames; {} ms apart",
            gaps.len(),
            spread(&gaps)
        )))
}

/// Traces of one span each, as an agent would send them.
fn fill(product: &Product<'_>, client: &Agent) -> Result<()> {
    let status = product.status()?;
    let url = format!("{}/v1/traces", text(&status, "otlp_http")?);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_nanos();
    for batch in 0..TRACES / TRACES_AT_ONCE {
        let mut spans = String::new();
        for at in 0..TRACES_AT_ONCE {
            let number = batch * TRACES_AT_ONCE + at + 1;
            let begin = now - (TRACES - number) as u128 * 1_000_000;
            let comma = if at == 0 { "" } else { "," };
            write!(
                spans,
                "{comma}{{\"traceId\":\"{number:032x}\",\"spanId\":\"{number:016x}\",\"name\":\"turn {number}\",\"kind\":2,\
                 \"startTimeUnixNano\":\"{begin}\",\"endTimeUnixNano\":\"{}\"}}",
                begin + 5_000_000
            )?;
        }
        let body = format!(
            "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\"bench\"}}}}]}},\
             \"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}"
        );
        client
            .post(&url)
            .content_type("application/json")
            .send(body)?;
    }
    Ok(())
}

/// The API of one resident.
struct Api<'a> {
    client: &'a Agent,
    url: String,
    token: String,
}

impl<'a> Api<'a> {
    fn of(product: &Product<'_>, client: &'a Agent) -> Result<Self> {
        let home = product.home.as_ref().context("a home of its own")?;
        let endpoint: Value = serde_json::from_slice(&fs::read(home.join("endpoint.json"))?)?;
        Ok(Self {
            client,
            url: format!("{}/api/v1", text(&endpoint, "api")?),
            token: format!("Bearer {}", text(&endpoint, "token")?),
        })
    }

    /// An address that lets a browser in, once.
    fn entry(&self) -> Result<String> {
        let mut answer = self
            .client
            .post(format!("{}/browser-codes", self.url))
            .header("authorization", &self.token)
            .send_json(json!({}))?;
        let code: Value = answer.body_mut().read_json()?;
        Ok(text(&code, "url")?.to_owned())
    }

    /// Something that every window hears of.
    fn change(&self, number: u32) -> Result<()> {
        self.client
            .patch(format!("{}/settings", self.url))
            .header("authorization", &self.token)
            .send_json(json!({"traceRetentionDays": 7 + number % 2}))?;
        Ok(())
    }
}

/// A browser without a window, driven as tests drive it.
struct Browser<'a> {
    client: &'a Agent,
    session: String,
    _driver: Daemon,
}

impl<'a> Browser<'a> {
    fn start(bed: &Bed<'_>, client: &'a Agent) -> Result<Option<Self>> {
        let browser = ["chromium", "google-chrome"]
            .iter()
            .find_map(|name| program_on_path(name));
        let (Some(driver), Some(browser)) = (program_on_path("chromedriver"), browser) else {
            return Ok(None);
        };
        let port = probe::free_port()?;
        let mut driver = command(bed.places, driver);
        driver.arg(format!("--port={port}"));
        let log = bed.places.logs().join("chromedriver.log");
        let mut driver = Daemon::start("chromedriver", &mut driver, &log)?;
        let url = format!("http://127.0.0.1:{port}");
        driver.until(LIMIT, |_| {
            client.get(format!("{url}/status")).call().is_ok()
        })?;
        let profile = bed.scratch.0.join("chromium");
        let asked = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {
                "binary": browser,
                "args": ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,800",
                    "--disable-background-networking", format!("--user-data-dir={}", profile.display())],
            },
            "timeouts": {"script": 120_000, "pageLoad": 60_000},
        }}});
        let mut answer = client.post(format!("{url}/session")).send_json(asked)?;
        let answer: Value = answer.body_mut().read_json()?;
        let session = format!("{url}/session/{}", text(&answer["value"], "sessionId")?);
        Ok(Some(Self {
            client,
            session,
            _driver: driver,
        }))
    }

    fn open(&self, url: &str) -> Result<()> {
        let asked = self.client.post(format!("{}/url", self.session));
        asked.send_json(json!({"url": url}))?;
        Ok(())
    }

    /// What the script hands to its last argument.
    fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        let mut answer = self
            .client
            .post(format!("{}/execute/async", self.session))
            .send_json(json!({"script": script, "args": arguments}))?;
        let mut answer: Value = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_json()?;
        match answer["value"].take() {
            Value::Null => bail!("the script gave nothing"),
            value => Ok(value),
        }
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        // The driver's end ends a browser that does not answer.
        drop(self.client.delete(&self.session).call());
    }
}
