//! Makes a machine ready. Everything is looked at first; only what is missing is installed, so a second run is quick.

use anyhow::{Result, bail};

use crate::needs::{self, Need};
use crate::places::Places;
use crate::report::{self, Step};
use crate::{apt, targets, tools, wasm};

/// What the machine is to be ready for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building and running the product.
    Run,
    /// Making packages of it, too.
    Package,
    /// Testing it and its packages, too: engine, display, browser, drivers, servers.
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
    targets::gate(places);
    wasm::route(places)?;
    tools::wasm_bindgen(places)?;
    tools::uv(places);
    let nextest = purpose == Purpose::Test && tools::nextest(places);
    if purpose == Purpose::Test {
        tools::mongo(places);
        tools::axe(places);
        places.prune()?;
    }
    step.done();
    Ok(Ready { nextest })
}

/// What running takes must be there; what testing takes besides is wished for.
fn packages(places: &Places, purpose: Purpose) -> Result<()> {
    let required = needs::of(Purpose::Run);
    if needs::debian() {
        // By package, since a program may be there without what it takes to build against it.
        let packages: Vec<&str> = required.iter().flat_map(|need| need.packages()).collect();
        apt::install(places, &apt::missing(places, &packages)?)?;
    } else {
        let missing = absent(places, required);
        if !missing.is_empty() {
            let line = needs::install_line(&missing);
            bail!("some things are missing; run this, then try again:\n\n  {line}\n");
        }
    }
    if purpose == Purpose::Run {
        return Ok(());
    }
    // By program, since people have engines and browsers that are no packages of their system.
    let mut wished = needs::of(Purpose::Package);
    if purpose == Purpose::Test {
        wished.extend(needs::of(Purpose::Test));
    }
    let missing = absent(places, wished);
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages()).collect();
    if missing.is_empty() {
        Ok(())
    } else if needs::debian() {
        apt::install(places, &packages).or_else(|error| {
            report::warn(&format!("tests that need these will be skipped: {error:#}"));
            Ok(())
        })
    } else {
        let line = needs::install_line(&missing);
        report::warn(&format!(
            "tests that need more will be skipped; to run them: {line}"
        ));
        Ok(())
    }
}

fn absent(places: &Places, needs: Vec<Need>) -> Vec<Need> {
    needs
        .into_iter()
        .filter(|need| !need.present(places))
        .collect()
}
