//! `cargo xtask test`: every check there is, in the order in which they are cheapest to fail.
//!
//! A failed check does not stop the others; only a build that fails does, since tests are made of it.

mod counts;
mod transcripts;

use std::time::Duration;

use anyhow::{Result, bail};
use parking_lot::Mutex;

use self::counts::Counts;
use crate::command::{answers, capture, cargo, interrupted, run, watched};
use crate::environment::{self, Environment};
use crate::places::Places;
use crate::report::{Step, human};
use crate::setup::{self, Purpose};
use crate::{package, tidy, ui};

/// How much, and how strictly.
pub(crate) struct Options {
    /// A skipped test is a failure.
    pub(crate) require_all: bool,
    /// Only tests whose name contains one of these; none: everything.
    pub(crate) filters: Vec<String>,
}

/// One line of the summary.
struct Outcome {
    name: &'static str,
    took: Duration,
    failure: Option<anyhow::Error>,
}

/// Runs everything. Ends with the counts as the last line.
pub(crate) fn test(places: &Places, options: &Options) -> Result<()> {
    let ready = setup::setup(places, Purpose::Test)?;
    let mut outcomes = Vec::new();
    let mut check = |name, work: &mut dyn FnMut() -> Result<()>| -> Result<bool> {
        let step = Step::begin(name);
        let failure = work().err();
        if let Some(error) = &failure {
            eprintln!("{error:#}");
        }
        let took = if failure.is_some() {
            step.failed()
        } else {
            step.done()
        };
        if interrupted() {
            bail!("interrupted");
        }
        let fine = failure.is_none();
        outcomes.push(Outcome {
            name,
            took,
            failure,
        });
        Ok(fine)
    };

    let everything = options.filters.is_empty();
    if everything {
        check("formatting", &mut || {
            run(cargo(places).args(["fmt", "--all", "--check", "--", "--files-with-diff"]))
        })?;
        check("lock file", &mut || lock_file(places))?;
        if answers(cargo(places).args(["deny", "--version"])) {
            // Advisories are left out: they take a database from outside.
            let rules = ["deny", "--offline", "check", "bans", "licenses", "sources"];
            check("dependencies", &mut || run(cargo(places).args(rules)))?;
        }
        check("tidy", &mut || tidy::report(&places.root, false))?;
    }
    let mut built = check("web UI", &mut || ui::build(places, ui::Profile::Small))?;
    if everything && answers(cargo(places).args(["clippy", "--version"])) {
        check("lints", &mut || {
            run(cargo(places).args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ]))
        })?;
    }
    built &= check("build", &mut || build(places, ready.nextest))?;

    if built && cfg!(target_os = "linux") {
        check("packages", &mut || package::pack_for_tests(places))?;
    }
    if everything && built {
        check("documents", &mut || transcripts::check(places))?;
    }

    let counts = Mutex::new(Counts::default());
    let mut skips = Vec::new();
    if built {
        let environment = environment::start(places)?;
        check("tests", &mut || {
            tests(places, options, ready.nextest, &environment, &counts)
        })?;
        if everything {
            check("doc tests", &mut || {
                doc_tests(places, &environment, &counts)
            })?;
        }
        skips = environment.skipped()?;
        let step = Step::begin("stopping what was started");
        drop(environment);
        step.done();
    }
    summary(&outcomes, &skips, counts.into_inner(), options)
}

/// A change of dependencies belongs into the same commit as its lock file.
fn lock_file(places: &Places) -> Result<()> {
    let metadata = ["metadata", "--locked", "--format-version", "1"];
    capture(cargo(places).args(metadata), Duration::from_mins(5)).map(drop)
}

fn build(places: &Places, nextest: bool) -> Result<()> {
    run(cargo(places).args(["build", "--workspace", "--bins"]))?;
    let compile: &[&str] = if nextest {
        &["nextest", "run", "--no-run"]
    } else {
        &["test", "--no-run"]
    };
    run(cargo(places)
        .args(compile)
        .args(["--workspace", "--all-targets"]))
}

fn tests(
    places: &Places,
    options: &Options,
    nextest: bool,
    environment: &Environment,
    counts: &Mutex<Counts>,
) -> Result<()> {
    let mut cargo = cargo(places);
    if nextest {
        cargo.args(["nextest", "run", "--workspace", "--no-tests=fail"]);
        if options.require_all || std::env::var_os("CI").is_some() {
            cargo.args(["--profile", "ci"]);
        }
        cargo.args(&options.filters);
    } else {
        // libtest takes several filters after `--` only.
        cargo
            .args([
                "test",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
                "--no-fail-fast",
                "--",
            ])
            .args(&options.filters);
    }
    environment.apply(&mut cargo);
    succeed(watched(&mut cargo, &|line| counts.lock().read(line))?)
}

fn doc_tests(places: &Places, environment: &Environment, counts: &Mutex<Counts>) -> Result<()> {
    let mut cargo = cargo(places);
    cargo.args(["test", "--doc", "--workspace"]);
    environment.apply(&mut cargo);
    succeed(watched(&mut cargo, &|line| counts.lock().read(line))?)
}

fn succeed(status: std::process::ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("ended with {status}");
    }
    Ok(())
}

fn summary(
    outcomes: &[Outcome],
    skips: &[String],
    counts: Counts,
    options: &Options,
) -> Result<()> {
    println!("\nSummary");
    for outcome in outcomes {
        let result = if outcome.failure.is_some() {
            "FAILED"
        } else {
            "ok"
        };
        println!(
            "  {:<12} {result:<7} {:>14}",
            outcome.name,
            human(outcome.took)
        );
    }
    if !skips.is_empty() {
        println!("Skipped, because this machine lacks something:");
        for skip in skips {
            println!("  {skip}");
        }
    }
    // What runners call skipped was left out by a filter, or is a test's own child; tidy knows no other reason.
    let skipped = skips.len() as u64;
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_some())
        .map(|o| o.name)
        .collect();
    let passed = counts.passed.saturating_sub(skipped);
    println!(
        "{passed} passed, {} failed, {skipped} skipped",
        counts.failed
    );
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    if options.require_all && skipped > 0 {
        bail!("{skipped} tests were skipped, and --require-all was given");
    }
    Ok(())
}
