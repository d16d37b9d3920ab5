//! What the resident uses while nothing happens, alone and with twenty agents.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Bed;
use super::numbers::Figure;
use crate::product::Product;

const AGENTS: usize = 20;
/// After this, what follows a start or a deploy is over.
const SETTLE: Duration = Duration::from_secs(10);
const WATCH: Duration = Duration::from_secs(20);

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let product = bed.product("idle");
    let resident = product.serve()?;
    let mut figures = observe(&product, 0)?;
    let folder = bed.places.root.join("examples/agents/greeter");
    for at in 0..AGENTS {
        let name = format!("idle-{at}");
        product.ask(&[
            "deploy",
            &folder.to_string_lossy(),
            "--name",
            &name,
            "--runtime",
            "process",
        ])?;
    }
    let observed = observe(&product, AGENTS);
    for at in 0..AGENTS {
        product.ask(&["rm", &format!("idle-{at}"), "--yes"])?;
    }
    drop(resident);
    figures.extend(observed?);
    Ok(figures)
}

fn observe(product: &Product<'_>, agents: usize) -> Result<Vec<Figure>> {
    let Idle {
        percent,
        megabytes,
        used,
    } = observe_process(product)?;
    Ok(vec![
        Figure::new(
            format!("idle, {agents} agents: memory (PSS)"),
            megabytes,
            "MB",
        )
        .at_most(30.0),
        Figure::new(format!("idle, {agents} agents: processor"), percent, "%")
            .at_most(0.1)
            .note(format!(
                "{:.1} ms of one core in {} s",
                used.as_secs_f64() * 1e3,
                WATCH.as_secs()
            )),
    ])
}

/// What the resident uses while it is left alone.
pub(super) struct Idle {
    /// Of one core.
    pub(super) percent: f64,
    /// Proportional set size.
    pub(super) megabytes: f64,
    used: Duration,
}

pub(super) fn observe_process(product: &Product<'_>) -> Result<Idle> {
    let pid = product.status()?["pid"]
        .as_u64()
        .context("`nasiko status` names no process")?;
    let process = Path::new("/proc").join(pid.to_string());
    sleep(SETTLE);
    let began = Instant::now();
    let before = processor_time(&process)?;
    sleep(WATCH);
    let used = processor_time(&process)?.saturating_sub(before);
    Ok(Idle {
        percent: used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0,
        megabytes: proportional_megabytes(&process)?,
        used,
    })
}

/// Time on a processor, of all threads.
pub(super) fn processor_time(process: &Path) -> Result<Duration> {
    let mut total = 0;
    for task in fs::read_dir(process.join("task"))? {
        // A thread that ended meanwhile counts no more, and an idle process ends few.
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        total += text
            .split(' ')
            .next()
            .and_then(|ns| ns.parse::<u64>().ok())
            .unwrap_or(0);
    }
    Ok(Duration::from_nanos(total))
}

/// Proportional set size.
pub(super) fn proportional_megabytes(process: &Path) -> Result<f64> {
    let text = fs::read_to_string(process.join("smaps_rollup"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .context("no Pss in smaps_rollup")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}
