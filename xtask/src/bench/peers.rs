//! What others take from a save to its answer, in the same run and over the same sources.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::live::Subject;
use super::numbers::{Figure, median, spread};
use super::{Bed, probe};
use crate::command::{answers, capture, command, eventually};
use crate::daemon::Daemon;
use crate::report::warn;
use crate::tools;

const LIMIT: Duration = Duration::from_mins(5);
const COMPOSE_EDITS: u32 = 6;
const RELOAD_EDITS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// `docker-compose up --build` after each save, as people do by hand and as watch modes do for them.
pub(super) fn compose(bed: &Bed<'_>, host: &str, ours: f64) -> Result<Vec<Figure>> {
    if !answers(command(bed.places, "docker-compose").arg("version")) {
        warn("docker-compose is not installed: no comparison with it");
        return Ok(Vec::new());
    }
    let subject = Subject::greeter(bed, "compose")?;
    let port = probe::free_port()?;
    let file = subject.folder.join("docker-compose.yml");
    let project = format!("nasikobench{}", std::process::id());
    fs::write(
        &file,
        format!(
            "version: '2.4'\nservices:\n  greeter:\n    build: .\n    ports: ['127.0.0.1:{port}:8000']\n"
        ),
    )?;
    let compose = |words: &[&str]| {
        let mut compose = command(bed.places, "docker-compose");
        compose
            .env("DOCKER_HOST", host)
            .env("DOCKER_BUILDKIT", "0")
            .args(["--project-name", &project, "--file"])
            .arg(&file)
            .args(words);
        capture(&mut compose, LIMIT).map(drop)
    };
    let url = format!("http://127.0.0.1:{port}/");
    let client = probe::client();
    let up = || compose(&["up", "--detach", "--build", "--timeout", "5"]);
    let times = up()
        .and_then(|()| probe::first_answer(&client, &url))
        .and_then(|()| subject.edit(&client, &url, COMPOSE_EDITS, PAUSE, up));
    compose(&["down", "--rmi", "all", "--timeout", "1"])?;
    let figure = compared("docker-compose up --build", &times?, ours, 5.0);
    Ok(vec![figure])
}

/// `uvicorn --reload` with the watcher it recommends.
pub(super) fn uvicorn(bed: &Bed<'_>, ours: f64) -> Result<Vec<Figure>> {
    let subject = Subject::echo(bed, "reload")?;
    let requirements = subject.folder.join("requirements.txt");
    let python = tools::python_with(bed.places, "bench-reload", &requirements, "watchfiles")?;
    let port = probe::free_port()?;
    let mut server = command(bed.places, &python);
    server
        .current_dir(&subject.folder)
        .env("PORT", port.to_string())
        .args([
            "-m",
            "uvicorn",
            "main:app",
            "--factory",
            "--reload",
            "--port",
        ])
        .arg(port.to_string());
    let _server = Daemon::start("uvicorn", &mut server, &log(bed))?;
    let url = format!("http://127.0.0.1:{port}/");
    let client = probe::client();
    eventually(LIMIT, || probe::says(&client, &url, "result"))?;
    let times = subject.edit(&client, &url, RELOAD_EDITS, PAUSE, || Ok(()))?;
    Ok(vec![compared("uvicorn --reload", &times, ours, 2.0)])
}

fn log(bed: &Bed<'_>) -> std::path::PathBuf {
    Path::new(&bed.places.logs()).join("uvicorn.log")
}

/// How many times longer the other takes; `at_least` is promised.
fn compared(other: &str, times: &[f64], ours: f64, at_least: f64) -> Figure {
    let theirs = median(times);
    let note = format!(
        "theirs: {theirs:.0} ms ({} over {} saves); ours: {ours:.0} ms",
        spread(times),
        times.len()
    );
    let name = format!("save to answer, times quicker than {other}");
    Figure::new(name, theirs / ours, "x")
        .at_least(at_least)
        .note(note)
}
