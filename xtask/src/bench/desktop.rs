//! The window and the tray as packages bring them: how soon something can be used, and what they take.

mod browser;
mod filled;
mod page;
mod screen;
mod scripts;
mod tree;

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use self::screen::Screen;
use super::Bed;
use super::idle::proportional_megabytes;
use super::numbers::{Figure, median, ms, spread};
use crate::command::capture;
use crate::daemon::Daemon;
use crate::display::{self, Display};
use crate::package;
use crate::product::Product;
use crate::report::warn;

const RUNS: usize = 7;
/// A start on a machine that reads every page from its disk.
const LIMIT: Duration = Duration::from_secs(60);
/// The libraries that draw where there is no graphics card, as their file names begin.
const SOFTWARE_DRAWING: [&str; 2] = ["libLLVM", "swrast"];
/// After this, what follows a start is over, and threads that only that took have ended: their counts go with them.
const SETTLE: Duration = Duration::from_secs(20);
const WATCH: Duration = Duration::from_secs(20);
/// Finer than what is measured by two orders.
const GLANCE: Duration = Duration::from_millis(3);

pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let display = display::start(bed.places, &bed.scratch.0)?;
    let mut figures = sizes(bed)?;
    figures.extend(starts(bed, &display)?);
    figures.push(window_memory(bed, &display)?);
    figures.extend(tray(bed, &display)?);
    figures.extend(page::measure(bed)?);
    Ok(figures)
}

fn sizes(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let mut figures = vec![
        Figure::new(
            "package: installed",
            package::installed(bed.places)? as f64 / 1e6,
            "MB",
        )
        .at_most(25.0),
    ];
    for file in fs::read_dir(package::out(bed.places, package::Programs::Dist))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        let megabytes = file.metadata()?.len() as f64 / 1e6;
        figures.push(Figure::new(format!("package: {name}"), megabytes, "MB"));
    }
    let module = bed.places.root.join("ui/dist/app/nasiko_ui_bg.wasm.br");
    let kilobytes = fs::metadata(module)?.len() as f64 / 1e3;
    figures.push(Figure::new("pages: WebAssembly, compressed", kilobytes, "KB").at_most(900.0));
    Ok(figures)
}

/// From the start of the window's program to a screen with more than its ground on it.
fn starts(bed: &Bed<'_>, display: &Display) -> Result<Vec<Figure>> {
    let product = bed.packaged("window");
    // The first makes the files of the data directory and of the webview.
    launch(bed, &product, display)?;
    product
        .nasiko()
        .arg("down")
        .stdout(Stdio::null())
        .status()?;
    let mut white = 0;
    let mut times = |before: &dyn Fn() -> Result<()>| -> Result<Vec<f64>> {
        (0..RUNS)
            .map(|_| {
                before()?;
                let launched = launch(bed, &product, display)?;
                white += usize::from(launched.was_white);
                Ok(ms(launched.took))
            })
            .collect()
    };
    let down = || {
        // Nothing runs the first time.
        product
            .nasiko()
            .arg("down")
            .stdout(Stdio::null())
            .status()?;
        Ok(())
    };
    let warm = times(&down)?;
    let reopened = times(&|| Ok(()))?;
    let cold = times(&|| {
        down()?;
        forget_files()
    });
    down()?;
    let over = |times: &[f64]| format!("{} ms over {RUNS} starts", spread(times));
    let mut figures = vec![
        Figure::new("window: start to content, warm", median(&warm), "ms")
            .at_most(400.0)
            .note(format!("{}; the resident starts with it", over(&warm))),
        Figure::new("window: opened again to content", median(&reopened), "ms")
            .at_most(400.0)
            .note(format!("{}; the resident runs", over(&reopened))),
    ];
    match cold {
        Ok(cold) => figures.push(
            Figure::new("window: start to content, cold", median(&cold), "ms")
                .at_most(700.0)
                .note(format!("{}; the system's file cache emptied", over(&cold))),
        ),
        Err(error) => warn(&format!("no figure for a cold start: {error:#}")),
    }
    let white = f64::from(u32::try_from(white)?);
    figures.push(Figure::new("window: white frames seen", white, "").at_most(0.0));
    Ok(figures)
}

struct Launched {
    took: Duration,
    was_white: bool,
}

fn launch(bed: &Bed<'_>, product: &Product<'_>, display: &Display) -> Result<Launched> {
    let screen = Screen::new(&display.screen)?;
    let mut program = product.program("nasiko-desktop");
    program.envs(display.env.iter().cloned());
    let log = bed.places.logs().join("nasiko-desktop.log");
    let began = Instant::now();
    let window = Daemon::start("nasiko-desktop", &mut program, &log)?;
    let mut was_white = false;
    loop {
        let frame = screen.look()?;
        if frame.has_content() {
            break;
        }
        was_white |= frame.is_white();
        if began.elapsed() > LIMIT {
            anyhow::bail!("the window showed nothing:\n{}", window.output());
        }
        sleep(GLANCE);
    }
    let took = began.elapsed();
    // What it keeps of its page is written a moment after that changed.
    sleep(Duration::from_millis(500));
    drop(window);
    while screen.look()?.has_content() {
        sleep(GLANCE);
    }
    Ok(Launched { took, was_white })
}

/// Lets the next start read everything from the disk.
fn forget_files() -> Result<()> {
    capture(&mut std::process::Command::new("sync"), LIMIT)?;
    fs::write("/proc/sys/vm/drop_caches", "3").context("only root may empty the file cache")
}

/// Of all processes of the window, with the first page open.
fn window_memory(bed: &Bed<'_>, display: &Display) -> Result<Figure> {
    let product = bed.packaged("window-memory");
    let resident = product.serve()?;
    let window = window(bed, &product, display)?;
    sleep(SETTLE);
    let megabytes = megabytes_below(window.id())?;
    let drawing = tree::mapped_megabytes(&tree::below(window.id())?, &SOFTWARE_DRAWING);
    drop(window);
    drop(resident);
    Ok(
        Figure::new("window: memory of all its processes (PSS)", megabytes, "MB")
            .at_most(220.0)
            .note(format!(
                "{drawing:.1} MB of it draw by software, which a graphics card does elsewhere"
            )),
    )
}

/// A window that has drawn its page.
pub(super) fn window(bed: &Bed<'_>, product: &Product<'_>, display: &Display) -> Result<Daemon> {
    let screen = Screen::new(&display.screen)?;
    let mut program = product.program("nasiko-desktop");
    program.envs(display.env.iter().cloned());
    let log = bed.places.logs().join("nasiko-desktop.log");
    let mut window = Daemon::start("nasiko-desktop", &mut program, &log)?;
    window.until(LIMIT, |_| {
        screen.look().is_ok_and(|frame| frame.has_content())
    })?;
    Ok(window)
}

/// The memory of a process and all that it started (PSS).
pub(super) fn megabytes_below(pid: u32) -> Result<f64> {
    let processes = tree::below(pid)?;
    Ok(processes
        .iter()
        .filter_map(|process| proportional_megabytes(process).ok())
        .sum())
}

/// What stays when the window is closed: the resident, with its tray on a session bus.
fn tray(bed: &Bed<'_>, display: &Display) -> Result<Vec<Figure>> {
    let product = bed.packaged("tray");
    let mut serve = product.nasiko();
    serve.arg("serve").envs(display.env.iter().cloned());
    let log = bed.places.logs().join("nasiko.log");
    let mut resident = Daemon::start("nasiko", &mut serve, &log)?;
    resident.until(LIMIT, |_| product.status().is_ok())?;
    sleep(SETTLE);
    let processes = tree::below(resident.id())?;
    let counts = || {
        (
            tree::of_threads(&processes, tree::processor_seconds),
            tree::of_threads(&processes, tree::wake_ups),
        )
    };
    let (began, before) = (Instant::now(), counts());
    sleep(WATCH);
    let (seconds, after) = (began.elapsed().as_secs_f64(), counts());
    let used = tree::growth(&before.0, &after.0);
    let woken = tree::growth(&before.1, &after.1);
    let memory = megabytes_below(resident.id())?;
    drop(resident);
    Ok(vec![
        Figure::new("in the tray: memory (PSS)", memory, "MB").at_most(30.0),
        Figure::new("in the tray: processor", used / seconds * 100.0, "%").at_most(0.1),
        Figure::new("in the tray: wake-ups", woken / seconds, "/s").at_most(1.0),
    ])
}
