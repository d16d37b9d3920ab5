//! `cargo xtask run`: from a fresh checkout to a conversation with an agent.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::build;
use crate::command::{capture, clean_up, command, eventually, run as talk};
use crate::daemon::Daemon;
use crate::places::{Places, Scratch};
use crate::report::{self, Step};
use crate::setup::{self, Purpose};
use crate::ui;

const AGENT: &str = "greeter";
const QUESTION: &str = "Hello! My name is Ada. What can you do?";
/// A first start of the resident on a busy machine.
const START: Duration = Duration::from_mins(1);
/// From a folder to an answer, environment included.
const DEPLOY: Duration = Duration::from_mins(5);

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

    // Only a run of its own may use any port; people expect the usual ones.
    let scratch = if options.once && options.home.is_none() {
        Some(Scratch::new("home")?)
    } else {
        None
    };
    let home = options
        .home
        .or_else(|| scratch.as_ref().map(|Scratch(dir)| dir.clone()));
    let product = Product {
        places,
        profile: if options.release { "release" } else { "debug" },
        home,
        once: options.once,
    };

    let step = Step::begin(if window {
        "opening the window"
    } else {
        "starting headless"
    });
    let mut resident = product.start(window)?;
    step.done();
    let shown = product.converse();
    if options.once {
        let step = Step::begin("stopping what was started");
        clean_up();
        product.stop();
        drop(resident);
        step.done();
        return shown;
    }
    shown?;
    if window {
        report::note(
            "the window is open; closing it leaves the agents running, `nasiko down` ends them",
        );
    } else {
        report::note("Ctrl-C ends it");
    }
    resident.wait()
}

/// Whether a window can be seen.
fn display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// The built product, and where it keeps its state.
struct Product<'a> {
    places: &'a Places,
    profile: &'static str,
    home: Option<PathBuf>,
    once: bool,
}

impl Product<'_> {
    /// Starts the window, which brings the resident along, or the resident alone; waits until it serves.
    fn start(&self, window: bool) -> Result<Daemon> {
        let mut program = if window {
            self.program("nasiko-desktop")
        } else {
            let mut program = self.nasiko();
            program.args(["serve", "--no-tray"]);
            program
        };
        if self.once {
            for port in ["API", "GATEWAY", "ADMIN", "OTLP_GRPC", "OTLP_HTTP"] {
                program.env(format!("NASIKO_{port}_PORT"), "0");
            }
        }
        let name = if window { "nasiko-desktop" } else { "nasiko" };
        let log = self.places.logs().join(format!("{name}.log"));
        let mut daemon = Daemon::start(name, &mut program, &log)?;
        let mut address = None;
        daemon.until(START, |_| {
            address = self.status().ok();
            address.is_some()
        })?;
        report::note(&format!("web UI and API: {}", address.unwrap_or_default()));
        Ok(daemon)
    }

    /// The address of a running resident.
    fn status(&self) -> Result<String> {
        let said = capture(
            self.nasiko().args(["status", "--json"]),
            Duration::from_secs(10),
        )?;
        let status: Value = serde_json::from_str(&said)?;
        if status["running"] != Value::Bool(true) {
            bail!("not running");
        }
        Ok(status["api"]
            .as_str()
            .context("`nasiko status` names no address")?
            .to_owned())
    }

    /// One agent, one question, one answer, and how it came about.
    fn converse(&self) -> Result<()> {
        let step = Step::begin(format!("deploying examples/agents/{AGENT}"));
        let folder = self.places.root.join("examples/agents").join(AGENT);
        let said = capture(
            self.nasiko().arg("deploy").arg(folder).arg("--json"),
            DEPLOY,
        )?;
        let deployed: Value =
            serde_json::from_str(&said).context("`nasiko deploy --json` said something else")?;
        step.done();
        println!(
            "\nagent    {} {} at {}",
            AGENT,
            text(&deployed["version"]),
            text(&deployed["url"])
        );

        println!("question {QUESTION}");
        let said = capture(
            self.nasiko().args(["chat", AGENT, QUESTION, "--json"]),
            DEPLOY,
        )?;
        let answer: Value =
            serde_json::from_str(&said).context("`nasiko chat --json` said something else")?;
        println!("answer   {}\n", text(&answer["text"]));

        let trace = answer["trace"]
            .as_str()
            .context("the answer names no trace")?;
        // Spans arrive after the answer.
        let complete = || {
            capture(
                self.nasiko().args(["trace", trace]),
                Duration::from_secs(10),
            )
            .is_ok()
        };
        eventually(Duration::from_secs(10), complete).context("the trace did not arrive")?;
        talk(self.nasiko().args(["trace", trace]))?;
        println!();
        Ok(())
    }

    /// Ends agents and resident; what is gone already is fine.
    fn stop(&self) {
        for words in [&["rm", AGENT, "--yes"][..], &["down"][..]] {
            if let Err(error) = capture(self.nasiko().args(words), Duration::from_mins(1)) {
                report::note(&format!("{error:#}"));
            }
        }
    }

    fn nasiko(&self) -> Command {
        self.program("nasiko")
    }

    fn program(&self, name: &str) -> Command {
        let mut program = command(self.places, self.places.program(self.profile, name));
        program.stdin(Stdio::null());
        if let Some(home) = &self.home {
            program.env("NASIKO_HOME", home);
        }
        program
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
