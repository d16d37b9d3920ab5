//! Makes a machine ready. Everything is looked at first; only what is missing is installed, so a second run is quick.

use anyhow::{Result, bail};

use crate::places::Places;
use crate::report::{self, Step};
use crate::{apt, needs, tools, wasm};

/// What the machine is to be ready for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building and running the product.
    Run,
    /// Testing it, too: engine, display, browser, drivers, servers.
    Test,
}

/// What setting up could not promise beforehand.
pub(crate) struct Ready {
    /// Whether `cargo nextest` is there; `cargo test` is used otherwise.
    pub(crate) nextest: bool,
}

/// Makes the machine ready for `purpose`.
pub(crate) fn setup(places: &Places, purpose: Purpose) -> Result<Ready> {
    let step = Step::begin("setting up");
    packages(places, purpose)?;
    wasm::route(places)?;
    tools::wasm_bindgen(places)?;
    tools::uv(places);
    let nextest = purpose == Purpose::Test && tools::nextest(places);
    if purpose == Purpose::Test {
        tools::mongo(places);
        places.prune()?;
    }
    step.done();
    Ok(Ready { nextest })
}

fn packages(places: &Places, purpose: Purpose) -> Result<()> {
    if needs::debian() {
        let mut wanted: Vec<&str> = needs::of(purpose)
            .flat_map(|need| need.debian.iter().copied())
            .collect();
        if purpose == Purpose::Test && crate::places::program_on_path("node").is_none() {
            wanted.push("nodejs");
        }
        let missing = apt::missing(places, &wanted)?;
        return if missing.is_empty() {
            Ok(())
        } else {
            apt::install(places, &missing)
        };
    }
    let (required, wished): (Vec<_>, Vec<_>) = needs::of(purpose)
        .filter(|need| !need.present(places))
        .partition(|need| needs::of(Purpose::Run).any(|run| std::ptr::eq(run, *need)));
    if !required.is_empty() {
        bail!(
            "some things are missing; run this, then try again:\n\n  {}\n",
            needs::install_line(&required)
        );
    }
    if !wished.is_empty() {
        report::warn(&format!(
            "tests that need more will be skipped; to run them: {}",
            needs::install_line(&wished)
        ));
    }
    Ok(())
}
