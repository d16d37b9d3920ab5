//! `cargo xtask bench`: the figures that the product promises, measured on the built release programs.
//!
//! Everything goes through the command line and HTTP, as people's requests do. Comparisons take turns within one run,
//! with the order swapped, and are told as ratios or differences, since machines differ and drift.

mod day;
mod deploys;
mod desktop;
mod discovery;
mod gateway;
mod idle;
mod live;
mod numbers;
mod peers;
mod preview;
mod probe;
mod spans;
mod stack;
mod start;
mod store;

use anyhow::{Result, bail};

use self::numbers::Figure;
use crate::places::{Places, Scratch};
use crate::product::Product;
use crate::report::{Step, warn};
use crate::setup::{self, Purpose};
use crate::{build, command, engine, images, package, ui};

/// A group of figures that are measured together.
type Bench = (&'static str, fn(&Bed<'_>) -> Result<Vec<Figure>>);

/// In the order in which they are run.
const BENCHES: &[Bench] = &[
    ("start", start::measure),
    ("idle", idle::measure),
    ("preview", preview::measure),
    ("first-answer", deploys::first_answer),
    ("redeploy", deploys::redeploy),
    ("docker", deploys::first_docker),
    ("gateway", gateway::measure),
    ("store", store::measure),
    ("spans", spans::measure),
    ("stack", stack::measure),
    ("discovery", discovery::measure),
    ("live-process", live::process),
    ("live-docker", live::docker),
    ("live-heavy", live::heavy),
    ("live-watching", live::watching),
    ("desktop", desktop::measure),
    ("day", day::measure),
];
/// Those that measure what packages hold, and no engine.
const OF_PACKAGES: &[&str] = &["desktop", "day"];

/// What a bench works with.
struct Bed<'a> {
    places: &'a Places,
    /// Of this run alone.
    scratch: &'a Scratch,
    /// Absent: no engine could be had.
    docker_host: Option<String>,
}

impl Bed<'_> {
    /// The release programs, with a fresh home of that name.
    fn product(&self, home: &str) -> Product<'_> {
        self.product_of("release", home)
    }

    /// The programs that packages hold, with a fresh home of that name.
    fn packaged(&self, home: &str) -> Product<'_> {
        self.product_of("dist", home)
    }

    fn product_of(&self, profile: &'static str, home: &str) -> Product<'_> {
        Product {
            places: self.places,
            profile,
            home: Some(self.scratch.0.join(home)),
            any_ports: true,
            docker_host: self.docker_host.clone(),
            network: None,
        }
    }
}

/// Measures the benches whose name contains one of `filters` (none: all) and prints the table.
pub(crate) fn bench(places: &Places, filters: &[String]) -> Result<()> {
    let chosen: Vec<&Bench> = BENCHES
        .iter()
        .filter(|(name, _)| {
            filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
        })
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        bail!("no such bench; there are: {}", names.join(", "));
    }
    // What is measured beside the product, and the servers that it works with, are of what testing takes.
    setup::setup(places, Purpose::Test)?;
    ui::build(places, ui::Profile::Small)?;
    let of_packages = |name: &str| OF_PACKAGES.contains(&name);
    if chosen.iter().any(|(name, _)| of_packages(name)) {
        package::package(places, package::Programs::Dist, None)?;
    }
    let engine = if chosen.iter().all(|(name, _)| of_packages(name)) {
        None
    } else {
        build::programs(places, true, false)?;
        engine(places)?
    };
    let scratch = Scratch::new("bench")?;
    let bed = Bed {
        places,
        scratch: &scratch,
        docker_host: engine.as_ref().map(|engine| engine.host.clone()),
    };
    let mut figures = Vec::new();
    let mut failed = Vec::new();
    for (name, measure) in chosen {
        let step = Step::begin(format!("measuring {name}"));
        match measure(&bed) {
            Ok(measured) => {
                figures.extend(measured);
                step.done();
            }
            Err(error) => {
                eprintln!("{error:#}");
                failed.push(*name);
                step.failed();
            }
        }
        if command::interrupted() {
            bail!("interrupted");
        }
    }
    println!("\n{}", numbers::table(&figures));
    if !failed.is_empty() {
        bail!("could not be measured: {}", failed.join(", "));
    }
    Ok(())
}

/// An engine with base images, where one can be had.
fn engine(places: &Places) -> Result<Option<engine::Engine>> {
    match engine::provide(places) {
        Ok(engine) => images::provide(places, &engine.host).map(|()| Some(engine)),
        Err(error) => {
            warn(&format!("no figures with Docker: {error:#}"));
            Ok(None)
        }
    }
}
