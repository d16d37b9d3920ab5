//! Tells of tests that could not run, so that a skipped test is never taken for a passed one.

use std::io::Write as _;

/// Says on the error output, and in the file that counts skips, which test was skipped and why.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}");
    eprintln!("{line}");
    if let Some(counted) = std::env::var_os("NASIKO_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(counted)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
