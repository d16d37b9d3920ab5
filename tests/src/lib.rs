//! Owns the harness of the end-to-end tests: real residents in data directories of their own. Must never know what is
//! inside of the product: it speaks to the programs as people and scripts do.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "a harness ends a test by failing it"
)]

pub mod api;
pub mod chance;
pub mod desktop_bus;
pub mod engine;
pub mod faults;
pub mod keyring;
pub mod live;
pub mod made_up;
pub mod pictures;
pub mod platform;
pub mod program;
pub mod prompter;
pub mod resident;
pub mod screen;
pub mod screen_reader;
pub mod servers;
pub mod skip;
pub mod steady;
pub mod wait;
pub mod web_driver;

use std::path::PathBuf;

pub use api::Api;
pub use chance::Chance;
pub use resident::{Output, Resident};
pub use steady::Steady;
pub use wait::eventually;

/// The example agents' folder.
pub fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/agents")
        .join(name)
}

/// A folder with these files, gone with the value.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new()
        .prefix("agent-")
        .tempdir()
        .expect("a temporary folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("the folder is written");
        std::fs::write(path, content).expect("the file is written");
    }
    folder
}

/// Deploys a folder that must fail.
#[track_caller]
pub fn error_of_deploy(resident: &Resident, path: &str, name: &str) {
    let output = resident.try_json(&["deploy", path, "--name", name]);
    faults::error_of(&output);
}
