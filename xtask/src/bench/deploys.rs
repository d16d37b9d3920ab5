//! How long a folder takes to become an answer: new, unchanged, and against Docker by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::numbers::{Figure, median, ms, spread};
use super::{Bed, probe};
use crate::command::capture;
use crate::engine::docker;
use crate::product::{Product, text};

const LIMIT: Duration = Duration::from_mins(5);

/// `greeter`, never seen before, as a process, until its first answer.
pub(super) fn first_answer(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    const RUNS: usize = 10;
    let product = bed.product("first-answer");
    let resident = product.serve()?;
    // What is made once per machine, such as the environment of a Python without requirements, is not the folder's.
    deploy(bed, &product, "process", "warm-up")?;
    let times = (0..RUNS)
        .map(|at| deploy(bed, &product, "process", &format!("first-{at}")))
        .collect::<Result<Vec<f64>>>()?;
    drop(resident);
    let note = format!(
        "{} ms over {RUNS} new agents, `nasiko deploy` and one request",
        spread(&times)
    );
    Ok(vec![
        Figure::new("process: folder to first answer", median(&times), "ms")
            .at_most(700.0)
            .note(note),
    ])
}

/// The same folder once more.
pub(super) fn redeploy(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    const RUNS: usize = 15;
    let product = bed.product("redeploy");
    let resident = product.serve()?;
    let mut figures = Vec::new();
    let runtimes: &[&str] = if bed.docker_host.is_some() {
        &["process", "docker"]
    } else {
        &["process"]
    };
    for runtime in runtimes {
        let folder = greeter(bed, &format!("same-{runtime}"))?;
        let name = format!("same-{runtime}");
        let words = [
            "deploy",
            &folder.to_string_lossy(),
            "--name",
            &name,
            "--runtime",
            runtime,
        ];
        product.ask(&words)?;
        let (mut whole, mut inside) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let began = Instant::now();
            let answer = product.ask(&words)?;
            whole.push(ms(began.elapsed()));
            inside.push(answer["seconds"]["total"].as_f64().unwrap_or(f64::NAN) * 1e3);
        }
        product.ask(&["rm", &name, "--yes"])?;
        let note = format!(
            "{} ms; of it {:.1} ms inside the control plane",
            spread(&whole),
            median(&inside)
        );
        figures.push(
            Figure::new(
                format!("{runtime}: unchanged redeploy"),
                median(&whole),
                "ms",
            )
            .at_most(50.0)
            .note(note),
        );
    }
    drop(resident);
    Ok(figures)
}

/// A small agent's first deploy on Docker beside `docker build && docker run`, taking turns.
pub(super) fn first_docker(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    const PAIRS: usize = 6;
    let Some(host) = bed.docker_host.clone() else {
        return Ok(Vec::new());
    };
    let product = bed.product("docker");
    let resident = product.serve()?;
    let ours = |at: usize| deploy(bed, &product, "docker", &format!("ours-{at}"));
    let by_hand = |at: usize| by_hand(bed, &host, &format!("nasiko-bench-hand-{at}"));
    // Layers that every build shares are there afterwards, for both.
    by_hand(PAIRS)?;
    let (mut our_times, mut hand_times) = (Vec::new(), Vec::new());
    for at in 0..PAIRS {
        let (ours, hand) = if at % 2 == 0 {
            let ours = ours(at)?;
            (ours, by_hand(at)?)
        } else {
            let hand = by_hand(at)?;
            (ours(at)?, hand)
        };
        our_times.push(ours);
        hand_times.push(hand);
    }
    drop(resident);
    let ratios: Vec<f64> = our_times
        .iter()
        .zip(&hand_times)
        .map(|(ours, hand)| ours / hand)
        .collect();
    let note = format!(
        "{} over {PAIRS} pairs; {:.0} ms against {:.0} ms by hand",
        spread(&ratios),
        median(&our_times),
        median(&hand_times)
    );
    Ok(vec![
        Figure::new("Docker: first deploy against by hand", median(&ratios), "x")
            .at_most(1.15)
            .note(note),
    ])
}

/// Deploys a folder of new content and asks it something; removes it. Milliseconds until the answer.
fn deploy(bed: &Bed<'_>, product: &Product<'_>, runtime: &str, name: &str) -> Result<f64> {
    let folder = greeter(bed, name)?;
    let began = Instant::now();
    let deployed = product.ask(&[
        "deploy",
        &folder.to_string_lossy(),
        "--name",
        name,
        "--runtime",
        runtime,
    ])?;
    probe::first_answer(&probe::client(), text(&deployed, "url")?)?;
    let took = ms(began.elapsed());
    product.ask(&["rm", name, "--yes"])?;
    Ok(took)
}

/// What a person types who has no control plane.
fn by_hand(bed: &Bed<'_>, host: &str, name: &str) -> Result<f64> {
    let folder = greeter(bed, name)?;
    let port = probe::free_port()?;
    // The builder that every engine has; the other one needs a plugin.
    let docker = || {
        let mut docker = docker(bed.places, host);
        docker.env("DOCKER_BUILDKIT", "0");
        docker
    };
    let began = Instant::now();
    capture(
        docker()
            .args(["build", "--quiet", "--tag", name])
            .arg(&folder),
        LIMIT,
    )?;
    let publish = format!("127.0.0.1:{port}:8000");
    let started = capture(
        docker().args([
            "run",
            "--detach",
            "--name",
            name,
            "--publish",
            &publish,
            name,
        ]),
        LIMIT,
    );
    let answered = started
        .and_then(|_| probe::first_answer(&probe::client(), &format!("http://127.0.0.1:{port}/")));
    let took = ms(began.elapsed());
    capture(docker().args(["rm", "--force", name]), LIMIT)?;
    capture(docker().args(["rmi", name]), LIMIT)?;
    answered.map(|()| took)
}

/// A copy of the greeter whose content nobody has seen.
fn greeter(bed: &Bed<'_>, name: &str) -> Result<PathBuf> {
    let from = bed.places.root.join("examples/agents/greeter");
    let to = bed.scratch.0.join("folders").join(name);
    fs::create_dir_all(&to)?;
    for file in ["AgentCard.json", "Dockerfile", "main.py"] {
        copy(&from.join(file), &to.join(file))?;
    }
    let main = to.join("main.py");
    let text = fs::read_to_string(&main)?;
    fs::write(&main, format!("{text}\n# {name} {}\n", std::process::id()))?;
    Ok(to)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {}", from.display()))
}
