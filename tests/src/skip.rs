//! Tests that need what a machine may not have say so by name, and are counted.

use std::{io::Write, path::PathBuf};

/// The path in an environment variable that `cargo xtask test` sets, or a skip of `test`.
pub fn path_or_skip(test: &str, variable: &str, what: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) if !path.is_empty() => Some(path.into()),
        _ => {
            skip(test, &format!("no {what} here ({variable} is not set)"));
            None
        }
    }
}

/// The address of a container engine, or a skip of `test`.
pub fn engine_or_skip(test: &str) -> Option<String> {
    if let Some(host) = std::env::var("NASIKO_TEST_DOCKER_HOST")
        .ok()
        .filter(|host| !host.is_empty())
    {
        return Some(host);
    }
    let usual = "/var/run/docker.sock";
    if std::os::unix::net::UnixStream::connect(usual).is_ok() {
        return Some(format!("unix://{usual}"));
    }
    skip(test, "no container engine answers");
    None
}

/// Notes that `test` did not run, and why.
pub fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}\n");
    eprint!("{line}");
    if let Some(file) = std::env::var_os("NASIKO_TEST_SKIPS") {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the skip is noted");
    }
}
