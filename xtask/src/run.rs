//! `cargo xtask run`: from a fresh checkout to a conversation with an agent.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::build;
use crate::command::{capture, clean_up, eventually, run as talk};
use crate::places::{Places, Scratch};
use crate::product::{Product, text};
use crate::report::{self, Step};
use crate::setup::{self, Purpose};
use crate::ui;

const AGENT: &str = "greeter";
const QUESTION: &str = "Hello! My name is Ada. What can you do?";

/// What was asked for.
pub(crate) struct Options {
    pub(crate) once: bool,
    pub(crate) headless: bool,
    pub(crate) release: bool,
    pub(crate) home: Option<PathBuf>,
}

/// Builds, starts, deploys, asks; with `once` stops again, else stays until the window is closed or Ctrl-C.
pub(crate) fn run(places: &Places, options: Options) -> Result<()> {
    let window = !options.headless && display();
    setup::setup(places, Purpose::Run)?;
    ui::build(places, ui::Profile::Small)?;
    build::programs(places, options.release, window)?;

    // A run that leaves nothing behind must not meet the state or the ports of one that stays.
    let scratch = if options.once && options.home.is_none() {
        Some(Scratch::new("home")?)
    } else {
        None
    };
    let product = Product {
        places,
        profile: if options.release { "release" } else { "debug" },
        home: options
            .home
            .or_else(|| scratch.as_ref().map(|Scratch(dir)| dir.clone())),
        any_ports: options.once,
        docker_host: None,
        network: None,
    };

    let step = Step::begin(if window {
        "opening the window"
    } else {
        "starting headless"
    });
    let mut running = if window {
        product.open()
    } else {
        product.serve()
    }?;
    step.done();
    let shown = converse(&product);
    if options.once {
        let step = Step::begin("stopping what was started");
        clean_up();
        stop(&product);
        drop(running);
        step.done();
        return shown;
    }
    shown?;
    report::note(if window {
        "the window is open; closing it leaves the agents running, `nasiko down` ends them"
    } else {
        "Ctrl-C ends it"
    });
    running.wait()
}

/// Whether a window can be seen.
fn display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// One agent, one question, one answer, and how it came about.
fn converse(product: &Product<'_>) -> Result<()> {
    println!("\naddress  {}", text(&product.status()?, "api")?);
    let folder = product.places.root.join("examples/agents").join(AGENT);
    let step = Step::begin(format!("deploying examples/agents/{AGENT}"));
    let deployed = product.ask(&["deploy", &folder.to_string_lossy()])?;
    step.done();
    println!(
        "agent    {} {} at {}",
        AGENT,
        text(&deployed, "version")?,
        text(&deployed, "url")?
    );

    println!("question {QUESTION}");
    let answer = product.ask(&["chat", AGENT, QUESTION])?;
    println!("answer   {}\n", text(&answer, "text")?);

    let trace = text(&answer, "trace")?;
    // Spans arrive after the answer.
    let arrived = || {
        capture(
            product.nasiko().args(["trace", trace]),
            Duration::from_secs(10),
        )
        .is_ok()
    };
    eventually(Duration::from_secs(10), arrived).context("the trace did not arrive")?;
    talk(product.nasiko().args(["trace", trace]))?;
    println!();
    Ok(())
}

/// Ends agent and resident; what is gone already is fine.
fn stop(product: &Product<'_>) {
    for words in [&["rm", AGENT, "--yes"][..], &["down"][..]] {
        if let Err(error) = capture(product.nasiko().args(words), Duration::from_mins(1)) {
            report::note(&format!("{error:#}"));
        }
    }
}
