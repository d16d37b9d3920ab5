//! The local stack of eight services: up, up again, down, beside what Debian's `docker-compose` takes for the same file in
//! the same engine; and what it costs while nothing happens.
//!
//! Images are there. Each pass begins and ends with nothing in the engine; who goes first changes with each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Bed;
use super::idle::processor_time;
use super::numbers::{Figure, median, ms, spread};
use crate::command::{answers, capture, command};
use crate::product::Product;
use crate::report::warn;

/// Passes that count; one before them warms everything up.
const PASSES: usize = 7;
/// One command of either.
const LIMIT: Duration = Duration::from_mins(3);
/// Between the commands of a pass: programs that still start would be in the way of the next.
const BREATH: Duration = Duration::from_secs(4);
/// After this, what follows an `up` is over.
const SETTLE: Duration = Duration::from_secs(10);
const WATCH: Duration = Duration::from_secs(60);
/// How often the engine is watched with the resident and without: it does things of its own now and then.
const WATCHES: usize = 3;
const SERVICES: usize = 8;

/// Milliseconds of one tool.
#[derive(Default)]
struct Times {
    up: Vec<f64>,
    again: Vec<f64>,
    down: Vec<f64>,
}

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let Some(host) = &bed.docker_host else {
        return Ok(Vec::new());
    };
    let file = bed.places.root.join("tests/stack/eight.yml");
    let ours = Ours::new(bed, &file)?;
    let peer = Peer::new(bed, host, &file);
    if !answers(command(bed.places, "docker-compose").arg("version")) {
        warn("docker-compose is not installed: no figures of the stack");
        return Ok(Vec::new());
    }
    let (mut our_times, mut their_times) = (Times::default(), Times::default());
    for pass in 0..=PASSES {
        let (mut our_pass, mut their_pass) = (Times::default(), Times::default());
        if pass % 2 == 0 {
            ours.pass(&mut our_pass)?;
            peer.pass(&mut their_pass)?;
        } else {
            peer.pass(&mut their_pass)?;
            ours.pass(&mut our_pass)?;
        }
        if pass > 0 {
            our_times.take(our_pass);
            their_times.take(their_pass);
        }
    }
    let mut figures = vec![
        compared("stack up, eight services", &our_times.up, &their_times.up),
        Figure::new("stack up, nothing to do", median(&our_times.again), "ms")
            .at_most(100.0)
            .note(format!(
                "{} ms; theirs: {:.0} ms ({})",
                spread(&our_times.again),
                median(&their_times.again),
                spread(&their_times.again)
            )),
        compared(
            "stack down, eight services",
            &our_times.down,
            &their_times.down,
        ),
    ];
    figures.extend(ours.idle(host)?);
    Ok(figures)
}

impl Times {
    fn take(&mut self, mut other: Self) {
        self.up.append(&mut other.up);
        self.again.append(&mut other.again);
        self.down.append(&mut other.down);
    }
}

/// The share of the other's time that we take: the median over passes, each beside its neighbour.
fn compared(name: &str, ours: &[f64], theirs: &[f64]) -> Figure {
    let ratios: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(one, two)| one / two)
        .collect();
    Figure::new(
        format!("{name}, of docker-compose's time"),
        median(&ratios),
        "x",
    )
    .at_most(0.7)
    .note(format!(
        "{} over {} passes; ours: {:.0} ms ({}), theirs: {:.0} ms ({})",
        spread(&ratios),
        ratios.len(),
        median(ours),
        spread(ours),
        median(theirs),
        spread(theirs)
    ))
}

/// The product, with a data directory and a project of its own.
struct Ours<'a> {
    product: Product<'a>,
    file: String,
    /// Laid over it for what is watched while nothing happens: checks so rare that they do not hide it.
    calm: String,
}

const CALM: &str = "services:\n  cache: {healthcheck: {interval: 30s}}\n";

impl<'a> Ours<'a> {
    fn new(bed: &'a Bed<'a>, file: &Path) -> Result<Self> {
        let calm = bed.scratch.0.join("calm.yml");
        fs::write(&calm, CALM)?;
        let mut product = bed.product("stack");
        product.network = Some(format!("nasikobench{}-network", std::process::id()));
        Ok(Self {
            product,
            file: file.to_string_lossy().into_owned(),
            calm: calm.to_string_lossy().into_owned(),
        })
    }

    /// The resident runs before, as their engine does; `down` ends it.
    fn pass(&self, times: &mut Times) -> Result<()> {
        let _resident = self.product.serve()?;
        times.up.push(self.timed(&["up", "--file", &self.file])?);
        sleep(BREATH);
        times.again.push(self.timed(&["up"])?);
        times.down.push(self.timed(&["down"])?);
        Ok(())
    }

    fn timed(&self, words: &[&str]) -> Result<f64> {
        let began = Instant::now();
        finish(self.product.nasiko().args(words))?;
        Ok(ms(began.elapsed()))
    }

    /// What the resident uses beside the stack that is up, and what the engine uses more than without the resident.
    fn idle(&self, host: &str) -> Result<Vec<Figure>> {
        let engine = engine_processes(host)?;
        let (mut own, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..WATCHES {
            let resident = self.product.serve()?;
            self.timed(&["up", "--file", &self.file, "--file", &self.calm])?;
            let pid = self.product.status()?["pid"]
                .as_u64()
                .context("`nasiko status` names no process")?;
            sleep(SETTLE);
            let mut watched = engine.clone();
            watched.push(Path::new("/proc").join(pid.to_string()));
            let mut used = watch(&watched)?;
            own.extend(used.pop());
            with.push(used.iter().sum());
            // Its end leaves the stack as it is.
            drop(resident);
            sleep(SETTLE);
            without.push(watch(&engine)?.iter().sum());
        }
        Ok(vec![
            Figure::new(
                "idle with the stack up: resident's processor",
                median(&own),
                "%",
            )
            .at_most(0.2)
            .note(format!(
                "{} %, each over {} s",
                spread(&own),
                WATCH.as_secs()
            )),
            Figure::new(
                "idle with the stack up: engine's processor, more",
                median(&with) - median(&without),
                "%",
            )
            .at_most(0.1)
            .note(format!(
                "of one core; with the resident {:.2} ({}), without {:.2} ({})",
                median(&with),
                spread(&with),
                median(&without),
                spread(&without)
            )),
        ])
    }
}

impl Drop for Ours<'_> {
    fn drop(&mut self) {
        // Also what a pass that failed left behind.
        let _resident = self.product.serve();
        drop(self.timed(&["down", "--volumes", "--yes"]));
    }
}

/// Runs to the end, and without a pulse, which would be a share of what is measured.
fn finish(command: &mut Command) -> Result<()> {
    let done = command.output()?;
    if !done.status.success() {
        let said = [done.stdout, done.stderr].concat();
        bail!("{command:?}: {}", String::from_utf8_lossy(&said));
    }
    Ok(())
}

/// The share of a core that each process uses while nothing happens, in percent.
fn watch(processes: &[PathBuf]) -> Result<Vec<f64>> {
    let began = Instant::now();
    let times =
        || -> Result<Vec<Duration>> { processes.iter().map(|at| processor_time(at)).collect() };
    let before = times()?;
    sleep(WATCH);
    let after = times()?;
    let used = before.iter().zip(&after);
    Ok(used
        .map(|(before, after)| after.saturating_sub(*before).as_secs_f64())
        .map(|seconds| seconds / began.elapsed().as_secs_f64() * 100.0)
        .collect())
}

/// `dockerd` at this address, and the `containerd` that it started.
fn engine_processes(host: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut daemon = None;
    for process in fs::read_dir("/proc")?.flatten() {
        let at = process.path();
        let name = fs::read_to_string(at.join("comm")).unwrap_or_default();
        let arguments = fs::read(at.join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        match name.trim() {
            "dockerd" if arguments.contains(host) || daemon.is_none() => daemon = Some(at),
            "containerd" => found.push(at),
            _ => {}
        }
    }
    let Some(daemon) = daemon else {
        bail!("the engine at {host} is no process of this machine");
    };
    let own = daemon
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    found.retain(|at| {
        let status = fs::read_to_string(at.join("status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        parent.is_some_and(|parent| parent.trim() == own)
    });
    found.push(daemon);
    Ok(found)
}

/// Debian's `docker-compose`.
struct Peer<'a> {
    bed: &'a Bed<'a>,
    host: &'a str,
    file: PathBuf,
    project: String,
}

impl<'a> Peer<'a> {
    fn new(bed: &'a Bed<'a>, host: &'a str, file: &Path) -> Self {
        Self {
            bed,
            host,
            file: file.to_owned(),
            project: format!("nasikobenchpeer{}", std::process::id()),
        }
    }

    fn pass(&self, times: &mut Times) -> Result<()> {
        times.up.push(self.timed(&["up", "--detach"])?);
        self.check()?;
        sleep(BREATH);
        times.again.push(self.timed(&["up", "--detach"])?);
        times.down.push(self.timed(&["down"])?);
        Ok(())
    }

    /// What is compared is the same.
    fn check(&self) -> Result<()> {
        let filter = format!("label=com.docker.compose.project={}", self.project);
        let mut list = crate::engine::docker(self.bed.places, self.host);
        let running = capture(list.args(["ps", "--quiet", "--filter", &filter]), LIMIT)?;
        if running.lines().count() != SERVICES {
            bail!("docker-compose brought up {}", running.lines().count());
        }
        Ok(())
    }

    fn timed(&self, words: &[&str]) -> Result<f64> {
        let mut compose = command(self.bed.places, "docker-compose");
        compose
            .env("DOCKER_HOST", self.host)
            .args(["--project-name", &self.project, "--file"])
            .arg(&self.file)
            .args(words);
        let began = Instant::now();
        finish(&mut compose)?;
        Ok(ms(began.elapsed()))
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        // Also what a pass that failed left behind.
        drop(self.timed(&["down", "--volumes"]));
    }
}
