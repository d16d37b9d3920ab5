//! `cargo xtask`: sets a machine up, builds, runs, tests and measures the workspace.
//!
//! Owns the developer's side of the house: packages, tools, the Docker engine and display that tests
//! need, and the rules that keep the code tidy. It drives the product through its command line and
//! HTTP API only and never links against a crate of it, so that it compiles first and in seconds.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to a terminal is what this program does"
)]

mod apt;
mod args;
mod bench;
mod build;
mod command;
mod daemon;
mod display;
mod engine;
mod environment;
mod images;
mod needs;
mod package;
mod places;
mod product;
mod report;
mod run;
mod setup;
mod targets;
mod test;
mod tidy;
mod tools;
mod ui;
mod wasm;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::places::Places;
use crate::setup::Purpose;

const HELP: &str = "\
Sets up, builds, runs, tests and measures Nasiko Desktop.

Usage: cargo xtask <command> [options]

  setup [--for run|package|test]
                             install what is missing (Debian as root or with sudo), elsewhere name it
  run [--once] [--headless] [--release] [--home DIR]
                             build, open the window (or serve, without a display), deploy the greeter
                             agent, ask it something, show the answer and its trace
      --once                 stop everything again and exit; uses a home of its own
      --headless             no window, even with a display
      --home DIR             keep state in DIR instead of the usual place
  test [--require-all] [FILTER...]
                             everything: formatting, tidy, UI, lints, tests on real parts, doc tests
      --require-all          a test that was skipped is a failure
      FILTER                 only tests whose name contains it; leaves the static checks out
  bench [NAME...]            measure the promised figures and print them beside their targets
  env COMMAND...             start what tests need (engine, images, display), run COMMAND in it, stop it all
  ui [--dev]                 build the web UI into ui/dist (--dev: quick and large)
  build [--release]          UI, command line and desktop window
  package [--dev] [--sign KEY --url URL]
                             what people install: .deb, .rpm and AppImage (elsewhere .dmg, installer)
      --dev                  of the quickly built programs, to look at the packaging itself
      --sign KEY --url URL   sign for updates, and describe them as published below URL
  tidy                       crate arrows, file sizes, headers, leftovers, links
  clean                      remove build output and caches that xtask made

State: build output and tools are kept in ~/.cache/nasiko (NASIKO_CACHE moves it), shared by all checkouts.
CARGO_TARGET_DIR is honoured when set.
";

fn main() -> ExitCode {
    if let Err(error) = command::watch_for_interrupt() {
        eprintln!("warning: Ctrl-C will not clean up: {error:#}");
    }
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if command::interrupted() => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<()> {
    let mut args = Args::new(std::env::args().skip(1));
    let wanted = args.command();
    if wanted.as_deref() != Some("env") && (args.flag("--help") || args.flag("-h")) {
        println!("{HELP}");
        return Ok(());
    }
    let places = Places::find()?;
    match wanted.as_deref() {
        None | Some("help") => println!("{HELP}"),
        Some("setup") => {
            let purpose = match args.value("--for")?.as_deref() {
                None | Some("run") => Purpose::Run,
                Some("package") => Purpose::Package,
                Some("test") => Purpose::Test,
                Some(other) => bail!("--for wants `run`, `package` or `test`, not `{other}`"),
            };
            args.finish()?;
            setup::setup(&places, purpose)?;
        }
        Some("ui") => {
            let profile = if args.flag("--dev") {
                ui::Profile::Dev
            } else {
                ui::Profile::Small
            };
            args.finish()?;
            ui::build(&places, profile)?;
        }
        Some("build") => {
            let release = args.flag("--release");
            args.finish()?;
            build::build(&places, release, true)?;
        }
        Some("run") => {
            let options = run::Options {
                once: args.flag("--once"),
                headless: args.flag("--headless"),
                release: args.flag("--release"),
                home: args.value("--home")?.map(Into::into),
            };
            args.finish()?;
            run::run(&places, options)?;
        }
        Some("test") => {
            let require_all = args.flag("--require-all");
            test::test(
                &places,
                &test::Options {
                    require_all,
                    filters: args.rest()?,
                },
            )?;
        }
        Some("bench") => bench::bench(&places, &args.rest()?)?,
        Some("env") => environment::run(&places, &args.words())?,
        Some("package") => {
            let programs = if args.flag("--dev") {
                package::Programs::Dev
            } else {
                package::Programs::Dist
            };
            let release = match (args.value("--sign")?, args.value("--url")?) {
                (Some(key), Some(url)) => Some(package::Release::new(key.into(), url)),
                (None, None) => None,
                _ => bail!("--sign and --url go together"),
            };
            args.finish()?;
            package::package(&places, programs, release.as_ref())?;
        }
        Some("tidy") => {
            args.finish()?;
            tidy::report(&places.root, true)?;
        }
        Some("clean") => {
            args.finish()?;
            places.clean()?;
        }
        Some(other) => bail!("no command `{other}`; `cargo xtask --help` lists them"),
    }
    Ok(())
}
