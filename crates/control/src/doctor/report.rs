//! All checks as a text that can be shown to others.

use std::fmt::Write as _;

use nasiko_contract::{Check, CheckGroup, CheckState, Checkup};

use super::{redact::Redactor, surroundings::Surroundings};

/// The checks as Markdown, without secrets, the person's name, and the path of their home.
pub fn report(checkup: &Checkup, surroundings: &Surroundings) -> String {
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = write_all(&mut text, checkup);
    Redactor::new(surroundings).cut(&text)
}

fn write_all(text: &mut String, checkup: &Checkup) -> std::fmt::Result {
    let count = |state: CheckState| checkup.count(state);
    writeln!(text, "# Nasiko {}\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(
        text,
        "{} on {}; failed: {}, warnings: {}, skipped: {}, ok: {}\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        count(CheckState::Failed),
        count(CheckState::Warning),
        count(CheckState::Skipped),
        count(CheckState::Ok)
    )?;
    for group in CheckGroup::ALL {
        let mut checks = checkup
            .checks
            .iter()
            .filter(|check| check.group == group)
            .peekable();
        if checks.peek().is_none() {
            continue;
        }
        writeln!(text, "## {}\n", group.title())?;
        for check in checks {
            write_check(text, check)?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn write_check(text: &mut String, check: &Check) -> std::fmt::Result {
    let agent = check
        .agent
        .as_ref()
        .map_or_else(String::new, |agent| format!(" ({agent})"));
    writeln!(
        text,
        "- {} `{}`{agent}: {}",
        check.state.as_str(),
        check.check,
        check.cause
    )?;
    // What is well needs no proof.
    if check.state != CheckState::Ok {
        for line in &check.evidence {
            writeln!(text, "  - {line}")?;
        }
    }
    Ok(())
}
