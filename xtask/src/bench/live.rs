//! From a save to the first answer that shows it; and what watching costs while nobody saves.
//!
//! A save is the rename that editors end with; the answer is the first response through the gateway that shows the new
//! code. Whoever asks does so without a pause, one question after another.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use ureq::Agent;

use super::numbers::{Figure, median, ms, percentile, spread};
use super::{Bed, idle, peers, probe};
use crate::command::eventually;
use crate::product::{Product, text};

/// Saves of each figure.
const EDITS: u32 = 200;
/// Saves of a figure that stands beside another for comparison.
const FEW_EDITS: u32 = 30;
/// Between an answer and the next save. People take longer.
const PAUSE: Duration = Duration::from_millis(1_000);
/// How long one save may take.
const LIMIT: Duration = Duration::from_mins(2);
/// Watched agents, and files of each.
const WATCHED: usize = 200;
const FILES: usize = 250;

/// An agent whose answer names the version of its source.
pub(super) struct Subject {
    pub(super) folder: PathBuf,
    file: &'static str,
    source: String,
    /// What of the source changes, and what it becomes before the version's number.
    piece: (&'static str, &'static str),
}

impl Subject {
    /// The example that needs the standard library alone.
    pub(super) fn greeter(bed: &Bed<'_>, name: &str) -> Result<Self> {
        let piece = ("Hello! I am Greeter", "Hello, I am Greeter v");
        Self::copy(bed, "greeter", name, piece)
    }

    /// The example on the official SDK, with all that it imports.
    pub(super) fn echo(bed: &Bed<'_>, name: &str) -> Result<Self> {
        Self::copy(bed, "echo-sdk", name, ("f\"Echo:", "f\"Echo-v"))
    }

    fn copy(
        bed: &Bed<'_>,
        example: &str,
        name: &str,
        piece: (&'static str, &'static str),
    ) -> Result<Self> {
        let from = bed.places.root.join("examples/agents").join(example);
        let folder = bed.scratch.0.join("live").join(name);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), folder.join(entry.file_name()))?;
            }
        }
        let file = "main.py";
        let source = fs::read_to_string(folder.join(file))?;
        if !source.contains(piece.0) {
            bail!("{example} does not say `{}`", piece.0);
        }
        Ok(Self {
            folder,
            file,
            source,
            piece,
        })
    }

    /// Saves a version; answers when, and what its answers say.
    pub(super) fn save(&self, version: u32) -> Result<(Instant, String)> {
        let (old, new) = self.piece;
        let told = format!("{new}{version}:");
        let text = self.source.replace(old, &told);
        let beside = self.folder.with_extension("saving");
        fs::write(&beside, text)?;
        let saved = Instant::now();
        fs::rename(&beside, self.folder.join(self.file))?;
        Ok((saved, told.trim_start_matches("f\"").to_owned()))
    }

    /// Saves that many versions one after another; milliseconds from each to its first answer.
    pub(super) fn edit(
        &self,
        client: &Agent,
        url: &str,
        edits: u32,
        pause: Duration,
        mut applied: impl FnMut() -> Result<()>,
    ) -> Result<Vec<f64>> {
        (1..=edits)
            .map(|version| {
                sleep(pause);
                let (saved, told) = self.save(version)?;
                applied()?;
                while !probe::says(client, url, &told) {
                    if saved.elapsed() > LIMIT {
                        bail!("version {version} never answered at {url}");
                    }
                }
                Ok(ms(saved.elapsed()))
            })
            .collect()
    }
}

/// The standard-library agent as a process.
pub(super) fn process(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let subject = Subject::greeter(bed, "greeter-process")?;
    saves(bed, &subject, "process", "greeter", (100.0, 200.0))
}

/// The standard-library agent in Docker, beside what Compose takes for the same folder.
pub(super) fn docker(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let Some(host) = &bed.docker_host else {
        return Ok(Vec::new());
    };
    let subject = Subject::greeter(bed, "greeter-docker")?;
    let mut figures = saves(bed, &subject, "docker", "greeter", (150.0, 300.0))?;
    let ours = figures.first().map_or(f64::NAN, |figure| figure.measured);
    figures.extend(peers::compose(bed, host, ours)?);
    Ok(figures)
}

/// The agent with heavy imports as a process: with and without an instance on standby, beside `uvicorn --reload`.
pub(super) fn heavy(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let subject = Subject::echo(bed, "echo-sdk-warm")?;
    let mut figures = saves(bed, &subject, "process", "echo-sdk", (250.0, f64::INFINITY))?;
    let ours = figures.first().map_or(f64::NAN, |figure| figure.measured);
    let cold = Subject::echo(bed, "echo-sdk-cold")?;
    fs::write(cold.folder.join("nasiko.toml"), "[dev]\npreload = false\n")?;
    let times = measure(bed, &cold, "process", "echo-sdk-cold", FEW_EDITS)?.0;
    figures.push(
        Figure::new(
            "save to answer, echo-sdk, process, no standby: p50",
            median(&times),
            "ms",
        )
        .note(format!("{} ms over {FEW_EDITS} saves", spread(&times))),
    );
    figures.extend(peers::uvicorn(bed, ours)?);
    Ok(figures)
}

fn saves(
    bed: &Bed<'_>,
    subject: &Subject,
    runtime: &str,
    name: &str,
    (p50, p95): (f64, f64),
) -> Result<Vec<Figure>> {
    let (times, inside) = measure(bed, subject, runtime, &format!("{name}-{runtime}"), EDITS)?;
    let title = format!("save to answer, {name}, {runtime}");
    let mut figures = vec![
        Figure::new(format!("{title}: p50"), median(&times), "ms")
            .at_most(p50)
            .note(format!(
                "{} ms over {EDITS} saves, one every {:.1} s after the last answer; {inside}",
                spread(&times),
                PAUSE.as_secs_f64()
            )),
    ];
    let slow = Figure::new(format!("{title}: p95"), percentile(&times, 0.95), "ms");
    figures.push(if p95.is_finite() {
        slow.at_most(p95)
    } else {
        slow
    });
    Ok(figures)
}

/// Deploys, watches, saves; the times, and what the product says of its phases.
fn measure(
    bed: &Bed<'_>,
    subject: &Subject,
    runtime: &str,
    name: &str,
    edits: u32,
) -> Result<(Vec<f64>, String)> {
    let product = bed.product(name);
    let resident = product.serve()?;
    let folder = subject.folder.to_string_lossy();
    let deployed = product.ask(&[
        "deploy",
        &folder,
        "--name",
        name,
        "--runtime",
        runtime,
        "--watch",
    ])?;
    let url = text(&deployed, "url")?.to_owned();
    let client = probe::client();
    eventually(LIMIT, || probe::says(&client, &url, "result"))?;
    let times = subject.edit(&client, &url, edits, PAUSE, || Ok(()));
    let updates = product.ask(&["updates", name, "--limit", "500"]);
    product.ask(&["rm", name, "--yes"])?;
    drop(resident);
    Ok((times?, phases(&updates?)))
}

/// The medians of the phases that the product measured itself.
fn phases(updates: &Value) -> String {
    let rows = updates.as_array().map_or(&[][..], Vec::as_slice);
    let live: Vec<&Value> = rows.iter().filter(|row| row["result"] == "live").collect();
    let warm = live.iter().filter(|row| row["warm"] == true).count();
    let phase = |name: &str| {
        let values: Vec<f64> = live
            .iter()
            .filter_map(|row| row["seconds"][name].as_f64())
            .map(|seconds| seconds * 1e3)
            .collect();
        format!("{name} {:.0}", median(&values))
    };
    format!(
        "medians {} ms; {warm} of {} from standby",
        ["seen", "decided", "applied", "answered"]
            .map(phase)
            .join(", "),
        live.len()
    )
}

/// Two hundred watched agents, of which nobody saves any; then one save.
pub(super) fn watching(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let product = bed.product("watching");
    let resident = product.serve()?;
    let mut folders = Vec::new();
    for at in 0..WATCHED {
        let name = format!("watched-{at}");
        let subject = Subject::greeter(bed, &name)?;
        fill(&subject.folder)?;
        let folder = subject.folder.to_string_lossy().into_owned();
        product.ask(&["deploy", &folder, "--name", &name, "--runtime", "process"])?;
        folders.push((name, subject));
    }
    let before = idle::observe_process(&product)?;
    for (name, _) in &folders {
        product.ask(&["watch", name])?;
    }
    let after = idle::observe_process(&product)?;
    let seen = seen(&product, &folders);
    for (name, _) in &folders {
        product.ask(&["rm", name, "--yes"])?;
    }
    drop(resident);
    let seen = seen?;
    let scale = format!("{WATCHED} agents, {} files", WATCHED * (FILES + 4));
    Ok(vec![
        Figure::new("watching, idle: processor", after.percent, "%")
            .at_most(0.1)
            .note(format!("{scale}; {:.3} % before watching", before.percent)),
        Figure::new(
            "watching: more memory (PSS)",
            after.megabytes - before.megabytes,
            "MB",
        )
        .at_most(60.0)
        .note(format!(
            "{:.1} MB before, {:.1} MB after",
            before.megabytes, after.megabytes
        )),
        Figure::new(
            "watching: a save is seen within, median",
            median(&seen),
            "ms",
        )
        .at_most(5.0)
        .note(format!("{} ms over {} saves", spread(&seen), seen.len())),
    ])
}

fn fill(folder: &Path) -> Result<()> {
    for part in 0..FILES / 25 {
        let part = folder.join(format!("data{part}"));
        fs::create_dir_all(&part)?;
        for at in 0..25 {
            fs::write(
                part.join(format!("note{at}.txt")),
                format!("{at}\n").repeat(20),
            )?;
        }
    }
    Ok(())
}

/// Milliseconds from a save until the watcher had it, as the product tells.
fn seen(product: &Product<'_>, folders: &[(String, Subject)]) -> Result<Vec<f64>> {
    let client = probe::client();
    folders
        .iter()
        .step_by(WATCHED / 20)
        .map(|(name, subject)| {
            let status = product.ask(&["ps"])?;
            let url = status
                .as_array()
                .and_then(|agents| agents.iter().find(|agent| agent["name"] == name.as_str()))
                .context("a watched agent is not listed")?;
            let url = text(url, "url")?;
            subject.edit(&client, url, 1, PAUSE, || Ok(()))?;
            let updates = product.ask(&["updates", name])?;
            updates[0]["seconds"]["seen"]
                .as_f64()
                .map(|seconds| seconds * 1e3)
                .context("an update does not say when it was seen")
        })
        .collect()
}
