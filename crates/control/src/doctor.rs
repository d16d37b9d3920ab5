//! The doctor: what may be wrong around a control plane and in it, why, and what to do about it.
//!
//! A check is a small function of what it looks at. Most need no control plane, only its [`Surroundings`], so that the command
//! line can look as well when none starts ([`examine`]); those of agents, jobs and instances need one ([`plane`]). All run
//! at once and are told as they end, and each is bounded in time: one that takes longer is skipped, with that reason. What the
//! last look found is kept ([`last`]).
//!
//! A fix never loses data, stops what serves, or asks for more rights: what would is said as a command to be typed. It looks
//! first and does nothing where nothing is wrong any more, so that it may be asked for twice.

mod agents;
mod certificates;
mod directory;
mod engine;
mod files;
mod finding;
mod jobs;
mod keyring;
mod last;
mod leftovers;
mod limits;
mod lock;
mod machine;
mod network;
mod plane;
mod redact;
mod report;
mod run;
mod stored;
mod surroundings;
#[cfg(test)]
mod tests;
mod tools;
mod wsl;

pub(crate) use self::last::{Last, start};
pub use self::report::report;
pub use self::run::Tell;
pub use self::surroundings::{ExpectedPort, Surroundings};

use std::sync::Arc;

use nasiko_contract::{Check, Checkup, ErrorCode, Fault, Fixed};
use nasiko_engine::Engine;

use self::{
    finding::{Finding, Spec},
    run::Examination,
};

/// Looks at everything that needs no control plane. `tell` hears how far it is.
pub async fn examine(surroundings: &Arc<Surroundings>, tell: &mut Tell<'_>) -> Checkup {
    run::all(of_nobody(surroundings), tell).await
}

/// All that can be looked at where no control plane runs.
fn of_nobody<'a>(surroundings: &Arc<Surroundings>) -> Vec<Examination<'a>> {
    let engine = Arc::new(Engine::new(surroundings.engine.clone()));
    let mut examinations = without_plane(surroundings, &engine);
    examinations.push(Examination::new(
        [&stored::STORE, &stored::SETTINGS],
        stored::of_nobody(Arc::clone(surroundings)),
    ));
    examinations
}

/// Does what a check that needs no control plane offers, where no control plane runs. `not_found` for one that has nothing to
/// offer.
pub async fn fix(surroundings: &Arc<Surroundings>, check: &str) -> Result<Fixed, Fault> {
    let find = || async {
        let mut examinations = of_nobody(surroundings);
        examinations.retain(|examination| examination.settles(check));
        let checkup = run::all(examinations, &mut run::quietly).await;
        find(checkup.checks, check)
    };
    let Some(before) = find().await else {
        return Err(unknown(check));
    };
    if before.fix.is_none() {
        return Ok(nothing_to_do(Some(before)));
    }
    let did = match check {
        _ if check == stored::SETTINGS.id => stored::renew_settings_of_nobody(surroundings).await?,
        _ if check == keyring::KEYRING.id => keyring::unlock(surroundings).await?,
        _ => fix_files(surroundings, check).await?,
    };
    Ok(Fixed {
        changed: true,
        did,
        check: find().await,
    })
}

/// What needs no control plane and is the same with one.
fn without_plane<'a>(
    surroundings: &Arc<Surroundings>,
    engine: &Arc<Engine>,
) -> Vec<Examination<'a>> {
    let mut examinations: Vec<Examination<'a>> = LOOKS
        .iter()
        .map(|(spec, look)| {
            let surroundings = Arc::clone(surroundings);
            run::blocking(spec, move || look(&surroundings))
        })
        .collect();
    let around = || Arc::clone(surroundings);
    let asking = [
        engine::examination(around(), Arc::clone(engine)),
        run::one(&tools::PYTHON, tools::python(around())),
        run::one(&tools::PYTHON_PACKAGES, tools::python_packages(around())),
        run::one(&tools::NODE, tools::node(around())),
    ];
    examinations.extend(asking.map(|examination| examination.within(run::ASKING_LIMIT)));
    examinations.extend([
        run::one(&network::LOCALHOST, network::localhost()),
        run::one(&keyring::KEYRING, keyring::keyring(around())),
    ]);
    examinations
}

/// A look at the surroundings that waits for nobody but the disk.
type Look = fn(&Surroundings) -> Finding;

/// The looks that wait for nobody.
const LOOKS: [(&Spec, Look); 19] = [
    (&machine::DISK, machine::disk),
    (&machine::INODES, machine::inodes),
    (&machine::MEMORY, machine::memory),
    (&machine::CLOCK, machine::clock),
    (&limits::WATCHES, limits::watches),
    (&limits::WATCHERS, limits::watchers),
    (&limits::FILES, limits::files),
    (&wsl::WSL, wsl::wsl),
    (&network::PROXY, network::proxy),
    (&network::RESOLVER, network::resolver),
    (&network::CONTAINER_NAMES, network::container_names),
    (&network::PORTS, network::ports),
    (&certificates::CERTIFICATES, certificates::certificates),
    (&directory::PERMISSIONS, directory::permissions),
    (&directory::FILE_SYSTEM, directory::file_system),
    (&directory::SIZE, directory::size),
    (&lock::LOCK, lock::lock),
    (&files::STORE_PLACE, files::store_place),
    (&files::CONTEXTS, files::contexts),
];

/// The fixes that work on files alone, with a control plane or without.
async fn fix_files(surroundings: &Arc<Surroundings>, check: &str) -> Result<String, Fault> {
    let fix: fn(&Surroundings) -> Result<String, Fault> = match check {
        _ if check == directory::PERMISSIONS.id => directory::tighten,
        _ if check == lock::LOCK.id => lock::remove_stale,
        _ if check == files::CONTEXTS.id => files::put_contexts_aside,
        _ if check == limits::FILES.id => limits::raise_files,
        _ => return Err(unknown(check)),
    };
    let surroundings = Arc::clone(surroundings);
    tokio::task::spawn_blocking(move || fix(&surroundings))
        .await
        .map_err(|error| crate::plane::internal("a fix broke off", &error))?
}

/// The check of this id.
fn find(checks: Vec<Check>, check: &str) -> Option<Check> {
    checks.into_iter().find(|found| found.check == check)
}

fn nothing_to_do(check: Option<Check>) -> Fixed {
    Fixed {
        changed: false,
        did: "There was nothing to do".to_owned(),
        check,
    }
}

fn unknown(check: &str) -> Fault {
    Fault::new(
        ErrorCode::NotFound,
        format!("There is no check `{check}` that can be fixed here"),
    )
    .hint("`nasiko doctor` lists the checks, and what can be done about them")
}
