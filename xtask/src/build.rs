//! Builds what people run.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::places::Places;
use crate::report::Step;
use crate::setup::{self, Purpose};
use crate::ui;

/// The web UI, then the command line, and the desktop window where `window` asks for it.
pub(crate) fn build(places: &Places, release: bool, window: bool) -> Result<()> {
    setup::setup(places, Purpose::Run)?;
    ui::build(places, ui::Profile::Small)?;
    programs(places, release, window)
}

/// The programs alone.
pub(crate) fn programs(places: &Places, release: bool, window: bool) -> Result<()> {
    let step = Step::begin(if window {
        "building nasiko and its window"
    } else {
        "building nasiko"
    });
    let mut cargo = cargo(places);
    cargo.args(["build", "--package", "nasiko-cli"]);
    if window {
        cargo.args(["--package", "nasiko-desktop"]);
    }
    if release {
        cargo.arg("--release");
    }
    run(&mut cargo)?;
    step.done();
    Ok(())
}
