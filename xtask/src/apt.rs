//! Debian's packages: which are missing, and installing them.

use std::io::IsTerminal as _;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command::{answers, capture, command, logged, run};
use crate::places::{Places, program_on_path};
use crate::report::{self, Step};

/// Downloads of some hundred megabytes on a slow line.
const LIMIT: Duration = Duration::from_mins(30);

/// Those of `packages` that are not installed. Asks dpkg alone, so it is quick and needs no network.
pub(crate) fn missing<'a>(places: &Places, packages: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut query = command(places, "dpkg-query");
    query.args(["--show", "--showformat=${Package} ${db:Status-Status}\n"]);
    // dpkg-query ends with 1 as soon as one is unknown, but lists the others.
    query
        .args(packages)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let listed = String::from_utf8_lossy(&query.output()?.stdout).into_owned();
    let installed: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .collect();
    Ok(packages
        .iter()
        .copied()
        .filter(|package| !installed.contains(package))
        .collect())
}

/// Installs `packages` as root or with sudo; where neither is to be had, says the exact command and stops. Packages
/// that this release of the system does not have are named and left out.
pub(crate) fn install(places: &Places, packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let step = Step::begin(format!(
        "installing {} Debian packages: {}",
        packages.len(),
        packages.join(" ")
    ));
    let prefix: &[&str] = if is_root(places) {
        &[]
    } else if program_on_path("sudo").is_some() && may_sudo(places) {
        &["sudo"]
    } else {
        bail!(
            "these packages are missing and installing them takes an administrator; run this, then try again:\n\n  \
             sudo apt-get install --no-install-recommends {}\n",
            packages.join(" ")
        );
    };
    apt(places, prefix, "apt update", &["update", "--quiet"])?;
    let mut words = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    let (known, unknown): (Vec<&str>, Vec<&str>) = packages
        .iter()
        .partition(|package| answers(command(places, "apt-cache").args(["show", package])));
    if !unknown.is_empty() {
        report::warn(&format!(
            "this system has no package {}",
            unknown.join(", ")
        ));
    }
    words.extend(known);
    apt(places, prefix, "apt install", &words)?;
    step.done();
    Ok(())
}

/// Whether we are root.
pub(crate) fn is_root(places: &Places) -> bool {
    cfg!(unix)
        && capture(command(places, "id").arg("-u"), Duration::from_secs(5))
            .is_ok_and(|id| id.trim() == "0")
}

fn apt(places: &Places, prefix: &[&str], name: &str, words: &[&str]) -> Result<()> {
    // Through env(1), because sudo drops variables.
    let mut line = prefix.to_vec();
    line.extend([
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "--option=DPkg::Lock::Timeout=600",
    ]);
    line.extend(words);
    logged(
        places,
        name,
        command(places, line[0]).args(&line[1..]),
        LIMIT,
    )
}

/// Without a password, or by asking the person at the terminal for it once.
fn may_sudo(places: &Places) -> bool {
    answers(command(places, "sudo").args(["--non-interactive", "true"]))
        || (std::io::stdin().is_terminal()
            && run(command(places, "sudo")
                .arg("--validate")
                .stdin(Stdio::inherit()))
            .is_ok())
}
