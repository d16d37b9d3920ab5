//! What the pinned toolchain can compile for.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command::{capture, command};
use crate::places::Places;
use crate::report;

/// A download of a standard library.
const ADDING: Duration = Duration::from_mins(3);

/// Whether the toolchain of this checkout can compile for a target, however it came to.
pub(crate) fn has(places: &Places, target: &str) -> bool {
    let asked = capture(
        command(places, "rustc").args(["--print", "target-libdir", "--target", target]),
        Duration::from_secs(15),
    );
    asked.is_ok_and(|dir| Path::new(dir.trim()).is_dir())
}

/// Adds a target to the pinned toolchain.
pub(crate) fn add(places: &Places, target: &str) -> Result<()> {
    capture(
        command(places, "rustup").args(["target", "add", target]),
        ADDING,
    )?;
    if !has(places, target) {
        bail!("rustup added {target}, but to another toolchain");
    }
    Ok(())
}

/// The target of the gate in containers of an engine on this machine. Wished for: on Linux it can be built without, and
/// elsewhere containers are made anew where they would have been updated.
pub(crate) fn gate(places: &Places) {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    if has(places, &target) {
        return;
    }
    match add(places, &target) {
        Ok(()) => report::note(&format!("containers' gate: added the target {target}")),
        Err(error) => report::note(&format!("containers' gate: no target {target}: {error:#}")),
    }
}
