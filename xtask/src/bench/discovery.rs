//! How soon somebody else's agent is behind the gateway: from the engine's own events to what a caller sees.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::numbers::{Figure, median, ms, percentile, spread};
use super::{Bed, probe};
use crate::command::{capture, command, eventually};
use crate::product::{Product, text};

const ROUNDS: usize = 20;
const LIMIT: Duration = Duration::from_mins(1);
const NAME: &str = "bench-discovered";
/// How often a caller asks while it waits: the figures are exact to this.
const STEP: Duration = Duration::from_millis(1);

/// From an agent's start and end to its coming and going.
pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let Some(host) = &bed.docker_host else {
        bail!("there is no Docker engine");
    };
    let network = format!("nasiko-bench-discovery-{}", std::process::id());
    let product = Product {
        network: Some(network.clone()),
        ..bed.product("discovery")
    };
    let docker = |words: &[&str]| -> Result<String> {
        let mut docker = command(bed.places, "docker");
        let said = capture(docker.env("DOCKER_HOST", host).args(words), LIMIT)?;
        Ok(said.trim().to_owned())
    };
    docker(&["network", "create", &network])?;
    let label = format!("nasiko.name={NAME}");
    let started = docker(&[
        "run",
        "--detach",
        "--stop-signal",
        "KILL",
        "--network",
        &network,
        "--label",
        "nasiko.type=agent",
        "--label",
        &label,
        "--expose",
        "8000",
        "busybox:latest",
        "sh",
        "-c",
        "mkdir -p /www; echo here > /www/index.html; exec httpd -f -p 8000 -h /www",
    ]);
    let measured = started
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{error:#}"));
    let measured = measured.and_then(|id| {
        let resident = product.serve()?;
        let times = observe(&product, id, &docker);
        drop(resident);
        times
    });
    if let Ok(id) = &started {
        docker(&["rm", "--force", "--volumes", id])?;
    }
    docker(&["network", "rm", &network])?;
    let (starts, ends) = measured?;
    let figure = |what: &str, times: &[f64]| {
        let name = format!("somebody else's agent: {what}");
        let high = percentile(times, 0.95);
        Figure::new(name, median(times), "ms")
            .at_most(50.0)
            .note(format!(
                "{ROUNDS} times, p95 {high:.0} ms, {}",
                spread(times)
            ))
    };
    Ok(vec![
        figure("start event to an answer", &starts),
        figure("end event to gone", &ends),
    ])
}

/// Milliseconds after the start events until there was an answer, and after the end events until there was none.
fn observe(
    product: &Product<'_>,
    id: &str,
    docker: &dyn Fn(&[&str]) -> Result<String>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let status = product.status()?;
    let url = format!("{}/{NAME}/", text(&status, "gateway")?);
    eventually(LIMIT, || answers(&url) == Some(200)).context("it is not discovered")?;
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let caller = watch(&url, 404);
        docker(&["stop", id])?;
        ends.push(after(event(docker, id, "die")?, caller)?);
        let caller = watch(&url, 200);
        docker(&["start", id])?;
        starts.push(after(event(docker, id, "start")?, caller)?);
    }
    Ok((starts, ends))
}

/// Asks until the answer has this status, and says when that was.
fn watch(url: &str, status: u16) -> thread::JoinHandle<Option<SystemTime>> {
    let url = url.to_owned();
    thread::spawn(move || {
        let client = probe::client();
        let began = std::time::Instant::now();
        while began.elapsed() < LIMIT {
            if asked(&client, &url) == Some(status) {
                return Some(SystemTime::now());
            }
            thread::sleep(STEP);
        }
        None
    })
}

fn answers(url: &str) -> Option<u16> {
    asked(&probe::client(), url)
}

fn asked(client: &ureq::Agent, url: &str) -> Option<u16> {
    match client.get(url).call() {
        Ok(answer) => Some(answer.status().as_u16()),
        Err(ureq::Error::StatusCode(status)) => Some(status),
        Err(_) => None,
    }
}

fn after(event: SystemTime, caller: thread::JoinHandle<Option<SystemTime>>) -> Result<f64> {
    let seen = caller.join().ok().flatten().context("it was never seen")?;
    Ok(ms(seen.duration_since(event).unwrap_or_default()))
}

/// When the engine says that this last happened to the container.
fn event(docker: &dyn Fn(&[&str]) -> Result<String>, id: &str, what: &str) -> Result<SystemTime> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let (since, until) = (now.as_secs().saturating_sub(30), now.as_secs_f64());
    let told = docker(&[
        "events",
        "--since",
        &since.to_string(),
        "--until",
        &format!("{until:.9}"),
        "--filter",
        &format!("container={id}"),
        "--filter",
        &format!("event={what}"),
        "--format",
        "{{json .}}",
    ])?;
    let last = told.lines().last().context("the engine tells no event")?;
    let event: Value = serde_json::from_str(last)?;
    let at = event["timeNano"]
        .as_u64()
        .context("an event without a time")?;
    Ok(UNIX_EPOCH + Duration::from_nanos(at))
}
