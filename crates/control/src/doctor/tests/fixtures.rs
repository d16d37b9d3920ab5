//! What the tests of checks begin with.

use std::{ffi::OsString, path::Path, sync::Arc};

use nasiko_contract::{Check, CheckState};
use nasiko_engine::EngineConfig;

use crate::doctor::{LOOKS, Surroundings, examine, run::quietly};

/// Where no engine is.
pub(super) const NO_ENGINE: &str = "unix:///no-engine-here.sock";

/// Surroundings with nothing in them but a path to programs.
pub(super) fn around(home: &Path) -> Surroundings {
    let path = std::env::var_os("PATH").unwrap();
    Surroundings::new(
        home.to_owned(),
        vec![
            ("PATH".into(), path),
            ("NASIKO_VAULT_KEYRING".into(), "none".into()),
        ],
        EngineConfig::at(NO_ENGINE),
        Vec::new(),
    )
}

/// The same with a variable.
pub(super) fn with(
    mut surroundings: Surroundings,
    name: &str,
    value: impl Into<OsString>,
) -> Surroundings {
    surroundings.environment.push((name.into(), value.into()));
    surroundings
}

/// What one check finds that waits for nobody.
#[track_caller]
pub(super) fn look(surroundings: &Surroundings, check: &str) -> Check {
    let (spec, look) = LOOKS.iter().find(|(spec, _)| spec.id == check).unwrap();
    look(surroundings).of(spec, None)
}

/// What any check finds.
pub(super) async fn check(surroundings: Surroundings, check: &str) -> Check {
    let checkup = examine(&Arc::new(surroundings), &mut quietly).await;
    let found = checkup
        .checks
        .into_iter()
        .find(|found| found.check == check);
    found.unwrap_or_else(|| panic!("there is no check {check}"))
}

#[track_caller]
pub(super) fn assert_state(check: &Check, state: CheckState) {
    assert_eq!(check.state, state, "{check:#?}");
}

/// Whether the evidence of a check has these words.
pub(super) fn shows(check: &Check, words: &str) -> bool {
    check.evidence.iter().any(|line| line.contains(words))
}
