//! Waiting for what will be true, with a deadline.

use std::time::{Duration, Instant};

/// How long anything may take to become true before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at.
const STEP: Duration = Duration::from_millis(20);

/// Looks until `look` gives something; fails with `what` and the last reason after [`PATIENCE`].
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(reason) if Instant::now() > deadline => panic!("{what}: {reason}"),
            Err(_) => std::thread::park_timeout(STEP),
        }
    }
}
