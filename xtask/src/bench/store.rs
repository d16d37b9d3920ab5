//! Steps of jobs' lives per second: the embedded store, and MongoDB with Redis.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::numbers::{Figure, median, spread};
use super::{Bed, probe};
use crate::command::{capture, cargo, command};
use crate::daemon::Daemon;
use crate::places::program_on_path;
use crate::report::warn;
use crate::tools;

const RUNS: usize = 3;
const SECONDS: &str = "5";
const LIMIT: Duration = Duration::from_mins(2);
/// Compiling the program that measures.
const COMPILING: Duration = Duration::from_mins(25);
const LISTENING: Duration = Duration::from_secs(30);

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let mut build = cargo(bed.places);
    build.args([
        "build",
        "--release",
        "-p",
        "nasiko-store",
        "--example",
        "job_transitions",
    ]);
    capture(&mut build, COMPILING)?;
    let program = bed.places.target.join("release/examples/job_transitions");

    let mut figures = vec![figure("job transitions, SQLite", 20_000.0, || {
        let directory = fresh_directory(&bed.scratch.0)?;
        rate(bed, &program, &["sqlite".to_owned(), directory])
    })?];
    match (
        tools::mongo_server(bed.places),
        program_on_path("redis-server"),
    ) {
        (Some(mongo), Some(redis)) => {
            figures.push(figure(
                "job transitions, MongoDB and Redis",
                2_000.0,
                || {
                    let servers = Servers::start(bed, &mongo, &redis)?;
                    rate(bed, &program, &servers.addresses())
                },
            )?);
        }
        _ => warn("no figure with MongoDB and Redis: their servers are not here"),
    }
    Ok(figures)
}

fn figure(name: &str, target: f64, mut run: impl FnMut() -> Result<f64>) -> Result<Figure> {
    let rates = (0..RUNS).map(|_| run()).collect::<Result<Vec<f64>>>()?;
    let note = format!("{} /s over {RUNS} runs of {SECONDS} s", spread(&rates));
    Ok(Figure::new(name, median(&rates), "/s")
        .at_least(target)
        .note(note))
}

fn rate(bed: &Bed<'_>, program: &Path, store: &[String]) -> Result<f64> {
    let said = capture(command(bed.places, program).arg(SECONDS).args(store), LIMIT)?;
    let rate = said
        .split_whitespace()
        .next()
        .context("it told no figure")?;
    Ok(rate.parse()?)
}

/// A fresh directory of its own for each run.
fn fresh_directory(scratch: &Path) -> Result<String> {
    for number in 0..=2 * RUNS {
        let directory = scratch.join(format!("store-{number}"));
        if std::fs::create_dir(&directory).is_ok() {
            return Ok(directory.display().to_string());
        }
    }
    bail!("no directory could be made in {}", scratch.display())
}

/// Both servers on free ports, ended when dropped.
struct Servers {
    mongo_port: u16,
    redis_port: u16,
    _running: [Daemon; 2],
}

impl Servers {
    fn start(bed: &Bed<'_>, mongo: &Path, redis: &Path) -> Result<Self> {
        let (mongo_port, redis_port) = (probe::free_port()?, probe::free_port()?);
        let directory = fresh_directory(&bed.scratch.0)?;
        let start = |name: &str, mut server: Command, port: u16| -> Result<Daemon> {
            let log = bed.places.logs().join(format!("{name}.log"));
            let mut daemon = Daemon::start(name, &mut server, &log)?;
            let listens = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
            daemon.until(LISTENING, |_| listens())?;
            Ok(daemon)
        };
        let mut mongo = command(bed.places, mongo);
        mongo.args(["--log-level", "ERROR", "--port", &mongo_port.to_string()]);
        mongo.args(["--storage-path", &directory]);
        let mut redis = command(bed.places, redis);
        redis.args(["--bind", "127.0.0.1", "--save", "", "--dir", &directory]);
        redis.args(["--port", &redis_port.to_string()]);
        Ok(Self {
            mongo_port,
            redis_port,
            _running: [
                start("mongodb", mongo, mongo_port)?,
                start("redis", redis, redis_port)?,
            ],
        })
    }

    fn addresses(&self) -> Vec<String> {
        vec![
            format!("mongodb://127.0.0.1:{}/nasiko", self.mongo_port),
            format!("redis://127.0.0.1:{}", self.redis_port),
        ]
    }
}
